//! Every type of both catalogues, through both doors, to the byte.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;

use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::queue::Queue;
use hookbell_testkit::receiver::{Arrival, Receiver};
use hookbell_testkit::stack::Stack;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

/// An event that was sent, and the payload that has to arrive.
struct Sent {
    payload: String,
    /// The time of the event, where the producer gave it.
    timestamp: Option<&'static str>,
}

/// What is expected at the endpoint, by event type.
type Expected = BTreeMap<&'static str, Sent>;

/// The example of an event type as its file has it: with line breaks and indentation.
fn written_example(profile: &str, event_type: &str) -> String {
    #[derive(Deserialize)]
    struct File {
        example: Box<RawValue>,
    }
    let file = format!("{}/../../events/{profile}/types/{event_type}.json", env!("CARGO_MANIFEST_DIR"));
    let file: File = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert!(file.example.get().contains("\n  "), "an example in its file is not minified");
    file.example.get().to_owned()
}

/// The same example as it has to arrive.
fn minified(written: &str) -> String {
    let lines: String = written.lines().map(str::trim_start).collect();
    let minified = lines.replace("\": ", "\":");
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(value(&minified), value(written));
    minified
}

/// An organization of that profile, and an endpoint of it that gets everything.
async fn subscribed(stack: &Stack, profile: &str) -> (Organization, Receiver, Endpoint) {
    let organization = Organization::new(stack, profile).await;
    let receiver = Receiver::always(stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    (organization, receiver, endpoint)
}

/// The type that a request names in its body.
fn type_of(arrival: &Arrival) -> String {
    let body = arrival.json();
    body.get("type").or_else(|| body.get("event")).unwrap().as_str().unwrap().to_owned()
}

/// What Standard Webhooks asks of every request.
fn check_headers(arrival: &Arrival, endpoint: &Endpoint) {
    assert_eq!(arrival.method, "POST");
    assert_eq!(arrival.header("content-type"), "application/json");
    assert_eq!(arrival.header("user-agent"), concat!("hookbell/", env!("CARGO_PKG_VERSION")));
    let id = arrival.message_id();
    assert!(id.starts_with("msg_") && id.len() == 30 && !id.contains('.'), "{id}");
    assert!(arrival.signed_at().abs_diff(Timestamp::now().as_second()) <= 60);
    let signature = arrival.header("webhook-signature");
    assert!(signature.starts_with("v1,") && !signature.contains(' '), "{signature}");
    arrival.verify(&endpoint.secret);
}

/// Waits for one request of every type, and checks each of them whole.
async fn check_all(receiver: &Receiver, endpoint: &Endpoint, expected: &Expected, began: Timestamp) {
    let arrivals = receiver.wait_for(expected.len()).await;
    let mut types: Vec<String> = arrivals.iter().map(type_of).collect();
    types.sort();
    assert_eq!(types, expected.keys().copied().collect::<Vec<_>>());
    for arrival in &arrivals {
        check_headers(arrival, endpoint);
        let event_type = type_of(arrival);
        let sent = &expected[event_type.as_str()];
        let body = match endpoint.organization.profile.name {
            "slothbox" => envelope(arrival, &event_type, sent, began),
            _ => sent.payload.clone(),
        };
        assert_eq!(arrival.text(), body);
    }
}

/// The envelope that has to be around a payload. Where the producer gave no time, it is that of the acceptance.
fn envelope(arrival: &Arrival, event_type: &str, sent: &Sent, began: Timestamp) -> String {
    let timestamp = arrival.json()["timestamp"].as_str().unwrap().to_owned();
    assert!(timestamp.len() == "2026-05-30T14:23:00.000Z".len() && timestamp.ends_with('Z'), "{timestamp}");
    let at: Timestamp = timestamp.parse().unwrap();
    let accepted = began.as_millisecond() <= at.as_millisecond() && at <= Timestamp::now();
    assert!(sent.timestamp.map_or(accepted, |given| timestamp == given), "{timestamp}");
    let (id, payload) = (arrival.message_id(), &sent.payload);
    format!(r#"{{"id":"{id}","type":"{event_type}","timestamp":"{timestamp}","data":{payload}}}"#)
}

#[tokio::test]
async fn every_slothbox_type_arrives_by_rest_in_an_envelope() {
    let stack = Stack::load();
    let (organization, receiver, endpoint) = subscribed(&stack, "slothbox").await;
    let (began, mut expected) = (Timestamp::now(), Expected::new());
    for entry in organization.profile.event_types {
        let written = written_example("slothbox", entry.name);
        organization.send(entry.name, &written).await;
        expected.insert(entry.name, Sent { payload: minified(&written), timestamp: None });
    }
    assert_eq!(expected.len(), 16);
    check_all(&receiver, &endpoint, &expected, began).await;
}

#[tokio::test]
async fn every_slothbox_type_arrives_by_the_queue_with_the_producers_time() {
    const GIVEN: &str = "2026-05-30T14:23:00.500Z";
    let stack = Stack::load();
    let (organization, receiver, endpoint) = subscribed(&stack, "slothbox").await;
    let (began, mut expected) = (Timestamp::now(), Expected::new());
    for (index, entry) in organization.profile.event_types.iter().enumerate() {
        let timestamp = (index % 2 == 0).then_some(GIVEN);
        let more = timestamp.map_or_else(String::new, |at| format!(r#","timestamp":"{at}""#));
        let written = written_example("slothbox", entry.name);
        organization.produce(entry.name, &written, &more).await;
        expected.insert(entry.name, Sent { payload: minified(&written), timestamp });
    }
    check_all(&receiver, &endpoint, &expected, began).await;
}

/// The flat example of a type as its file has it, but of that organization.
fn flat_example(event_type: &str, organization: &Organization) -> String {
    let written = written_example("daytona", event_type);
    let given: serde_json::Value = serde_json::from_str(&written).unwrap();
    written.replace(given["organizationId"].as_str().unwrap(), &organization.id)
}

#[tokio::test]
async fn every_daytona_type_arrives_by_rest_as_it_was_given() {
    let stack = Stack::load();
    let (organization, receiver, endpoint) = subscribed(&stack, "daytona").await;
    let (began, mut expected) = (Timestamp::now(), Expected::new());
    for entry in organization.profile.event_types {
        let written = flat_example(entry.name, &organization);
        organization.send(entry.name, &written).await;
        expected.insert(entry.name, Sent { payload: minified(&written), timestamp: None });
    }
    assert_eq!(expected.len(), 7);
    check_all(&receiver, &endpoint, &expected, began).await;
}

#[tokio::test]
async fn every_daytona_type_arrives_by_the_queue_as_it_was_given() {
    let stack = Stack::load();
    let (organization, receiver, endpoint) = subscribed(&stack, "daytona").await;
    let (began, mut expected) = (Timestamp::now(), Expected::new());
    let queue = Queue::at(&stack, &stack.events_queue_url);
    for entry in organization.profile.event_types {
        let written = flat_example(entry.name, &organization);
        queue.put(&written).await;
        expected.insert(entry.name, Sent { payload: minified(&written), timestamp: None });
    }
    check_all(&receiver, &endpoint, &expected, began).await;
}

#[tokio::test]
async fn numbers_escapes_and_the_order_of_keys_stay_as_the_producer_wrote_them() {
    let stack = Stack::load();
    let written = concat!(
        "{\r\n\t\"z\" : 1.0 , \"a\": [ 1e5, -0, 12345678901234567890123, 1E-7 ],\n",
        r#" "text": "caf\u00e9 café \/ \" \\ \t	end", "{ }": { }, "a": null }"#
    );
    let written = written.replace("\\t\t", "\\t ");
    let minified = concat!(
        r#"{"z":1.0,"a":[1e5,-0,12345678901234567890123,1E-7],"#,
        r#""text":"caf\u00e9 café \/ \" \\ \t end","{ }":{},"a":null}"#
    );
    for profile in ["daytona", "slothbox"] {
        let (organization, receiver, endpoint) = subscribed(&stack, profile).await;
        let event_type = organization.profile.event_types[0].name;
        let by_rest = organization.send(event_type, &written).await;
        organization.produce(event_type, &written, "").await;
        let arrivals = receiver.wait_for(2).await;
        assert!(arrivals.iter().any(|arrival| arrival.message_id() == by_rest));
        for arrival in arrivals {
            arrival.verify(&endpoint.secret);
            let body = arrival.text();
            match profile {
                "daytona" => assert_eq!(body, minified),
                _ => assert!(body.ends_with(&format!(r#","data":{minified}}}"#)), "{body}"),
            }
        }
    }
}

#[tokio::test]
async fn an_eventbridge_event_arrives_without_the_key_that_names_its_organization() {
    let stack = Stack::load();
    let (organization, receiver, endpoint) = subscribed(&stack, "slothbox").await;
    let began = Timestamp::now();
    let event = format!(
        r#"{{"version":"0","id":"{}","detail-type":"environment.failed","source":"com.example.environments",
            "account":"123456789012","time":"2026-05-30T14:23:00Z","region":"us-east-1","resources":[],
            "detail":{{"resource":{{"type":"environment","id":"env_1","name":"my-box"}}, "organizationId":"{}",
            "reason":"no capacity"}}}}"#,
        hookbell_testkit::fresh(),
        organization.id,
    );
    Queue::at(&stack, &stack.events_queue_url).put(&event).await;
    let payload = r#"{"resource":{"type":"environment","id":"env_1","name":"my-box"},"reason":"no capacity"}"#;
    let sent = Sent { payload: payload.to_owned(), timestamp: Some("2026-05-30T14:23:00.000Z") };
    check_all(&receiver, &endpoint, &Expected::from([("environment.failed", sent)]), began).await;
}

#[tokio::test]
async fn an_event_of_the_fifo_queue_arrives_too() {
    let stack = Stack::load();
    let (organization, receiver, endpoint) = subscribed(&stack, "slothbox").await;
    let entry = &organization.profile.event_types[0];
    let record = organization.record(entry.name, entry.example, "");
    Queue::at(&stack, &stack.events_fifo_queue_url).put(&record).await;
    let arrivals = receiver.wait_for(1).await;
    check_headers(&arrivals[0], &endpoint);
    assert!(arrivals[0].text().ends_with(&format!(r#","data":{}}}"#, minified(entry.example))));
}
