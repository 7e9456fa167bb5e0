//! What the functions tell of their work: metrics in CloudWatch's embedded format, and lines that lead from a call to a
//! message, and from there to its attempts.

use hookbell_testkit::answer::Answer;
use hookbell_testkit::function::Function;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::patience::eventually;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::told;
use hookbell_testkit::workbench::Workbench;
use serde_json::{Value, json};

/// The lines of a function's metrics, once there are so many.
async fn metrics(function: &Function, count: usize) -> Vec<Value> {
    eventually("the metrics", async || {
        let lines = told::lines(function).into_iter();
        let found: Vec<Value> = lines.filter(|line| line["_aws"].is_object()).collect();
        (found.len() >= count).then_some(found)
    })
    .await
}

#[tokio::test]
async fn an_invocation_tells_what_became_of_its_deliveries_once() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::start(&stack, |arrival, _| match arrival.path.as_str() {
        "/hook" => Answer::status(200),
        _ => Answer::status(500),
    })
    .await;
    organization.endpoint(&receiver, &["*"]).await;
    let bad = json!({ "url": format!("https://{}/bad", receiver.authority()), "eventTypes": ["*"] });
    organization.create(&bad).await.check(201);
    // With waits that are not over before they are queued.
    let bench = Workbench::new(&stack).await.with("TIME_SCALE", "1");
    let sender = bench.function("sender").await;
    bench.deliver_example(&sender, &organization).await;
    bench.events.put("no event").await;
    bench.events.feed(&sender).await;
    let [first, second] = metrics(&sender, 2).await[..2].to_vec().try_into().unwrap();
    assert_eq!(first["DeliveriesDelivered"], 1);
    assert_eq!(first["AttemptsFailed"], 1);
    assert_eq!(first["RetriesWaiting"], 1);
    assert_eq!(first["ColdStarts"], 1);
    assert_eq!(first["AttemptLatency"].as_array().unwrap().len(), 2);
    assert_eq!(first["EventAge"].as_array().unwrap().len(), 1);
    assert_eq!((second.get("ColdStarts"), &second["EventsRejected"]), (None, &json!(1)), "{second}");
    assert!(second.get("DeliveriesDelivered").is_none(), "told once: {second}");
}

#[tokio::test]
async fn a_message_is_followed_from_its_call_to_its_attempt_and_the_invocations_of_both() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let bench = Workbench::new(&stack).await;
    let (api, sender) = (bench.function("api").await, bench.function("sender").await);
    let entry = &organization.profile.event_types[0];
    let body = format!(r#"{{"eventType":"{}","payload":{}}}"#, entry.name, entry.example);
    bench.call(&api, "POST", &organization.sending("/send"), &body).await;
    bench.events.feed_until_empty(&sender).await;
    let called = told::wait_for(&api, "api.called", 1).await[0].clone();
    let attempted = told::wait_for(&sender, "delivery.attempted", 1).await[0].clone();
    let message = receiver.arrivals()[0].message_id().to_owned();
    for line in [&called, &attempted] {
        assert_eq!(line["message_id"], message.as_str());
        assert_eq!(line["organization_id"], organization.id.as_str());
        assert!(line["request_id"].is_string(), "{line}");
    }
    assert_eq!(called["caller"], "admin");
    assert_eq!(attempted["endpoint_id"], endpoint.id.as_str());
    assert_eq!(attempted["decision"], "delivered");
    assert!(attempted["delivery_id"].as_str().unwrap().starts_with("dlv_"));
    let told = metrics(&sender, 1).await[0].clone();
    assert_eq!(told["request_id"], attempted["request_id"], "metrics lead to their lines");
}

#[test]
fn each_metric_is_explained() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let read = |path: &str| std::fs::read_to_string(format!("{root}/{path}")).unwrap();
    let (code, page) = (read("crates/aws/src/metrics.rs"), read("docs/METRICS.md"));
    let names = code.split("pub enum Metric {").nth(1).unwrap().split("\n}").next().unwrap();
    let names =
        names.lines().map(str::trim).filter(|line| !line.starts_with("///")).filter_map(|line| line.strip_suffix(','));
    let unexplained: Vec<&str> = names.filter(|name| !page.contains(&format!("| `{name}` |"))).collect();
    assert!(unexplained.is_empty(), "docs/METRICS.md has no row for {unexplained:?}");
}
