//! What the functions tell of their work: every outcome is counted as what it is, and nothing that is secret is told.

#![expect(clippy::indexing_slicing, reason = "a panic is how a test fails")]

use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::function::Function;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::proxy::Which;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::told::{self, wait_for_counts};
use hookbell_testkit::workbench::Workbench;
use serde_json::{Value, json};

const STARTED: &str = "environment.started";
const PAYLOAD: &str = r#"{"resource":{"type":"environment","id":"env_telltale","name":"my-box"}}"#;

struct Scene {
    stack: Stack,
    organization: Organization,
    bench: Workbench,
    sender: Function,
}

impl Scene {
    async fn new(profile: &str) -> Self {
        let stack = Stack::load();
        let organization = Organization::new(&stack, profile).await;
        let bench = Workbench::new(&stack).await.with("TIME_SCALE", "1");
        let sender = bench.function("sender").await;
        Self { stack, organization, bench, sender }
    }

    async fn endpoint(&self, status: u16) -> (Receiver, Endpoint) {
        let receiver = Receiver::always(&self.stack, status).await;
        let endpoint = self.organization.endpoint(&receiver, &["*"]).await;
        (receiver, endpoint)
    }

    /// Has so many events dealt with in one invocation.
    async fn deliver(&self, count: usize) {
        for _ in 0..count {
            self.bench.events.put(&self.organization.record(STARTED, PAYLOAD, "")).await;
        }
        assert_eq!(self.bench.events.feed(&self.sender).await.records, count);
    }

    /// The ids of the invocations that the sender has had, as its metrics tell them.
    fn invocations(&self) -> Vec<Value> {
        let lines = told::lines(&self.sender).into_iter();
        lines.filter(|line| line["_aws"].is_object()).map(|line| line["request_id"].clone()).collect()
    }
}

#[tokio::test]
async fn each_outcome_is_counted_as_what_it_is() {
    let scene = Scene::new("slothbox").await;
    let (_delivers, _) = scene.endpoint(200).await;
    let (_fails, _) = scene.endpoint(500).await;
    let (_gone, gone) = scene.endpoint(410).await;
    let (_, disabled) = scene.endpoint(200).await;
    disabled.disable().await;
    scene.deliver(1).await;
    let counts = [
        ("AttemptsFailed", 1),
        ("DeliveriesDelivered", 1),
        ("DeliveriesExhausted", 1),
        ("DeliveriesSkipped", 1),
        ("RetriesWaiting", 1),
    ];
    wait_for_counts(&scene.sender, &counts).await;
    let skipped = &told::wait_for(&scene.sender, "delivery.skipped", 1).await[0];
    assert_eq!((&skipped["endpoint_id"], &skipped["reason"]), (&json!(disabled.id), &json!("endpoint disabled")));
    assert_eq!(scene.invocations(), [skipped["request_id"].clone()]);
    assert_eq!(told::metrics(&scene.sender)["AttemptLatency"].len(), 3);

    let dlq = scene.bench.function("dlq").await;
    scene.bench.deliveries_dead_letters.feed(&dlq).await;
    wait_for_counts(&dlq, &[("EndpointsDisabled", 1)]).await;
    let line = &told::wait_for(&dlq, "endpoint.disabled", 1).await[0];
    assert!(line["endpoint_id"] == json!(gone.id) && line["request_id"].is_string(), "{line}");
}

