//! Endpoints that fail: who waits for them, who finds out when they work again, and what becomes of what has waited.

#![expect(clippy::indexing_slicing, reason = "a panic is how a test fails")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hookbell_testkit::answer::{Answer, Gate};
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::patience::eventually;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::rows;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use serde_json::json;

const STARTED: &str = "environment.started";
const PAYLOAD: &str = r#"{"resource":{"type":"environment","id":"env_1","name":"my-box"}}"#;

/// A twentieth of the real waits: half a second between probes.
const SCALE: &str = "0.05";

/// Puts so many events on the workbench's queue.
async fn put(bench: &Workbench, organization: &Organization, count: usize) {
    for _ in 0..count {
        bench.events.put(&organization.record(STARTED, PAYLOAD, "")).await;
    }
}

/// Waits until the API says that of the endpoint's health.
async fn wait_for_state(endpoint: &Endpoint, state: &str) {
    endpoint.wait_until(state, |shown| shown["health"]["state"] == state).await;
}

/// Waits until the API says nothing of the endpoint's health.
async fn wait_until_well(endpoint: &Endpoint) {
    endpoint.wait_until("well", |shown| shown.get("health").is_none()).await;
}

#[tokio::test]
async fn a_failing_endpoint_is_probed_until_it_works_and_then_gets_all_that_has_waited() {
    const EVENTS: usize = 30;
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let works = Arc::new(AtomicBool::new(false));
    let answers = Arc::clone(&works);
    let receiver =
        Receiver::start(&stack, move |_, _| Answer::status(if answers.load(Ordering::SeqCst) { 200 } else { 500 }))
            .await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let bench = Workbench::new(&stack).await.with("TIME_SCALE", SCALE);
    let (sender, other) = (bench.function("sender").await, bench.function("sender").await);

    // The first ten find nothing against it. From then on no event waits for it.
    put(&bench, &organization, 10).await;
    assert_eq!(bench.events.feed(&sender).await.records, 10);
    wait_for_state(&endpoint, "failing").await;
    put(&bench, &organization, EVENTS - 10).await;
    bench.events.feed_until_empty(&other).await;
    assert_eq!((receiver.arrivals().len(), rows::deliveries(&stack, &endpoint).await), (10, EVENTS));

    let recovery = async {
        wait_for_state(&endpoint, "open").await;
        // What was under way when it opened ends; from then on there are probes.
        let opened = endpoint.get().await;
        assert!(opened["health"]["failedAttempts"].as_u64().unwrap() >= 20, "{opened}");
        assert!(opened["health"]["failingSince"].is_string(), "{opened}");
        let before = receiver.arrivals().len();
        let probes = receiver.wait_for(before + 4).await;
        let pauses = probes[before + 1..].windows(2).map(|two| two[1].at - two[0].at);
        assert!(pauses.clone().all(|pause| pause > Duration::from_millis(400)), "{:?}", pauses.collect::<Vec<_>>());
        works.store(true, Ordering::SeqCst);
        wait_until_well(&endpoint).await;
    };
    tokio::join!(recovery, bench.deliveries.feed_until_empty(&sender), bench.deliveries.feed_until_empty(&other));

    eventually("all to be delivered", async || {
        let deliveries = endpoint.deliveries().await;
        let all = deliveries.len() == EVENTS && deliveries.iter().all(|delivery| delivery["status"] == "delivered");
        all.then(|| {
            let attempts: u64 = deliveries.iter().map(|delivery| delivery["attemptCount"].as_u64().unwrap()).sum();
            assert_eq!(usize::try_from(attempts).unwrap(), receiver.arrivals().len(), "waiting is no attempt");
        })
    })
    .await;
    let messages: BTreeSet<String> =
        receiver.arrivals().iter().map(|arrival| arrival.message_id().to_owned()).collect();
    assert_eq!(messages.len(), EVENTS);
    assert!(bench.parked.is_empty().await && bench.deliveries_dead_letters.is_empty().await);
}

#[tokio::test]
async fn attempts_that_hang_count_before_they_end_and_a_late_success_clears_them() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let gate = Gate::closed();
    let held = gate.clone();
    let receiver = Receiver::start(&stack, move |_, _| Answer::status(200).behind(&held)).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let bench = Workbench::new(&stack).await.with("TIME_SCALE", "1");
    let (held_up, other) = (bench.function("sender").await, bench.function("sender").await);
    put(&bench, &organization, 5).await;

    let rest = async {
        receiver.wait_for(5).await;
        wait_for_state(&endpoint, "failing").await;
        // They still hang; the next event goes its way without waiting for any of them.
        let queue = hookbell_testkit::queue::Queue::create(&stack, "events", None).await;
        queue.put(&organization.record(STARTED, PAYLOAD, "")).await;
        assert_eq!(queue.feed(&other).await.again, 0);
        let waiting = bench.deliveries.find("the delivery that waits for none", 1, |_| true).await;
        assert_eq!((waiting.len(), receiver.arrivals().len()), (1, 5));
        gate.open();
    };
    let (fed, ()) = tokio::join!(bench.events.feed(&held_up), rest);
    assert_eq!((fed.records, fed.again), (5, 0));
    wait_until_well(&endpoint).await;
    let delivered = endpoint.deliveries().await.into_iter().filter(|delivery| delivery["status"] == "delivered");
    assert_eq!(delivered.count(), 5);
}

#[tokio::test]
async fn another_url_begins_anew() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let (down, up) = (Receiver::always(&stack, 500).await, Receiver::always(&stack, 200).await);
    let endpoint = organization.endpoint(&down, &["*"]).await;
    let bench = Workbench::new(&stack).await.with("TIME_SCALE", SCALE);
    let sender = bench.function("sender").await;
    put(&bench, &organization, 3).await;
    bench.events.feed_until_empty(&sender).await;
    wait_for_state(&endpoint, "failing").await;
    let changed = endpoint.patch(json!({ "url": up.url() })).await;
    assert!(changed.get("health").is_none(), "{changed}");
    wait_until_well(&endpoint).await;
}
