//! A sender that dies, and an AWS that fails it: nothing is lost, and nothing is recorded twice.
//!
//! The sender is killed with SIGKILL at a chosen call to AWS, so between any two of its steps. Its record comes again,
//! to a new instance, as SQS hands it out again.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeSet;

use hookbell_testkit::answer::Answer;
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::function::Outcome;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::proxy::{At, Which};
use hookbell_testkit::queue::{Queue, reason};
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::rows;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use serde_json::{Value, json};

const STARTED: &str = "environment.started";
const PAYLOAD: &str = r#"{"resource":{"type":"environment","id":"env_1","name":"my-box"}}"#;

/// An organization with an endpoint that accepts at once and one that accepts the `accepting`th attempt.
struct Scene {
    stack: Stack,
    organization: Organization,
    bench: Workbench,
    receivers: [Receiver; 2],
    endpoints: [Endpoint; 2],
}

impl Scene {
    async fn new(accepting: usize) -> Self {
        let stack = Stack::load();
        let organization = Organization::new(&stack, "slothbox").await;
        let good = Receiver::always(&stack, 200).await;
        let slow =
            Receiver::start(&stack, move |_, seen| Answer::status(if seen < accepting { 500 } else { 200 })).await;
        let endpoints = [organization.endpoint(&good, &["*"]).await, organization.endpoint(&slow, &["*"]).await];
        Self { bench: Workbench::new(&stack).await, stack, organization, receivers: [good, slow], endpoints }
    }

    async fn put_events(&self, count: usize) {
        for _ in 0..count {
            self.bench.events.put(&self.organization.record(STARTED, PAYLOAD, "")).await;
        }
    }

    /// Has a new instance do all that is left to do.
    async fn finish(&self) {
        self.bench.proxy.relent();
        let sender = self.bench.function("sender").await;
        self.bench.events.feed_until_empty(&sender).await;
        self.bench.deliveries.feed_until_empty(&sender).await;
    }

    /// Fails unless each of so many messages has arrived at both endpoints with one body, and has one row for each.
    async fn check_nothing_lost_or_doubled(&self, messages: usize) {
        assert_eq!(rows::messages(&self.stack, &self.organization).await, messages);
        let ids = |receiver: &Receiver| -> BTreeSet<String> {
            receiver.arrivals().iter().map(|arrival| arrival.message_id().to_owned()).collect()
        };
        let expected = ids(&self.receivers[0]);
        assert_eq!(expected.len(), messages);
        for (receiver, endpoint) in self.receivers.iter().zip(&self.endpoints) {
            assert_eq!(ids(receiver), expected);
            assert_eq!(rows::deliveries(&self.stack, endpoint).await, messages);
            for message in &expected {
                let arrivals = receiver.arrivals_of(message);
                for arrival in &arrivals {
                    arrival.verify(&endpoint.secret);
                    assert_eq!(arrival.body, arrivals[0].body);
                }
                let deliveries = endpoint.deliveries_of(message).await;
                assert_eq!(deliveries.len(), 1);
                assert_eq!(deliveries[0]["status"], "delivered");
                assert_eq!(deliveries[0].get("nextRetryAt"), None);
                let attempts = deliveries[0]["attempts"].as_array().unwrap();
                let numbers: Vec<u64> = attempts.iter().map(|attempt| attempt["attemptNo"].as_u64().unwrap()).collect();
                assert_eq!(numbers, (1..=attempts.len() as u64).collect::<Vec<_>>());
            }
            assert_eq!(endpoint.get().await["consecutiveFailures"], 0);
        }
        assert!(self.bench.events_dead_letters.is_empty().await);
        assert!(self.bench.deliveries_dead_letters.is_empty().await);
    }
}

async fn check_killed_with_an_event(at: At, events: usize) {
    let scene = Scene::new(3).await;
    scene.put_events(events).await;
    let sender = scene.bench.function("sender").await;
    at.arrange(&scene.bench.proxy, &sender);
    let fed = scene.bench.events.feed(&sender).await;
    assert!(matches!(fed.outcome, Outcome::Died(_)), "{at:?}: {fed:?}");
    assert_eq!(fed.records, events);
    scene.finish().await;
    scene.check_nothing_lost_or_doubled(events).await;
}

