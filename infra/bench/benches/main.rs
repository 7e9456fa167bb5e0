//! What hookbell costs, measured on the binaries that are deployed. Each subject has a module of its own.
//!
//! The invariant: what is measured is a process of its own, and nothing that this program or a stand-in does counts for
//! it. So it does not matter how this program was built. `bench.py` prepares for it and makes a report of what it has
//! found.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a benchmark fails"
)]

mod calls;
mod cold_start;
mod growth;
mod load;
mod pages;
mod plan;
mod process;
mod report;
mod rig;
mod samples;
mod scene;
mod sender;
mod sizes;
mod stand_in;
mod steps;
mod waiting;

use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;

use crate::plan::Plan;
use crate::report::Report;
use crate::rig::Rig;
use crate::scene::{MOST_ENDPOINTS, Scene};
use crate::stand_in::Kind;
use crate::steps::part;

/// What the deployed `api` is called among the binaries, and what the one that it is compared with.
const API: &str = "api";
const BASE: &str = "base";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if let Some(kind) = std::env::args().nth(1).as_deref().and_then(Kind::named) {
        return kind.serve().await;
    }
    let (stack, plan) = (Stack::load(), Plan::from_environment());
    let mut report = Report::default();
    let rig = Rig::new(&stack).await;
    sizes::measure(&mut report);
    part("Delivering", sender::measure(&rig, &plan, &mut report)).await;
    part("Having deliveries wait", waiting::measure(&rig, &plan, &mut report)).await;
    part("Delivering as everything grows", growth::measure(&rig, &plan, &mut report)).await;
    part("Calling the API", calls::measure(&rig, &plan, &mut report)).await;
    part("Starting the functions again and again", cold_start::measure(&rig, &plan, &mut report)).await;
    // The rest is on the local AWS, which may fail where nothing else does.
    report.write();
    part("Asking for pages, and for the same by the API", pages(&stack, &plan, &mut report)).await;
    report.write();
}

/// The pages of the console, on the local stack.
async fn pages(stack: &Stack, plan: &Plan, report: &mut Report) {
    if plan.wants("pages") {
        let bench = Workbench::new(stack).await.with("ENDPOINT_LIMIT", &MOST_ENDPOINTS.to_string());
        // An endpoint that fails fifty times is left alone for minutes at a time, in earnest.
        let bench = bench.with("TIME_SCALE", "0.0002");
        let scene = Scene::fill(stack, &bench).await;
        pages::measure(&scene, report).await;
    }
}
