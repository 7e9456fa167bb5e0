//! The API: what a call costs that sends, that lists, and that shows a page of the console.

use hookbell_testkit::console::Console;
use hookbell_testkit::gateway::Place;
use hookbell_testkit::payload;

use crate::load::{Meter, Parameters, Repeat};
use crate::plan::Plan;
use crate::report::{Report, Run};
use crate::rig::{Organization, Queue, Rig};

/// Rows of a list.
const ROWS: usize = 100;

/// Calls of one repeat, and those before them that do not count.
const CALLS: usize = 300;
const WARM_UP: usize = 10;

/// Measures each kind of call.
pub(crate) async fn measure(rig: &Rig, plan: &Plan, report: &mut Report) {
    if !plan.wants("api") {
        return;
    }
    let parameters = Parameters { events: CALLS, ingress: "rest", ..Parameters::plain() };
    let organization = rig.organizations(1, 1, &parameters.receiver(rig)).await.remove(0);
    let mut sender = Meter::start(rig, "sender", None).await;
    rig.produce(&parameters.events(std::slice::from_ref(&organization), ROWS + 10)).await;
    sender.drain(Queue::Events, parameters.batch_size).await;

    let Organization { id, endpoint_ids } = &organization;
    let send =
        format!(r#"{{"eventType":"environment.started","payload":{}}}"#, payload::of_bytes(parameters.payload_bytes));
    let deliveries = format!("/organizations/{id}/webhooks/{}/deliveries?limit={ROWS}", endpoint_ids[0]);
    let calls = [
        ("send", "POST", format!("/webhooks/organizations/{id}/send"), send.as_str()),
        ("list endpoints", "GET", format!("/organizations/{id}/webhooks"), ""),
        ("list 100 deliveries", "GET", deliveries, ""),
    ];
    for (name, method, path, body) in calls {
        let request = rig.request(method, &path, body);
        let mut repeats = Vec::new();
        for _ in 0..plan.repeats {
            let mut meter = Meter::start(rig, "api", None).await;
            for number in 0..WARM_UP + CALLS {
                if number == WARM_UP {
                    meter.begin().await;
                }
                let answer = meter.invoke(&request, 1).await;
                assert_eq!(answer["statusCode"], 200, "{answer}");
            }
            repeats.push(meter.end().await);
        }
        report.add_run(Run::new("api", name, &parameters, repeats));
    }
    let mut repeats = Vec::new();
    for _ in 0..plan.repeats {
        repeats.push(page(rig, &format!("/organizations/{id}/messages?limit={ROWS}")).await);
    }
    report.add_run(Run::new("api", "page of 100 messages", &parameters, repeats));
    rig.cloud.tell("empty", &serde_json::json!({})).await;
}

async fn page(rig: &Rig, path: &str) -> Repeat {
    let mut meter = Meter::start(rig, "api", None).await;
    let cookie = Console::through(&meter.function, Place::Stage).sign_in(rig.admin_key()).await.cookie();
    let request = Rig::request_of_page(path, &cookie);
    for number in 0..WARM_UP + CALLS {
        if number == WARM_UP {
            meter.begin().await;
        }
        let answer = meter.invoke(&request, 1).await;
        assert_eq!(answer["statusCode"], 200, "{answer}");
    }
    meter.end().await
}
