//! A validation as a table of comma-separated values.

use super::Validation;
use std::collections::BTreeSet;

/// A cell: in quotes where it holds what would end it.
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

impl Validation {
    /// The rows as a table with a head, one line each, and a column for each other method that says something of any row.
    /// Rows that were passed over are not in it.
    pub fn csv(&self) -> String {
        let methods: BTreeSet<&str> = self.rows.iter().flat_map(|row| row.peers.keys().map(String::as_str)).collect();
        let head = [
            "id",
            "quantity",
            "compared",
            "unit",
            "published",
            "low",
            "central",
            "high",
            "error_factor",
            "within_range",
            "in_sample",
            "source",
        ];
        let mut lines = vec![head.into_iter().chain(methods.iter().copied()).map(cell).collect::<Vec<_>>().join(",")];
        for row in &self.rows {
            let mut cells = vec![
                cell(&row.id),
                cell(&row.quantity),
                cell(&row.compared),
                cell(&row.unit),
                row.published.to_string(),
                row.low.to_string(),
                row.central.to_string(),
                row.high.to_string(),
                row.error_factor.to_string(),
                row.is_within().to_string(),
                row.in_sample.to_string(),
                cell(&row.source),
            ];
            cells.extend(methods.iter().map(|name| row.peers.get(*name).map(f64::to_string).unwrap_or_default()));
            lines.push(cells.join(","));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::super::Compared;
    use super::*;
    use crate::tables::Table;

    #[test]
    fn the_table_can_be_read_again_whatever_its_names_hold() {
        let row = Compared {
            id: "a, “b” and \"c\"".to_owned(),
            quantity: "energy".to_owned(),
            published: 2.0,
            low: 1.0,
            central: 1.5,
            high: 3.0,
            error_factor: 4.0 / 3.0,
            peers: [("Another, too".to_owned(), 7.5)].into(),
            ..Compared::default()
        };
        let bare = Compared { id: "bare".to_owned(), peers: Default::default(), ..row.clone() };
        let all = Validation { rows: vec![row, bare], ..Validation::default() };
        let text = all.csv();
        let table = Table::parse("t.csv", &text).unwrap();
        let rows: Vec<_> = table.rows().collect();
        assert_eq!(rows[0].required_text("id").unwrap(), "a, “b” and \"c\"");
        assert_eq!(rows[0].required_text("within_range").unwrap(), "true");
        assert_eq!(rows[0].number("Another, too").unwrap(), Some(7.5));
        assert_eq!(rows[1].number("Another, too").unwrap(), None);
    }
}
