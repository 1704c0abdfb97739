//! The reader of comma-separated tables: the data files compiled into this crate, and the logs a user drops.
//!
//! It reads RFC 4180 text strictly: a header row, then rows of exactly as many cells, quoted where a cell holds a comma, a quote or a line break.
//! A byte-order mark, Windows line ends and a missing last line end are accepted; anything else that is not RFC 4180 is an error that names the line.
//! What a cell means (a unit, a device, a grid) belongs to the room that owns the table, not here.

use std::borrow::Cow;
use std::fmt;

/// What is wrong with a table, and where. Lines are counted from 1, the header being line 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableError {
    /// The table's name as given to [`Table::parse`], usually a file name.
    pub table: String,
    /// The line of the text where the offending row begins.
    pub line: usize,
    /// The column, where the fault lies in one.
    pub column: Option<String>,
    /// What was found and what was expected.
    pub fault: String,
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", self.table, self.line)?;
        if let Some(column) = &self.column {
            write!(f, ", column “{column}”")?;
        }
        write!(f, ": {}", self.fault)
    }
}

impl std::error::Error for TableError {}

/// A parsed table: a header and rows of the same width. Unquoted cells borrow from the text.
#[derive(Debug, Clone)]
pub struct Table<'a> {
    name: String,
    columns: Vec<Cow<'a, str>>,
    rows: Vec<Record<'a>>,
}

impl<'a> Table<'a> {
    /// Reads `text`; `name` appears in every error.
    ///
    /// # Errors
    /// An empty text, a column name that is empty or appears twice, a row that is wider or narrower than the header,
    /// a quote inside an unquoted cell, text after a closing quote, or a quote that is never closed.
    pub fn parse(name: &str, text: &'a str) -> Result<Table<'a>, TableError> {
        let mut records = Records { name, rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 };
        let Some(Record { line, cells: columns }) = records.next_record()? else {
            return Err(records.fault(1, "the table is empty; expected a header row"));
        };
        for (index, column) in columns.iter().enumerate() {
            if column.trim().is_empty() {
                return Err(records.fault(line, format!("column {} has no name", index + 1)));
            }
            if columns.iter().take(index).any(|other| other == column) {
                return Err(records.fault(line, format!("column “{column}” appears twice")));
            }
        }
        let mut rows = Vec::new();
        while let Some(Record { line, cells }) = records.next_record()? {
            if cells.len() != columns.len() {
                return Err(records.fault(
                    line,
                    format!(
                        "{} cells where the header has {}; a cell that holds a comma needs quotes",
                        cells.len(),
                        columns.len()
                    ),
                ));
            }
            rows.push(Record { line, cells });
        }
        Ok(Table { name: name.to_owned(), columns, rows })
    }

    /// The header's names, in the file's order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(AsRef::as_ref)
    }

    /// Whether the header has `column`.
    pub fn has_column(&self, column: &str) -> bool {
        self.columns().any(|name| name == column)
    }

    /// The rows in the file's order, without the header.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|record| Row {
            table: &self.name,
            columns: &self.columns,
            line: record.line,
            cells: &record.cells,
        })
    }
}

/// One row of a [`Table`]; cells are read by column name.
#[derive(Debug, Clone, Copy)]
pub struct Row<'t> {
    table: &'t str,
    columns: &'t [Cow<'t, str>],
    line: usize,
    cells: &'t [Cow<'t, str>],
}

impl<'t> Row<'t> {
    /// The line of the text where this row begins; the header is line 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The cell without surrounding blanks, or `None` when it is empty.
    ///
    /// # Errors
    /// The table has no such column.
    pub fn text(&self, column: &str) -> Result<Option<&'t str>, TableError> {
        let index = self
            .columns
            .iter()
            .position(|name| name == column)
            .ok_or_else(|| self.fault(column, "the table has no such column"))?;
        let cell = self.cells.get(index).map_or("", |cell| cell.trim());
        Ok((!cell.is_empty()).then_some(cell))
    }

    /// The cell, which must not be empty.
    ///
    /// # Errors
    /// An empty cell, or no such column.
    pub fn required_text(&self, column: &str) -> Result<&'t str, TableError> {
        self.text(column)?.ok_or_else(|| self.fault(column, "the cell is empty; a value is required"))
    }

    /// The cell as a finite number, or `None` when it is empty. A decimal point, no thousands separators.
    ///
    /// # Errors
    /// Text that is no finite number, or no such column.
    pub fn number(&self, column: &str) -> Result<Option<f64>, TableError> {
        let Some(text) = self.text(column)? else {
            return Ok(None);
        };
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(self.fault(column, format!("“{text}” is not a number"))),
        }
    }

    /// The cell as a finite number, which must not be empty.
    ///
    /// # Errors
    /// An empty cell, text that is no finite number, or no such column.
    pub fn required_number(&self, column: &str) -> Result<f64, TableError> {
        self.number(column)?.ok_or_else(|| self.fault(column, "the cell is empty; a number is required"))
    }

    /// The cell as a year between 1900 and 2100, or `None` when it is empty.
    ///
    /// # Errors
    /// Anything that is not such a year, or no such column.
    pub fn year(&self, column: &str) -> Result<Option<u16>, TableError> {
        let Some(text) = self.text(column)? else {
            return Ok(None);
        };
        match text.parse::<u16>() {
            Ok(year) if (1900..=2100).contains(&year) => Ok(Some(year)),
            _ => Err(self.fault(column, format!("“{text}” is not a year"))),
        }
    }

    /// The cell's entries, separated by `|`, without surrounding blanks; empty entries are left out.
    ///
    /// # Errors
    /// No such column.
    pub fn list(&self, column: &str) -> Result<impl Iterator<Item = &'t str>, TableError> {
        Ok(self.text(column)?.unwrap_or("").split('|').map(str::trim).filter(|entry| !entry.is_empty()))
    }

    /// An error at this row and `column`, for the room that knows what the cell should have held.
    pub fn fault(&self, column: &str, fault: impl Into<String>) -> TableError {
        TableError {
            table: self.table.to_owned(),
            line: self.line,
            column: Some(column.to_owned()),
            fault: fault.into(),
        }
    }
}

