//! Sending one delivery once more: a new delivery where the profile says so, one more attempt where it says that.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use hookbell_testkit::answer::{Answer, Gate};
use hookbell_testkit::api::{Reply, keys};
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::patience::eventually;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::rows;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use serde_json::{Value, json};

const STARTED: &str = "environment.started";
const PAYLOAD: &str = r#"{"resource":{"type":"environment","id":"env_1","name":"my-box"}}"#;

fn id(delivery: &Value) -> &str {
    delivery["deliveryId"].as_str().unwrap()
}

async fn redeliver(endpoint: &Endpoint, delivery: &str) -> Reply {
    endpoint.organization.api.post(&endpoint.path(&format!("/deliveries/{delivery}/redeliver")), "").await
}

/// The delivery of that id, as the API shows it.
async fn get(endpoint: &Endpoint, delivery: &str) -> Value {
    let reply = endpoint.organization.api.get(&endpoint.path(&format!("/deliveries/{delivery}"))).await;
    reply.expect(200)["delivery"].clone()
}

#[tokio::test]
async fn a_redelivery_is_a_new_delivery_of_the_same_message_with_a_schedule_of_its_own() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    // The first delivery arrives at once, the second one at its third attempt.
    let receiver =
        Receiver::start(&stack, |_, seen| Answer::status(if matches!(seen, 2 | 3) { 500 } else { 200 })).await;
    let endpoint = organization.endpoint(&receiver, &[STARTED]).await;
    let message = organization.send(STARTED, PAYLOAD).await;
    let original = endpoint.wait_for_status(&message, "delivered").await;

    let answer = redeliver(&endpoint, id(&original)).await.expect(200);
    assert_eq!(answer, json!({ "webhookId": message }));
    let listed = endpoint.deliveries_of(&message).await;
    assert_eq!(listed.len(), 2, "the new one is seen at once");
    assert_eq!(id(&listed[1]), id(&original), "the newest comes first");
    let new = id(&listed[0]).to_owned();
    let delivered = eventually("the redelivery", async || {
        let delivery = get(&endpoint, &new).await;
        (delivery["status"] == "delivered").then_some(delivery)
    })
    .await;
    assert_eq!(delivered["attemptCount"], 3);
    assert_eq!((&delivered["webhookId"], &delivered["payload"]), (&json!(message), &original["payload"]));
    assert_eq!(get(&endpoint, id(&original)).await, original, "the old row stays as it was");

    let arrivals = receiver.arrivals();
    assert_eq!(arrivals.len(), 4);
    for arrival in &arrivals {
        arrival.verify(&endpoint.secret);
        assert_eq!((arrival.message_id(), &arrival.body), (message.as_str(), &arrivals[0].body));
    }
    let attempts = organization.attempts_of(&message).await;
    assert_eq!(attempts.iter().map(|attempt| &attempt["status"]).collect::<Vec<_>>(), [0, 2, 2, 0]);
    assert!(attempts.iter().all(|attempt| attempt["triggerType"] == 0));
}

#[tokio::test]
async fn a_redelivery_can_be_redelivered_and_each_asking_is_one_delivery() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &[STARTED]).await;
    let message = organization.send(STARTED, PAYLOAD).await;
    let original = endpoint.wait_for_status(&message, "delivered").await;
    redeliver(&endpoint, id(&original)).await.check(200);
    let newest = endpoint.deliveries_of(&message).await.remove(0);
    let (one, two) = tokio::join!(redeliver(&endpoint, id(&newest)), redeliver(&endpoint, id(&original)));
    one.check(200);
    two.check(200);
    receiver.wait_for_message(&message, 4).await;
    assert_eq!(rows::deliveries(&stack, &endpoint).await, 4);
}

