//! What happens while an attempt is under way: its endpoint is changed.

use hookbell_testkit::answer::{Answer, Gate};
use hookbell_testkit::organization::Organization;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use serde_json::json;

const STARTED: &str = "environment.started";
const PAYLOAD: &str = r#"{"resource":{"type":"environment","id":"env_1","name":"my-box"}}"#;

#[tokio::test]
async fn a_410_from_the_url_that_an_endpoint_had_says_nothing_of_the_one_that_it_has() {
    let stack = Stack::load();
    let (organization, gate) = (Organization::new(&stack, "slothbox").await, Gate::closed());
    let held = gate.clone();
    let old = Receiver::start(&stack, move |_, _| Answer::status(410).behind(&held)).await;
    let new = Receiver::start(&stack, |_, _| Answer::status(410)).await;
    let endpoint = organization.endpoint(&old, &["*"]).await;
    let bench = Workbench::new(&stack).await;
    let (sender, dlq) = (bench.function("sender").await, bench.function("dlq").await);

    bench.events.put(&organization.record(STARTED, PAYLOAD, "")).await;
    let change = async {
        old.wait_for(1).await;
        endpoint.patch(json!({ "url": new.url() })).await;
        gate.open();
    };
    tokio::join!(bench.events.feed(&sender), change);
    assert_eq!(bench.deliveries_dead_letters.len().await, 1);
    bench.deliveries_dead_letters.feed_until_empty(&dlq).await;
    assert_eq!(endpoint.get().await["status"], "enabled");

    let message = organization.send(STARTED, PAYLOAD).await;
    endpoint.wait_for_status(&message, "exhausted").await;
    endpoint.wait_until_disabled().await;
}
