//! What a cold start costs: from the start of a process to the end of its first invocation, CPU and wall.
//!
//! On the way it reads its secrets, over TLS as on AWS. How much of it is TLS, the same without it tells.

use std::time::Instant;

use hookbell_testkit::function::Function;
use serde_json::{Value, json};

use crate::load::Parameters;
use crate::plan::Plan;
use crate::process::Process;
use crate::report::Report;
use crate::rig::{Queue, Rig, Transport};
use crate::samples::Samples;
use crate::steps::note;
use crate::{API, BASE, sizes};

/// How often each is started.
const STARTS: usize = 50;

/// By how many CPU milliseconds a cold start may grow.
const MOST_GROWTH_MS: f64 = 1.0;

/// CPU milliseconds of a cold start, at most.
const MOST_MS: f64 = 10.0;

/// A first invocation.
struct First {
    binary: &'static str,
    /// Which function the binary is of.
    function: &'static str,
    /// What it is given, and to what it leads.
    name: &'static str,
    payload: Value,
    is_encrypted: bool,
}

/// Starts each again and again, in turns.
pub(crate) async fn measure(rig: &Rig, plan: &Plan, report: &mut Report) {
    if !plan.wants("cold") {
        return;
    }
    let firsts = firsts(rig).await;
    let mut cpu = vec![Samples::new(); firsts.len()];
    let mut wall = cpu.clone();
    for start in 1..=STARTS {
        for turn in 0..firsts.len() {
            // None comes first more often than another.
            let place = (start + turn) % firsts.len();
            let (cpu_ms, wall_ms) = start_once(rig, &firsts[place], start).await;
            cpu[place].add(cpu_ms);
            wall[place].add(wall_ms);
        }
        if start % 10 == 0 {
            note(&format!("{start} of {STARTS} starts of each"));
        }
    }
    let rows = firsts.iter().zip(cpu.iter().zip(&wall)).map(|(first, (cpu, wall))| {
        let transport = if first.is_encrypted { "TLS" } else { "plain" };
        vec![
            first.binary.into(),
            first.name.into(),
            transport.into(),
            STARTS.into(),
            rounded(cpu.median()),
            rounded(cpu.least()),
            rounded(wall.median()),
        ]
    });
    report.add_table(
        "coldStarts",
        "Cold start: ms of the function's process, from its start to the end of its first invocation",
        &["binary", "firstInvocation", "transport", "starts", "cpuMs", "leastCpuMs", "wallMs"],
        &rows.collect::<Vec<_>>(),
    );
    for (first, cpu) in firsts.iter().zip(&cpu).filter(|(first, _)| first.is_encrypted && first.binary != BASE) {
        let limit = format!("cold start of {}, {}", first.binary, first.name);
        report.limit(&limit, cpu.median(), MOST_MS, None, "ms CPU");
    }
    let median = |binary| firsts.iter().position(|first| first.binary == binary).map(|place| cpu[place].median());
    if let (Some(base), Some(current)) = (median(BASE), median(API)) {
        report.limit("growth of a cold start of api", current - base, MOST_GROWTH_MS, None, "ms CPU");
    }
}

fn rounded(ms: f64) -> Value {
    json!((ms * 100.0).round() / 100.0)
}

/// What is measured: each function with TLS and without.
async fn firsts(rig: &Rig) -> Vec<First> {
    let parameters = Parameters::plain();
    let mut firsts = Vec::new();
    for is_encrypted in [true, false] {
        let transport = if is_encrypted { Transport::Http1 } else { Transport::Plain };
        let organizations = rig.organizations(1, 1, &rig.receiving(transport, 0, 0)).await;
        rig.produce(&parameters.events(&organizations, 1)).await;
        let delivery = rig.take(Queue::Events, 1).await.expect("an event");
        rig.settle(Queue::Events, &json!({})).await;
        let list = rig.request("GET", &format!("/organizations/{}/webhooks", organizations[0].id), "");
        let page = Rig::request_of_page("/sign-in", "");
        let ended = json!({
            "organizationId": organizations[0].id,
            "endpointId": organizations[0].endpoint_ids[0],
            "deliveryId": "dlv_01J9ZK4T6Q0X3V8N5B2M7C1D4F",
            "endedBecause": "exhausted",
            "endedAt": 1_700_000_000_000_u64,
        });
        let dead_letter = hookbell_testkit::queue::handed_out(
            "5fea7756-0ea4-451a-a703-000000000001",
            &ended.to_string(),
            1_700_000_000_000,
            1,
            "arn:aws:sqs:us-east-1:123456789012:deliveries-dead",
        );
        let mut add = |binary, function, name, payload: &Value| {
            firsts.push(First { binary, function, name, payload: payload.clone(), is_encrypted });
        };
        add(API, API, "a list of endpoints", &list);
        if sizes::has_base() {
            add(BASE, API, "a list of endpoints", &list);
        }
        add(API, API, "a page of the console", &page);
        add("sender", "sender", "an event to one endpoint", &delivery);
        add("dlq", "dlq", "a delivery that has ended", &dead_letter);
    }
    firsts
}

/// Starts a process, and gives the CPU and wall milliseconds until it has answered.
async fn start_once(rig: &Rig, first: &First, number: usize) -> (f64, f64) {
    let changes = if first.is_encrypted { Vec::new() } else { rig.plainly().to_vec() };
    let mut payload = first.payload.clone();
    // An event of its own each time.
    if first.function == "sender" {
        payload["Records"][0]["messageId"] =
            format!("5fea7756-0ea4-451a-a703-{number:011}{}", u8::from(first.is_encrypted)).into();
    }
    let began = Instant::now();
    let (function, process): (Function, Process) = rig.start_as(first.binary, first.function, &changes).await;
    let answer = function.invoke(&payload).await.answered();
    let wall_ms = began.elapsed().as_secs_f64() * 1e3;
    assert!(answer["statusCode"].as_u64().is_none_or(|status| status == 200), "{answer}");
    assert!(answer["batchItemFailures"].as_array().is_none_or(Vec::is_empty), "{answer}: {}", function.output());
    (process.cpu_ms().await, wall_ms)
}
