//! Replaying a range of time: every match once more, each once, however often it is asked for and whoever dies.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeSet;

use hookbell_testkit::api::keys;
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::patience::eventually;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::rows;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// A time before all that a test does.
fn an_hour_ago() -> String {
    (Timestamp::now() - SignedDuration::from_hours(1)).to_string()
}

/// Asks for a replay, and gives it as it begins.
async fn begin(endpoint: &Endpoint, body: &Value) -> Value {
    let reply = endpoint.organization.api.post(&endpoint.path("/replay"), body.to_string()).await.expect(202);
    assert_eq!(keys(&reply), ["replay"]);
    reply["replay"].clone()
}

async fn get(endpoint: &Endpoint, replay: &Value) -> Value {
    let path = endpoint.path(&format!("/replay/{}", replay["replayId"].as_str().unwrap()));
    endpoint.organization.api.get(&path).await.expect(200)["replay"].clone()
}

async fn wait_for_state(endpoint: &Endpoint, replay: &Value, state: &str) -> Value {
    eventually(&format!("the replay to be {state}"), async || {
        let replay = get(endpoint, replay).await;
        (replay["state"] == state).then_some(replay)
    })
    .await
}

/// An endpoint that has missed so many messages.
async fn missed(stack: &Stack, profile: &str, receiver: &Receiver, count: usize) -> (Endpoint, BTreeSet<String>) {
    let organization = Organization::new(stack, profile).await;
    let endpoint = organization.endpoint(receiver, &["*"]).await;
    endpoint.disable().await;
    let mut messages = BTreeSet::new();
    for _ in 0..count {
        messages.insert(organization.send_example().await);
    }
    for message in &messages {
        endpoint.wait_for_status(message, "exhausted").await;
    }
    endpoint.patch(json!({ "status": "enabled" })).await;
    (endpoint, messages)
}

fn ids(receiver: &Receiver) -> BTreeSet<String> {
    receiver.arrivals().iter().map(|arrival| arrival.message_id().to_owned()).collect()
}

#[tokio::test]
async fn what_an_endpoint_missed_is_replayed_in_its_profiles_way() {
    let stack = Stack::load();
    for (profile, rows_after) in [("slothbox", 24), ("daytona", 12)] {
        let receiver = Receiver::always(&stack, 200).await;
        let (endpoint, messages) = missed(&stack, profile, &receiver, 12).await;
        let begun = begin(&endpoint, &json!({ "after": an_hour_ago(), "status": "exhausted" })).await;
        let expected =
            ["after", "before", "createdAt", "endpointId", "redelivered", "replayId", "state", "status", "updatedAt"];
        assert_eq!(keys(&begun), expected);
        assert_eq!((&begun["state"], &begun["status"]), (&json!("running"), &json!("exhausted")));
        let finished = wait_for_state(&endpoint, &begun, "finished").await;
        assert_eq!(finished["redelivered"], json!(12));
        receiver.wait_for(12).await;
        assert_eq!(ids(&receiver), messages);
        eventually("twelve deliveries", async || {
            let deliveries = endpoint.deliveries().await;
            (deliveries.iter().filter(|delivery| delivery["status"] == "delivered").count() == 12).then_some(())
        })
        .await;
        assert_eq!(rows::deliveries(&stack, &endpoint).await, rows_after, "{profile}");
        let listed = endpoint.organization.api.get(&endpoint.path("/replay")).await.expect(200);
        assert_eq!(listed, json!({ "replays": [get(&endpoint, &begun).await] }));
    }
}

#[tokio::test]
async fn asking_again_for_the_same_replay_doubles_nothing() {
    let stack = Stack::load();
    let receiver = Receiver::always(&stack, 200).await;
    let (endpoint, messages) = missed(&stack, "slothbox", &receiver, 5).await;
    let wanted = json!({ "after": an_hour_ago() });
    let (one, two) = tokio::join!(begin(&endpoint, &wanted), begin(&endpoint, &wanted));
    assert_eq!(one["replayId"], two["replayId"]);
    wait_for_state(&endpoint, &one, "finished").await;
    receiver.wait_for(5).await;
    assert_eq!(ids(&receiver), messages);
    assert_eq!(rows::deliveries(&stack, &endpoint).await, 10);

    // Without an end it goes on from where it ended, to what has come since and to nothing else.
    endpoint.disable().await;
    let later = endpoint.organization.send_example().await;
    endpoint.wait_for_status(&later, "exhausted").await;
    endpoint.patch(json!({ "status": "enabled" })).await;
    let again = begin(&endpoint, &wanted).await;
    assert_eq!((&again["replayId"], &again["after"]), (&one["replayId"], &one["before"]));
    assert_eq!(wait_for_state(&endpoint, &again, "finished").await["redelivered"], 1);
    receiver.wait_for_message(&later, 1).await;
    assert_eq!((receiver.arrivals().len(), rows::deliveries(&stack, &endpoint).await), (6, 12));

    // With an end it is over.
    let ended = json!({ "after": an_hour_ago(), "before": one["before"] });
    let first = begin(&endpoint, &ended).await;
    wait_for_state(&endpoint, &first, "finished").await;
    assert_eq!(begin(&endpoint, &ended).await, get(&endpoint, &first).await);
    receiver.wait_for(11).await;

    // What that one has made is not made anew by another.
    assert_ne!(first["replayId"], one["replayId"]);
    assert_eq!(rows::deliveries(&stack, &endpoint).await, 17);
}

