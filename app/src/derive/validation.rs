//! Estimates beside what was published: which rows are shown in which order, and the chart of them.

use crate::charts::{Dot, Scatter};
use crate::numbers;
use crate::text::validation as text;
use estimator::carbon::published;
use estimator::energy::calibration::{self, Missed};
use estimator::energy::validate::{Compared, Validation};
use estimator::format;
use estimator::sources::{self, Source};

pub use estimator::energy::validate::Work;

/// The band of the chart: within a factor of two.
const BAND: f64 = 2.0;

/// A column that rows can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Column {
    /// The row's name, as in the table.
    #[default]
    Table,
    /// The name.
    Name,
    /// What is compared.
    Quantity,
    /// The published figure.
    Published,
    /// Our estimate.
    Central,
    /// How far off it is.
    Factor,
}

impl Column {
    /// Every column, with its name in addresses.
    pub const ALL: [(Column, &'static str); 6] = [
        (Column::Table, "table"),
        (Column::Name, "name"),
        (Column::Quantity, "quantity"),
        (Column::Published, "published"),
        (Column::Central, "estimated"),
        (Column::Factor, "factor"),
    ];
}

/// Which rows are shown, and in which order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// Words that a row must contain.
    pub find: String,
    /// What is compared; empty for all.
    pub quantity: String,
    /// Only rows whose published figure lies outside our range.
    pub outside: bool,
    /// The order.
    pub sort: Column,
    /// From the largest.
    pub down: bool,
}

/// The name of the model where we know a better one than the row's id.
pub fn name(row: &Compared) -> &str {
    published::get(&row.id).map_or(row.id.as_str(), |run| run.model.as_str())
}

/// The publication of a row.
pub fn source(row: &Compared) -> Option<&'static Source> {
    sources::get(&row.source)
}

/// The places of the rows that a view shows, in its order.
pub fn chosen(found: &Validation, view: &View) -> Vec<usize> {
    let words: Vec<String> = view.find.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let has_words = |row: &Compared| {
        let all = format!("{} {} {} {} {}", row.id, name(row), row.quantity, row.compared, row.source).to_lowercase();
        words.iter().all(|word| all.contains(word.as_str()))
    };
    let mut kept: Vec<(usize, &Compared)> = found
        .rows
        .iter()
        .enumerate()
        .filter(|(_, row)| view.quantity.is_empty() || row.quantity == view.quantity)
        .filter(|(_, row)| !(view.outside && row.is_within()))
        .filter(|(_, row)| words.is_empty() || has_words(row))
        .collect();
    kept.sort_by(|(a_place, a), (b_place, b)| {
        let order = match view.sort {
            Column::Table => a_place.cmp(b_place),
            Column::Name => name(a).cmp(name(b)),
            Column::Quantity => a.quantity.cmp(&b.quantity),
            Column::Published => a.published.total_cmp(&b.published),
            Column::Central => a.central.total_cmp(&b.central),
            Column::Factor => a.error_factor.total_cmp(&b.error_factor),
        };
        if view.down { order.reverse() } else { order }.then(a_place.cmp(b_place))
    });
    kept.into_iter().map(|(place, _)| place).collect()
}

/// What the fit of serving missed, of rows that it had seen and of those that it had not.
pub fn missed() -> &'static [Missed] {
    calibration::errors()
}

/// What is compared in any row, each once, in the order of the rows.
pub fn quantities(found: &Validation) -> Vec<&str> {
    let mut all: Vec<&str> = Vec::new();
    for row in &found.rows {
        if !all.contains(&row.quantity.as_str()) {
            all.push(&row.quantity);
        }
    }
    all
}

/// The methods that say something of any row.
pub fn methods(found: &Validation) -> Vec<&str> {
    found.peers.keys().map(String::as_str).collect()
}