#[tokio::test]
async fn what_is_put_aside_is_counted_by_where_it_goes() {
    let scene = Scene::new("slothbox").await;
    scene.bench.events.put("telltale, and no event").await;
    scene.bench.events.feed(&scene.sender).await;
    scene.bench.deliveries.put(r#"{"telltale":"and no delivery"}"#).await;
    scene.bench.deliveries.feed(&scene.sender).await;
    wait_for_counts(&scene.sender, &[("EventsRejected", 1), ("RecordsParked", 1)]).await;
    let parked = told::wait_for(&scene.sender, "record.parked", 2).await;
    assert_eq!(scene.invocations(), [parked[0]["request_id"].clone(), parked[1]["request_id"].clone()]);
    let dlq = scene.bench.function("dlq").await;
    scene.bench.deliveries_dead_letters.put(r#"{"telltale":"and no dead letter"}"#).await;
    scene.bench.deliveries_dead_letters.feed(&dlq).await;
    wait_for_counts(&dlq, &[("RecordsParked", 1)]).await;
    assert!(!(scene.sender.output() + &dlq.output()).contains("telltale"));
}

#[tokio::test]
async fn a_call_of_aws_that_fails_for_good_is_counted_once() {
    let scene = Scene::new("slothbox").await;
    let (_receiver, _) = scene.endpoint(500).await;
    scene.bench.proxy.lose_answer("BatchWriteItem", 1);
    scene.bench.proxy.refuse("SendMessageBatch", Which::Every);
    scene.deliver(1).await;
    // The answer that was lost is no error: the SDK has asked again.
    wait_for_counts(&scene.sender, &[("AttemptsFailed", 1), ("AwsErrors", 1)]).await;
}

#[tokio::test]
async fn more_attempts_than_a_line_holds_are_all_measured() {
    let scene = Scene::new("slothbox").await;
    let receiver = Receiver::always(&scene.stack, 200).await;
    for _ in 0..11 {
        scene.organization.endpoint(&receiver, &["*"]).await;
    }
    scene.deliver(10).await;
    wait_for_counts(&scene.sender, &[("DeliveriesDelivered", 110)]).await;
    assert_eq!(told::metrics(&scene.sender)["AttemptLatency"].len(), 110);
    assert_eq!(scene.invocations().len(), 2, "of one invocation");
}

#[tokio::test]
async fn a_call_tells_whose_it_was_and_why_it_was_refused_and_no_key() {
    let scene = Scene::new("slothbox").await;
    let bench = scene.bench.with("RATE_LIMIT_PER_MINUTE", "2");
    let api = bench.function("api").await;
    let (id, key) = scene.organization.new_key("member").await;
    let (own, send) = (scene.organization.managing(""), scene.organization.sending("/send"));
    let unknown = format!("sk_{}", "telltale".repeat(4));
    bench.call_with(&unknown, &api, "GET", &own, "").await;
    bench.call_with(&key, &api, "GET", &format!("/organizations/telltale/webhooks?a={unknown}"), "").await;
    bench.call_with(&key, &api, "POST", &send, "{}").await;
    // At the turn of a minute it has calls once more.
    let mut calls = 3;
    while told::wait_for(&api, "api.called", calls).await[calls - 1]["status"] != 429 {
        bench.call_with(&key, &api, "GET", &own, "").await;
        calls += 1;
    }
    let lines = told::wait_for(&api, "api.called", calls).await;
    let told = |line: &Value| ["caller", "role", "organization_id", "error_code"].map(|field| line[field].clone());
    let null = Value::Null;
    assert_eq!(told(&lines[0]), [null.clone(), null.clone(), null.clone(), json!("unauthorized")]);
    assert_eq!(told(&lines[1]), [json!(id), json!("member"), null.clone(), json!("not_found")]);
    assert_eq!(told(&lines[2]), [json!(id), json!("member"), json!(scene.organization.id), json!("forbidden")]);
    assert_eq!(told(&lines[calls - 1]), [null.clone(), null.clone(), null, json!("rate_limited")]);
    assert!(lines[0].get("key_hash").is_none());
    assert_eq!(lines[2]["key_hash"].as_str().map(str::len), Some(16));
    assert!(lines[1..].iter().all(|line| line["key_hash"] == lines[2]["key_hash"]), "{lines:?}");
    wait_for_counts(&api, &[("CallsThrottled", 1)]).await;
    assert!(!api.output().contains("telltale") && !api.output().contains(&key[3..]));
}
