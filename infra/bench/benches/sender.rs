//! The sender: what a delivery costs, whatever the batch, the body, the receiver and its failures are like.

use hookbell_testkit::clock::Clock;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::load::{Meter, Parameters, Repeat};
use crate::plan::Plan;
use crate::report::{Report, Run};
use crate::rig::{Organization, Queue, Rig};
use crate::steps::note;

/// What a wait is put off by at least, where the log names none that is longer: an endpoint that is open puts back what is
/// due without a word.
const PUT_BACK: SignedDuration = SignedDuration::from_secs(60);

/// Batches that warm a process up: connections are open, and caches filled.
const WARM_UP: usize = 3;

/// As many organizations as it takes for none of them to be thought ill of for failures that are spread over them.
const MANY: usize = 500;

/// Measures every case.
pub(crate) async fn measure(rig: &Rig, plan: &Plan, report: &mut Report) {
    let usual = Parameters::plain();
    if let Some(parameters) = &plan.chosen {
        run(rig, plan, report, "chosen", "as chosen", parameters).await;
        return;
    }
    for (group, name, parameters) in cases(&usual) {
        if plan.wants(group) {
            run(rig, plan, report, group, &name, &parameters).await;
        }
    }
    if plan.wants("failures") {
        failures(rig, plan, report, &usual).await;
    }
    if plan.wants("retries") {
        retries(rig, plan, report, &Parameters { failure_share: 1.0, events: MANY, ..usual.clone() }).await;
    }
    if plan.wants("memory") {
        memory(rig, plan, report, &usual).await;
    }
}

fn cases(usual: &Parameters) -> Vec<(&'static str, String, Parameters)> {
    let mut cases = vec![("success", "1 KB to one endpoint".to_owned(), usual.clone())];
    for batch_size in [1, 5] {
        cases.push(("batch", format!("batches of {batch_size}"), Parameters { batch_size, ..usual.clone() }));
    }
    cases.push(("protocol", "HTTP/2".to_owned(), Parameters { protocol: "h2", ..usual.clone() }));
    for endpoints in [10, 50] {
        let events = usual.events / endpoints;
        cases.push(("endpoints", format!("{endpoints} endpoints"), Parameters { endpoints, events, ..usual.clone() }));
    }
    for payload_bytes in [5_000, 10_000, 20_000, 100_000] {
        let name = format!("bodies of {} KB", payload_bytes / 1_000);
        let events = usual.events.min(40_000_000 / payload_bytes);
        cases.push(("body", name, Parameters { payload_bytes, events, ..usual.clone() }));
    }
    for (latency_ms, events) in [(100, 500), (5_000, 50)] {
        let name = format!("receivers that take {latency_ms} ms");
        let aws_latency_ms = 5;
        cases.push(("receiver", name, Parameters { latency_ms, aws_latency_ms, events, ..usual.clone() }));
    }
    cases
}

/// Measures one case, as often as wanted.
pub(crate) async fn run(
    rig: &Rig,
    plan: &Plan,
    report: &mut Report,
    group: &'static str,
    name: &str,
    parameters: &Parameters,
) {
    let organizations =
        rig.organizations(parameters.organizations, parameters.endpoints, &parameters.receiver(rig)).await;
    let repeats = repeats(rig, plan, parameters, &organizations).await;
    report.add_run(Run::new(group, name, parameters, repeats));
}

/// Events that are delivered at once, again and again.
pub(crate) async fn repeats(
    rig: &Rig,
    plan: &Plan,
    parameters: &Parameters,
    organizations: &[Organization],
) -> Vec<Repeat> {
    rig.cloud.tell("latency", &json!({ "number": parameters.aws_latency_ms })).await;
    let mut repeats = Vec::new();
    for _ in 0..plan.repeats {
        let mut meter = Meter::start(rig, "sender", None).await;
        rig.produce(&parameters.events(organizations, WARM_UP * parameters.batch_size)).await;
        meter.drain(Queue::Events, parameters.batch_size).await;
        meter.begin().await;
        rig.produce(&parameters.events(organizations, parameters.events)).await;
        meter.drain(Queue::Events, parameters.batch_size).await;
        // Where a receiver is so slow that it seems to hang, what is for it goes a longer way.
        rig.hurry(Queue::Deliveries).await;
        meter.drain(Queue::Deliveries, parameters.batch_size).await;
        repeats.push(meter.end().await);
    }
    rig.cloud.tell("latency", &json!({ "number": 0 })).await;
    repeats
}

/// Receivers that fail now and then, or always: with all that follows from it, until every delivery is over.
async fn failures(rig: &Rig, plan: &Plan, report: &mut Report, usual: &Parameters) {
    let shares = [
        (0.01, 1, "of one endpoint"),
        (0.5, MANY, "of many endpoints"),
        (1.0, MANY, "of many endpoints"),
        (1.0, 1, "of one endpoint"),
    ];
    for (failure_share, organizations, whose) in shares {
        let events = if failure_share < 0.1 { usual.events } else { MANY };
        let parameters = Parameters { failure_share, events, organizations, ..usual.clone() };
        let made = rig.organizations(organizations, 1, &parameters.receiver(rig)).await;
        let mut repeats = Vec::new();
        for _ in 0..plan.repeats {
            let (mut meter, clock) = first_attempts(rig, &parameters, &made).await;
            loop {
                advance(rig, &clock, &meter).await;
                if meter.drain(Queue::Deliveries, parameters.batch_size).await == 0 {
                    break;
                }
            }
            repeats.push(meter.end().await);
            rig.cloud.tell("empty", &json!({})).await;
        }
        let name = format!("{} % {whose}", failure_share * 100.0);
        report.add_run(Run::new("failures", &name, &parameters, repeats));
    }
}

