//! What an owner may want of an endpoint beyond the ordinary: shown as it was given, refused by its name, and sent.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use hookbell_testkit::api::keys;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::rows;
use hookbell_testkit::stack::Stack;
use serde_json::{Value, json};

const URL: &str = "https://8.8.8.8/hook";

/// What an endpoint without options shows.
const PLAIN: [&str; 8] =
    ["consecutiveFailures", "createdAt", "endpointId", "eventTypes", "ordered", "status", "updatedAt", "url"];

fn filter() -> Value {
    json!({
        "type": [{ "prefix": "environment." }],
        "data": { "resource": { "name": [{ "anything-but": { "wildcard": "tmp-*" } }, { "exists": false }] } },
        "$or": [{ "data": { "size": [{ "numeric": [">=", 0.5, "<", 10] }] } }, { "data": { "ip": [{ "cidr": "10.0.0.0/8" }] } }],
    })
}

fn options() -> Value {
    json!({
        "headers": { "Authorization": "Bearer abc.def", "X-Team": "payments, \"two\"", "x-empty": "" },
        "v1a": true,
        "svixHeaders": true,
        "rateLimit": 10_000,
        "filter": filter(),
    })
}

#[tokio::test]
async fn each_option_is_shown_as_it_was_given_and_absent_when_unset() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let options = options();
    let mut cases: Vec<Value> =
        options.as_object().unwrap().iter().map(|(name, value)| json!({ name: value.clone() })).collect();
    cases.push(options);
    let mut all = Vec::new();
    for case in &cases {
        let mut wanted = json!({ "url": URL, "eventTypes": ["*"] });
        wanted.as_object_mut().unwrap().extend(case.as_object().unwrap().clone());
        let endpoint = organization.create(&wanted).await.expect(201)["endpoint"].clone();
        let mut expected: Vec<&str> = PLAIN.iter().copied().chain(keys(case)).collect();
        if case.get("v1a").is_some() {
            let key = endpoint["publicKey"].as_str().unwrap().strip_prefix("whpk_").unwrap();
            assert_eq!(STANDARD.decode(key).unwrap().len(), 32);
            expected.push("publicKey");
        }
        expected.sort_unstable();
        assert_eq!(keys(&endpoint), expected);
        for (name, value) in case.as_object().unwrap() {
            assert_eq!(&endpoint[name], value);
        }
        let path = organization.managing(&format!("/{}", endpoint["endpointId"].as_str().unwrap()));
        assert_eq!(organization.api.get(&path).await.expect(200)["endpoint"], endpoint);
        all.push(endpoint);
    }
    let unset = json!({ "url": URL, "eventTypes": ["*"], "headers": {}, "v1a": false, "svixHeaders": false });
    let plain = organization.create(&unset).await.expect(201)["endpoint"].clone();
    assert_eq!(keys(&plain), PLAIN);
    all.push(plain);
    assert_eq!(organization.api.get(&organization.managing("")).await.expect(200), json!({ "endpoints": all }));
}

