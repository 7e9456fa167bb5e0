//! What hookbell costs, measured on the binaries that are deployed. Each subject has a module of its own.
//!
//! The invariant: what is measured is a process of its own, and nothing that this program does counts for it. So it does
//! not matter how this program was built. `bench.py` prepares for it and shows what it has found.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a benchmark fails"
)]

mod cold_start;
mod pages;
mod process;
mod report;
mod samples;
mod scene;
mod sizes;
mod steps;

use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;

use crate::report::Report;
use crate::scene::{MOST_ENDPOINTS, Scene};
use crate::steps::Steps;

/// What the deployed `api` is called among the binaries, and what the one that it is compared with.
const CURRENT: &str = "api";
const BASE: &str = "base";

/// Steps in all, and those that `bench.py` has done.
const STEPS: usize = 5;
const PREPARED: usize = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let stack = Stack::load();
    let bench = Workbench::new(&stack).await.with("ENDPOINT_LIMIT", &MOST_ENDPOINTS.to_string());
    let (mut steps, mut report) = (Steps::new(STEPS, PREPARED), Report::new());
    sizes::measure(&mut report);
    let scene = steps.step("Making what the pages show", Scene::fill(&stack, &bench)).await;
    let pages = pages::measure(&scene, &mut report);
    steps.step("Asking for pages, and for the same by the API", pages).await;
    let cold_starts = cold_start::measure(&bench, &scene, &mut report);
    steps.step("Starting the function again and again", cold_starts).await;
    report.write();
}