#[tokio::test]
async fn killed_before_the_message_is_put() {
    check_killed_with_an_event(At::Before("BatchExecuteStatement", 1), 1).await;
}

#[tokio::test]
async fn killed_when_the_message_is_put_and_nothing_is_sent() {
    check_killed_with_an_event(At::After("BatchExecuteStatement", 1), 1).await;
}

#[tokio::test]
async fn killed_when_the_requests_are_made_and_nothing_is_recorded() {
    check_killed_with_an_event(At::Before("BatchWriteItem", 1), 1).await;
}

#[tokio::test]
async fn killed_when_the_attempts_are_recorded_and_no_retry_waits() {
    check_killed_with_an_event(At::After("BatchWriteItem", 1), 1).await;
}

#[tokio::test]
async fn killed_as_the_retry_is_sent() {
    check_killed_with_an_event(At::Before("SendMessageBatch", 1), 1).await;
}

#[tokio::test]
async fn killed_when_the_retry_waits_and_the_event_is_not_acknowledged() {
    check_killed_with_an_event(At::After("SendMessageBatch", 1), 1).await;
}

#[tokio::test]
async fn killed_in_the_middle_of_a_batch() {
    for at in [At::After("BatchExecuteStatement", 1), At::Before("BatchWriteItem", 1), At::After("BatchWriteItem", 1)] {
        check_killed_with_an_event(at, 7).await;
    }
}

