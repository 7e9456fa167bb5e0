//! Breaks everything around the binaries that are deployed, and looks for what was lost: `hookbell_testkit::chaos` at
//! length. `chaos.py` prepares for it.

#![expect(clippy::expect_used, clippy::panic, reason = "a panic is how it fails")]

use std::fmt::Display;
use std::process::ExitCode;
use std::str::FromStr;

use hookbell_testkit::chaos::{Plan, run};
use hookbell_testkit::stack::Stack;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let plan = Plan {
        seed: chosen("SEED", 1),
        kills: chosen("KILLS", 200),
        deliveries: chosen("DELIVERIES", 20_000),
        endpoints: chosen("ENDPOINTS", 200),
        again_after: 10,
        most_duplicates: 1.0,
    };
    let report = run(Stack::load(), plan, "functions.log").await;
    let file = std::env::var_os("CHAOS_REPORT").expect("CHAOS_REPORT names the file for the report");
    std::fs::write(file, serde_json::to_string_pretty(&report).expect("a report is JSON")).expect("a writable file");
    println!("\n{report}");
    ExitCode::from(u8::from(!report.violations().is_empty()))
}

fn chosen<T: FromStr<Err: Display>>(name: &str, otherwise: T) -> T {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty());
    text.map_or(otherwise, |text| text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}