#[tokio::test]
async fn only_what_is_in_the_range_and_stands_so_is_replayed() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let mut times = Vec::new();
    for _ in 0..3 {
        let message = organization.send_example().await;
        let delivery = endpoint.wait_for_status(&message, "delivered").await;
        times.push((message, delivery["createdAt"].as_str().unwrap().to_owned()));
    }
    // From the second one on, and before the third.
    let middle = begin(&endpoint, &json!({ "after": times[1].1, "before": times[2].1 })).await;
    let finished = wait_for_state(&endpoint, &middle, "finished").await;
    assert_eq!((&finished["after"], &finished["before"]), (&json!(times[1].1), &json!(times[2].1)));
    assert_eq!(finished["redelivered"], 1);
    receiver.wait_for_message(&times[1].0, 2).await;
    let none = begin(&endpoint, &json!({ "after": an_hour_ago(), "status": "failed" })).await;
    let finished = wait_for_state(&endpoint, &none, "finished").await;
    assert_eq!((&finished["redelivered"], receiver.arrivals().len()), (&json!(0), 4));
}

#[tokio::test]
async fn a_replay_of_many_takes_many_steps_and_survives_the_death_of_any() {
    const MISSED: usize = 450;
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    endpoint.disable().await;
    let bench = Workbench::new(&stack).await;
    let sender = bench.function("sender").await;
    bench.deliver_examples(&sender, &organization, MISSED).await;
    assert_eq!(rows::deliveries(&stack, &endpoint).await, MISSED);
    endpoint.patch(json!({ "status": "enabled" })).await;

    let api = bench.function("api").await;
    let wanted = json!({ "after": an_hour_ago(), "status": "exhausted" }).to_string();
    let begun = bench.call(&api, "POST", &endpoint.path("/replay"), &wanted).await;
    assert_eq!(begun["statusCode"], 202, "{begun}");
    let replay: Value = serde_json::from_str(begun["body"].as_str().unwrap()).unwrap();
    // Before the first tasks, in the middle of them, before the step is noted, and before it is handed on.
    for (operation, number) in [("SendMessageBatch", 1), ("SendMessageBatch", 7), ("UpdateItem", 1)] {
        let dying = bench.function("sender").await;
        bench.proxy.kill_after(operation, number, &dying);
        // The step's record alone is what it dies at, or an attempt beside it; both come again.
        bench.deliveries.feed(&dying).await;
        bench.proxy.relent();
    }
    eventually("the replay to finish", async || {
        let sender = bench.function("sender").await;
        bench.deliveries.feed_until_empty(&sender).await;
        for delivery in endpoint.deliveries().await.iter().filter(|delivery| delivery["status"] == "pending") {
            rows::end_claim(&stack, &endpoint, delivery["deliveryId"].as_str().unwrap()).await;
        }
        (get(&endpoint, &replay["replay"]).await["state"] == "finished").then_some(())
    })
    .await;
    let finished = get(&endpoint, &replay["replay"]).await;
    assert_eq!(finished["redelivered"], json!(MISSED));
    assert_eq!(rows::deliveries(&stack, &endpoint).await, 2 * MISSED, "each has one more delivery");
    assert_eq!(ids(&receiver).len(), MISSED);
    assert!(bench.deliveries.is_empty().await && bench.parked.is_empty().await);
}

#[tokio::test]
async fn a_replay_stops_where_its_endpoint_is_disabled_and_goes_on_when_asked_for_again() {
    let stack = Stack::load();
    let receiver = Receiver::always(&stack, 200).await;
    let (endpoint, messages) = missed(&stack, "slothbox", &receiver, 3).await;
    let bench = Workbench::new(&stack).await;
    let (sender, api) = (bench.function("sender").await, bench.function("api").await);
    let wanted = json!({ "after": an_hour_ago() }).to_string();
    let begun = bench.call(&api, "POST", &endpoint.path("/replay"), &wanted).await;
    assert_eq!(begun["statusCode"], 202, "{begun}");
    let replay: Value = serde_json::from_str(begun["body"].as_str().unwrap()).unwrap();
    endpoint.disable().await;
    bench.deliveries.feed_until_empty(&sender).await;
    let stopped = get(&endpoint, &replay["replay"]).await;
    assert_eq!((&stopped["state"], &stopped["stoppedReason"]), (&json!("stopped"), &json!("endpoint disabled")));
    let refused = bench.call(&api, "POST", &endpoint.path("/replay"), &wanted).await;
    assert_eq!(refused["statusCode"], 409, "{refused}");

    endpoint.patch(json!({ "status": "enabled" })).await;
    let resumed = bench.call(&api, "POST", &endpoint.path("/replay"), &wanted).await;
    assert_eq!(resumed["statusCode"], 202, "{resumed}");
    bench.deliveries.feed_until_empty(&bench.function("sender").await).await;
    let finished = get(&endpoint, &replay["replay"]).await;
    assert_eq!((&finished["state"], finished.get("stoppedReason")), (&json!("finished"), None));
    assert_eq!(ids(&receiver), messages);
}

