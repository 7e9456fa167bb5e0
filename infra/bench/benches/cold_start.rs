//! What a cold start costs: the CPU time of a new process until it has answered for the first time.
//!
//! Before that it reads two secrets. Here it does so over plain http; on AWS a TLS handshake comes on top, the same for
//! every binary.

use hookbell_testkit::console::Console;
use hookbell_testkit::function::Function;
use hookbell_testkit::gateway::Place;
use hookbell_testkit::workbench::Workbench;

use crate::process::Process;
use crate::report::{Report, Table};
use crate::samples::Samples;
use crate::scene::Scene;
use crate::steps::note;
use crate::{BASE, CURRENT, sizes};

/// How often each is started.
const STARTS: usize = 200;

/// By how many CPU milliseconds a cold start may grow.
const MOST_GROWTH_MS: f64 = 1.0;

/// What the table calls a list of the API.
const CALL: &str = "endpoints, by the API";

/// The first call of a process.
#[derive(Debug, Clone, Copy)]
enum First {
    /// A list of the API, read with a key.
    Call,
    /// A page of the console that anybody may see.
    Page,
}

/// Starts each `api` many times, in turns.
pub(crate) async fn measure(bench: &Workbench, scene: &Scene<'_>, report: &mut Report) {
    let mut kinds = vec![(CURRENT, First::Call), (CURRENT, First::Page)];
    // The other binary may have no console.
    kinds.extend(sizes::has_base().then_some((BASE, First::Call)));
    let mut all = vec![Samples::new(); kinds.len()];
    for start in 1..=STARTS {
        for turn in 0..kinds.len() {
            // None comes first more often than another.
            let place = (start + turn) % kinds.len();
            let (name, first) = kinds[place];
            all[place].add(first_answer(bench, scene, name, first).await);
        }
        if start % 50 == 0 {
            note(&format!("{start} of {STARTS} starts of each"));
        }
    }
    let title = "Cold start: CPU ms of the function's process, from its start to its first answer";
    let mut table = Table::new("coldStarts", title, &["binary", "firstCall", "starts", "medianMs", "leastMs"]);
    for ((name, first), samples) in kinds.into_iter().zip(&all) {
        let first = match first {
            First::Call => CALL,
            First::Page => "/console/sign-in",
        };
        table.add([name.into(), first.into(), STARTS.into(), samples.median().into(), samples.least().into()]);
    }
    if let [current, _, base] = all.as_slice() {
        let (grown, least) = (current.median() - base.median(), current.least() - base.least());
        table.add(["growth".into(), CALL.into(), STARTS.into(), grown.into(), least.into()]);
        report.limit("growth of a cold start: CPU ms", grown, MOST_GROWTH_MS);
    }
    report.add(table);
}

/// Starts a process, and gives the CPU milliseconds that it has used once it has answered.
async fn first_answer(bench: &Workbench, scene: &Scene<'_>, name: &'static str, first: First) -> f64 {
    let (api, process) = Process::started_by(Function::start(name, bench.environment_of("api"))).await;
    api.ready().await;
    match first {
        First::Call => bench.get(&api, &scene.few.managing("")).await.check(200),
        First::Page => Console::through(&api, Place::Stage).get("/sign-in").await.check(200),
    }
    process.cpu_ms().await
}