/// Unwraps a table that is compiled into the crate, where a fault is ours and every table has a test that reads it.
///
/// In a debug build a fault stops the program with its message; in a release build, which no faulty table reaches, it reads as an empty table.
pub fn built_in<T>(read: Result<Vec<T>, TableError>) -> Vec<T> {
    read.unwrap_or_else(|fault| {
        debug_assert!(false, "{fault}");
        Vec::new()
    })
}

/// The cells of one line, or of several where a quoted cell holds line breaks.
#[derive(Debug, Clone)]
struct Record<'a> {
    line: usize,
    cells: Vec<Cow<'a, str>>,
}

/// The text not yet read, cut into records.
struct Records<'n, 'a> {
    name: &'n str,
    rest: &'a str,
    line: usize,
}

impl<'a> Records<'_, 'a> {
    /// The next record; `None` at the end of the text.
    fn next_record(&mut self) -> Result<Option<Record<'a>>, TableError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let line = self.line;
        let mut cells = Vec::new();
        loop {
            cells.push(self.next_cell(line)?);
            if let Some(rest) = self.rest.strip_prefix(',') {
                self.rest = rest;
                continue;
            }
            // The cell ended at a line end or at the end of the text.
            if let Some(rest) = self.rest.strip_prefix("\r\n").or_else(|| self.rest.strip_prefix('\n')) {
                self.rest = rest;
                self.line += 1;
            }
            return Ok(Some(Record { line, cells }));
        }
    }

    /// The next cell; leaves `rest` at the comma, line end or end of text that follows it.
    fn next_cell(&mut self, line: usize) -> Result<Cow<'a, str>, TableError> {
        let Some(quoted) = self.rest.strip_prefix('"') else {
            let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
            let (cell, rest) = self.rest.split_at(end);
            let (cell, rest) = match cell.strip_suffix('\r') {
                // A carriage return belongs to the line end, not to the cell.
                Some(cell) if rest.starts_with('\n') || rest.is_empty() => (cell, rest),
                _ => (cell, rest),
            };
            if cell.contains('"') {
                return Err(self.fault(line, format!("a quote inside the unquoted cell “{}”", excerpt(cell))));
            }
            self.rest = rest;
            return Ok(Cow::Borrowed(cell));
        };
        let mut rest = quoted;
        let mut cell = Cow::Borrowed("");
        loop {
            let Some((piece, after)) = rest.split_once('"') else {
                return Err(self.fault(line, "a quote is opened and never closed"));
            };
            self.line += piece.matches('\n').count();
            if cell.is_empty() {
                cell = Cow::Borrowed(piece);
            } else {
                cell.to_mut().push_str(piece);
            }
            if let Some(after) = after.strip_prefix('"') {
                // Two quotes inside a quoted cell stand for one.
                cell.to_mut().push('"');
                rest = after;
                continue;
            }
            let ends = after.is_empty() || after.starts_with([',', '\n']) || after == "\r";
            if !ends && !after.starts_with("\r\n") {
                return Err(self.fault(
                    line,
                    format!(
                        "text after the closing quote of “{}”; a quote inside a quoted cell is written twice",
                        excerpt(&cell)
                    ),
                ));
            }
            self.rest = if after == "\r" { "" } else { after };
            return Ok(cell);
        }
    }

    fn fault(&self, line: usize, fault: impl Into<String>) -> TableError {
        TableError { table: self.name.to_owned(), line, column: None, fault: fault.into() }
    }
}

