//! Rate limits of endpoints: what is over one waits, and nothing else happens to it.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::function::Function;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::patience::eventually;
use hookbell_testkit::receiver::{Arrival, Receiver};
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

const STARTED: &str = "environment.started";
const PAYLOAD: &str = r#"{"resource":{"type":"environment","id":"env_1","name":"my-box"}}"#;

/// Waits for that many messages, each once.
async fn each_once(receiver: &Receiver, count: usize) -> Vec<Arrival> {
    let arrivals = receiver.wait_for(count).await;
    let messages: BTreeSet<&str> = arrivals.iter().map(Arrival::message_id).collect();
    assert_eq!((messages.len(), arrivals.len()), (count, count));
    arrivals
}

#[tokio::test]
async fn a_limit_holds_over_all_instances_and_what_is_over_it_waits_unharmed() {
    const LIMIT: u32 = 10;
    const COUNT: usize = 150;
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let (limited, free) = (Receiver::always(&stack, 200).await, Receiver::always(&stack, 200).await);
    let endpoint = organization.endpoint_with(&limited, &["*"], json!({ "rateLimit": LIMIT })).await;
    organization.endpoint(&free, &["*"]).await;
    for _ in 0..COUNT / 10 {
        join_all((0..10).map(|_| organization.produce(STARTED, PAYLOAD, ""))).await;
    }

    let unaffected = each_once(&free, COUNT).await;
    let fanned_out = Instant::now();
    let arrivals = each_once(&limited, COUNT).await;
    let (first, last) = (arrivals[0].at, arrivals[COUNT - 1].at);
    let rate = Duration::from_secs(1) / LIMIT;
    // An idle limit gives the messages of a second at once.
    let paced = rate * (u32::try_from(COUNT).unwrap() - LIMIT);
    assert!(last - first >= paced.mul_f64(0.9), "too fast: {:?}", last - first);
    // From here on all of them were waiting, so how fast they were fed does not count.
    let rest = last.saturating_duration_since(fanned_out);
    // The machine that plays AWS may be slow; a deployment is not.
    assert!(rest <= paced.mul_f64(1.5) + Duration::from_secs(10), "too slow: {rest:?}");
    for (index, arrival) in arrivals.iter().enumerate() {
        let within = arrivals[index..].iter().filter(|other| other.at < arrival.at + Duration::from_secs(5)).count();
        // Five seconds' worth, the second of the beginning, and those of five seconds more that may all come late.
        assert!(within <= 115, "{within} in five seconds");
    }
    assert!(unaffected.iter().all(|arrival| arrival.at <= last));
    eventually("all to be recorded", async || {
        let deliveries = endpoint.deliveries().await;
        deliveries.iter().all(|delivery| delivery["status"] == "delivered").then(|| {
            assert!(deliveries.iter().all(|delivery| delivery["attemptCount"] == 1));
        })
    })
    .await;
}

/// Messages to an endpoint with a limit of one a second.
const MESSAGES: usize = 4;

/// That endpoint, a sender, and the records of the messages that wait for their slots.
struct Waiting {
    bench: Workbench,
    receiver: Receiver,
    endpoint: Endpoint,
    sender: Function,
    records: Vec<Value>,
}

impl Waiting {
    async fn new() -> Self {
        let stack = Stack::load();
        let organization = Organization::new(&stack, "slothbox").await;
        let receiver = Receiver::always(&stack, 200).await;
        let endpoint = organization.endpoint_with(&receiver, &["*"], json!({ "rateLimit": 1 })).await;
        let bench = Workbench::new(&stack).await;
        let sender = bench.function("sender").await;
        for _ in 0..MESSAGES {
            bench.events.put(&organization.record(STARTED, PAYLOAD, "")).await;
        }
        // One batch, so that all ask at the same time; on a slow machine more than one of them has its second.
        assert_eq!(bench.events.feed(&sender).await.records, MESSAGES);
        let wait = MESSAGES - receiver.arrivals().len();
        assert!((1..MESSAGES).contains(&wait));
        let mut records = Vec::new();
        for record in bench.deliveries.find("those that wait", wait, |_| true).await {
            let mut record: Value = serde_json::from_str(record.body().unwrap()).unwrap();
            assert_eq!((&record["attempt"], &record["slot"]["limit"]), (&json!(1), &json!(1)));
            // As if many others had their slots before.
            record["slot"]["at"] = json!(Timestamp::now().as_millisecond() + 600_000);
            record["dueAt"] = json!(0);
            records.push(record);
        }
        for delivery in endpoint.deliveries().await {
            assert!(delivery["status"] == "delivered" || delivery["attemptCount"] == 0, "{delivery}");
        }
        Self { bench, receiver, endpoint, sender, records }
    }

