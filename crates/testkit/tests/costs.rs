//! What a message costs in calls to AWS and in capacity units. Growth fails here before it is on a bill.
//!
//! The functions run as processes behind a proxy that counts, with all waits as they are in earnest.

use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::function::Function;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::payload;
use hookbell_testkit::proxy::Usage;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use serde_json::json;

const STARTED: &str = "environment.started";
const SMALL: &str = r#"{"resource":{"type":"environment","id":"env_1","name":"my-box"}}"#;

struct Scene {
    organization: Organization,
    bench: Workbench,
    receiver: Receiver,
    endpoint: Endpoint,
    sender: Function,
}

impl Scene {
    async fn new(status: u16) -> Self {
        let stack = Stack::load();
        let organization = Organization::new(&stack, "slothbox").await;
        let receiver = Receiver::always(&stack, status).await;
        let endpoint = organization.endpoint(&receiver, &["*"]).await;
        let bench = Workbench::new(&stack).await.with("TIME_SCALE", "1");
        let sender = bench.function("sender").await;
        Self { organization, bench, receiver, endpoint, sender }
    }

    /// Has so many events dealt with in one invocation, and gives what that took.
    async fn deliver(&self, payload: &str, count: usize) -> Usage {
        for _ in 0..count {
            self.bench.events.put(&self.organization.record(STARTED, payload, "")).await;
        }
        let fed = self.bench.events.feed(&self.sender).await;
        assert_eq!((fed.records, fed.again), (count, 0));
        self.bench.proxy.take_usage()
    }
}

/// Fails unless just those calls were made.
#[track_caller]
fn check_calls(usage: &Usage, expected: &[(&str, u32)]) {
    assert_eq!(usage.all_calls(), expected);
}

/// Fails unless the operations were charged with those capacity units.
#[track_caller]
fn check_units(usage: &Usage, expected: &[(&str, f64)]) {
    let units: Vec<(&str, f64)> = expected.iter().map(|(operation, _)| (*operation, usage.units(operation))).collect();
    assert_eq!(units, expected);
}

#[tokio::test]
async fn a_delivered_message_of_a_kilobyte_costs_two_writes_and_on_a_cold_cache_one_read() {
    let scene = Scene::new(200).await;
    let payload = payload::of_bytes(1_000);
    let cold = scene.deliver(&payload, 1).await;
    check_calls(&cold, &[("BatchExecuteStatement", 1), ("BatchWriteItem", 1), ("Query", 1)]);
    check_units(&cold, &[("BatchExecuteStatement", 1.0), ("BatchWriteItem", 1.0), ("Query", 0.5)]);
    let warm = scene.deliver(&payload, 1).await;
    check_calls(&warm, &[("BatchExecuteStatement", 1), ("BatchWriteItem", 1)]);
    check_units(&warm, &[("BatchExecuteStatement", 1.0), ("BatchWriteItem", 1.0)]);
}

#[tokio::test]
async fn a_batch_of_ten_delivered_messages_shares_its_writes_of_deliveries() {
    let scene = Scene::new(200).await;
    let usage = scene.deliver(SMALL, 10).await;
    assert_eq!((usage.calls("Query"), usage.calls("BatchExecuteStatement")), (1, 1));
    assert!((1..=2).contains(&usage.calls("BatchWriteItem")), "{usage:?}");
    check_units(&usage, &[("BatchExecuteStatement", 10.0), ("BatchWriteItem", 10.0)]);
    assert_eq!(usage.all_calls().len(), 3, "{usage:?}");
}

#[tokio::test]
async fn a_failed_first_attempt_costs_one_request_to_the_queue_and_one_write_besides() {
    let scene = Scene::new(500).await;
    let cold = scene.deliver(&payload::of_bytes(1_000), 1).await;
    check_calls(
        &cold,
        &[
            ("BatchExecuteStatement", 1),
            ("BatchWriteItem", 1),
            ("Query", 1),
            ("SendMessageBatch", 1),
            ("UpdateItem", 1),
        ],
    );
    check_units(&cold, &[("BatchExecuteStatement", 1.0), ("BatchWriteItem", 1.0), ("UpdateItem", 1.0)]);
    let warm = scene.deliver(&payload::of_bytes(1_000), 1).await;
    check_calls(
        &warm,
        &[("BatchExecuteStatement", 1), ("BatchWriteItem", 1), ("SendMessageBatch", 1), ("UpdateItem", 1)],
    );
}

#[tokio::test]
async fn the_retries_of_a_batch_share_their_requests_to_the_queue() {
    let scene = Scene::new(500).await;
    let usage = scene.deliver(SMALL, 10).await;
    assert!((1..=2).contains(&usage.calls("SendMessageBatch")), "{usage:?}");
    assert!((1..=2).contains(&usage.calls("BatchWriteItem")), "{usage:?}");
    assert!((1..=2).contains(&usage.calls("UpdateItem")), "{usage:?}");
    assert_eq!((usage.calls("Query"), usage.calls("BatchExecuteStatement")), (1, 1));
    assert_eq!(usage.all_calls().len(), 5, "{usage:?}");
}

