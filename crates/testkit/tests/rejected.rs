//! What is no event and what is no delivery: put aside untouched, with the reason, while the rest goes on.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use aws_sdk_sqs::types::Message;
use hookbell_testkit::fresh;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::queue::{Queue, reason};
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::rows;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use serde_json::{Value, json};

const STARTED: &str = "environment.started";
const PAYLOAD: &str = r#"{"resource":{"type":"environment","id":"env_1","name":"my-box"}}"#;

/// Waits until bodies are put aside, to the byte, and checks the reason of each.
async fn check_put_aside(queue: &Queue, expected: &[(String, &str)]) {
    let is_expected = |message: &Message| expected.iter().any(|(body, _)| message.body() == Some(body));
    for message in queue.find("what is put aside", expected.len(), is_expected).await {
        let (body, words) = expected.iter().find(|(body, _)| message.body() == Some(body)).unwrap();
        let reason = reason(&message);
        assert!(reason.contains(words), "{body}: {reason}");
    }
}

#[tokio::test]
async fn a_broken_record_is_put_aside_and_the_rest_of_its_batch_is_delivered() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let bench = Workbench::new(&stack).await;
    let broken = format!(" {{\"organizationId\": \"{}\",\t\"type\": é, }}\n", organization.id);
    for position in 0..7 {
        let record = organization.record(STARTED, PAYLOAD, "");
        bench.events.put(if position == 3 { &broken } else { &record }).await;
    }
    let fed = bench.events.feed(&bench.function("sender").await).await;
    assert_eq!((fed.records, fed.again), (7, 0));
    let put_aside = bench.events_dead_letters.drain().await;
    assert_eq!(put_aside.len(), 1);
    assert_eq!(put_aside[0].body(), Some(broken.as_str()));
    assert!(reason(&put_aside[0]).contains("not a JSON object"));
    assert_eq!(receiver.arrivals().len(), 6);
    assert_eq!(rows::deliveries(&stack, &endpoint).await, 6);
}

#[tokio::test]
async fn what_is_no_event_is_put_aside_with_the_reason() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    organization.endpoint(&receiver, &["*"]).await;
    let (id, stranger) = (organization.id.clone(), format!("org_{}", fresh()));
    let events = Queue::at(&stack, &stack.events_queue_url);
    let cases = [
        (format!("no json {id} {{"), "not a JSON object"),
        (format!(r#"["{id}"]"#), "not a JSON object"),
        (format!(r#"{{"organizationId":"{id}"}}"#), "none of the known shapes"),
        (organization.record("environment.exploded", PAYLOAD, ""), "environment.exploded"),
        (organization.record("", PAYLOAD, ""), "catalogue"),
        (organization.record(STARTED, "[]", ""), "data: must be a JSON object"),
        (organization.record(STARTED, PAYLOAD, r#","id":"a b""#), "id: not a valid event id"),
        (organization.record(STARTED, PAYLOAD, r#","timestamp":"yesterday""#), "timestamp: must be an ISO-8601 time"),
        (organization.record(STARTED, PAYLOAD, "").replace(&id, &stranger), "is not initialized"),
        (organization.record(STARTED, PAYLOAD, "").replace(&id, &format!("{id}#x")), "organizationId: "),
        (organization.record(STARTED, &format!(r#"{{"big":"{}"}}"#, "x".repeat(262_144)), ""), "the limit is 262144"),
    ];
    for (body, _) in &cases {
        events.put(body).await;
    }
    let dead_letters = Queue::at(&stack, &stack.events_dead_letter_queue_url);
    check_put_aside(&dead_letters, &cases).await;
    assert!(receiver.arrivals().is_empty());
    assert_eq!(rows::messages(&stack, &organization).await, 0);
}

/// Sends an event about that resource by the API, onto the workbench's queue; gives its message's id.
async fn accept(bench: &Workbench, organization: &Organization, resource: &str) -> String {
    let api = bench.function("api").await;
    let body = json!({ "eventType": STARTED, "payload": { "resource": { "id": resource } } });
    let answer = bench.call(&api, "POST", &organization.sending("/send"), &body.to_string()).await;
    let sent = hookbell_testkit::gateway::reply(&answer).expect(200);
    sent.get("id").and_then(Value::as_str).unwrap().to_owned()
}

#[tokio::test]
async fn an_event_with_a_mark_that_is_not_its_own_is_put_aside() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let bench = Workbench::new(&stack).await;
    let _ = accept(&bench, &organization, "env_1").await;
    let accepted = &bench.events.drain().await[0];
    let mark = accepted.message_attributes().unwrap()["hookbell-accepted"].string_value().unwrap();

    let events = Queue::at(&stack, &stack.events_queue_url);
    let dead_letters = Queue::at(&stack, &stack.events_dead_letter_queue_url);
    let forged = accepted.body().unwrap().replace("env_1", "env_2");
    for (body, mark) in [(forged.as_str(), mark), (accepted.body().unwrap(), "AAAA"), (&forged, "no base64")] {
        events.put_with(body, &[("hookbell-accepted", mark)]).await;
        check_put_aside(&dead_letters, &[(body.to_owned(), "the mark of an accepted event does not fit")]).await;
    }
    assert!(receiver.arrivals().is_empty());

    events.put_with(accepted.body().unwrap(), &[("hookbell-accepted", mark)]).await;
    let arrivals = receiver.wait_for(1).await;
    arrivals[0].verify(&endpoint.secret);
    assert!(arrivals[0].text().contains("env_1"));
}

#[tokio::test]
async fn an_event_that_the_api_accepted_is_still_that_when_it_goes_back_to_work() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let bench = Workbench::new(&stack).await;
    let message = accept(&bench, &organization, &"x".repeat(2_000)).await;
    // The limit is lowered while it is on its way, and raised again.
    let bench = bench.with("BODY_LIMIT_BYTES", "1024");
    bench.events.feed(&bench.function("sender").await).await;
    let rejected = bench.events_dead_letters.drain().await.remove(0);
    assert!(reason(&rejected).contains("the limit is 1024"));
    let mark = rejected.message_attributes().unwrap()["hookbell-accepted"].string_value().unwrap();
    bench.events.put_with(rejected.body().unwrap(), &[("hookbell-accepted", mark)]).await;
    let bench = bench.with("BODY_LIMIT_BYTES", "262144");
    bench.events.feed(&bench.function("sender").await).await;
    let arrival = receiver.arrivals().remove(0);
    arrival.verify(&endpoint.secret);
    assert_eq!(arrival.message_id(), message);
}

#[tokio::test]
async fn what_is_no_delivery_is_parked_with_the_reason() {
    let stack = Stack::load();
    let parked = Queue::at(&stack, &stack.parked_queue_url);
    let mut cases = Vec::new();
    for url in [&stack.deliveries_queue_url, &stack.deliveries_dead_letter_queue_url] {
        let queue = Queue::at(&stack, url);
        for body in [format!("no json {}", fresh()), format!(r#"{{"organizationId":"org_{}"}}"#, fresh())] {
            queue.put(&body).await;
            cases.push((body, "at line 1"));
        }
    }
    check_put_aside(&parked, &cases).await;
}
