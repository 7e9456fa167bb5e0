//! The HTTP API's answers to those who call it: what it shows, and what it refuses and how.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use futures_util::stream;
use hookbell_testkit::api::Reply;
use hookbell_testkit::fresh;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use http::Method;
use serde_json::{Value, json};

const STARTED: &str = "environment.started";
const URL: &str = "https://8.8.8.8/hook";

#[track_caller]
fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Fails unless a call under `/organizations/` is refused because of that field, and only of it.
#[track_caller]
fn check_field(reply: &Reply, field: &str, case: &str) {
    assert_eq!(reply.status, 400, "{case}: {}", String::from_utf8_lossy(&reply.body));
    let body = reply.json();
    assert_eq!(keys(&body), BTreeSet::from(["error"]), "{case}");
    assert_eq!(body["error"]["message"], "Validation failed", "{case}");
    let errors = &body["error"]["issues"]["fieldErrors"];
    assert_eq!(keys(errors), BTreeSet::from([field]), "{case}: {errors}");
    let texts = errors[field].as_array().unwrap();
    assert!(!texts.is_empty() && texts.iter().all(|text| text.as_str().unwrap().len() > 5), "{case}: {errors}");
}

/// Fails unless a call under `/webhooks/` is refused with that status, in the style of those paths.
#[track_caller]
fn check_by_status(reply: &Reply, status: u16, path: &str) -> Value {
    let body = reply.expect(status);
    assert!(
        keys(&body).is_superset(&BTreeSet::from(["path", "timestamp", "statusCode", "error", "message"])),
        "{body}"
    );
    assert_eq!((&body["statusCode"], &body["path"]), (&json!(status), &json!(path)));
    assert!(body["timestamp"].as_str().unwrap().ends_with('Z'));
    body
}

