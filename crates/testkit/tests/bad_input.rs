//! What callers of the HTTP API get wrong: each is refused by its name, and nothing has changed.

use hookbell_testkit::api::keys;
use hookbell_testkit::fresh;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::queue::{Queue, reason};
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use serde_json::{Value, json};

const STARTED: &str = "environment.started";
const URL: &str = "https://8.8.8.8/hook";

#[tokio::test]
async fn a_wrong_field_of_an_endpoint_is_named_and_nothing_is_made() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let existing = organization.create(&json!({ "url": URL, "eventTypes": ["*"] })).await.expect(201);
    let path = organization.managing(&format!("/{}", existing["endpoint"]["endpointId"].as_str().unwrap()));
    let long = format!("https://8.8.8.8/{}", "x".repeat(2_048));
    let wrong_urls = [
        "http://8.8.8.8/",
        "ftp://8.8.8.8/",
        "8.8.8.8",
        "",
        "https://",
        "https:8.8.8.8",
        "https://user:password@8.8.8.8/",
        "https://@8.8.8.8/",
        "https://8.8.8.8:22/",
        "https://8.8.8.8/#fragment",
        "https://8.8.8.8/a b",
        "https://10.0.0.1/",
        "https://0xa000001/",
        "https://192.168.1.1:8443/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fd00::1]/",
        "https://[64:ff9b::10.0.0.1]/",
        "https://a..b/",
        &long,
    ];
    let mut cases: Vec<(&str, Value)> = wrong_urls.iter().map(|url| ("url", json!({ "url": url }))).collect();
    cases.extend([
        ("url", json!({ "url": 7 })),
        ("url", json!({ "url": null })),
        ("eventTypes", json!({ "eventTypes": [] })),
        ("eventTypes", json!({ "eventTypes": ["environment.exploded"] })),
        ("eventTypes", json!({ "eventTypes": [STARTED, "sandbox.created"] })),
        ("eventTypes", json!({ "eventTypes": STARTED })),
        ("eventTypes", json!({ "eventTypes": [7] })),
        ("eventTypes", json!({ "eventTypes": { "0": STARTED } })),
        ("description", json!({ "description": "é".repeat(201) })),
        ("description", json!({ "description": "a\u{7}b" })),
        ("description", json!({ "description": ["a"] })),
        ("ordered", json!({ "ordered": "yes" })),
        ("surprise", json!({ "surprise": 1 })),
    ]);
    for (field, wrong) in &cases {
        let mut whole = json!({ "url": URL, "eventTypes": ["*"] });
        whole.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        organization.create(&whole).await.check_fields(&[field]);
        organization.api.patch(&path, wrong).await.check_fields(&[field]);
    }
    organization.create(&json!({ "eventTypes": ["*"] })).await.check_fields(&["url"]);
    organization.create(&json!({ "url": URL })).await.check_fields(&["eventTypes"]);
    for status in [json!("paused"), json!(true)] {
        organization.api.patch(&path, &json!({ "status": status })).await.check_fields(&["status"]);
    }
    let list = organization.api.get(&organization.managing("")).await.expect(200);
    assert_eq!(list, json!({ "endpoints": [existing["endpoint"]] }));
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let wrong = json!({ "url": "http://10.0.0.1/", "eventTypes": ["a", "b"], "surprise": 1 });
    let errors = organization.create(&wrong).await.expect(400)["error"]["issues"]["fieldErrors"].clone();
    assert_eq!(keys(&errors), ["eventTypes", "surprise", "url"]);
    assert_eq!(errors["eventTypes"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let huge = format!(r#"{{"description":"{}"#, "x".repeat(5_000_000));
    let bodies: [&[u8]; 7] = [b"", b"{", b"[]", b"null", b"7", b"{\"url\":1}}", huge.as_bytes()];
    for body in bodies {
        organization.api.post(&organization.managing(""), body).await.check_fields(&["body"]);
        let path = organization.sending("/send");
        organization.api.post(&path, body).await.check_refused_fields(&path, &["body"]);
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "daytona").await;
    // API Gateway hands a body on as text; what becomes of such bytes on the way is not ours.
    for path in [organization.managing(""), organization.sending("/initialize")] {
        organization.api.post(&path, *b"{\"profile\":\"\xff\xfe\"}").await.check(400);
    }
}

#[tokio::test]
async fn a_wrong_field_of_an_event_is_named() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let path = organization.sending("/send");
    let cases = [
        ("eventType", json!({ "eventType": "environment.exploded" })),
        ("eventType", json!({ "eventType": 7 })),
        ("payload", json!({ "payload": "text" })),
        ("payload", json!({ "payload": [] })),
        ("payload", json!({ "payload": null })),
        ("payload", json!({ "payload": { "big": "x".repeat(262_144) } })),
        ("payload", json!({ "payload": { "huge": "x".repeat(5_000_000) } })),
        ("eventId", json!({ "eventId": "a b" })),
        ("eventId", json!({ "eventId": "" })),
        ("eventId", json!({ "eventId": "e".repeat(257) })),
        ("eventId", json!({ "eventId": 7 })),
        ("surprise", json!({ "surprise": 1 })),
    ];
    for (field, wrong) in cases {
        let mut whole = json!({ "eventType": STARTED, "payload": {} });
        whole.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        organization.api.post(&path, whole.to_string()).await.check_refused_fields(&path, &[field]);
    }
    for missing in ["eventType", "payload"] {
        let mut whole = json!({ "eventType": STARTED, "payload": {} });
        whole.as_object_mut().unwrap().remove(missing);
        organization.api.post(&path, whole.to_string()).await.check_refused_fields(&path, &[missing]);
    }
    let longest = "e".repeat(256);
    organization.try_send(STARTED, "{}", Some(&longest)).await.check(200);
}

#[tokio::test]
async fn a_cursor_that_is_none_is_refused() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    for cursor in ["nonsense", "", "ZGx2Xw"] {
        let path = endpoint.path(&format!("/deliveries?cursor={cursor}"));
        organization.api.get(&path).await.check_fields(&["cursor"]);
    }
}