/// A sender that has made the first attempts, with a clock that can be advanced. What follows from an attempt waits until
/// it is.
async fn first_attempts<'a>(
    rig: &'a Rig,
    parameters: &Parameters,
    organizations: &[Organization],
) -> (Meter<'a>, Clock) {
    let clock = Clock::shifted_by(0);
    let mut meter = Meter::start(rig, "sender", Some(&clock)).await;
    rig.cloud.tell("hold", &json!({})).await;
    meter.begin().await;
    rig.produce(&parameters.events(organizations, parameters.events)).await;
    meter.drain(Queue::Events, parameters.batch_size).await;
    (meter, clock)
}

/// Lets the time pass until what waits is due.
async fn advance(rig: &Rig, clock: &Clock, meter: &Meter<'_>) {
    let now = Timestamp::now() + SignedDuration::from_millis(clock.shift_ms());
    let due = meter.last_due().unwrap_or(now).max(now + PUT_BACK);
    let further = due.duration_since(now) + SignedDuration::from_secs(1);
    clock.set(clock.shift_ms() + i64::try_from(further.as_millis()).unwrap());
    rig.hurry(Queue::Deliveries).await;
}

/// One attempt after the other, each by itself: what a first attempt costs that fails, a retry that fails or delivers,
/// and a delivery that has ended without success.
async fn retries(rig: &Rig, plan: &Plan, report: &mut Report, parameters: &Parameters) {
    let parameters = &Parameters { organizations: MANY, ..parameters.clone() };
    let names = ["first attempt fails", "retry fails", "last attempt fails", "the end, by dlq", "retry delivers"];
    let mut repeats: [Vec<Repeat>; 5] = Default::default();
    for _ in 0..plan.repeats {
        for (place, repeat) in exhausted(rig, parameters).await.into_iter().enumerate() {
            repeats[place].push(repeat);
        }
        repeats[4].push(recovered(rig, parameters).await);
    }
    for (name, repeats) in names.into_iter().zip(repeats) {
        report.add_run(Run::new("retries", name, parameters, repeats));
    }
}

/// Deliveries of which every attempt fails: the first ones, the second ones, the last ones, and their ends.
async fn exhausted(rig: &Rig, parameters: &Parameters) -> [Repeat; 4] {
    let organizations = rig.organizations(MANY, 1, &parameters.receiver(rig)).await;
    let (mut meter, clock) = first_attempts(rig, parameters, &organizations).await;
    let first = meter.end().await;
    let mut attempts = Vec::new();
    loop {
        advance(rig, &clock, &meter).await;
        meter.begin().await;
        if meter.drain(Queue::Deliveries, parameters.batch_size).await == 0 {
            break;
        }
        attempts.push(meter.end().await);
    }
    let mut dlq = Meter::start(rig, "dlq", Some(&clock)).await;
    rig.hurry(Queue::DeadLetters).await;
    dlq.begin().await;
    dlq.drain(Queue::DeadLetters, parameters.batch_size).await;
    let end = dlq.end().await;
    rig.cloud.tell("empty", &json!({})).await;
    let [second, .., last] = attempts.as_slice() else { panic!("{} retries", attempts.len()) };
    [first, second.clone(), last.clone(), end]
}

/// Deliveries whose first attempt fails, and whose second one does not.
async fn recovered(rig: &Rig, parameters: &Parameters) -> Repeat {
    let organizations = rig.organizations(MANY, 1, &parameters.receiver(rig)).await;
    let (mut meter, clock) = first_attempts(rig, parameters, &organizations).await;
    rig.receiver.tell("recover", &json!({})).await;
    advance(rig, &clock, &meter).await;
    meter.begin().await;
    meter.drain(Queue::Deliveries, parameters.batch_size).await;
    let retries = meter.end().await;
    rig.receiver.tell("relapse", &json!({})).await;
    rig.cloud.tell("empty", &json!({})).await;
    retries
}

/// As much at once as one invocation can be given: what it holds of that, and of answers that never seem to end.
async fn memory(rig: &Rig, plan: &Plan, report: &mut Report, usual: &Parameters) {
    for (name, kind) in
        [("10 events of 100 KB to 50 endpoints", ""), ("the same, each answered by a megabyte", "/flood")]
    {
        let parameters = Parameters { endpoints: 50, payload_bytes: 100_000, events: 30, ..usual.clone() };
        let url = format!("{}{kind}", parameters.receiver(rig));
        let organizations = rig.organizations(1, parameters.endpoints, &url).await;
        let repeats = repeats(rig, plan, &parameters, &organizations).await;
        let peak = repeats.iter().map(|repeat| repeat.peak_rss_bytes).max().unwrap_or_default();
        note(&format!("{name}: {} MB", peak / 1_000_000));
        report.add_run(Run::new("memory", name, &parameters, repeats));
    }
}