#[tokio::test]
async fn a_rate_limit_costs_a_batch_two_writes_and_one_while_it_is_busy() {
    let scene = Scene::new(200).await;
    scene.endpoint.patch(json!({ "rateLimit": 10 })).await;
    // A second's worth goes out at once. The first update finds no limit reserved under, the second one begins.
    let usage = scene.deliver(SMALL, 10).await;
    assert_eq!((usage.calls("UpdateItem"), usage.calls("SendMessageBatch")), (2, 0), "{usage:?}");
    // At one a second, ten are more than a second's worth: whoever comes next finds it busy.
    let scene = Scene::new(200).await;
    scene.endpoint.patch(json!({ "rateLimit": 1 })).await;
    scene.deliver(SMALL, 10).await;
    let busy = scene.deliver(SMALL, 5).await;
    check_calls(
        &busy,
        &[("BatchExecuteStatement", 1), ("BatchWriteItem", 1), ("SendMessageBatch", 1), ("UpdateItem", 1)],
    );
}

#[tokio::test]
async fn a_delivery_that_is_not_yet_due_costs_one_request_to_the_queue() {
    let scene = Scene::new(500).await;
    scene.deliver(SMALL, 1).await;
    // A retry waits thirty seconds here; its record is handed to the sender at once.
    let task = json!({
        "organizationId": scene.organization.id,
        "endpointId": scene.endpoint.id,
        "messageId": "msg_01J9ZK4T6Q0X3V8N5B2M7C1D4F",
        "deliveryId": "dlv_01J9ZK4T6Q0X3V8N5B2M7C1D4F",
        "attempt": 2,
        "dueAt": jiff::Timestamp::now().as_millisecond() + 3_600_000,
    });
    scene.bench.deliveries.put(&task.to_string()).await;
    let fed = scene.bench.deliveries.feed(&scene.sender).await;
    assert_eq!((fed.records, fed.again), (1, 0));
    check_calls(&scene.bench.proxy.take_usage(), &[("SendMessageBatch", 1)]);
}

#[tokio::test]
async fn a_retry_costs_two_writes_and_one_read_and_a_write_of_its_endpoints_health() {
    for (status, more) in [(200, None), (500, Some(("SendMessageBatch", 1)))] {
        let scene = Scene::new(status).await;
        // The row of a first attempt that failed, and its record: made by a sender that waits for nothing.
        let stack = Stack::load();
        let failing = Workbench::new(&stack).await;
        let refusing = failing.function("sender").await;
        let down = Receiver::always(&stack, 500).await;
        scene.endpoint.patch(json!({ "url": down.url() })).await;
        failing.events.put(&scene.organization.record(STARTED, &payload::of_bytes(1_000), "")).await;
        failing.events.feed(&refusing).await;
        let waiting = failing.deliveries.find("the retry", 1, |_| true).await;
        scene.endpoint.patch(json!({ "url": scene.receiver.url() })).await;

        scene.bench.deliveries.put(waiting[0].body().unwrap()).await;
        let fed = scene.bench.deliveries.feed(&scene.sender).await;
        assert_eq!((fed.records, fed.again), (1, 0));
        let usage = scene.bench.proxy.take_usage();
        let mut expected = vec![("GetItem", 1), ("Query", 1), ("UpdateItem", 3)];
        expected.extend(more);
        expected.sort_unstable();
        check_calls(&usage, &expected);
        check_units(&usage, &[("UpdateItem", 3.0), ("GetItem", 0.5)]);
    }
}

#[tokio::test]
async fn an_event_that_nobody_subscribes_to_costs_one_write() {
    let scene = Scene::new(200).await;
    scene.endpoint.patch(json!({ "eventTypes": ["billing.active"] })).await;
    check_calls(&scene.deliver(SMALL, 1).await, &[("BatchExecuteStatement", 1), ("Query", 1)]);
}

#[tokio::test]
async fn sending_by_the_api_costs_one_read_and_one_request_to_the_queue() {
    let scene = Scene::new(200).await;
    let api = scene.bench.function("api").await;
    let send = json!({ "eventType": STARTED, "payload": {} }).to_string();
    let answer = scene.bench.call(&api, "POST", &scene.organization.sending("/send"), &send).await;
    assert_eq!(answer["statusCode"], 200, "{answer}");
    let usage = scene.bench.proxy.take_usage();
    check_calls(&usage, &[("GetItem", 1), ("SendMessage", 1)]);
    check_units(&usage, &[("GetItem", 1.0)]);
}
