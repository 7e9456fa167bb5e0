//! From an event to a recorded delivery: subscriptions, attempts, retries, and what the API shows of them.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeSet;

use hookbell_testkit::answer::{Answer, Gate};
use hookbell_testkit::organization::Organization;
use hookbell_testkit::patience::eventually;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::rows;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use jiff::Timestamp;
use serde_json::{Value, json};

const STARTED: &str = "environment.started";
const STOPPED: &str = "environment.stopped";
const PAYLOAD: &str = r#"{"resource":{"type":"environment","id":"env_1","name":"my-box"}}"#;

#[track_caller]
fn http_statuses(delivery: &Value) -> Vec<Option<u64>> {
    delivery["attempts"].as_array().unwrap().iter().map(|attempt| attempt["httpStatus"].as_u64()).collect()
}

#[tokio::test]
async fn a_failed_attempt_is_followed_by_one_with_the_same_id_and_bytes_and_a_new_timestamp() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let gate = Gate::closed();
    let held = gate.clone();
    let receiver = Receiver::start(&stack, move |_, seen| match seen {
        1 => Answer::status(500).behind(&held),
        2 => Answer::status(500),
        _ => Answer::status(200),
    })
    .await;
    let endpoint = organization.endpoint(&receiver, &[STARTED]).await;
    let message = organization.send(STARTED, PAYLOAD).await;
    let first = receiver.wait_for(1).await[0].signed_at();
    eventually("the next second", async || (Timestamp::now().as_second() > first).then_some(())).await;
    gate.open();

    let delivery = endpoint.wait_for_status(&message, "delivered").await;
    assert_eq!(delivery["attemptCount"], 3);
    assert_eq!(http_statuses(&delivery), [Some(500), Some(500), Some(200)]);
    assert_eq!(delivery.get("nextRetryAt"), None);

    let arrivals = receiver.arrivals();
    assert_eq!(arrivals.len(), 3);
    assert!(arrivals[1].signed_at() > first, "each attempt is signed at its own time");
    for (index, arrival) in arrivals.iter().enumerate() {
        arrival.verify(&endpoint.secret);
        assert_eq!(arrival.message_id(), message);
        assert_eq!(arrival.body, arrivals[0].body);
        let attempt = &delivery["attempts"][index];
        assert_eq!(attempt["attemptNo"], index + 1);
        let at: Timestamp = attempt["at"].as_str().unwrap().parse().unwrap();
        assert_eq!(arrival.signed_at(), at.as_second());
    }
}

#[tokio::test]
async fn an_attempt_is_seen_while_it_is_being_made() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let gate = Gate::closed();
    let held = gate.clone();
    let receiver = Receiver::start(&stack, move |_, _| Answer::status(200).behind(&held)).await;
    let endpoint = organization.endpoint(&receiver, &[STARTED]).await;
    let message = organization.send(STARTED, PAYLOAD).await;
    receiver.wait_for(1).await;
    let attempts = organization.attempts_of(&message).await;
    assert_eq!((attempts.len(), &attempts[0]["statusText"]), (1, &json!("sending")));
    assert_eq!((&attempts[0]["endpointId"], &attempts[0]["url"]), (&json!(endpoint.id), &json!(receiver.url())));
    gate.open();
    endpoint.wait_for_status(&message, "delivered").await;
    let made = organization.attempts_of(&message).await;
    assert_eq!((made.len(), &made[0]["id"], &made[0]["status"]), (1, &attempts[0]["id"], &json!(0)));
}

#[tokio::test]
async fn a_delivery_that_waits_says_until_when() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "daytona").await;
    let receiver = Receiver::always(&stack, 503).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let message = organization.send_example().await;
    let delivery = endpoint.wait_for_status(&message, "failed").await;
    let next = delivery["nextRetryAt"].as_i64().unwrap();
    assert!(next.abs_diff(receiver.arrivals()[0].signed_at()) < 60, "unix seconds, soon: {next}");
    endpoint.disable().await;
}