#[tokio::test]
async fn a_new_endpoint_is_shown_without_its_secret() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let wanted = json!({ "url": URL, "eventTypes": [STARTED, "*", STARTED], "description": "My é box" });
    let created = organization.create(&wanted).await.expect(201);
    assert_eq!(keys(&created), BTreeSet::from(["endpoint", "secret"]));
    let secret = STANDARD.decode(created["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap()).unwrap();
    assert_eq!(secret.len(), 32);
    let endpoint = &created["endpoint"];
    let expected = [
        "endpointId",
        "url",
        "description",
        "status",
        "eventTypes",
        "ordered",
        "consecutiveFailures",
        "createdAt",
        "updatedAt",
    ];
    assert_eq!(keys(endpoint), BTreeSet::from(expected));
    assert!(endpoint["endpointId"].as_str().unwrap().starts_with("whe_"));
    assert_eq!((&endpoint["url"], &endpoint["description"]), (&wanted["url"], &wanted["description"]));
    assert_eq!((&endpoint["status"], &endpoint["ordered"]), (&json!("enabled"), &json!(false)));
    assert_eq!(endpoint["eventTypes"], json!([STARTED, "*"]));

    let list = organization.api.get(&organization.managing("")).await.expect(200);
    assert_eq!(list, json!({ "endpoints": [endpoint] }));
    let path = organization.managing(&format!("/{}", endpoint["endpointId"].as_str().unwrap()));
    assert_eq!(organization.api.get(&path).await.expect(200), json!({ "endpoint": endpoint }));
    let changed = organization.api.patch(&path, &json!({ "description": "", "eventTypes": ["*"] })).await.expect(200);
    assert_eq!(changed["endpoint"].get("description"), None);
    assert_eq!(changed["endpoint"]["eventTypes"], json!(["*"]));
    assert_eq!(organization.api.get(&path).await.expect(200), changed);
    let gone = organization.api.delete(&path).await;
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    organization.api.get(&path).await.check(404);
    organization.api.delete(&path).await.check(404);
}

#[tokio::test]
async fn the_catalogue_is_that_of_the_organizations_profile() {
    let stack = Stack::load();
    for profile in ["slothbox", "daytona"] {
        let organization = Organization::new(&stack, profile).await;
        let listed = organization.api.get(&organization.managing("/event-types")).await.expect(200);
        let entries = organization.profile.event_types.iter();
        let expected: Vec<Value> = entries.map(|e| json!({ "type": e.name, "description": e.description })).collect();
        assert_eq!(listed, json!({ "eventTypes": expected }));
    }
}

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
        check_field(&organization.create(&whole).await, field, &format!("create {wrong}"));
        check_field(&organization.api.patch(&path, wrong).await, field, &format!("change {wrong}"));
    }
    check_field(&organization.create(&json!({ "eventTypes": ["*"] })).await, "url", "no url");
    check_field(&organization.create(&json!({ "url": URL })).await, "eventTypes", "no event types");
    for status in [json!("paused"), json!(true)] {
        check_field(&organization.api.patch(&path, &json!({ "status": status })).await, "status", "status");
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
    assert_eq!(keys(&errors), BTreeSet::from(["eventTypes", "surprise", "url"]));
    assert_eq!(errors["eventTypes"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let huge = format!(r#"{{"description":"{}"#, "x".repeat(5_000_000));
    let bodies: [&[u8]; 7] = [b"", b"{", b"[]", b"null", b"7", b"{\"url\":1}}", huge.as_bytes()];
    for body in bodies {
        let case = String::from_utf8_lossy(&body[..body.len().min(20)]).into_owned();
        check_field(&organization.api.post(&organization.managing(""), body).await, "body", &case);
        let path = organization.sending("/send");
        let refused = check_by_status(&organization.api.post(&path, body).await, 400, &path);
        assert_eq!(keys(&refused["issues"]["fieldErrors"]), BTreeSet::from(["body"]), "{case}");
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
        let reply = organization.api.post(&path, whole.to_string()).await;
        let refused = check_by_status(&reply, 400, &path);
        assert_eq!(refused["message"], "Validation failed");
        assert_eq!(keys(&refused["issues"]["fieldErrors"]), BTreeSet::from([field]));
    }
    for missing in ["eventType", "payload"] {
        let mut whole = json!({ "eventType": STARTED, "payload": {} });
        whole.as_object_mut().unwrap().remove(missing);
        let refused = check_by_status(&organization.api.post(&path, whole.to_string()).await, 400, &path);
        assert_eq!(keys(&refused["issues"]["fieldErrors"]), BTreeSet::from([missing]));
    }
    let longest = "e".repeat(256);
    organization.try_send(STARTED, "{}", Some(&longest)).await.check(200);
}

#[tokio::test]
async fn what_is_not_there_for_the_caller_is_not_found() {
    let stack = Stack::load();
    let receiver = Receiver::always(&stack, 200).await;
    let (own, other) = (Organization::new(&stack, "slothbox").await, Organization::new(&stack, "slothbox").await);
    let mine = own.endpoint(&receiver, &["*"]).await;
    let theirs = other.endpoint(&receiver, &["*"]).await;
    let message = other.send_example().await;
    let delivery = theirs.wait_for_status(&message, "delivered").await;
    let delivery = delivery["deliveryId"].as_str().unwrap();

    let (unknown, ulid) = (format!("org_{}", fresh()), "01J9ZK4T6Q0X3V8N5B2M7C1D4F");
    let theirs_from_here = own.managing(&format!("/{}", theirs.id));
    let mut paths = vec![
        format!("/organizations/{unknown}/webhooks"),
        format!("/organizations/{unknown}/webhooks/event-types"),
        format!("/organizations/{unknown}/webhooks/{}", theirs.id),
        theirs_from_here.clone(),
        format!("{theirs_from_here}/deliveries"),
        format!("{theirs_from_here}/deliveries/{delivery}"),
        mine.path(&format!("/deliveries/{delivery}")),
        own.managing("/nonsense"),
        mine.path("/deliveries/nonsense"),
        mine.path(&format!("/deliveries/dlv_{ulid}")),
        mine.path("/no-such-thing"),
        "/no-such-thing".to_owned(),
    ];
    paths.push(own.managing(&format!("/whe_{ulid}")));
    for path in &paths {
        let body = own.api.get(path).await.expect(404);
        assert_eq!(keys(&body), BTreeSet::from(["error"]), "{path}");
        assert!(body["error"]["message"].is_string());
    }
    own.api.patch(&theirs_from_here, &json!({ "description": "mine" })).await.check(404);
    own.api.delete(&theirs_from_here).await.check(404);
    own.api.post(&format!("{theirs_from_here}/ping"), "").await.check(404);
    assert_eq!(theirs.get().await["status"], "enabled");

    for path in [
        format!("/webhooks/organizations/{unknown}/messages/{message}/attempts"),
        own.sending(&format!("/messages/{message}/attempts")),
        own.sending(&format!("/messages/msg_{ulid}/attempts")),
        own.sending("/messages/nonsense/attempts"),
    ] {
        check_by_status(&own.api.get(&path).await, 404, &path);
    }
    let path = format!("/webhooks/organizations/{unknown}/send");
    let event = json!({ "eventType": STARTED, "payload": {} }).to_string();
    check_by_status(&own.api.post(&path, event).await, 404, &path);
}

#[tokio::test]
async fn a_cursor_that_was_changed_and_a_limit_that_is_no_number_are_refused() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    for (field, query) in [("cursor", "cursor=nonsense"), ("cursor", "cursor="), ("limit", "limit=many")] {
        check_field(&organization.api.get(&endpoint.path(&format!("/deliveries?{query}"))).await, field, query);
    }
}

#[tokio::test]
async fn only_the_right_key_is_let_in() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let (api, key) = (&organization.api, &stack.admin_key);
    assert!(key.len() == 35 && key.starts_with("sk_"), "sk_ and 32 characters");
    let paths = [organization.managing(""), organization.sending("/messages/msg_1/attempts"), "/nowhere".to_owned()];
    let wrong =
        [&key[..34], &key[3..], &format!("{key}x"), &format!("Basic {key}"), "Bearer", "sk_", &key.to_uppercase()];
    for path in &paths {
        for reply in [api.with_key(None).get(path).await, api.with_key(Some("")).get(path).await] {
            reply.check(401);
        }
        for key in wrong {
            api.with_key(Some(key)).get(path).await.check(401);
        }
    }
    let refused = api.with_key(None).get(&paths[0]).await.expect(401);
    assert_eq!(keys(&refused), BTreeSet::from(["error"]));
    check_by_status(&api.with_key(None).get(&paths[1]).await, 401, &paths[1]);
    for right in [key.clone(), format!("Bearer {key}"), format!("bearer {key}"), format!("BEARER  {key}")] {
        api.with_key(Some(&right)).get(&paths[0]).await.check(200);
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_refused() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let path = organization.managing("/event-types");
    let refused = organization.api.call(Method::POST, &path, "{}").await.expect(405);
    assert_eq!(keys(&refused), BTreeSet::from(["error"]));
    let path = organization.sending("/send");
    check_by_status(&organization.api.get(&path).await, 405, &path);
}

#[tokio::test]
async fn an_organization_has_fifty_endpoints_at_most_however_many_are_asked_for_at_once() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let wanted = json!({ "url": URL, "eventTypes": ["*"] });
    let replies: Vec<Reply> =
        stream::iter(0..56).map(|_| organization.create(&wanted)).buffer_unordered(8).collect().await;
    let count = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
    assert_eq!((count(201), count(409)), (50, 6));
    let refused = replies.iter().find(|reply| reply.status == 409).unwrap().json();
    assert!(refused["error"]["message"].as_str().unwrap().contains("50"), "{refused}");
    let list = organization.api.get(&organization.managing("")).await.expect(200);
    let listed = list["endpoints"].as_array().unwrap();
    assert_eq!(listed.len(), 50);

    let path = organization.managing(&format!("/{}", listed[0]["endpointId"].as_str().unwrap()));
    organization.api.delete(&path).await.check(204);
    organization.create(&wanted).await.check(201);
    organization.create(&wanted).await.check(409);
}

#[tokio::test]
async fn initialising_can_be_repeated_and_switches_the_profile_while_there_is_no_endpoint() {
    let stack = Stack::load();
    let organization = Organization::unheard_of(&stack, "slothbox");
    let default = organization.api.post(&organization.sending("/initialize"), "").await.expect(201);
    assert_eq!(default["organizationId"], organization.id);
    assert_eq!(default["profile"], "slothbox");
    let again = organization.initialize(&json!({})).await.expect(201);
    assert_eq!((&again["profile"], &again["createdAt"]), (&json!("slothbox"), &default["createdAt"]));

    let switched = organization.initialize(&json!({ "profile": "daytona" })).await.expect(201);
    assert_eq!(switched["profile"], "daytona");
    let kept = organization.initialize(&json!({})).await.expect(201);
    assert_eq!(kept["profile"], "daytona", "who names none keeps what there is");
    organization.create(&json!({ "url": URL, "eventTypes": [STARTED] })).await.check(400);
    let created = organization.create(&json!({ "url": URL, "eventTypes": ["sandbox.created"] })).await.expect(201);

    let path = organization.sending("/initialize");
    let slothbox = json!({ "profile": "slothbox" });
    check_by_status(&organization.initialize(&slothbox).await, 409, &path);
    organization.initialize(&json!({ "profile": "daytona" })).await.check(201);
    let endpoint = organization.managing(&format!("/{}", created["endpoint"]["endpointId"].as_str().unwrap()));
    organization.api.delete(&endpoint).await.check(204);
    organization.initialize(&slothbox).await.check(201);
}

#[tokio::test]
async fn a_wrong_initialisation_is_refused() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    for (field, body) in [("profile", json!({ "profile": "acme" })), ("profile", json!({ "profile": 1 }))] {
        let path = organization.sending("/initialize");
        let refused = check_by_status(&organization.initialize(&body).await, 400, &path);
        assert_eq!(keys(&refused["issues"]["fieldErrors"]), BTreeSet::from([field]));
    }
    let refused = organization.initialize(&json!({ "surprise": 1 })).await.expect(400);
    assert_eq!(keys(&refused["issues"]["fieldErrors"]), BTreeSet::from(["surprise"]));
    let path = "/webhooks/organizations/a%20b/initialize";
    let refused = organization.api.post(path, "").await.expect(400);
    assert_eq!(keys(&refused["issues"]["fieldErrors"]), BTreeSet::from(["organizationId"]));
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_accepted() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let url = format!("https://{}.invalid/", fresh());
    organization.create(&json!({ "url": url, "eventTypes": ["*"] })).await.check(201);
}