#[tokio::test]
async fn a_wrong_option_is_named_and_nothing_changes() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let created = organization.create(&json!({ "url": URL, "eventTypes": ["*"], "rateLimit": 5 })).await.expect(201);
    let path = organization.managing(&format!("/{}", created["endpoint"]["endpointId"].as_str().unwrap()));
    let many: serde_json::Map<String, Value> = (0..21).map(|n| (format!("x-{n}"), json!("v"))).collect();
    let cases = [
        ("headers", json!({ "headers": null })),
        ("headers", json!({ "headers": ["a"] })),
        ("headers", json!({ "headers": { "x": 7 } })),
        ("headers", json!({ "headers": { "a b": "v" } })),
        ("headers", json!({ "headers": { "": "v" } })),
        ("headers", json!({ "headers": { "x": "a\r\nhost: b" } })),
        ("headers", json!({ "headers": { "x": " v" } })),
        ("headers", json!({ "headers": { "x": "é" } })),
        ("headers", json!({ "headers": { "Content-Type": "text/plain" } })),
        ("headers", json!({ "headers": { "Webhook-Signature": "v1,AAAA" } })),
        ("headers", json!({ "headers": { "svix-id": "msg_1" } })),
        ("headers", json!({ "headers": { "Host": "example.com" } })),
        ("headers", json!({ "headers": { "X-Key": "a", "x-key": "b" } })),
        ("headers", json!({ "headers": many })),
        ("headers", json!({ "headers": { "x": "v".repeat(4_096) } })),
        ("v1a", json!({ "v1a": "yes" })),
        ("v1a", json!({ "v1a": null })),
        ("svixHeaders", json!({ "svixHeaders": 1 })),
        ("rateLimit", json!({ "rateLimit": 0 })),
        ("rateLimit", json!({ "rateLimit": 10_001 })),
        ("rateLimit", json!({ "rateLimit": -1 })),
        ("rateLimit", json!({ "rateLimit": 1.5 })),
        ("rateLimit", json!({ "rateLimit": "5" })),
        ("filter", json!({ "filter": {} })),
        ("filter", json!({ "filter": "type" })),
        ("filter", json!({ "filter": { "type": "environment.started" } })),
        ("filter", json!({ "filter": { "type": [{ "regex": ".*" }] } })),
        ("filter", json!({ "filter": { "type": ["x".repeat(4_096)] } })),
        ("publicKey", json!({ "publicKey": "whpk_" })),
    ];
    for (field, wrong) in &cases {
        let mut whole = json!({ "url": URL, "eventTypes": ["*"] });
        whole.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        organization.create(&whole).await.check_fields(&[field]);
        organization.api.patch(&path, wrong).await.check_fields(&[field]);
    }
    // A new endpoint has nothing that could be taken away.
    for field in ["rateLimit", "filter"] {
        organization.create(&json!({ "url": URL, "eventTypes": ["*"], field: null })).await.check_fields(&[field]);
    }
    let wrong = json!({ "filter": { "data": { "resource": { "type": [{ "prefix": 7 }] } } } });
    let errors = organization.api.patch(&path, &wrong).await.expect(400)["error"]["issues"]["fieldErrors"].clone();
    assert!(errors["filter"][0].as_str().unwrap().starts_with("filter.data.resource.type[0].prefix: "), "{errors}");
    let twice = format!(r#"{{"url":"{URL}","eventTypes":["*"],"headers":{{"x":"a","x":"b"}}}}"#);
    organization.api.post(&organization.managing(""), twice).await.check_fields(&["headers"]);

    let list = organization.api.get(&organization.managing("")).await.expect(200);
    assert_eq!(list, json!({ "endpoints": [created["endpoint"]] }));
}

#[tokio::test]
async fn a_change_replaces_removes_and_leaves() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint_with(&receiver, &["*"], options()).await;
    let first_key = endpoint.get().await["publicKey"].clone();

    let changed = endpoint.patch(json!({ "description": "named" })).await;
    for (name, value) in options().as_object().unwrap() {
        assert_eq!(&changed[name], value, "what is not named stays");
    }
    let changed = endpoint.patch(json!({ "headers": { "x-other": "1" }, "rateLimit": 7, "v1a": true })).await;
    assert_eq!((&changed["headers"], &changed["rateLimit"]), (&json!({ "x-other": "1" }), &json!(7)));
    assert_eq!(changed["publicKey"], first_key, "a key pair that is there stays");

    let off = json!({ "headers": {}, "v1a": false, "svixHeaders": false, "rateLimit": null, "filter": null });
    let changed = endpoint.patch(off).await;
    let mut plain = PLAIN.to_vec();
    plain.push("description");
    plain.sort_unstable();
    assert_eq!(keys(&changed), plain);
    assert_eq!(endpoint.get().await, changed);

    let changed = endpoint.patch(json!({ "v1a": true })).await;
    assert!(changed["publicKey"].is_string() && changed["publicKey"] != first_key, "switched on again: a new pair");
    assert_eq!(endpoint.get().await, changed);
}