#[tokio::test]
async fn eight_failed_attempts_exhaust_a_delivery() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 500).await;
    let endpoint = organization.endpoint(&receiver, &[STARTED]).await;
    let message = organization.send(STARTED, PAYLOAD).await;
    let delivery = endpoint.wait_for_status(&message, "exhausted").await;
    assert_eq!(http_statuses(&delivery), [Some(500); 8]);
    assert_eq!(delivery.get("nextRetryAt"), None);
    assert_eq!(delivery.get("skipped"), None);
    let counted = endpoint.wait_for_failures(1).await;
    assert_eq!(counted["status"], "enabled");
    assert_eq!(receiver.arrivals().len(), 8);
}

#[tokio::test]
async fn a_listed_type_is_exact_and_the_star_takes_all() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receivers =
        [Receiver::always(&stack, 200).await, Receiver::always(&stack, 200).await, Receiver::always(&stack, 200).await];
    let every = organization.endpoint(&receivers[0], &["*"]).await;
    let one = organization.endpoint(&receivers[1], &[STARTED, "member.added"]).await;
    let none = organization.endpoint(&receivers[2], &["environment.failed"]).await;
    let started = organization.send(STARTED, PAYLOAD).await;
    let stopped = organization.send(STOPPED, PAYLOAD).await;
    for message in [&started, &stopped] {
        every.wait_for_status(message, "delivered").await;
    }
    one.wait_for_status(&started, "delivered").await;
    assert_eq!(rows::deliveries(&stack, &every).await, 2);
    assert_eq!(rows::deliveries(&stack, &one).await, 1);
    assert_eq!(rows::deliveries(&stack, &none).await, 0);
    assert_eq!(receivers[1].arrivals().len(), 1);
    assert!(receivers[2].arrivals().is_empty());
}

#[tokio::test]
async fn an_endpoint_added_before_an_event_gets_it_and_one_added_after_it_does_not() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let (early, late) = (Receiver::always(&stack, 200).await, Receiver::always(&stack, 200).await);
    organization.send(STARTED, PAYLOAD).await;
    eventually("the fan-out", async || (rows::messages(&stack, &organization).await == 1).then_some(())).await;
    let first = organization.endpoint(&early, &["*"]).await;
    let message = organization.send(STARTED, PAYLOAD).await;
    first.wait_for_status(&message, "delivered").await;
    let second = organization.endpoint(&late, &["*"]).await;
    assert_eq!((rows::deliveries(&stack, &first).await, rows::deliveries(&stack, &second).await), (1, 0));
    assert!(late.arrivals().is_empty());
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let elsewhere = Receiver::always(&stack, 200).await;
    let target = elsewhere.url();
    let receiver = Receiver::start(&stack, move |_, seen| match [301, 302, 303, 307, 308].get(seen - 1) {
        Some(status) => Answer::status(*status).header("location", &target),
        None => Answer::status(200),
    })
    .await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let message = organization.send(STARTED, PAYLOAD).await;
    let delivery = endpoint.wait_for_status(&message, "delivered").await;
    let expected = [301, 302, 303, 307, 308, 200].map(Some);
    assert_eq!(http_statuses(&delivery), expected);
    assert!(elsewhere.arrivals().is_empty());
}