/// Kills the sender over an event with a producer's id, and moves the event back as from a dead-letter queue: to SQS that
/// is a new record, on its first receipt.
async fn check_moved_back(at: At) {
    let scene = Scene::new(3).await;
    scene.bench.events.put(&scene.organization.record(STARTED, PAYLOAD, r#","id":"evt-moved""#)).await;
    let sender = scene.bench.function("sender").await;
    at.arrange(&scene.bench.proxy, &sender);
    let fed = scene.bench.events.feed(&sender).await;
    assert!(matches!(fed.outcome, Outcome::Died(_)), "{at:?}: {fed:?}");
    let records = scene.bench.events.find("the record", 1, |_| true).await;
    scene.bench.events.put(records[0].body().unwrap()).await;
    scene.finish().await;
    scene.check_nothing_lost_or_doubled(1).await;
}

#[tokio::test]
async fn an_event_that_is_moved_back_from_a_dead_letter_queue_goes_on_where_it_was() {
    // Its id is reserved, its message is put, its attempts are recorded, its retry waits.
    for at in [
        At::After("PutItem", 1),
        At::After("BatchExecuteStatement", 1),
        At::After("BatchWriteItem", 1),
        At::After("SendMessageBatch", 1),
    ] {
        check_moved_back(at).await;
    }
}

/// Kills the sender as it makes the second attempt of a delivery; the third one would succeed.
async fn check_killed_with_a_retry(at: At) {
    let scene = Scene::new(3).await;
    scene.put_events(1).await;
    let first = scene.bench.function("sender").await;
    scene.bench.events.feed(&first).await;
    let second = scene.bench.function("sender").await;
    at.arrange(&scene.bench.proxy, &second);
    let fed = scene.bench.deliveries.feed(&second).await;
    assert!(matches!(fed.outcome, Outcome::Died(_)), "{at:?}: {fed:?}");
    let delivery = &scene.endpoints[1].deliveries().await[0];
    rows::end_claim(&scene.stack, &scene.endpoints[1], delivery["deliveryId"].as_str().unwrap()).await;
    scene.finish().await;
    scene.check_nothing_lost_or_doubled(1).await;
}

#[tokio::test]
async fn killed_as_an_attempt_is_claimed() {
    check_killed_with_a_retry(At::Before("UpdateItem", 1)).await;
}

#[tokio::test]
async fn killed_when_an_attempt_is_claimed_and_not_made() {
    check_killed_with_a_retry(At::After("UpdateItem", 1)).await;
}

#[tokio::test]
async fn killed_when_an_attempt_is_made_and_not_recorded() {
    check_killed_with_a_retry(At::Before("UpdateItem", 2)).await;
}

#[tokio::test]
async fn killed_when_an_attempt_is_recorded_and_the_next_one_does_not_wait() {
    check_killed_with_a_retry(At::After("UpdateItem", 2)).await;
}

#[tokio::test]
async fn killed_when_the_next_attempt_waits_and_this_one_is_not_acknowledged() {
    check_killed_with_a_retry(At::After("SendMessageBatch", 1)).await;
}

#[tokio::test]
async fn while_another_worker_holds_an_attempt_it_is_not_made() {
    let scene = Scene::new(2).await;
    scene.put_events(1).await;
    let first = scene.bench.function("sender").await;
    scene.bench.events.feed(&first).await;
    At::After("UpdateItem", 1).arrange(&scene.bench.proxy, &first);
    scene.bench.deliveries.feed(&first).await;
    scene.bench.proxy.relent();
    // The claim of the dead one still holds, so the record has to come again.
    let second = scene.bench.function("sender").await;
    let fed = scene.bench.deliveries.feed(&second).await;
    assert_eq!((fed.records, fed.again), (1, 1));
    assert_eq!(scene.receivers[1].arrivals().len(), 1);
    let delivery = &scene.endpoints[1].deliveries().await[0];
    rows::end_claim(&scene.stack, &scene.endpoints[1], delivery["deliveryId"].as_str().unwrap()).await;
    scene.finish().await;
    scene.check_nothing_lost_or_doubled(1).await;
    assert_eq!(scene.receivers[1].arrivals().len(), 2);
}

#[tokio::test]
async fn an_answer_of_aws_that_is_lost_costs_no_request_and_no_row() {
    for (operation, number) in [
        ("BatchExecuteStatement", 1),
        ("BatchWriteItem", 1),
        ("SendMessageBatch", 1),
        ("UpdateItem", 1),
        ("UpdateItem", 2),
    ] {
        let scene = Scene::new(3).await;
        scene.put_events(1).await;
        let sender = scene.bench.function("sender").await;
        scene.bench.proxy.lose_answer(operation, number);
        let fed = scene.bench.events.feed(&sender).await;
        assert_eq!((fed.records, fed.again), (1, 0), "{operation}");
        scene.bench.deliveries.feed_until_empty(&sender).await;
        scene.check_nothing_lost_or_doubled(1).await;
        let requests: Vec<usize> = scene.receivers.iter().map(|receiver| receiver.arrivals().len()).collect();
        assert_eq!(requests, [1, 3], "{operation} {number}");
    }
}

#[tokio::test]
async fn an_event_that_aws_fails_comes_again_alone() {
    for operation in ["Query", "BatchExecuteStatement", "BatchWriteItem", "SendMessageBatch"] {
        let scene = Scene::new(2).await;
        scene.put_events(1).await;
        let sender = scene.bench.function("sender").await;
        scene.bench.proxy.refuse(operation, Which::Every);
        let fed = scene.bench.events.feed(&sender).await;
        assert_eq!((fed.records, fed.again), (1, 1), "{operation}");
        scene.finish().await;
        scene.check_nothing_lost_or_doubled(1).await;
    }
}

#[tokio::test]
async fn a_message_that_the_gate_fails_is_tried_again_or_comes_again_alone() {
    for (code, again) in [("ThrottlingError", 0), ("AccessDenied", 1)] {
        let scene = Scene::new(2).await;
        scene.put_events(3).await;
        let sender = scene.bench.function("sender").await;
        scene.bench.proxy.fail_statement(2, code);
        let fed = scene.bench.events.feed(&sender).await;
        assert_eq!((fed.records, fed.again), (3, again), "{code}");
        scene.finish().await;
        scene.check_nothing_lost_or_doubled(3).await;
    }
}

/// The record of a delivery that waits for its second attempt, taken from a bench's queue.
async fn waiting_delivery(scene: &Scene) -> Value {
    scene.put_events(1).await;
    let sender = scene.bench.function("sender").await;
    scene.bench.events.feed(&sender).await;
    let waiting = scene
        .bench
        .deliveries
        .find("the waiting delivery", 1, |message| message.body().is_some_and(|body| body.contains("attempt")))
        .await;
    serde_json::from_str(waiting[0].body().unwrap()).unwrap()
}

#[tokio::test]
async fn a_delivery_that_the_sender_fails_at_is_brought_back_three_times_and_then_parked() {
    let scene = Scene::new(2).await;
    let mut record = waiting_delivery(&scene).await;
    let bench = &scene.bench;
    bench.deliveries.hide_nothing().await;
    let (sender, dlq) = (bench.function("sender").await, bench.function("dlq").await);
    // Our failure: the delivery cannot be claimed, whoever tries.
    bench.proxy.refuse("UpdateItem", Which::Every);
    bench.deliveries.put(&record.to_string()).await;
    for _ in 0..4 {
        for _ in 0..5 {
            let fed = bench.deliveries.feed(&sender).await;
            assert_eq!((fed.records, fed.again), (1, 1));
        }
        // The sixth time SQS itself moves it.
        assert!(bench.deliveries.drain().await.is_empty());
        let fed = bench.deliveries_dead_letters.feed(&dlq).await;
        assert_eq!((fed.records, fed.again), (1, 0));
    }
    assert!(bench.deliveries.is_empty().await);
    let parked = &bench.parked.drain().await[0];
    record["redrives"] = json!(3);
    assert_eq!(serde_json::from_str::<Value>(parked.body().unwrap()).unwrap(), record);
    assert_eq!(reason(parked), "the sender failed at it, 4 times over");
    let endpoint = scene.endpoints[1].get().await;
    assert_eq!((&endpoint["status"], &endpoint["consecutiveFailures"]), (&json!("enabled"), &json!(0)));
    assert_eq!(scene.receivers[1].arrivals().len(), 1);

    // A person has repaired it, and moves the record back.
    bench.deliveries.put(parked.body().unwrap()).await;
    scene.finish().await;
    scene.check_nothing_lost_or_doubled(1).await;
}

#[tokio::test]
async fn a_redriven_delivery_is_attempted_by_the_deployed_stack() {
    let scene = Scene::new(2).await;
    let record = waiting_delivery(&scene).await;
    Queue::at(&scene.stack, &scene.stack.deliveries_dead_letter_queue_url).put(&record.to_string()).await;
    let message = record["messageId"].as_str().unwrap();
    scene.endpoints[1].wait_for_status(message, "delivered").await;
    scene.check_nothing_lost_or_doubled(1).await;
}

#[tokio::test]
async fn a_delivery_that_was_redriven_often_enough_is_parked_by_the_deployed_stack() {
    let scene = Scene::new(2).await;
    let mut record = waiting_delivery(&scene).await;
    record["redrives"] = json!(3);
    let body = record.to_string();
    Queue::at(&scene.stack, &scene.stack.deliveries_dead_letter_queue_url).put(&body).await;
    let parked = Queue::at(&scene.stack, &scene.stack.parked_queue_url);
    let found = parked.find("the parked delivery", 1, |message| message.body() == Some(&body)).await;
    assert_eq!(reason(&found[0]), "the sender failed at it, 4 times over");
    assert_eq!(scene.endpoints[1].get().await["consecutiveFailures"], 0);
}

#[tokio::test]
async fn a_retry_of_a_deleted_endpoint_is_dropped() {
    let scene = Scene::new(2).await;
    let record = waiting_delivery(&scene).await;
    let endpoint = &scene.endpoints[1];
    scene.organization.api.delete(&endpoint.path("")).await.check(204);
    scene.bench.deliveries.put(&record.to_string()).await;
    let fed = scene.bench.deliveries.feed(&scene.bench.function("sender").await).await;
    assert_eq!((fed.records, fed.again), (1, 0));
    for queue in [&scene.bench.deliveries, &scene.bench.deliveries_dead_letters, &scene.bench.parked] {
        assert!(queue.is_empty().await);
    }
    assert_eq!(scene.receivers[1].arrivals().len(), 1);
}
