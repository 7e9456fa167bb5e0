//! Ordered endpoints on the deployed stack: what arrives, and in which order, whatever fails or is switched meanwhile.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::time::Duration;

use futures_util::future::join_all;
use hookbell_testkit::answer::{Answer, Gate};
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::patience::eventually;
use hookbell_testkit::receiver::{Arrival, Receiver};
use hookbell_testkit::rows;
use hookbell_testkit::stack::Stack;
use serde_json::{Value, json};

/// The messages that have arrived, each once for all of its attempts in a row.
fn order(arrivals: &[Arrival]) -> Vec<String> {
    let mut ids: Vec<String> = arrivals.iter().map(|arrival| arrival.message_id().to_owned()).collect();
    ids.dedup();
    ids
}

/// How often a message is refused before it is taken: not, once or twice, by the chance that is in its id.
fn refusals(message: &str) -> usize {
    usize::from(message.bytes().last().unwrap_or_default() % 8).saturating_sub(5)
}

async fn ordered(organization: &Organization, receiver: &Receiver) -> Endpoint {
    organization.endpoint_with(receiver, &["*"], json!({ "ordered": true })).await
}

async fn send(organization: &Organization, count: usize) -> Vec<String> {
    let mut sent = Vec::new();
    for _ in 0..count {
        sent.push(organization.send_example().await);
    }
    sent
}

#[tokio::test]
async fn messages_arrive_in_the_order_of_their_acceptance_though_their_receiver_fails() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::start(&stack, |arrival, seen| {
        Answer::status(if seen > refusals(arrival.message_id()) { 200 } else { 500 })
    })
    .await;
    let endpoint = ordered(&organization, &receiver).await;
    // One whose receiver answers nothing meanwhile holds up nobody.
    let never = Gate::closed();
    let slow = Receiver::start(&stack, move |_, _| Answer::status(200).behind(&never)).await;
    organization.endpoint(&slow, &["environment.terminated"]).await;
    organization.send("environment.terminated", r#"{"resource":{"type":"environment","id":"e","name":"n"}}"#).await;

    let sent = send(&organization, 120).await;
    for message in &sent {
        receiver.wait_for_message(message, refusals(message) + 1).await;
    }
    let arrivals = receiver.arrivals();
    assert_eq!(order(&arrivals)[1..], sent);
    let attempts: usize = order(&arrivals).iter().map(|message| refusals(message) + 1).sum();
    eventually("all to be delivered", async || {
        let newest = endpoint.deliveries().await;
        newest.iter().all(|delivery| delivery["status"] == "delivered").then_some(())
    })
    .await;
    assert_eq!(receiver.arrivals().len(), attempts);
    assert_eq!(rows::deliveries(&stack, &endpoint).await, 121);
}

#[tokio::test]
async fn a_line_with_a_rate_limit_keeps_its_order_and_the_limit() {
    const LIMIT: usize = 5;
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    organization.endpoint_with(&receiver, &["*"], json!({ "ordered": true, "rateLimit": LIMIT })).await;
    let sent = send(&organization, 4 * LIMIT).await;
    let arrivals = receiver.wait_for(sent.len()).await;
    assert_eq!(order(&arrivals), sent);
    // An idle limit gives the messages of a second at once.
    let took = arrivals[sent.len() - 1].at - arrivals[0].at;
    assert!(took >= Duration::from_secs(3).mul_f64(0.9), "{took:?}");
}

#[tokio::test]
async fn a_head_that_is_exhausted_or_ended_by_its_receiver_lets_the_rest_go_on() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "daytona").await;
    let receiver = Receiver::start(&stack, |arrival, _| match arrival.json()["n"].as_u64() {
        Some(0) => Answer::status(500),
        Some(2) => Answer::status(500).header("webhook-delivery", "abort-message"),
        _ => Answer::status(200),
    })
    .await;
    let endpoint = ordered(&organization, &receiver).await;
    let mut sent = Vec::new();
    for n in 0..4 {
        sent.push(organization.send("sandbox.created", &json!({ "n": n }).to_string()).await);
    }
    let arrivals = receiver.wait_for(8 + 3).await;
    let expected: Vec<&str> = [&sent[0]; 8].into_iter().chain(&sent[1..]).map(String::as_str).collect();
    assert_eq!(arrivals.iter().map(Arrival::message_id).collect::<Vec<_>>(), expected);
    for (message, status) in sent.iter().zip(["exhausted", "delivered", "exhausted", "delivered"]) {
        endpoint.wait_for_status(message, status).await;
    }
    let first = &endpoint.deliveries_of(&sent[0]).await[0];
    assert_eq!(first["attempts"].as_array().unwrap().len(), 8);
    // It counts against the endpoint, once; a success came after it.
    assert_eq!(endpoint.get().await["status"], "enabled");
}