#[tokio::test]
async fn attempts_are_listed_by_message_over_all_endpoints() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let good = Receiver::start(&stack, |_, _| Answer::status(201).body("thanks")).await;
    let bad = Receiver::start(&stack, |_, seen| match seen {
        1 => Answer::status(500).body("oh no"),
        _ => Answer::status(200),
    })
    .await;
    let (first, second) = (organization.endpoint(&good, &["*"]).await, organization.endpoint(&bad, &["*"]).await);
    let message = organization.send(STARTED, PAYLOAD).await;
    first.wait_for_status(&message, "delivered").await;
    second.wait_for_status(&message, "delivered").await;

    let attempts = organization.attempts_of(&message).await;
    let shown = |attempt: &Value| {
        let keys: BTreeSet<&str> = attempt.as_object().unwrap().keys().map(String::as_str).collect();
        let expected = [
            "endpointId",
            "id",
            "msgId",
            "response",
            "responseDurationMs",
            "responseStatusCode",
            "status",
            "statusText",
            "timestamp",
            "triggerType",
            "url",
        ];
        assert_eq!(keys, BTreeSet::from(expected));
        assert!(attempt["responseDurationMs"].as_u64().unwrap() < 20_000);
        assert_eq!(attempt["msgId"], message);
        assert_eq!(attempt["timestamp"].as_str().unwrap().len(), "2026-05-30T14:23:00.000Z".len());
        json!([
            attempt["endpointId"],
            attempt["url"],
            attempt["status"],
            attempt["statusText"],
            attempt["responseStatusCode"],
            attempt["response"],
            attempt["triggerType"],
        ])
    };
    let seen: Vec<Value> = attempts.iter().map(shown).collect();
    assert_eq!(seen.len(), 3);
    assert!(seen.contains(&json!([first.id, good.url(), 0, "success", 201, "thanks", 0])));
    assert!(seen.contains(&json!([second.id, bad.url(), 2, "fail", 500, "oh no", 0])));
    assert!(seen.contains(&json!([second.id, bad.url(), 0, "success", 200, "", 0])));
    let ids: BTreeSet<&str> = attempts.iter().map(|attempt| attempt["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 3);
    let times: Vec<&str> = attempts.iter().map(|attempt| attempt["timestamp"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[tokio::test]
async fn no_connection_is_told_without_detail_of_the_inside() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    // A port that is nobody else's, and that nobody listens at.
    let closed = tokio::net::TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("https://{}/", closed.local_addr().unwrap());
    let created = organization.create(&json!({ "url": url, "eventTypes": ["*"] })).await.expect(201);
    let path = organization.managing(&format!("/{}", created["endpoint"]["endpointId"].as_str().unwrap()));
    let message = organization.send(STARTED, PAYLOAD).await;
    let attempts = eventually("an attempt", async || {
        // The message is accepted, and there for its readers a moment later.
        let reply = organization.api.get(&organization.sending(&format!("/messages/{message}/attempts"))).await;
        (reply.status != 404).then(|| reply.expect(200)).filter(|attempts| attempts[0]["status"] == 2)
    })
    .await;
    assert_eq!(attempts[0]["response"], "No connection to the endpoint could be made.");
    assert_eq!(attempts[0]["responseStatusCode"], 0);
    organization.api.delete(&path).await.check(204);
}

#[tokio::test]
async fn deliveries_are_listed_newest_first_page_by_page_and_each_can_be_read() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 204).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let mut sent = Vec::new();
    for _ in 0..7 {
        sent.push(organization.send(STARTED, PAYLOAD).await);
    }
    for message in &sent {
        endpoint.wait_for_status(message, "delivered").await;
    }
    sent.reverse();

    let (mut listed, mut sizes, mut cursor) = (Vec::new(), Vec::new(), None::<String>);
    loop {
        let more = cursor.map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let page = organization.api.get(&endpoint.path(&format!("/deliveries?limit=3{more}"))).await.expect(200);
        let deliveries = page["deliveries"].as_array().unwrap().clone();
        sizes.push(deliveries.len());
        listed.extend(deliveries);
        cursor = page.get("cursor").map(|cursor| cursor.as_str().unwrap().to_owned());
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [3, 3, 1]);
    let messages: Vec<&str> = listed.iter().map(|delivery| delivery["webhookId"].as_str().unwrap()).collect();
    assert_eq!(messages, sent);

    for delivery in &listed {
        let path = endpoint.path(&format!("/deliveries/{}", delivery["deliveryId"].as_str().unwrap()));
        assert_eq!(&organization.api.get(&path).await.expect(200)["delivery"], delivery);
        let arrival = &receiver.arrivals_of(delivery["webhookId"].as_str().unwrap())[0];
        assert_eq!(delivery["payload"], arrival.text(), "what is shown is what was sent");
        assert_eq!((&delivery["endpointId"], &delivery["eventType"]), (&json!(endpoint.id), &json!(STARTED)));
    }
    for (limit, size) in [("0", 1), ("-5", 1), ("100", 7), ("5000", 7), ("many", 7)] {
        let page = organization.api.get(&endpoint.path(&format!("/deliveries?limit={limit}"))).await.expect(200);
        assert_eq!(page["deliveries"].as_array().unwrap().len(), size, "limit={limit}");
    }
}

#[tokio::test]
async fn a_long_answer_is_kept_as_a_snippet() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::start(&stack, |_, _| Answer::status(200).body(vec![b'x'; 1_000_000])).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let message = organization.send(STARTED, PAYLOAD).await;
    let delivery = endpoint.wait_for_status(&message, "delivered").await;
    assert_eq!(delivery["responseSnippet"].as_str().unwrap(), "x".repeat(1_024));
}

