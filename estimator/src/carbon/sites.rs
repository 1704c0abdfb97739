//! Sites: cloud regions, supercomputers, one's own room; the grid each hangs on and what it adds to the energy of the machines.
//!
//! A site has its own power and water usage effectiveness where its operator publishes them;
//! otherwise the operator's average stands in and says so, and where there is none either, the caller takes the industry's figure from [`super::factors`].
//! How clean the electricity is belongs to [`super::grids`].

use super::grids::{self, Grid};
use crate::range::Ratio;
use crate::sources::Evidence;
use crate::tables::{Row, Table, TableError, built_in};
use crate::units::{GramsPerKilowattHour, LitresPerKilowattHour};
use std::collections::HashMap;
use std::sync::OnceLock;

/// What sort of place a site is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A region of a cloud provider.
    Cloud,
    /// A research computer.
    Supercomputer,
    /// A home, an office, a device in the field: no data centre around the machine.
    Personal,
    /// All data centres of a provider together; not a place one can choose.
    Fleet,
}

/// A published figure with what stands behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Published<T> {
    /// The figure.
    pub value: T,
    /// Who published it, for which year.
    pub evidence: Evidence,
}

/// What a published figure of a site describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// This site, or its operator's campus in the same area.
    Site,
    /// The average of the operator's data centres; this site's own figure is not published.
    Fleet,
}

/// A place where machines run.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// The id: `aws:us-east-1`, `hpc:jean-zay`, `own:home`.
    pub id: String,
    /// What sort of place it is.
    pub kind: Kind,
    /// The operator's short name: `aws`, `gcp`, `azure`, `ovh`, `oci`, `scaleway` …
    pub provider: String,
    /// The operator's own name for it: `us-east-1`.
    pub region: String,
    /// The name that people read.
    pub name: String,
    /// The city, or the nearest one that the operator names.
    pub city: String,
    /// The country's grid id; empty for a fleet and for sites that move with their user.
    pub country: String,
    /// The id of the grid that feeds it; empty as `country` is.
    pub grid: String,
    /// Other names.
    pub aliases: Vec<String>,
    /// Its own power usage effectiveness.
    pub own_pue: Option<Published<Ratio>>,
    /// Its own water usage effectiveness: litres of water at the site for each kWh of the machines.
    pub own_wue: Option<Published<LitresPerKilowattHour>>,
    /// The grid's carbon intensity as the operator publishes it for this site, direct basis.
    pub operator_intensity: Option<Published<GramsPerKilowattHour>>,
    /// The share of the site's hours that the operator matches with carbon-free energy; a market-based figure.
    pub carbon_free_share: Option<Published<Ratio>>,
    /// What a reader should know; usually empty.
    pub note: String,
}

impl Site {
    /// The grid that feeds it.
    pub fn grid(&self) -> Option<&'static Grid> {
        grids::get(&self.grid)
    }

    /// The operator's average over all its data centres.
    pub fn fleet(&self) -> Option<&'static Site> {
        fleets().iter().find(|fleet| fleet.provider == self.provider)
    }

    /// Power usage effectiveness: its own, or its operator's average.
    pub fn pue(&self) -> Option<(Published<Ratio>, Scope)> {
        let own = self.own_pue.map(|pue| (pue, Scope::Site));
        own.or_else(|| Some((self.fleet()?.own_pue?, Scope::Fleet)))
    }

    /// Water usage effectiveness: its own, or its operator's average.
    pub fn wue(&self) -> Option<(Published<LitresPerKilowattHour>, Scope)> {
        let own = self.own_wue.map(|wue| (wue, Scope::Site));
        own.or_else(|| Some((self.fleet()?.own_wue?, Scope::Fleet)))
    }

    /// The operator's name in words.
    pub fn provider_name(&self) -> &str {
        match self.provider.as_str() {
            "aws" => "Amazon Web Services",
            "gcp" => "Google Cloud",
            "azure" => "Microsoft Azure",
            "ovh" => "OVHcloud",
            "oci" => "Oracle Cloud",
            "scaleway" => "Scaleway",
            "hetzner" => "Hetzner",
            "ibm" => "IBM Cloud",
            "alibaba" => "Alibaba Cloud",
            "hpc" => "Research computer",
            "own" => "Your own place",
            other => other,
        }
    }
}

