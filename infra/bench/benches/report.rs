//! What was measured, for people and for programs: the same tables as text and as JSON.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

/// Where it is written to.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/bench");

/// All tables, and whether what is required is kept.
#[derive(Debug, Default)]
pub(crate) struct Report {
    tables: Vec<Table>,
    requirements: Vec<Requirement>,
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
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    Text(String),
    Count(usize),
    Ms(f64),
}

/// A value that must stay below another.
#[derive(Debug)]
pub(crate) struct Requirement {
    what: String,
    measured: Cell,
    limit: Cell,
    met: bool,
}

impl Report {
    pub(crate) fn add(&mut self, table: Table) {
        self.tables.push(table);
    }

    pub(crate) fn require(&mut self, requirement: Requirement) {
        self.requirements.push(requirement);
    }

    /// Writes it down.
    pub(crate) fn write(&self) {
        let folder = Path::new(FOLDER);
        fs::write(folder.join("report.txt"), self.text()).unwrap();
        fs::write(folder.join("report.json"), format!("{:#}\n", self.json())).unwrap();
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for table in &self.tables {
            text.push_str(&table.text());
            text.push('\n');
        }
        text.push_str("Required\n");
        for Requirement { what, measured, limit, met } in &self.requirements {
            let verdict = if *met { "kept  " } else { "MISSED" };
            writeln!(text, "  {verdict}  {what} {}, to be less than {}", measured.text(), limit.text()).unwrap();
        }
        text
    }

    fn json(&self) -> Value {
        let mut all: Map<String, Value> =
            self.tables.iter().map(|table| (table.name.to_owned(), table.json())).collect();
        let requirements = self.requirements.iter().map(|Requirement { what, measured, limit, met }| {
            json!({ "what": what, "measured": measured.json(), "lessThan": limit.json(), "kept": met })
        });
        all.insert("requirements".to_owned(), requirements.collect());
        all.into()
    }
}

impl Table {
    /// An empty one. Columns have the names that they have in JSON.
    pub(crate) fn new(name: &'static str, title: &'static str, columns: &'static [&'static str]) -> Self {
        Self { name, title, columns, rows: Vec::new() }
    }

    pub(crate) fn add<const N: usize>(&mut self, row: [Cell; N]) {
        assert_eq!(N, self.columns.len(), "{}", self.title);
        self.rows.push(row.into());
    }

    fn text(&self) -> String {
        let heading: Vec<String> = self.columns.iter().map(|column| words(column)).collect();
        let rows = self.rows.iter().map(|row| row.iter().map(Cell::text).collect());
        let lines: Vec<Vec<String>> = std::iter::once(heading).chain(rows).collect();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let mut text = format!("{}\n", self.title);
        for line in &lines {
            for (column, cell) in line.iter().enumerate() {
                let is_name = self.rows.iter().all(|row| matches!(row[column], Cell::Text(_)));
                let width = width(column);
                let padded = if is_name { format!("  {cell:<width$}") } else { format!("  {cell:>width$}") };
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

impl From<usize> for Cell {
    fn from(count: usize) -> Self {
        Self::Count(count)
    }
}

impl Cell {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Ms(ms) => format!("{ms:.2}"),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Count(count) => json!(count),
            Self::Ms(ms) => json!((ms * 1_000.0).round() / 1_000.0),
        }
    }
}

impl Requirement {
    pub(crate) fn bytes(what: impl Into<String>, measured: usize, limit: usize) -> Self {
        Self { what: what.into(), measured: measured.into(), limit: limit.into(), met: measured < limit }
    }

    pub(crate) fn ms(what: impl Into<String>, measured: f64, limit: f64) -> Self {
        Self { what: what.into(), measured: Cell::Ms(measured), limit: Cell::Ms(limit), met: measured < limit }
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