#[tokio::test]
async fn a_body_of_the_largest_size_arrives_whole() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "daytona").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    // Digits that no compression makes small.
    let mut noise = String::new();
    while noise.len() < 262_000 {
        noise.push_str(&hookbell_testkit::fresh());
    }
    let mut payload = format!(r#"{{"event":"sandbox.created","noise":"{noise}"}}"#);
    let filler = "y".repeat(262_144 - payload.len());
    payload.insert_str(payload.len() - 2, &filler);
    assert_eq!(payload.len(), 262_144);
    let message = organization.send("sandbox.created", &payload).await;
    assert!(receiver.wait_for_message(&message, 1).await[0].text() == payload);
    let delivery = endpoint.wait_for_status(&message, "delivered").await;
    assert!(delivery["payload"] == payload);
    organization.try_send("sandbox.created", &payload.replace("yy", "yyy"), None).await.check(400);
}

#[tokio::test]
async fn a_disabled_endpoint_gets_nothing_more_and_what_it_missed_is_kept_as_skipped() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let (off, on) = (Receiver::always(&stack, 200).await, Receiver::always(&stack, 200).await);
    let (disabled, enabled) = (organization.endpoint(&off, &["*"]).await, organization.endpoint(&on, &["*"]).await);
    let shown = disabled.patch(json!({ "status": "disabled" })).await;
    assert_eq!((&shown["status"], shown.get("disabledReason")), (&json!("disabled"), None));
    assert!(shown["disabledAt"].is_string());

    let message = organization.send(STARTED, PAYLOAD).await;
    enabled.wait_for_status(&message, "delivered").await;
    let skipped = disabled.wait_for_status(&message, "exhausted").await;
    assert_eq!((&skipped["skipped"], &skipped["attemptCount"]), (&json!("endpoint disabled"), &json!(0)));
    assert!(off.arrivals().is_empty());

    let shown = disabled.patch(json!({ "status": "enabled" })).await;
    assert_eq!((&shown["status"], shown.get("disabledAt")), (&json!("enabled"), None));
    let message = organization.send(STARTED, PAYLOAD).await;
    disabled.wait_for_status(&message, "delivered").await;
    assert_eq!(off.arrivals().len(), 1, "what it missed stays missed");
}

#[tokio::test]
async fn an_event_that_comes_after_an_endpoint_was_enabled_is_not_skipped_by_an_older_picture() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    endpoint.disable().await;
    // Pictures live for five seconds here.
    let bench = Workbench::new(&stack).await.with("TIME_SCALE", "1");
    let sender = bench.function("sender").await;
    for expected in ["exhausted", "delivered"] {
        bench.events.put(&organization.record(STARTED, PAYLOAD, "")).await;
        bench.events.feed(&sender).await;
        assert_eq!(endpoint.deliveries().await[0]["status"], expected);
        endpoint.patch(json!({ "status": "enabled" })).await;
    }
}

#[tokio::test]
async fn disabling_an_endpoint_ends_its_retries_in_flight_without_counting_them() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let gate = Gate::closed();
    let held = gate.clone();
    let receiver = Receiver::start(&stack, move |_, _| Answer::status(500).behind(&held)).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let message = organization.send(STARTED, PAYLOAD).await;
    receiver.wait_for_message(&message, 1).await;
    // While the first attempt is still waiting for its answer, so before any retry.
    endpoint.disable().await;
    gate.open();
    let ended = endpoint.wait_for_status(&message, "exhausted").await;
    assert_eq!((&ended["skipped"], &ended["attemptCount"]), (&json!("endpoint disabled"), &json!(1)));
    assert_eq!(endpoint.get().await["consecutiveFailures"], 0);
    assert_eq!(receiver.arrivals().len(), 1);
}
