//! Events that are reported twice, and records that are handed out twice: one message each.

use std::time::Duration;

use hookbell_aws::clients::Aws;
use hookbell_aws::table::{EventIdState, Table};
use hookbell_domain::ids::MessageId;
use hookbell_testkit::fresh;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::proxy::Which;
use hookbell_testkit::queue::handed_out;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::rows;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use jiff::Timestamp;
use serde_json::json;

const STARTED: &str = "environment.started";
const PAYLOAD: &str = r#"{"resource":{"type":"environment","id":"env_1","name":"my-box"}}"#;

#[tokio::test]
async fn an_event_id_is_taken_once_by_rest() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let first = organization.try_send(STARTED, PAYLOAD, Some("evt-1")).await.expect(200);
    for _ in 0..2 {
        let refused = organization.try_send(STARTED, PAYLOAD, Some("evt-1")).await.expect(409);
        assert!(refused["message"].as_str().unwrap().contains("evt-1"), "{refused}");
    }
    let second = organization.try_send(STARTED, PAYLOAD, Some("evt-2")).await.expect(200);
    for message in [&first, &second] {
        endpoint.wait_for_status(message["id"].as_str().unwrap(), "delivered").await;
    }
    assert_eq!(rows::messages(&stack, &organization).await, 2);
    // Another organization's events are its own.
    let other = Organization::new(&stack, "slothbox").await;
    other.try_send(STARTED, PAYLOAD, Some("evt-1")).await.check(200);
}