#[tokio::test]
async fn a_manual_attempt_delivers_what_was_exhausted_on_the_same_delivery() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "daytona").await;
    let receiver = Receiver::start(&stack, |_, seen| match seen {
        1..=9 => Answer::status(500).body("no"),
        _ => Answer::status(200),
    })
    .await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let message = organization.send_example().await;
    let exhausted = endpoint.wait_for_status(&message, "exhausted").await;
    assert_eq!(exhausted["attemptCount"], 8);

    // The ninth fails, and changes nothing but the list of attempts.
    assert_eq!(redeliver(&endpoint, id(&exhausted)).await.expect(200), json!({ "webhookId": message }));
    let tried = endpoint.wait_for_delivery(&message, "tried", |delivery| delivery["attemptCount"] == 9).await;
    assert_eq!((&tried["status"], tried.get("nextRetryAt")), (&json!("exhausted"), None));
    assert_eq!(tried["attempts"][8]["attemptNo"], 9);
    assert_eq!(tried["responseSnippet"], "no");

    redeliver(&endpoint, id(&exhausted)).await.check(200);
    let delivered = endpoint.wait_for_status(&message, "delivered").await;
    assert_eq!((&delivered["attemptCount"], id(&delivered)), (&json!(10), id(&exhausted)));
    assert_eq!(rows::deliveries(&stack, &endpoint).await, 1);
    let attempts = organization.attempts_of(&message).await;
    let triggers: Vec<u64> = attempts.iter().map(|attempt| attempt["triggerType"].as_u64().unwrap()).collect();
    assert_eq!(triggers, [0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
    for arrival in receiver.arrivals() {
        arrival.verify(&endpoint.secret);
        assert_eq!(arrival.message_id(), message);
    }
}

#[tokio::test]
async fn a_manual_attempt_leaves_the_schedule_to_itself_and_is_never_retried() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "daytona").await;
    let bench = Workbench::new(&stack).await;
    let (sender, api) = (bench.function("sender").await, bench.function("api").await);
    let receiver = Receiver::start(&stack, |_, seen| Answer::status(if seen < 4 { 500 } else { 200 })).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    bench.deliver_example(&sender, &organization).await;
    let message = receiver.wait_for(1).await[0].message_id().to_owned();
    let retry = bench.deliveries.find("the retry", 1, |_| true).await;

    let delivery = endpoint.deliveries_of(&message).await.remove(0);
    let path = endpoint.path(&format!("/deliveries/{}/redeliver", id(&delivery)));
    for attempts in [2, 3] {
        assert_eq!(bench.call(&api, "POST", &path, "").await["statusCode"], 200);
        bench.deliveries.feed(&sender).await;
        assert!(bench.deliveries.is_empty().await, "nothing follows a manual attempt");
        let now = endpoint.deliveries_of(&message).await.remove(0);
        assert_eq!(now["attemptCount"], attempts);
        for kept in ["status", "nextRetryAt"] {
            assert_eq!(now[kept], delivery[kept], "{kept}");
        }
    }
    // The schedule's second attempt is the fourth in all, and the last.
    bench.deliveries.put(retry[0].body().unwrap()).await;
    bench.deliveries.feed_until_empty(&sender).await;
    let delivered = endpoint.deliveries_of(&message).await.remove(0);
    assert_eq!((&delivered["status"], &delivered["attemptCount"]), (&json!("delivered"), &json!(4)));

    // One that fails after the delivery has arrived takes nothing back.
    let down = Receiver::always(&stack, 500).await;
    endpoint.patch(json!({ "url": down.url() })).await;
    assert_eq!(bench.call(&api, "POST", &path, "").await["statusCode"], 200);
    let other = bench.function("sender").await;
    bench.deliveries.feed(&other).await;
    let kept = endpoint.deliveries_of(&message).await.remove(0);
    assert_eq!((&kept["status"], &kept["attemptCount"]), (&json!("delivered"), &json!(5)));
    assert!(bench.deliveries.is_empty().await && bench.deliveries_dead_letters.is_empty().await);
}

#[tokio::test]
async fn a_success_by_hand_ends_the_schedule() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "daytona").await;
    let bench = Workbench::new(&stack).await;
    let (sender, api) = (bench.function("sender").await, bench.function("api").await);
    let receiver = Receiver::start(&stack, |_, seen| Answer::status(if seen < 2 { 500 } else { 200 })).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    bench.deliver_example(&sender, &organization).await;
    let message = receiver.wait_for(1).await[0].message_id().to_owned();
    let retry = bench.deliveries.find("the retry", 1, |_| true).await;
    let delivery = endpoint.deliveries_of(&message).await.remove(0);
    let path = endpoint.path(&format!("/deliveries/{}/redeliver", id(&delivery)));
    assert_eq!(bench.call(&api, "POST", &path, "").await["statusCode"], 200);
    bench.deliveries.feed(&sender).await;
    bench.deliveries.put(retry[0].body().unwrap()).await;
    bench.deliveries.feed_until_empty(&sender).await;
    let delivered = endpoint.deliveries_of(&message).await.remove(0);
    assert_eq!((&delivered["status"], delivered.get("nextRetryAt")), (&json!("delivered"), None));
    assert_eq!((&delivered["attemptCount"], receiver.arrivals().len()), (&json!(2), 2));
}

