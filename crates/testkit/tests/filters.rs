//! Filters: an endpoint gets the messages that its filter matches, and of no other is there anything at it.

use hookbell_testkit::console::Console;
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::html::{tags, text};
use hookbell_testkit::organization::Organization;
use hookbell_testkit::patience::eventually;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::rows;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use serde_json::{Value, json};

const FAILED: &str = "environment.failed";

fn payload(name: &str, reason: &str) -> String {
    json!({ "resource": { "type": "environment", "id": "env_1", "name": name }, "reason": reason }).to_string()
}

/// A filter by what was the reason.
fn because(tests: &Value) -> Value {
    json!({ "data": { "reason": tests } })
}

async fn filtered(organization: &Organization, receiver: &Receiver, filter: Value) -> Endpoint {
    organization.endpoint_with(receiver, &["*"], json!({ "filter": filter })).await
}

/// The messages that an endpoint has deliveries of, oldest first.
async fn delivered(endpoint: &Endpoint) -> Vec<Value> {
    endpoint.deliveries().await.iter().rev().map(|delivery| delivery["webhookId"].clone()).collect()
}

#[tokio::test]
async fn each_endpoint_gets_what_its_filter_matches_and_nothing_is_kept_of_the_rest() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let timeouts = filtered(&organization, &receiver, because(&json!([{ "prefix": "Timeout" }]))).await;
    let others =
        filtered(&organization, &receiver, because(&json!([{ "anything-but": { "prefix": "Timeout" } }]))).await;
    let boxes = json!({ "type": [FAILED], "data": { "resource": { "name": [{ "wildcard": "box-*" }] } } });
    let boxes = filtered(&organization, &receiver, boxes).await;
    let nothing = filtered(&organization, &receiver, json!({ "id": ["msg_none"] })).await;
    let all = organization.endpoint(&receiver, &["*"]).await;

    let timeout = organization.send(FAILED, &payload("box-1", "Timeout of 30 s")).await;
    let quota = organization.send(FAILED, &payload("lab", "Quota")).await;
    let started = organization.send("environment.started", &payload("box-2", "")).await;
    for (endpoint, expected) in [
        (&all, vec![&timeout, &quota, &started]),
        (&timeouts, vec![&timeout]),
        (&others, vec![&quota, &started]),
        (&boxes, vec![&timeout]),
        (&nothing, Vec::new()),
    ] {
        for message in &expected {
            endpoint.wait_for_status(message, "delivered").await;
        }
        for message in [&timeout, &quota, &started] {
            all.wait_for_status(message, "delivered").await;
        }
        let mut delivered = delivered(endpoint).await;
        delivered.sort_by_key(Value::to_string);
        let mut expected: Vec<Value> = expected.into_iter().map(|message| json!(message)).collect();
        expected.sort_by_key(Value::to_string);
        assert_eq!(delivered, expected);
        assert_eq!(rows::deliveries(&stack, endpoint).await, expected.len());
    }
    assert_eq!(receiver.arrivals().len(), 7);
    let attempts = organization.attempts_of(&timeout).await;
    assert_eq!(attempts.len(), 3, "an endpoint that filters it out has none: {attempts:?}");
}

#[tokio::test]
async fn a_filter_holds_from_its_change_on_and_a_test_passes_it() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = filtered(&organization, &receiver, because(&json!(["Quota"]))).await;
    let all = organization.endpoint(&receiver, &["*"]).await;
    let mut expected = Vec::new();
    for (filter, passes) in [
        (Value::Null, true),
        (because(&json!(["Timeout"])), false),
        (because(&json!(["Quota", "Timeout"])), true),
        (because(&json!([{ "exists": false }])), false),
    ] {
        endpoint.patch(json!({ "filter": filter })).await;
        let message = organization.send(FAILED, &payload("box", "Quota")).await;
        all.wait_for_status(&message, "delivered").await;
        if passes {
            endpoint.wait_for_status(&message, "delivered").await;
            expected.push(json!(message));
        }
    }
    endpoint.patch(json!({ "filter": because(&json!(["Timeout"])) })).await;
    let ping = organization.api.post(&endpoint.path("/ping"), "").await.expect(200)["webhookId"].clone();
    endpoint.wait_for_status(ping.as_str().unwrap(), "delivered").await;
    expected.push(ping);
    assert_eq!(delivered(&endpoint).await, expected);
}

#[tokio::test]
async fn a_record_that_comes_again_goes_to_the_same_endpoints_whatever_they_filter_by_then() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let quota = filtered(&organization, &receiver, because(&json!(["Quota"]))).await;
    let timeout = filtered(&organization, &receiver, because(&json!(["Timeout"]))).await;
    let bench = Workbench::new(&stack).await;
    let record = organization.record(FAILED, &payload("box", "Quota"), r#","id":"event-1""#);
    for _ in 0..2 {
        bench.events.put(&record).await;
        let sender = bench.function("sender").await;
        let fed = bench.events.feed(&sender).await;
        assert_eq!((fed.records, fed.again), (1, 0));
        for (endpoint, count) in [(&quota, 1), (&timeout, 0)] {
            assert_eq!(rows::deliveries(&stack, endpoint).await, count);
        }
        quota.patch(json!({ "filter": because(&json!(["Timeout"])) })).await;
        timeout.patch(json!({ "filter": because(&json!(["Quota"])) })).await;
    }
    assert_eq!(receiver.arrivals().len(), 1);
}