#[tokio::test]
async fn a_wrong_initialization_is_refused() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let path = organization.sending("/initialize");
    for (field, body) in [
        ("profile", json!({ "profile": "acme" })),
        ("profile", json!({ "profile": 1 })),
        ("surprise", json!({ "surprise": 1 })),
    ] {
        organization.initialize(&body).await.check_refused_fields(&path, &[field]);
    }
    let long = "x".repeat(101);
    for id in ["a%20b", "a+b", &long] {
        let path = format!("/webhooks/organizations/{id}/initialize");
        let reply = organization.api.post(&path, "").await;
        assert_eq!(keys(&reply.expect(400)["issues"]["fieldErrors"]), ["organizationId"]);
    }
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_accepted() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let url = format!("https://{}.invalid/", fresh());
    organization.create(&json!({ "url": url, "eventTypes": ["*"] })).await.check(201);
}

#[tokio::test]
async fn a_payload_that_its_readers_could_not_read_is_refused_at_either_door() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let deep = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    let path = organization.sending("/send");
    organization.try_send(STARTED, &deep(100), None).await.check_refused_fields(&path, &["payload"]);
    organization.try_send(STARTED, &deep(50_000), None).await.check_refused_fields(&path, &["payload"]);
    organization.try_send(STARTED, &deep(99), None).await.check(200);
    let id = fresh();
    organization.produce(STARTED, &deep(100), &format!(r#","id":"{id}""#)).await;
    let rejected = Queue::at(&stack, &stack.events_dead_letter_queue_url);
    let found = rejected.find("the event", 1, |message| message.body().is_some_and(|body| body.contains(&id))).await;
    assert!(reason(&found[0]).contains("100 levels"), "{}", reason(&found[0]));
}

#[tokio::test]
async fn an_answer_does_not_grow_with_what_was_wrong() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let many: Vec<String> = (0..5_000).map(|n| format!(r#""field{n}":1"#)).collect();
    let long = json!({ "eventType": "\u{7f}".repeat(100_000), "payload": {} }).to_string();
    for body in [format!("{{{}}}", many.join(",")), long] {
        let reply = organization.api.post(&organization.sending("/send"), body).await;
        reply.check(400);
        assert!(reply.body.len() < 65_536, "{} bytes", reply.body.len());
    }
}

#[tokio::test]
async fn a_request_that_makes_no_url_is_answered_and_leads_nowhere_else() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = |path: &str| client.get(format!("{}{path}", stack.api_url)).header("authorization", &stack.admin_key);
    for (name, value) in
        [("x-forwarded-proto", "1"), ("x-forwarded-proto", "ht tp"), ("host", "["), ("host", "x:99999")]
    {
        let answer = get("/webhooks/status").header(name, value).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{name}: {value}");
    }
    for path in [
        organization.managing("%3Flimit=1"),
        organization.managing("%23x"),
        format!("/organizations/{}%0A/webhooks", organization.id),
        "/webhooks/status%3Fx".to_owned(),
    ] {
        assert_eq!(get(&path).send().await.unwrap().status(), 404, "{path}");
    }
    let odd = organization.sending("%0A/initialize");
    organization.api.post(&odd, "").await.check(400);
}