#[tokio::test]
async fn what_was_skipped_can_be_redelivered_once_its_endpoint_is_enabled() {
    let stack = Stack::load();
    for profile in ["slothbox", "daytona"] {
        let organization = Organization::new(&stack, profile).await;
        let receiver = Receiver::always(&stack, 200).await;
        let endpoint = organization.endpoint(&receiver, &["*"]).await;
        endpoint.disable().await;
        let message = organization.send_example().await;
        let skipped = endpoint.wait_for_status(&message, "exhausted").await;
        assert_eq!(skipped["skipped"], "endpoint disabled");
        let refused = redeliver(&endpoint, id(&skipped)).await.expect(409);
        assert_eq!((keys(&refused), &refused["error"]["code"]), (vec!["error"], &json!("endpoint_disabled")));
        endpoint.patch(json!({ "status": "enabled" })).await;
        redeliver(&endpoint, id(&skipped)).await.check(200);
        receiver.wait_for_message(&message, 1).await;
        let delivered = eventually("the delivery", async || {
            endpoint.deliveries_of(&message).await.into_iter().find(|delivery| delivery["status"] == "delivered")
        })
        .await;
        assert_eq!(delivered.get("skipped"), None);
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_redelivered() {
    let stack = Stack::load();
    let receiver = Receiver::always(&stack, 200).await;
    let (own, other) = (Organization::new(&stack, "slothbox").await, Organization::new(&stack, "slothbox").await);
    let (mine, theirs) = (own.endpoint(&receiver, &["*"]).await, other.endpoint(&receiver, &["*"]).await);
    let message = other.send_example().await;
    let delivery = id(&theirs.wait_for_status(&message, "delivered").await).to_owned();
    for path in [
        mine.path(&format!("/deliveries/{delivery}/redeliver")),
        own.managing(&format!("/{}/deliveries/{delivery}/redeliver", theirs.id)),
        mine.path("/deliveries/dlv_01J9ZK4T6Q0X3V8N5B2M7C1D4F/redeliver"),
        mine.path(&format!("/deliveries/{message}/redeliver")),
        format!("/organizations/org_nobody/webhooks/{}/deliveries/{delivery}/redeliver", theirs.id),
    ] {
        own.api.post(&path, "").await.check(404);
    }
    assert_eq!(receiver.arrivals().len(), 1);
}

#[tokio::test]
async fn a_redelivery_survives_the_death_of_whoever_works_at_it() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let message = organization.send_example().await;
    let original = endpoint.wait_for_status(&message, "delivered").await;
    let bench = Workbench::new(&stack).await;
    // The API dies when the task is on the queue: the row is not put, and the sender makes it.
    let api = bench.function("api").await;
    bench.proxy.kill_after("SendMessageBatch", 1, &api);
    let path = endpoint.path(&format!("/deliveries/{}/redeliver", id(&original)));
    bench.call_dying(&api, "POST", &path, "").await;
    assert_eq!(rows::deliveries(&stack, &endpoint).await, 1);
    // A sender dies when it has made and claimed the row.
    let dying = bench.function("sender").await;
    bench.proxy.kill_after("UpdateItem", 1, &dying);
    bench.deliveries.feed(&dying).await;
    assert_eq!(rows::deliveries(&stack, &endpoint).await, 2);
    let new = endpoint.deliveries_of(&message).await.remove(0);
    assert_eq!((&new["status"], &new["attemptCount"]), (&json!("pending"), &json!(0)));
    rows::end_claim(&stack, &endpoint, id(&new)).await;
    bench.proxy.relent();
    let sender = bench.function("sender").await;
    bench.deliveries.feed_until_empty(&sender).await;
    let new = get(&endpoint, id(&new)).await;
    assert_eq!((&new["status"], &new["attemptCount"]), (&json!("delivered"), &json!(1)));
    assert_eq!(receiver.arrivals().len(), 2);
    assert_eq!(organization.attempts_of(&message).await.len(), 2);
}

#[tokio::test]
async fn what_an_earlier_answer_asked_for_is_over_with_the_next_one() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "daytona").await;
    let bench = Workbench::new(&stack).await;
    let (sender, api, dlq) = (bench.function("sender").await, bench.function("api").await, bench.function("dlq").await);
    let receiver = Receiver::start(&stack, |_, seen| Answer::status(if seen < 2 { 410 } else { 200 })).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    bench.deliver_example(&sender, &organization).await;
    bench.deliveries_dead_letters.feed(&dlq).await;
    assert_eq!(endpoint.get().await["disabledReason"], "410 Gone");
    endpoint.patch(json!({ "status": "enabled" })).await;
    let message = receiver.arrivals()[0].message_id().to_owned();
    let delivery = endpoint.deliveries_of(&message).await.remove(0);
    let path = endpoint.path(&format!("/deliveries/{}/redeliver", id(&delivery)));
    assert_eq!(bench.call(&api, "POST", &path, "").await["statusCode"], 200);
    let asked = bench.deliveries.find("the attempt", 1, |_| true).await;
    for _ in 0..2 {
        // The queue may hand it out twice.
        bench.deliveries.put(asked[0].body().unwrap()).await;
        bench.deliveries.feed(&sender).await;
    }
    assert_eq!(receiver.arrivals().len(), 2);
    assert_eq!(endpoint.deliveries_of(&message).await[0]["status"], "delivered");
    assert!(bench.deliveries_dead_letters.is_empty().await, "nobody has asked to be disabled again");
}

