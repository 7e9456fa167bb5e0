//! What happens while an attempt is under way: its endpoint is changed, or another worker makes it too.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use hookbell_testkit::answer::{Answer, Gate};
use hookbell_testkit::fresh;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::queue::{Queue, handed_out};
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::rows;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use jiff::Timestamp;
use serde_json::{Value, json};

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

/// Has two workers make the attempt of a task, of which the later one records it first. Fails unless the record of the
/// other one comes again: what follows from the attempt may not be on its queue yet.
async fn check_overtaken(queue: impl Fn(&Workbench) -> &Queue) {
    let stack = Stack::load();
    let (organization, gate) = (Organization::new(&stack, "slothbox").await, Gate::closed());
    let held = gate.clone();
    let receiver = Receiver::start(&stack, move |_, seen| {
        let answer = Answer::status(500);
        if seen == 1 { answer.behind(&held) } else { answer }
    })
    .await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    endpoint.patch(json!({ "ordered": true })).await;
    let bench = Workbench::new(&stack).await;
    let (slow, quick) = (bench.function("sender").await, bench.function("sender").await);
    bench.events.put(&organization.record(STARTED, PAYLOAD, "")).await;
    bench.events.feed(&slow).await;
    let task = bench.lines.drain().await.remove(0).body.unwrap();
    let delivery = serde_json::from_str::<Value>(&task).unwrap()["deliveryId"].as_str().unwrap().to_owned();

    let (id, arn, now) = (fresh(), queue(&bench).arn().await, Timestamp::now().as_millisecond());
    let [first, second] = [1, 2].map(|received| handed_out(&id, &task, now, received, &arn));
    let overtake = async {
        receiver.wait_for(1).await;
        rows::end_claim(&stack, &endpoint, &delivery).await;
        quick.invoke(&second).await;
        gate.open();
    };
    let (answer, ()) = tokio::join!(slow.invoke(&first), overtake);
    assert_eq!(receiver.arrivals().len(), 2);
    let row = endpoint.deliveries().await.remove(0);
    assert_eq!((&row["status"], &row["attemptCount"]), (&json!("failed"), &json!(1)));
    assert_eq!(answer.answered(), json!({ "batchItemFailures": [{ "itemIdentifier": id }] }));
}

#[tokio::test]
async fn who_finds_his_attempt_recorded_by_another_does_not_take_it_for_followed_up() {
    tokio::join!(check_overtaken(|bench| &bench.deliveries), check_overtaken(|bench| &bench.lines));
}