#[tokio::test]
async fn a_receiver_gets_what_the_owner_wanted() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let plain = &receiver.wait_for_message(&organization.send_example().await, 1).await[0];
    for name in ["svix-id", "svix-timestamp", "svix-signature", "authorization"] {
        assert!(!plain.headers.contains_key(name), "{name}");
    }
    assert_eq!(plain.tokens().len(), 1);

    let mut wanted = options();
    // Which messages it gets is no matter of how they are sent.
    wanted.as_object_mut().unwrap().remove("filter");
    let shown = endpoint.patch(wanted.clone()).await;
    // The API has accepted the event after the change, so the change holds for it.
    let arrival = &receiver.wait_for_message(&organization.send_example().await, 1).await[0];
    for (name, value) in wanted["headers"].as_object().unwrap() {
        assert_eq!(arrival.header(name), value.as_str().unwrap(), "{name}");
        assert_eq!(arrival.headers.get_all(name.as_str()).iter().count(), 1);
    }
    for name in ["id", "timestamp", "signature"] {
        let own = arrival.header(&format!("webhook-{name}"));
        assert!(!own.is_empty());
        assert_eq!(own, arrival.header(&format!("svix-{name}")));
    }
    assert_eq!(arrival.header("content-type"), "application/json");
    assert_eq!(arrival.tokens().len(), 2);
    arrival.verify(&endpoint.secret);
    arrival.with_token(0).verify(&endpoint.secret);
    arrival.verify_with_public_key(shown["publicKey"].as_str().unwrap());

    endpoint.patch(json!({ "headers": {}, "v1a": false, "svixHeaders": false })).await;
    let arrival = &receiver.wait_for_message(&organization.send_example().await, 1).await[0];
    assert_eq!(keys_of(&arrival.headers), keys_of(&plain.headers));
    assert_eq!(arrival.tokens().len(), 1);
}

fn keys_of(headers: &http::HeaderMap) -> Vec<&str> {
    let mut names: Vec<&str> = headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn neither_header_values_nor_private_keys_can_be_read_in_the_table() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint_with(&receiver, &["*"], options()).await;
    for change in [json!({}), json!({ "headers": { "x-new": "Bearer abc.def" }, "v1a": false }), json!({ "v1a": true })]
    {
        endpoint.patch(change).await;
        let mut bytes = Vec::new();
        collect(&rows::endpoint_item(&stack, &endpoint).await.unwrap(), &mut bytes);
        let found = |secret: &[u8]| bytes.iter().any(|each| each.windows(secret.len()).any(|window| window == secret));
        assert!(found(b"environment."), "the filter can be read");
        assert!(!found(b"abc.def") && !found(b"payments"), "a header's value can be read");
        assert!(!found(&STANDARD.decode(&endpoint.secret[6..]).unwrap()), "the secret can be read");
        let Some(public) = endpoint.get().await["publicKey"].as_str().map(str::to_owned) else { continue };
        let public = STANDARD.decode(&public[5..]).unwrap();
        assert!(found(&public));
        let seeds = bytes.iter().flat_map(|each| each.windows(32));
        for seed in seeds {
            let key = SigningKey::from_bytes(seed.try_into().unwrap()).verifying_key();
            assert_ne!(key.as_bytes().as_slice(), public, "the seed can be read");
        }
    }
}

/// Every text and every bytes of an item.
fn collect(item: &HashMap<String, AttributeValue>, into: &mut Vec<Vec<u8>>) {
    for value in item.values() {
        collect_value(value, into);
    }
}

fn collect_value(value: &AttributeValue, into: &mut Vec<Vec<u8>>) {
    match value {
        AttributeValue::S(text) => into.push(text.clone().into_bytes()),
        AttributeValue::B(bytes) => into.push(bytes.as_ref().to_vec()),
        AttributeValue::L(values) => values.iter().for_each(|value| collect_value(value, into)),
        AttributeValue::M(item) => collect(item, into),
        _ => {}
    }
}
