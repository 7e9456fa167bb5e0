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
            let mut meter = Meter::start(rig, "sender", &[]).await;
            wait(rig, organization, 100).await;
            meter.drain(Queue::Deliveries, parameters.batch_size).await;
            meter.begin().await;
            wait(rig, organization, parameters.events).await;
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

/// Has the sender see a whole backlog once.
async fn backlog(rig: &Rig, plan: &Plan, report: &mut Report, organization: &Organization) {
    let parameters = Parameters { events: plan.backlog, stored_deliveries: plan.backlog, ..Parameters::plain() };
    let mut meter = Meter::start(rig, "sender", &[]).await;
    meter.begin().await;
    for done in (0..plan.backlog).step_by(TOGETHER) {
        wait(rig, organization, TOGETHER.min(plan.backlog - done)).await;
        meter.drain(Queue::Deliveries, parameters.batch_size).await;
        if done % (TOGETHER * 10) == 0 {
            note(&format!("{done} of {} that wait", plan.backlog));
        }
    }
    let repeat = meter.end().await;
    let depth: Value = rig.cloud.control("depth", &json!({ "queue": Queue::Deliveries.url() })).await;
    note(&format!("{depth}"));
    report.add_table(
        "backlog",
        "A backlog of waiting deliveries, all seen once by the sender",
        &["waiting", "inFlight", "mostInFlight", "peakRssBytes"],
        &[vec![
            depth["delayed"].clone(),
            depth["inFlight"].clone(),
            depth["mostInFlight"].clone(),
            repeat.peak_rss_bytes.into(),
        ]],
    );
    report.limit("in flight of a backlog that waits", depth["inFlight"].as_f64().unwrap(), 0.0, None, "messages");
    report.add_run(Run::new("backlog", "a backlog that waits", &parameters, vec![repeat]));
    rig.cloud.tell("empty", &json!({})).await;
}

/// Puts deliveries on their queue that are due in hours.
async fn wait(rig: &Rig, organization: &Organization, count: usize) {
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
    rig.cloud.tell("fill", &json!({ "queue": Queue::Deliveries.url(), "bodies": tasks })).await;
}