#[tokio::test]
async fn what_stands_behind_a_head_is_pending_and_is_skipped_when_the_endpoint_is_disabled() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let gate = Gate::closed();
    let held = gate.clone();
    let receiver = Receiver::start(&stack, move |_, _| Answer::status(500).behind(&held)).await;
    let endpoint = ordered(&organization, &receiver).await;
    let sent = send(&organization, 4).await;
    receiver.wait_for(1).await;
    for message in &sent[1..] {
        endpoint.wait_for_status(message, "pending").await;
    }
    endpoint.disable().await;
    gate.open();
    for message in &sent {
        let skipped = |delivery: &Value| delivery["skipped"] == "endpoint disabled";
        endpoint.wait_for_delivery(message, "skipped", skipped).await;
    }
    assert_eq!(order(&receiver.arrivals()), sent[..1]);

    // Enabled again, it gets them by a replay, in their order.
    let open = Receiver::always(&stack, 200).await;
    endpoint.patch(json!({ "status": "enabled", "url": open.url() })).await;
    let replay = json!({ "after": "2020-01-01T00:00:00Z" }).to_string();
    organization.api.post(&endpoint.path("/replay"), replay).await.check(202);
    assert_eq!(order(&open.wait_for(4).await), sent);
}

#[tokio::test]
async fn an_endpoint_that_is_switched_on_and_off_meanwhile_gets_every_message_once() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let traffic = async {
        // Several producers at once, by both doors.
        let by_api = (0..4).map(|_| send(&organization, 15));
        let by_queue = async {
            for _ in 0..15 {
                let entry = &organization.profile.event_types[0];
                organization.produce(entry.name, entry.example, "").await;
            }
        };
        tokio::join!(join_all(by_api), by_queue).0
    };
    let switching = async {
        for ordered in [true, false, true, false, true, false] {
            endpoint.patch(json!({ "ordered": ordered })).await;
            let seen = receiver.arrivals().len();
            receiver.wait_for((seen + 5).min(75)).await;
        }
    };
    let (sent, ()) = tokio::join!(traffic, switching);
    assert_eq!(sent.concat().len(), 60);
    let arrivals = receiver.wait_for(75).await;
    eventually("all to be recorded", async || {
        let deliveries = endpoint.deliveries().await;
        (deliveries.len() == 75 && deliveries.iter().all(|d| d["status"] == "delivered")).then_some(())
    })
    .await;
    assert_eq!(receiver.arrivals().len(), 75);
    for message in sent.concat() {
        assert_eq!(arrivals.iter().filter(|arrival| arrival.message_id() == message).count(), 1);
    }
}

/// Fails unless a replay, and redeliveries that were asked for, arrive in the order of their asking.
async fn check_once_more(profile: &str) {
    let stack = Stack::load();
    let organization = Organization::new(&stack, profile).await;
    let receiver = Receiver::start(&stack, |arrival, seen| {
        // The second time, too, some are refused first; an attempt by hand has no other after it.
        let refused = arrival.message_id().bytes().last().is_some_and(|last| last % 2 == 0);
        Answer::status(if seen == 2 && refused { 500 } else { 200 })
    })
    .await;
    let endpoint = ordered(&organization, &receiver).await;
    let sent = send(&organization, 12).await;
    receiver.wait_for(12).await;
    endpoint.wait_for_status(&sent[11], "delivered").await;

    let replay = json!({ "after": "2020-01-01T00:00:00Z" }).to_string();
    organization.api.post(&endpoint.path("/replay"), replay).await.check(202);
    let by_replay = eventually("the replay", async || {
        let order = order(&receiver.arrivals()[12..]);
        (order.len() == 12).then_some(order)
    })
    .await;
    assert_eq!(by_replay, sent);

    let mut asked: Vec<&String> = sent.iter().rev().step_by(2).collect();
    asked.rotate_left(3);
    let done = order(&receiver.arrivals()).len();
    for message in &asked {
        let delivery = endpoint.deliveries_of(message).await.pop().unwrap();
        let path = endpoint.path(&format!("/deliveries/{}/redeliver", delivery["deliveryId"].as_str().unwrap()));
        organization.api.post(&path, "").await.check(200);
    }
    let by_hand = eventually("the redeliveries", async || {
        let order = order(&receiver.arrivals());
        (order.len() == done + 6).then(|| order[done..].to_vec())
    })
    .await;
    assert_eq!(by_hand.iter().collect::<Vec<_>>(), asked);
}

#[tokio::test]
async fn replays_and_redeliveries_keep_their_order() {
    tokio::join!(check_once_more("slothbox"), check_once_more("daytona"));
}