#[tokio::test]
async fn of_many_calls_at_once_with_one_event_id_one_goes_through() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let calls = (0..8).map(|_| organization.try_send(STARTED, PAYLOAD, Some("evt-1")));
    let replies = futures_util::future::join_all(calls).await;
    let ids: std::collections::BTreeSet<String> = replies
        .iter()
        .filter(|reply| reply.status == 200)
        .map(|reply| reply.json()["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 1, "whoever is told of success is told of the same message");
    assert!(replies.iter().all(|reply| [200, 409].contains(&reply.status)));
    endpoint.wait_for_status(ids.first().unwrap(), "delivered").await;
    assert_eq!(rows::messages(&stack, &organization).await, 1);
}

#[tokio::test]
async fn an_event_id_that_is_gone_when_its_message_is_noted_as_sent_can_be_taken_again() {
    let stack = Stack::load();
    let aws = Aws::local(&stack.aws_endpoint_url, &stack.region);
    let table = Table::new(&aws, stack.table_name.clone(), Duration::from_hours(72));
    let (organization, event) = (format!("org_{}", fresh()).parse().unwrap(), "evt-1".parse().unwrap());
    // DynamoDB has deleted it in between.
    table.mark_event_id_sent(&organization, &event).await.unwrap();
    let now = Timestamp::now();
    let message = MessageId::new(now, 1);
    let state = table.reserve_event_id(&organization, &event, message, false, now).await.unwrap();
    assert_eq!(state, EventIdState::Reserved(message));
}

#[tokio::test]
async fn an_event_id_is_taken_once_by_either_door() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let message = organization.try_send(STARTED, PAYLOAD, Some("evt-1")).await.expect(200);
    endpoint.wait_for_status(message["id"].as_str().unwrap(), "delivered").await;
    let bench = Workbench::new(&stack).await;
    let sender = bench.function("sender").await;
    for id in ["evt-1", "evt-2", "evt-2", "evt-2"] {
        bench.events.put(&organization.record(STARTED, PAYLOAD, &format!(r#","id":"{id}""#))).await;
    }
    bench.events.feed_until_empty(&sender).await;
    assert_eq!(rows::messages(&stack, &organization).await, 2);
    assert_eq!(receiver.arrivals().len(), 2);
    assert!(bench.events_dead_letters.is_empty().await);
    organization.try_send(STARTED, PAYLOAD, Some("evt-2")).await.check(409);
}

#[tokio::test]
async fn an_event_id_whose_first_call_failed_goes_through() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    organization.endpoint(&receiver, &["*"]).await;
    let bench = Workbench::new(&stack).await;
    let (api, sender) = (bench.function("api").await, bench.function("sender").await);
    let path = organization.sending("/send");
    let send = json!({ "eventType": STARTED, "payload": {}, "eventId": "evt-1" }).to_string();

    bench.proxy.refuse("SendMessage", Which::Every);
    let refused = bench.call(&api, "POST", &path, &send).await;
    assert_eq!(refused["statusCode"], 503);
    assert!(bench.events.is_empty().await);

    // It is on the queue, but that cannot be noted: the caller may ask again, and it is the same message.
    bench.proxy.relent();
    bench.proxy.refuse("UpdateItem", Which::Every);
    let accepted = bench.call(&api, "POST", &path, &send).await;
    let again = bench.call(&api, "POST", &path, &send).await;
    assert_eq!((&accepted["statusCode"], &again["statusCode"]), (&json!(200), &json!(200)));
    assert_eq!(accepted["body"], again["body"]);

    bench.proxy.relent();
    assert_eq!(bench.call(&api, "POST", &path, &send).await["statusCode"], 200);
    assert_eq!(bench.call(&api, "POST", &path, &send).await["statusCode"], 409);
    bench.events.feed_until_empty(&sender).await;
    assert_eq!(rows::messages(&stack, &organization).await, 1);
    assert_eq!(receiver.arrivals().len(), 1);
}

#[tokio::test]
async fn an_event_that_the_api_failed_to_send_is_taken_from_the_queue() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let bench = Workbench::new(&stack).await;
    let (api, sender) = (bench.function("api").await, bench.function("sender").await);
    let path = organization.sending("/send");
    let send = json!({ "eventType": STARTED, "payload": {}, "eventId": "evt-1" }).to_string();
    bench.proxy.refuse("SendMessage", Which::Every);
    assert_eq!(bench.call(&api, "POST", &path, &send).await["statusCode"], 503);
    bench.proxy.relent();

    // The producer falls back on the queue, and its queue repeats itself; then the call is repeated after all.
    for _ in 0..2 {
        bench.events.put(&organization.record(STARTED, PAYLOAD, r#","id":"evt-1""#)).await;
    }
    bench.events.feed_until_empty(&sender).await;
    bench.call(&api, "POST", &path, &send).await;
    bench.events.feed_until_empty(&sender).await;
    let arrivals = receiver.arrivals();
    assert_eq!(arrivals.len(), 1);
    arrivals[0].verify(&endpoint.secret);
    assert_eq!(arrivals[0].json()["id"], arrivals[0].message_id());
    assert_eq!(rows::messages(&stack, &organization).await, 1);
}

#[tokio::test]
async fn a_record_that_the_queue_hands_out_twice_is_sent_once() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    organization.endpoint(&receiver, &["*"]).await;
    let bench = Workbench::new(&stack).await;
    let sender = bench.function("sender").await;
    let (arn, now) = (bench.events.arn().await, Timestamp::now().as_millisecond());
    for more in ["", r#","id":"evt-1""#] {
        let (id, body) = (fresh(), organization.record(STARTED, PAYLOAD, more));
        let before = receiver.arrivals().len();
        // Twice as if for the first time, as a standard queue may; then again, as after a lost acknowledgement.
        for received in [1, 1, 2] {
            let answer = sender.invoke(&handed_out(&id, &body, now, received, &arn)).await.answered();
            assert_eq!(answer, json!({ "batchItemFailures": [] }));
            assert_eq!(receiver.arrivals().len(), before + 1);
        }
    }
    assert_eq!(rows::messages(&stack, &organization).await, 2);
}

#[tokio::test]
async fn records_of_one_event_that_come_again_together_are_one_message_and_hold_up_no_other() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    organization.endpoint(&receiver, &["*"]).await;
    let bench = Workbench::new(&stack).await;
    let sender = bench.function("sender").await;
    for id in ["evt-1", "evt-1", "evt-2"] {
        bench.events.put(&organization.record(STARTED, PAYLOAD, &format!(r#","id":"{id}""#))).await;
    }
    // What was sent cannot be recorded, so all of them come again.
    bench.proxy.refuse("BatchWriteItem", Which::Every);
    let fed = bench.events.feed(&sender).await;
    assert_eq!((fed.records, fed.again), (3, 3));
    bench.proxy.relent();
    let before = receiver.arrivals().len();
    let fed = bench.events.feed(&sender).await;
    assert_eq!((fed.records, fed.again), (3, 0));
    assert_eq!(receiver.arrivals().len(), before + 2);
    assert_eq!(rows::messages(&stack, &organization).await, 2);
}