/// Published against estimated, for these rows; with the figures of another method as rings.
pub fn chart(found: &Validation, places: &[usize], method: &str) -> Scatter {
    let rows: Vec<&Compared> = places.iter().filter_map(|place| found.rows.get(*place)).collect();
    let unit = rows.first().map(|row| row.unit.as_str()).filter(|unit| rows.iter().all(|row| row.unit == *unit));
    let ours = rows.iter().map(|row| Dot {
        label: name(row).to_owned(),
        x: row.published,
        y: row.central,
        range: Some((row.low, row.high)),
        series: 0,
    });
    let theirs = rows.iter().filter_map(|row| {
        let said = row.peers.get(method)?;
        Some(Dot { label: name(row).to_owned(), x: row.published, y: *said, range: None, series: 1 })
    });
    let within_band = rows.iter().filter(|row| row.error_factor <= BAND).count();
    let within_range = rows.iter().filter(|row| row.is_within()).count();
    let worst = rows.iter().max_by(|a, b| a.error_factor.total_cmp(&b.error_factor));
    let mut series = vec![text::OURS.to_owned()];
    series.extend(Some(method.to_owned()).filter(|method| !method.is_empty()));
    Scatter {
        dots: theirs.chain(ours).collect(),
        series,
        band: BAND,
        band_name: text::band(&format::number(BAND)),
        summary: text::summary(
            rows.len(),
            within_band,
            within_range,
            worst.map(|row| (name(row), numbers::rough(row.error_factor))),
        ),
        axes: text::axes(unit),
        head: text::CHART_HEAD.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, quantity: &str, published: f64, central: f64) -> Compared {
        let ratio = central / published;
        Compared {
            id: id.to_owned(),
            quantity: quantity.to_owned(),
            published,
            low: central * 0.8,
            central,
            high: central * 1.25,
            unit: "kWh".to_owned(),
            error_factor: ratio.max(1.0 / ratio),
            ..Compared::default()
        }
    }

    fn found() -> Validation {
        let rows = vec![row("b", "energy", 10.0, 11.0), row("a", "energy", 5.0, 20.0), row("c", "time", 1.0, 1.0)];
        Validation { rows, ..Validation::default() }
    }

    #[test]
    fn rows_are_filtered_and_sorted() {
        let found = found();
        let view = |change: fn(&mut View)| {
            let mut view = View::default();
            change(&mut view);
            chosen(&found, &view)
        };
        assert_eq!(view(|_| {}), [0, 1, 2]);
        assert_eq!(view(|view| view.quantity = "energy".to_owned()), [0, 1]);
        assert_eq!(view(|view| view.outside = true), [1]);
        assert_eq!(view(|view| view.find = "TIME c".to_owned()), [2]);
        assert_eq!(view(|view| view.find = "nothing".to_owned()), [0usize; 0]);
        assert_eq!(view(|view| view.sort = Column::Name), [1, 0, 2]);
        assert_eq!(
            view(|view| {
                view.sort = Column::Factor;
                view.down = true;
            }),
            [1, 0, 2]
        );
        assert_eq!(quantities(&found), ["energy", "time"]);
    }

    #[test]
    fn the_chart_holds_ours_and_the_other_method_and_names_the_worst() {
        let mut found = found();
        found.rows[0].peers.insert("Simple".to_owned(), 3.0);
        let chart = chart(&found, &[0, 1], "Simple");
        assert_eq!(chart.dots.iter().filter(|dot| dot.series == 1).count(), 1);
        assert_eq!(chart.dots.iter().filter(|dot| dot.series == 0).count(), 2);
        assert!(chart.summary.contains("1 of 2") && chart.summary.contains('a'), "{}", chart.summary);
        assert!(chart.axes[0].contains("kWh"));
    }

    #[test]
    fn every_row_of_our_tables_links_to_its_source() {
        let mut work = Work::every_table().unwrap();
        work.advance(3);
        let found = work.finish();
        assert!(!found.rows.is_empty());
        for row in &found.rows {
            assert!(source(row).is_some_and(|source| source.link().is_some()), "{}", row.id);
        }
    }
}