#[tokio::test]
async fn attempts_that_two_have_asked_for_at_once_are_both_made() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "daytona").await;
    let bench = Workbench::new(&stack).await;
    let (sender, api) = (bench.function("sender").await, bench.function("api").await);
    let gate = Gate::closed();
    let held = gate.clone();
    let receiver = Receiver::start(&stack, move |_, seen| match seen {
        2 => Answer::status(500).behind(&held),
        _ => Answer::status(500),
    })
    .await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    bench.deliver_example(&sender, &organization).await;
    bench.deliveries.drain().await;
    let message = receiver.arrivals()[0].message_id().to_owned();
    let delivery = endpoint.deliveries_of(&message).await.remove(0);
    let path = endpoint.path(&format!("/deliveries/{}/redeliver", id(&delivery)));
    bench.call(&api, "POST", &path, "").await;
    let held_up = async {
        bench.deliveries.feed(&sender).await;
    };
    let other = async {
        receiver.wait_for(2).await;
        bench.call(&api, "POST", &path, "").await;
        bench.deliveries.feed(&bench.function("sender").await).await;
        assert_eq!(receiver.arrivals().len(), 2, "it waits its turn");
        gate.open();
    };
    tokio::join!(held_up, other);
    bench.deliveries.feed_until_empty(&sender).await;
    assert_eq!(receiver.arrivals().len(), 3);
    assert_eq!(endpoint.deliveries_of(&message).await[0]["attemptCount"], 3);
}

#[tokio::test]
async fn a_delivery_takes_fifty_attempts_and_no_more() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "daytona").await;
    let bench = Workbench::new(&stack).await;
    let (sender, api) = (bench.function("sender").await, bench.function("api").await);
    let receiver = Receiver::start(&stack, |_, _| Answer::status(500).body(vec![0xff; 20_000])).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    bench.deliver_example(&sender, &organization).await;
    bench.deliveries.drain().await;
    let message = receiver.arrivals()[0].message_id().to_owned();
    let delivery = endpoint.deliveries_of(&message).await.remove(0);
    let path = endpoint.path(&format!("/deliveries/{}/redeliver", id(&delivery)));
    for _ in 1..50 {
        assert_eq!(bench.call(&api, "POST", &path, "").await["statusCode"], 200);
        bench.deliveries.feed(&sender).await;
    }
    let refused = bench.call(&api, "POST", &path, "").await;
    assert_eq!(refused["statusCode"], 409);
    assert!(refused["body"].as_str().unwrap().contains("attempt_limit"), "{refused}");
    let full = endpoint.deliveries_of(&message).await.remove(0);
    assert_eq!((&full["attemptCount"], receiver.arrivals().len()), (&json!(50), 50));
    assert_eq!(organization.attempts_of(&message).await.len(), 50);
}