#[tokio::test]
async fn the_news_of_a_disabled_endpoint_is_filtered_like_any_other() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let gone = Receiver::always(&stack, 410).await;
    let receiver = Receiver::always(&stack, 200).await;
    let wants = json!({ "type": ["webhook.endpoint.disabled"], "data": { "reason": [{ "prefix": "410" }] } });
    let wants = filtered(&organization, &receiver, wants).await;
    let refuses = json!({ "type": [{ "anything-but": "webhook.endpoint.disabled" }] });
    let refuses = filtered(&organization, &receiver, refuses).await;
    let ends = organization.endpoint(&gone, &[FAILED]).await;
    let message = organization.send(FAILED, &payload("box", "Quota")).await;
    ends.wait_until_disabled().await;
    eventually("the news", async || Some(delivered(&wants).await).filter(|messages| !messages.is_empty())).await;
    refuses.wait_for_status(&message, "delivered").await;
    assert_eq!(delivered(&refuses).await, [json!(message)]);
    assert_eq!(delivered(&wants).await.len(), 1);
}

#[tokio::test]
async fn a_body_that_no_filter_can_judge_is_delivered() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = filtered(&organization, &receiver, because(&json!(["Timeout"]))).await;
    let list = format!(r#"{{"reason":[0{}]}}"#, ",0".repeat(100_000));
    let deep = |levels: usize| format!(r#"{{"reason":"Timeout","deep":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    let unjudged = [r#"{"reason":"Quota","n":1e999}"#, r#"{"reason":"Quota","text":"\ud800"}"#, &list, &deep(99)];
    for payload in unjudged {
        let message = organization.send(FAILED, payload).await;
        endpoint.wait_for_status(&message, "delivered").await;
    }
    // Deeper than that no payload is, by either door.
    organization.try_send(FAILED, &deep(100), None).await.check(400);
}

#[tokio::test]
async fn a_filter_can_be_tried() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let path = organization.managing("/filter/test");
    let member = organization.with_key(&organization.new_key("member").await.1);
    let tried = async |body: Value| member.api.post(&path, body.to_string()).await.expect(200);
    let filter = because(&json!([{ "prefix": "Time" }]));
    let example = json!({ "filter": filter, "eventType": FAILED });
    assert_eq!(tried(example).await, json!({ "matches": false, "reason": "data.reason: the value does not match" }));
    let own = json!({ "filter": filter, "eventType": FAILED, "payload": { "reason": "Timeout" } });
    assert_eq!(tried(own).await, json!({ "matches": true }));
    let by_type = json!({ "filter": { "type": [FAILED] }, "eventType": FAILED, "payload": {} });
    assert_eq!(tried(by_type).await, json!({ "matches": true }));
    let flat = Organization::new(&stack, "daytona").await;
    let body = json!({ "filter": { "event": ["sandbox.created"] }, "eventType": "sandbox.created" });
    let reply = flat.api.post(&flat.managing("/filter/test"), body.to_string()).await;
    assert_eq!(reply.expect(200), json!({ "matches": true }));

    for (body, fields) in [
        (json!({}), &["eventType", "filter"][..]),
        (json!({ "filter": {}, "eventType": "nothing.happened", "payload": [] }), &["eventType", "filter", "payload"]),
        (json!({ "filter": { "type": "x" }, "eventType": FAILED }), &["filter"]),
        (json!({ "filter": filter, "eventType": FAILED, "payload": null }), &["payload"]),
        (json!({ "filter": filter, "eventType": FAILED, "url": "x" }), &["url"]),
        (json!({ "filter": filter, "eventType": FAILED, "payload": { "x": "x".repeat(262_144) } }), &["payload"]),
    ] {
        organization.api.post(&path, body.to_string()).await.check_fields(fields);
    }
}

#[tokio::test]
async fn a_filter_can_be_tried_in_the_form_that_it_stands_in() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let owner = Console::of(&stack).sign_in(&organization.new_key("owner").await.1).await;
    let path = format!("/organizations/{}/endpoints/filter", organization.id);
    let form = owner.get(&format!("/organizations/{}/endpoints/new", organization.id)).await;
    let button = tags(form.page(200)).into_iter().find(|tag| tag.get("hx-post").is_some()).unwrap();
    assert!(button.get("hx-post").unwrap().ends_with(&path));
    let filter = because(&json!([{ "prefix": "Time" }])).to_string();
    for (filter, event_type, words) in [
        (filter.as_str(), FAILED, "does not pass: it would not be sent. data.reason: the value does not match."),
        (r#"{"type":[{"prefix":"environment."}]}"#, FAILED, "passes: it would be sent."),
        ("{}", FAILED, "filter: Must name at least one field"),
        ("", FAILED, "filter: Must be an object of fields"),
        (r#"{"type":["x"]}"#, "<b>", "eventType: Unknown event type \"<b>\""),
    ] {
        let answer = owner.post(&path, &[("filter", filter), ("tryType", event_type), ("url", "http://x")]).await;
        answer.check(200);
        let answer = text(std::str::from_utf8(&answer.body).unwrap());
        assert!(answer.contains(words), "{answer}");
    }
}