    async fn feed(&self) {
        for record in &self.records {
            self.bench.deliveries.put(&record.to_string()).await;
        }
        self.bench.deliveries.feed_until_empty(&self.sender).await;
    }

    /// Waits until all have arrived, at the first attempt of each.
    async fn check_all_delivered(&self) {
        each_once(&self.receiver, MESSAGES).await;
        eventually("all to be recorded", async || {
            let deliveries = self.endpoint.deliveries().await;
            let done = |delivery: &Value| delivery["status"] == "delivered" && delivery["attemptCount"] == 1;
            (deliveries.len() == MESSAGES && deliveries.iter().all(done)).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn what_waits_goes_out_when_the_limit_is_removed() {
    let waiting = Waiting::new().await;
    waiting.endpoint.patch(json!({ "rateLimit": null })).await;
    waiting.feed().await;
    waiting.check_all_delivered().await;
}

#[tokio::test]
async fn what_waits_goes_by_the_new_limit_when_it_is_changed() {
    let waiting = Waiting::new().await;
    waiting.endpoint.patch(json!({ "rateLimit": 50 })).await;
    waiting.feed().await;
    waiting.check_all_delivered().await;
}

#[tokio::test]
async fn what_comes_long_before_its_slot_goes_back_with_it() {
    let waiting = Waiting::new().await;
    for record in &waiting.records {
        waiting.bench.deliveries.put(&record.to_string()).await;
    }
    let (mut fed, arrived) = (0, waiting.receiver.arrivals().len());
    while fed < waiting.records.len() {
        fed += waiting.bench.deliveries.feed(&waiting.sender).await.records;
    }
    assert_eq!(waiting.receiver.arrivals().len(), arrived);
    assert_eq!(waiting.bench.deliveries.len().await, waiting.records.len());
    let usage = waiting.bench.proxy.take_usage();
    assert!(!usage.all_calls().iter().any(|(call, _)| *call == "GetItem"), "{usage:?}");
}

#[tokio::test]
async fn what_waits_for_its_slot_is_told_of_as_late_and_what_is_held_from_a_failing_receiver_is_not() {
    let mut waiting = Waiting::new().await;
    let two_hours_ago = Timestamp::now().as_millisecond() - 7_200_000;
    for held_since in [json!(two_hours_ago), Value::Null] {
        let record = &mut waiting.records[0];
        record["firstDueAt"] = json!(two_hours_ago);
        record["heldSince"] = held_since;
        waiting.bench.deliveries.put(&record.to_string()).await;
        assert_eq!(waiting.bench.deliveries.feed(&waiting.sender).await.records, 1);
    }
    let told = eventually("the metrics of three invocations", async || {
        let output = waiting.sender.output();
        let lines = output.lines().filter(|line| line.contains("\"_aws\""));
        let told: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
        (told.len() == 3).then_some(told)
    })
    .await;
    let late = told.iter().map(|line| line.get("DueAge").and_then(|ages| ages[0].as_f64()));
    let hours: Vec<Option<f64>> = late.map(|late| late.map(|seconds| (seconds / 3_600.0).floor())).collect();
    assert_eq!(hours, [None, None, Some(2.0)], "{told:?}");
    assert!(told[1..].iter().all(|line| line["DeliveriesThrottled"] == 1), "{told:?}");
}