#[tokio::test]
async fn a_replay_that_cannot_be_is_refused_and_nothing_is_sent() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let (path, now) = (endpoint.path("/replay"), Timestamp::now());
    let past = (now - SignedDuration::from_hours(2)).to_string();
    let cases: [(&str, Value); 11] = [
        ("after", json!({})),
        ("after", json!({ "after": "yesterday" })),
        ("after", json!({ "after": 1_780_000_000 })),
        ("after", json!({ "after": null })),
        ("after", json!({ "after": (now + SignedDuration::from_hours(1)).to_string() })),
        ("after", json!({ "after": an_hour_ago(), "before": past })),
        ("before", json!({ "after": past, "before": "2026-13-01T00:00:00Z" })),
        ("before", json!({ "after": past, "before": true })),
        ("status", json!({ "after": past, "status": "skipped" })),
        ("status", json!({ "after": past, "status": 2 })),
        ("surprise", json!({ "after": past, "surprise": 1 })),
    ];
    for (field, body) in cases {
        organization.api.post(&path, body.to_string()).await.check_fields(&[field]);
    }
    organization.api.post(&path, "").await.check_fields(&["body"]);
    let listed = organization.api.get(&path).await.expect(200);
    assert_eq!(listed, json!({ "replays": [] }));

    let (body, ulid) = (json!({ "after": past }).to_string(), "01J9ZK4T6Q0X3V8N5B2M7C1D4F");
    organization.api.post(&organization.managing(&format!("/whe_{ulid}/replay")), body.clone()).await.check(404);
    organization.api.get(&organization.managing(&format!("/whe_{ulid}/replay"))).await.check(404);
    for unknown in [format!("rpl_{ulid}"), "nonsense".to_owned(), endpoint.id.clone()] {
        organization.api.get(&endpoint.path(&format!("/replay/{unknown}"))).await.check(404);
    }
    endpoint.disable().await;
    let refused = organization.api.post(&path, body).await.expect(409);
    assert_eq!(refused["error"]["code"], "endpoint_disabled");
}

#[tokio::test]
async fn what_a_replay_had_queued_when_it_stopped_is_sent_after_all() {
    // One more than a step takes.
    const MISSED: usize = 201;
    let stack = Stack::load();
    for profile in ["slothbox", "daytona"] {
        let organization = Organization::new(&stack, profile).await;
        let receiver = Receiver::always(&stack, 200).await;
        let endpoint = organization.endpoint(&receiver, &["*"]).await;
        endpoint.disable().await;
        let bench = Workbench::new(&stack).await;
        let sender = bench.function("sender").await;
        bench.deliver_examples(&sender, &organization, MISSED).await;
        endpoint.patch(json!({ "status": "enabled" })).await;

        let api = bench.function("api").await;
        let wanted = json!({ "after": an_hour_ago() }).to_string();
        let begun = bench.call(&api, "POST", &endpoint.path("/replay"), &wanted).await;
        let replay: Value = serde_json::from_str(begun["body"].as_str().unwrap()).unwrap();
        bench.deliveries.feed(&sender).await;
        endpoint.disable().await;
        bench.deliveries.feed_until_empty(&bench.function("sender").await).await;
        assert_eq!(get(&endpoint, &replay["replay"]).await["state"], "stopped");
        assert!(receiver.arrivals().is_empty());

        endpoint.patch(json!({ "status": "enabled" })).await;
        assert_eq!(bench.call(&api, "POST", &endpoint.path("/replay"), &wanted).await["statusCode"], 202);
        bench.deliveries.feed_until_empty(&bench.function("sender").await).await;
        let finished = get(&endpoint, &replay["replay"]).await;
        assert_eq!((&finished["state"], &finished["redelivered"]), (&json!("finished"), &json!(MISSED)));
        assert_eq!((ids(&receiver).len(), receiver.arrivals().len()), (MISSED, MISSED), "{profile}");
    }
}

#[tokio::test]
async fn a_step_whose_note_lost_its_answer_hands_on_all_the_same() {
    const MISSED: usize = 201;
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    endpoint.disable().await;
    let bench = Workbench::new(&stack).await;
    let sender = bench.function("sender").await;
    bench.deliver_examples(&sender, &organization, MISSED).await;
    endpoint.patch(json!({ "status": "enabled" })).await;
    let api = bench.function("api").await;
    let wanted = json!({ "after": an_hour_ago() }).to_string();
    let begun = bench.call(&api, "POST", &endpoint.path("/replay"), &wanted).await;
    let replay: Value = serde_json::from_str(begun["body"].as_str().unwrap()).unwrap();
    bench.proxy.lose_answer("UpdateItem", 1);
    bench.deliveries.feed_until_empty(&sender).await;
    assert_eq!(get(&endpoint, &replay["replay"]).await["state"], "finished");
    assert_eq!(receiver.arrivals().len(), MISSED);
}