/// The first forty characters, so that an error stays readable when a missing quote swallows half a file.
fn excerpt(cell: &str) -> Cow<'_, str> {
    match cell.char_indices().nth(40) {
        Some((end, _)) => Cow::Owned(format!("{}…", cell.get(..end).unwrap_or(cell))),
        None => Cow::Borrowed(cell),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<Vec<String>> {
        let table = Table::parse("t.csv", text).unwrap();
        table.rows.iter().map(|record| record.cells.iter().map(|cell| cell.to_string()).collect()).collect()
    }

    fn fault(text: &str) -> String {
        Table::parse("t.csv", text).unwrap_err().to_string()
    }

    #[test]
    fn plain_rows_with_every_line_end() {
        for text in ["a,b\n1,2\n3,\n", "a,b\r\n1,2\r\n3,\r\n", "\u{feff}a,b\n1,2\n3,", "a,b\r\n1,2\r\n3,\r"] {
            assert_eq!(cells(text), [["1", "2"], ["3", ""]], "{text:?}");
        }
    }

    #[test]
    fn quoted_cells_hold_commas_quotes_and_line_breaks() {
        assert_eq!(
            cells("a,b\n\"x, y\",\"say \"\"hi\"\"\"\n\"two\nlines\",\"\"\n"),
            [["x, y", "say \"hi\""], ["two\nlines", ""]]
        );
        assert_eq!(cells("a\n\"\"\"\"\n\"\"\"q\"\n"), [["\""], ["\"q"]]);
        assert_eq!(cells("a,b\n\"1\",\"2\"\r\n\"3\",\"4\"\r"), [["1", "2"], ["3", "4"]]);
    }

    #[test]
    fn lines_are_counted_through_quoted_line_breaks() {
        let table = Table::parse("t.csv", "a\n\"x\ny\nz\"\nlast\n").unwrap();
        let lines: Vec<usize> = table.rows().map(|row| row.line()).collect();
        assert_eq!(lines, [2, 5]);
    }

    #[test]
    fn faults_name_table_and_line() {
        assert_eq!(fault(""), "t.csv, line 1: the table is empty; expected a header row");
        assert_eq!(
            fault("a,b\n1,2\n3\n"),
            "t.csv, line 3: 1 cells where the header has 2; a cell that holds a comma needs quotes"
        );
        assert_eq!(fault("a,a\n"), "t.csv, line 1: column “a” appears twice");
        assert_eq!(fault("a,\n"), "t.csv, line 1: column 2 has no name");
        assert_eq!(fault("a\n1\"2\n"), "t.csv, line 2: a quote inside the unquoted cell “1\"2”");
        assert_eq!(fault("a\n\"1\n2\n"), "t.csv, line 2: a quote is opened and never closed");
        assert!(fault("a\n\"1\"2\n").contains("text after the closing quote of “1”"));
    }

    #[test]
    fn cells_are_read_by_name_and_kind() {
        let table = Table::parse("t.csv", "id,n,y,l\n x , 1.5e3 ,2024, p | q ||\n,,,\n").unwrap();
        let rows: Vec<Row> = table.rows().collect();
        let (full, empty) = (rows[0], rows[1]);
        assert_eq!(full.required_text("id").unwrap(), "x");
        assert_eq!(full.number("n").unwrap(), Some(1500.0));
        assert_eq!(full.year("y").unwrap(), Some(2024));
        assert_eq!(full.list("l").unwrap().collect::<Vec<_>>(), ["p", "q"]);
        assert_eq!(empty.text("id").unwrap(), None);
        assert_eq!(empty.number("n").unwrap(), None);
        assert_eq!(empty.year("y").unwrap(), None);
        assert_eq!(empty.list("l").unwrap().count(), 0);
        assert_eq!(
            empty.required_number("n").unwrap_err().to_string(),
            "t.csv, line 3, column “n”: the cell is empty; a number is required"
        );
        assert_eq!(full.number("id").unwrap_err().to_string(), "t.csv, line 2, column “id”: “x” is not a number");
        assert!(full.text("colour").is_err());
        assert!(table.has_column("y") && !table.has_column("colour"));
    }

    #[test]
    fn words_that_rust_reads_as_numbers_are_refused() {
        let table = Table::parse("t.csv", "n\ninf\nNaN\n1e999\n1,5\n");
        assert!(table.is_err(), "a decimal comma makes a second cell");
        let table = Table::parse("t.csv", "n\ninf\nNaN\n1e999\n").unwrap();
        for row in table.rows() {
            assert!(row.number("n").is_err(), "line {}", row.line());
        }
    }

    #[test]
    fn a_cut_table_never_panics() {
        let text = "a,b\r\n\"x, “y”\",\"z\"\"\"\n1,2\r\n";
        for (end, _) in text.char_indices() {
            let _ = Table::parse("t.csv", &text[..end]);
        }
    }
}