fn tables() -> &'static (Vec<Site>, Vec<Site>) {
    static TABLES: OnceLock<(Vec<Site>, Vec<Site>)> = OnceLock::new();
    TABLES.get_or_init(|| {
        let sites = built_in(read("sites.csv", include_str!("../../data/sites.csv")));
        sites.into_iter().partition(|site| site.kind != Kind::Fleet)
    })
}

/// All sites that one can choose, in the file's order.
pub fn all() -> &'static [Site] {
    &tables().0
}

/// The averages of operators.
pub fn fleets() -> &'static [Site] {
    &tables().1
}

/// The site with this id; letter case does not matter.
pub fn get(id: &str) -> Option<&'static Site> {
    static BY_ID: OnceLock<HashMap<&'static str, &'static Site>> = OnceLock::new();
    BY_ID
        .get_or_init(|| all().iter().map(|site| (site.id.as_str(), site)).collect())
        .get(id.to_lowercase().as_str())
        .copied()
}

fn read(name: &str, text: &str) -> Result<Vec<Site>, TableError> {
    Table::parse(name, text)?
        .rows()
        .map(|row| {
            let text = |column| Ok(row.text(column)?.unwrap_or_default().to_owned());
            Ok(Site {
                id: row.required_text("id")?.to_owned(),
                kind: match row.required_text("kind")? {
                    "cloud" => Kind::Cloud,
                    "supercomputer" => Kind::Supercomputer,
                    "personal" => Kind::Personal,
                    "fleet" => Kind::Fleet,
                    other => return Err(row.fault("kind", format!("“{other}” is no kind of site"))),
                },
                provider: row.required_text("provider")?.to_owned(),
                region: row.required_text("region")?.to_owned(),
                name: row.required_text("name")?.to_owned(),
                city: text("city")?,
                country: text("country")?,
                grid: text("grid")?,
                aliases: row.list("aliases")?.map(str::to_owned).collect(),
                own_pue: published(&row, "pue", ["pue_source", "pue_year", "pue_certainty"], Ratio)?,
                own_wue: published(
                    &row,
                    "wue_l_per_kwh",
                    ["wue_source", "wue_year", "wue_certainty"],
                    LitresPerKilowattHour,
                )?,
                operator_intensity: published(
                    &row,
                    "g_per_kwh",
                    ["carbon_source", "carbon_year", "carbon_certainty"],
                    GramsPerKilowattHour,
                )?,
                carbon_free_share: published(
                    &row,
                    "carbon_free_share",
                    ["carbon_source", "carbon_year", "carbon_certainty"],
                    Ratio,
                )?,
                note: text("note")?,
            })
        })
        .collect()
}

