//! What was measured, for the programs that make a report of it: `bench.py` and those beside it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::load::{Parameters, Repeat};
use crate::steps::note;

/// Where it is written to.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/bench/measured.json");

/// All that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    runs: Vec<Run>,
    tables: Map<String, Value>,
    limits: Vec<Value>,
}

/// One load, and what each of its repeats took.
#[derive(Debug, Serialize)]
pub(crate) struct Run {
    group: &'static str,
    name: String,
    parameters: Parameters,
    repeats: Vec<Repeat>,
}

impl Run {
    pub(crate) fn new(group: &'static str, name: &str, parameters: &Parameters, repeats: Vec<Repeat>) -> Self {
        Self { group, name: name.to_owned(), parameters: parameters.clone(), repeats }
    }

    /// For whoever watches: the CPU of each repeat, by what the function was given.
    fn outline(&self) -> String {
        let each = self.repeats.iter().map(|repeat| {
            #[expect(clippy::cast_precision_loss, reason = "counts of records")]
            let work = repeat.attempts.max(repeat.records) as f64;
            format!("{:.3}", repeat.cpu_ms / work)
        });
        let peak = self.repeats.iter().map(|repeat| repeat.peak_rss_bytes).max().unwrap_or_default() / 1_000_000;
        format!("{}, {}: {} ms of CPU each, {peak} MB", self.group, self.name, each.collect::<Vec<_>>().join(" "))
    }
}

impl Report {
    pub(crate) fn add_run(&mut self, run: Run) {
        note(&run.outline());
        self.runs.push(run);
    }

    /// Adds a table. Columns are called as they are in JSON.
    pub(crate) fn add_table(&mut self, name: &str, title: &str, columns: &[&str], rows: &[Vec<Value>]) {
        assert!(rows.iter().all(|row| row.len() == columns.len()), "{title}");
        self.tables.insert(name.to_owned(), json!({ "title": title, "columns": columns, "rows": rows }));
    }

    /// Notes a limit that what was measured has to keep, and what it should reach.
    pub(crate) fn limit(&mut self, limit: &str, measured: f64, at_most: f64, aim: Option<f64>, unit: &str) {
        let measured = (measured * 1_000.0).round() / 1_000.0;
        self.limits.push(json!({ "limit": limit, "measured": measured, "atMost": at_most, "aim": aim, "unit": unit }));
    }

    /// Writes down what there is so far.
    pub(crate) fn write(&self) {
        let measured = json!({
            "machine": machine(),
            "runs": self.runs,
            "tables": self.tables,
            "limits": self.limits,
        });
        fs::create_dir_all(Path::new(FILE).parent().unwrap()).unwrap();
        fs::write(FILE, format!("{measured:#}\n")).unwrap();
    }
}

/// Where it was measured.
fn machine() -> Value {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, name)| name);
    let said = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output().ok()?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
    };
    json!({
        "cpu": model,
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "kernel": said("uname", "-r"),
        "rustc": said("rustc", "--version"),
    })
}
