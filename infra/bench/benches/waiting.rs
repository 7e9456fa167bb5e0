//! What waits: what a delivery costs each time that it is put back, and that a million of them hold up nothing.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::load::{Meter, Parameters};
use crate::plan::Plan;
use crate::report::{Report, Run};
use crate::rig::{Organization, Queue, Rig};
use crate::steps::note;

/// How long they have to wait: longer than a message can be delayed.
const WAIT: Duration = Duration::from_hours(10);

/// Records that are put on the queue together.
const TOGETHER: usize = 10_000;

/// Measures both.
pub(crate) async fn measure(rig: &Rig, plan: &Plan, report: &mut Report) {
    if !plan.wants("waiting") && !plan.wants("backlog") {
        return;
    }
    let parameters = Parameters::plain();
    let organizations = rig.organizations(1, 1, &parameters.receiver(rig)).await;
    let [organization] = organizations.as_slice() else { panic!("one organization") };
    if plan.wants("waiting") {
        let parameters = Parameters { events: 2_000, ..parameters.clone() };
        let mut repeats = Vec::new();
        for _ in 0..plan.repeats {
            let mut meter = Meter::start(rig, "sender", None).await;
            put(rig, organization, 100, false).await;
            meter.drain(Queue::Deliveries, parameters.batch_size).await;
            meter.begin().await;
            put(rig, organization, parameters.events, false).await;
            meter.drain(Queue::Deliveries, parameters.batch_size).await;
            repeats.push(meter.end().await);
            rig.cloud.tell("empty", &json!({})).await;
        }
        report.add_run(Run::new("waiting", "one more turn of a waiting delivery", &parameters, repeats));
    }
    if plan.wants("backlog") {
        backlog(rig, plan, report, organization).await;
    }
}

/// What part of a backlog the sender sees; the rest it has put back a moment ago.
const SEEN: usize = 10;

/// Has the sender see a part of a backlog once.
async fn backlog(rig: &Rig, plan: &Plan, report: &mut Report, organization: &Organization) {
    let parameters = Parameters { events: plan.backlog, stored_deliveries: plan.backlog, ..Parameters::plain() };
    let mut meter = Meter::start(rig, "sender", None).await;
    let seen = plan.backlog / SEEN;
    for done in (0..plan.backlog - seen).step_by(TOGETHER) {
        put(rig, organization, TOGETHER.min(plan.backlog - seen - done), true).await;
    }
    meter.begin().await;
    for done in (0..seen).step_by(TOGETHER) {
        put(rig, organization, TOGETHER.min(seen - done), false).await;
        meter.drain(Queue::Deliveries, parameters.batch_size).await;
        note(&format!("{done} of {seen} that the sender sees"));
    }
    let repeat = meter.end().await;
    let depth: Value = rig.cloud.control("depth", &json!({ "queue": Queue::Deliveries.url() })).await;
    report.add_table(
        "backlog",
        "A backlog of waiting deliveries, a part of which the sender has seen in one go",
        &["waiting", "seen", "inFlight", "mostInFlight", "peakRssBytes"],
        &[vec![
            depth["delayed"].clone(),
            seen.into(),
            depth["inFlight"].clone(),
            depth["mostInFlight"].clone(),
            repeat.peak_rss_bytes.into(),
        ]],
    );
    report.limit("in flight of a backlog that waits", depth["inFlight"].as_f64().unwrap(), 0.0, None, "messages");
    report.add_run(Run::new("backlog", "a backlog that waits", &parameters, vec![repeat]));
    rig.cloud.tell("empty", &json!({})).await;
}

/// Puts deliveries on their queue that are due in hours: to be seen, or put back a moment ago.
async fn put(rig: &Rig, organization: &Organization, count: usize, is_delayed: bool) {
    let due_at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + WAIT;
    let task = |number: usize| {
        let task = json!({
            "organizationId": organization.id,
            "endpointId": organization.endpoint_ids[0],
            "messageId": format!("msg_01J9ZK4T6Q0X3V8N{number:010}"),
            "deliveryId": format!("dlv_01J9ZK4T6Q0X3V8N{number:010}"),
            "attempt": 2,
            "dueAt": u64::try_from(due_at.as_millis()).unwrap(),
        });
        task.to_string()
    };
    let tasks: Vec<String> = (0..count).map(task).collect();
    rig.cloud.tell("fill", &json!({ "queue": Queue::Deliveries.url(), "bodies": tasks, "delayed": is_delayed })).await;
}