/// A figure and its evidence, which must be there when the figure is.
fn published<T>(
    row: &Row<'_>,
    column: &str,
    [source, year, certainty]: [&str; 3],
    unit: impl Fn(f64) -> T,
) -> Result<Option<Published<T>>, TableError> {
    let Some(value) = row.number(column)? else { return Ok(None) };
    let evidence = Evidence::read(row, source, year, certainty)?;
    Ok(Some(Published { value: unit(value), evidence }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_table_reads_and_ids_are_unique() {
        let sites = read("sites.csv", include_str!("../../data/sites.csv")).unwrap();
        let ids: HashSet<&str> = sites.iter().map(|site| site.id.as_str()).collect();
        assert_eq!(ids.len(), sites.len());
        assert_eq!(all().len() + fleets().len(), sites.len());
    }

    #[test]
    fn every_large_provider_is_there() {
        let count = |provider: &str| all().iter().filter(|site| site.provider == provider).count();
        for (provider, least) in [("aws", 35), ("gcp", 40), ("azure", 60), ("ovh", 12), ("oci", 40), ("scaleway", 9)] {
            assert!(count(provider) >= least, "{provider} has {}", count(provider));
        }
        assert!(all().iter().filter(|site| site.kind == Kind::Cloud).count() >= 120);
        assert!(all().iter().filter(|site| site.kind == Kind::Supercomputer).count() >= 20);
    }

    #[test]
    fn ids_join_provider_and_region() {
        for site in all().iter().chain(fleets()) {
            assert_eq!(site.id, format!("{}:{}", site.provider, site.region));
        }
    }

    #[test]
    fn grids_and_countries_resolve_and_agree() {
        for site in all() {
            if site.kind == Kind::Personal {
                assert!(site.grid.is_empty() && site.country.is_empty(), "{}", site.id);
                continue;
            }
            let grid = site.grid().unwrap_or_else(|| panic!("{}: no grid “{}”", site.id, site.grid));
            let country = grids::get(&site.country).unwrap_or_else(|| panic!("{}: {}", site.id, site.country));
            assert!(country.alpha2.is_some(), "{}", site.id);
            assert_eq!(grid.parent.as_deref().unwrap_or(&grid.id), country.id, "{}", site.id);
            assert!(!site.city.is_empty(), "{}", site.id);
        }
    }

    #[test]
    fn sites_in_large_countries_hang_on_a_part_of_the_grid() {
        for site in all().iter().filter(|site| ["us", "ca", "au", "cn", "jp"].contains(&site.country.as_str())) {
            assert!(site.grid.contains('-'), "{} hangs on all of {}", site.id, site.grid);
        }
    }

    #[test]
    fn figures_are_plausible() {
        for site in all().iter().chain(fleets()) {
            if let Some(pue) = site.own_pue {
                assert!((1.0..=3.0).contains(&pue.value.0), "{}", site.id);
                assert!((2015..=2026).contains(&pue.evidence.year), "{}", site.id);
            }
            if let Some(wue) = site.own_wue {
                assert!((0.0..=5.0).contains(&wue.value.0), "{}", site.id);
            }
            if let Some(share) = site.carbon_free_share {
                assert!((0.0..=1.0).contains(&share.value.0), "{}", site.id);
            }
            if let Some(intensity) = site.operator_intensity {
                assert!((0.0..=1500.0).contains(&intensity.value.0), "{}", site.id);
            }
        }
    }

    #[test]
    fn a_site_without_its_own_figure_takes_its_operators_average() {
        let own = get("aws:us-east-1").unwrap();
        assert_eq!(own.pue().map(|(pue, scope)| (pue.value.0, scope)), Some((1.15, Scope::Site)));
        let paris = get("AWS:eu-west-3").unwrap();
        assert!(paris.own_pue.is_none());
        assert_eq!(paris.pue().map(|(pue, scope)| (pue.value.0, scope)), Some((1.14, Scope::Fleet)));
        assert_eq!(paris.wue().map(|(_, scope)| scope), Some(Scope::Fleet));
        let oracle = get("oci:us-ashburn-1").unwrap();
        assert!(oracle.pue().is_none(), "Oracle publishes no figure, so none is made up");
    }

    #[test]
    fn a_machine_at_home_has_no_data_centre_around_it() {
        for id in ["own:home", "own:office"] {
            assert_eq!(get(id).unwrap().pue().map(|(pue, _)| pue.value.0), Some(1.0));
        }
    }

    #[test]
    fn a_figure_without_evidence_is_refused() {
        let header = include_str!("../../data/sites.csv").lines().next().unwrap();
        let columns = header.split(',').count();
        let mut row: Vec<&str> = "x:y,cloud,x,y,n,c,fr,fr,,1.2".split(',').collect();
        row.resize(columns, "");
        let fault = read("t.csv", &format!("{header}\n{}\n", row.join(","))).unwrap_err().to_string();
        assert!(fault.contains("pue_source"), "{fault}");
    }
}
