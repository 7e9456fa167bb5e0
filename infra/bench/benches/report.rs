//! What was measured, for people and for programs: the same tables as text and as JSON.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

/// Where it is written to.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/bench");

/// All tables, the last of which says whether the limits are kept.
#[derive(Debug)]
pub(crate) struct Report {
    tables: Vec<Table>,
    limits: Table,
}

/// What was measured of one subject.
#[derive(Debug)]
pub(crate) struct Table {
    name: &'static str,
    title: &'static str,
    columns: &'static [&'static str],
    rows: Vec<Vec<Cell>>,
}

/// One value.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(crate) enum Cell {
    Text(String),
    Count(i64),
    Ms(f64),
    Kept(bool),
}

impl Report {
    pub(crate) fn new() -> Self {
        let limits = Table::new("limits", "Limits", &["limit", "measured", "lessThan", "kept"]);
        Self { tables: Vec::new(), limits }
    }

    pub(crate) fn add(&mut self, table: Table) {
        self.tables.push(table);
    }

    /// Notes a limit, below which that has to be which was measured.
    pub(crate) fn limit(&mut self, limit: &str, measured: impl Into<Cell>, less_than: impl Into<Cell>) {
        let (measured, less_than) = (measured.into(), less_than.into());
        let kept = Cell::Kept(measured < less_than);
        self.limits.add([limit.into(), measured, less_than, kept]);
    }

    /// Writes it down.
    pub(crate) fn write(self) {
        let tables: Vec<Table> = self.tables.into_iter().chain([self.limits]).collect();
        let text: Vec<String> = tables.iter().map(Table::text).collect();
        let json: Map<String, Value> = tables.iter().map(|table| (table.name.to_owned(), table.json())).collect();
        let folder = Path::new(FOLDER);
        fs::write(folder.join("report.txt"), text.join("\n")).unwrap();
        fs::write(folder.join("report.json"), format!("{:#}\n", Value::from(json))).unwrap();
    }
}

impl Table {
    /// An empty one. Columns are called as they are in JSON.
    pub(crate) fn new(name: &'static str, title: &'static str, columns: &'static [&'static str]) -> Self {
        Self { name, title, columns, rows: Vec::new() }
    }

    pub(crate) fn add(&mut self, row: impl IntoIterator<Item = Cell>) {
        let row: Vec<Cell> = row.into_iter().collect();
        assert_eq!(row.len(), self.columns.len(), "{}", self.title);
        self.rows.push(row);
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n\n", self.title);
        let heading: Vec<String> = self.columns.iter().map(|column| words(column)).collect();
        let rows = self.rows.iter().map(|row| row.iter().map(Cell::text).collect());
        let lines: Vec<Vec<String>> = std::iter::once(heading).chain(rows).collect();
        for line in &lines {
            for (column, cell) in line.iter().enumerate() {
                let width = lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
                let is_text = self.rows.iter().all(|row| matches!(row[column], Cell::Text(_)));
                let padded = if is_text { format!("  {cell:<width$}") } else { format!("  {cell:>width$}") };
                text.push_str(&padded);
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        text
    }

    fn json(&self) -> Value {
        let object = |row: &Vec<Cell>| -> Value {
            let pairs = self.columns.iter().zip(row);
            pairs.map(|(column, cell)| ((*column).to_owned(), cell.json())).collect::<Map<_, _>>().into()
        };
        self.rows.iter().map(object).collect()
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Cell {
    fn from(count: i64) -> Self {
        Self::Count(count)
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Self {
        Self::Count(count.try_into().unwrap())
    }
}

/// Milliseconds.
impl From<f64> for Cell {
    fn from(ms: f64) -> Self {
        Self::Ms(ms)
    }
}

impl Cell {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Ms(ms) => format!("{ms:.2}"),
            Self::Kept(kept) => if *kept { "yes" } else { "NO" }.to_owned(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Count(count) => json!(count),
            Self::Ms(ms) => json!((ms * 1_000.0).round() / 1_000.0),
            Self::Kept(kept) => json!(kept),
        }
    }
}

/// A name in camel case as words.
fn words(name: &str) -> String {
    let mut words = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(character.to_ascii_lowercase());
    }
    words
}
