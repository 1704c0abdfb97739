//! Finding a place by what people type: a country, a state, a city, a cloud region, a supercomputer.
//!
//! How an answer is ranked is said in [`crate::search`].
//! What a place's electricity emits belongs to [`super::grids`] and [`super::sites`].

use super::grids::{self, Grid};
use super::sites::{self, Site};
use crate::search::{Names, Query, Rank};
use std::sync::OnceLock;

/// Something that a search finds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place {
    /// A country, or a part of one.
    Grid(&'static Grid),
    /// A cloud region, a supercomputer or one's own place.
    Site(&'static Site),
}

impl Place {
    /// The id, unique over grids and sites: sites have a colon in theirs.
    pub fn id(self) -> &'static str {
        match self {
            Self::Grid(grid) => &grid.id,
            Self::Site(site) => &site.id,
        }
    }

    /// The name that people read.
    pub fn name(self) -> &'static str {
        match self {
            Self::Grid(grid) => &grid.name,
            Self::Site(site) => &site.name,
        }
    }

    /// The grid, or the grid that feeds the site; `None` for one's own place, which is wherever its user is.
    pub fn grid(self) -> Option<&'static Grid> {
        match self {
            Self::Grid(grid) => Some(grid),
            Self::Site(site) => site.grid(),
        }
    }
}

/// The place with this id, as a scenario or a command names it.
pub fn get(id: &str) -> Option<Place> {
    grids::get(id).map(Place::Grid).or_else(|| sites::get(id).map(Place::Site))
}

/// Searches all places. An empty text finds nothing: the caller shows its own first list.
///
/// Of equal rank, countries come before parts of countries and these before sites; within those the files' order holds.
pub fn search(text: &str) -> Vec<(Place, Rank)> {
    let query = Query::new(text);
    let mut found: Vec<(Place, Rank)> =
        index().iter().filter_map(|entry| Some((entry.place, entry.names.rank(&query)?))).collect();
    // A stable sort keeps the index's order, which is the order promised for equal ranks.
    found.sort_by_key(|(_, rank)| *rank);
    found
}

/// One place with the names it answers to.
struct Entry {
    place: Place,
    names: Names,
}

fn index() -> &'static [Entry] {
    static INDEX: OnceLock<Vec<Entry>> = OnceLock::new();
    INDEX.get_or_init(|| {
        let countries = grids::all().iter().filter(|grid| grid.parent.is_none());
        let parts = grids::all().iter().filter(|grid| grid.parent.is_some());
        countries.chain(parts).map(grid_entry).chain(sites::all().iter().map(site_entry)).collect()
    })
}

fn grid_entry(grid: &'static Grid) -> Entry {
    let codes = [&grid.alpha2, &grid.alpha3].into_iter().flatten();
    Entry {
        place: Place::Grid(grid),
        names: Names::new(
            &grid.id,
            codes.chain([&grid.name]),
            &grid.aliases,
            grid.country().map(|country| country.name.as_str()),
        ),
    }
}

fn site_entry(site: &'static Site) -> Entry {
    let country = grids::get(&site.country);
    let country_names = country.into_iter().flat_map(|country| [&country.name].into_iter().chain(&country.alpha2));
    Entry {
        place: Place::Site(site),
        names: Names::new(
            &site.id,
            [&site.name],
            [&site.region, &site.city].into_iter().chain(&site.aliases),
            std::iter::once(site.provider_name())
                .chain(country_names.map(String::as_str))
                .chain(site.grid().map(|grid| grid.name.as_str())),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<&'static str> {
        search(text).iter().map(|(place, _)| place.id()).collect()
    }

    fn position(text: &str, id: &str) -> usize {
        ids(text).iter().position(|found| *found == id).unwrap_or_else(|| panic!("“{text}” does not find {id}"))
    }

    #[test]
    fn ids_find_themselves_first() {
        for place in grids::all().iter().map(Place::Grid).chain(sites::all().iter().map(Place::Site)) {
            let found = search(place.id());
            assert_eq!(found[0].1, Rank::Id, "{}", place.id());
            assert!(found.contains(&(place, Rank::Id)), "{}", place.id());
            if !place.id().contains(':') {
                assert_eq!(found[0].0, place);
            }
            assert_eq!(get(place.id()), Some(place));
        }
    }

    #[test]
    fn countries_are_found_by_name_code_accent_and_beginning() {
        for (text, id) in [
            ("France", "fr"),
            ("FRA", "fr"),
            ("fr", "fr"),
            ("uk", "gb"),
            ("Deutschland", "de"),
            ("türkiye", "tr"),
            ("turkiye", "tr"),
            ("Ivory Coast", "ci"),
            ("reunion", "re"),
            ("south ko", "kr"),
            ("United States", "us"),
            ("usa", "us"),
            ("world", "world"),
        ] {
            assert_eq!(ids(text)[0], id, "{text}");
        }
    }

    #[test]
    fn cities_find_their_grid_and_the_clouds_there() {
        assert_eq!(ids("Virginia")[0], "us-va");
        assert_eq!(ids("ashburn")[0], "us-srvc");
        assert!(ids("ashburn").contains(&"aws:us-east-1"));
        assert!(ids("Frankfurt").starts_with(&["de"]));
        assert!(position("frankfurt", "aws:eu-central-1") < 12);
        assert!(ids("montreal").contains(&"ca-qc"));
        assert!(ids("zurich").contains(&"gcp:europe-west6"));
        assert!(ids("Zürich").contains(&"oci:eu-zurich-1"));
        assert!(ids("bangalore").contains(&"in"));
        assert!(ids("n'djamena").contains(&"td"));
    }

    #[test]
    fn cloud_regions_are_found_by_region_provider_and_country() {
        assert_eq!(ids("us-east-1")[0], "aws:us-east-1");
        assert_eq!(ids("europe-west4"), ["gcp:europe-west4"]);
        assert!(ids("aws virginia").contains(&"aws:us-east-1"));
        assert!(ids("azure sweden").contains(&"azure:swedencentral"));
        assert!(ids("google belgium").contains(&"gcp:europe-west1"));
        assert!(ids("ovh").len() >= 12);
        assert_eq!(ids("jean zay")[0], "hpc:jean-zay");
        assert_eq!(ids("home")[0], "own:home");
    }

    #[test]
    fn a_better_match_comes_first() {
        let found = search("georgia");
        assert_eq!(found[0].0.id(), "ge", "the country before the US state of that name");
        assert!(found.windows(2).all(|pair| pair[0].1 <= pair[1].1));
        assert!(position("oregon", "us-or") < position("oregon", "aws:us-west-2"));
        assert!(position("in", "in") < position("in", "id"));
    }

    #[test]
    fn nothing_and_nonsense_find_nothing() {
        for text in ["", "  ", "—", "\u{0}", "xyzzy", "no such place at all"] {
            assert!(search(text).is_empty(), "{text:?}");
        }
    }
}
