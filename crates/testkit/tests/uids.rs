//! Endpoints that come from elsewhere: known by the name they had there, and signed with the secret they had.

use hookbell_domain::ids::MessageId;
use hookbell_testkit::api::keys;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::{fresh, history};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const URL: &str = "https://8.8.8.8/hook";

/// `whsec_` and the base64 of so many bytes.
fn secret_of(bytes: usize) -> String {
    use base64::Engine as _;
    format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(vec![7; bytes]))
}

fn named(uid: &Value) -> Value {
    json!({ "url": URL, "eventTypes": ["*"], "uid": uid })
}

#[tokio::test]
async fn a_uid_is_an_organizations_once_however_many_ask_for_it_at_once() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let ask = named(&json!("ep_1"));
    let replies = futures_util::future::join_all((0..6).map(|_| organization.create(&ask))).await;
    let made: Vec<Value> = replies.iter().filter(|reply| reply.status == 201).map(|reply| reply.json()).collect();
    assert_eq!(made.len(), 1, "{replies:?}");
    for refused in replies.iter().filter(|reply| reply.status != 201) {
        let error = refused.expect(409)["error"].clone();
        assert_eq!(error["code"], "uid_taken");
        assert_eq!(error["message"], "Another endpoint of the organization has the uid ep_1");
    }
    let listed = organization.api.get(&organization.managing("")).await.expect(200);
    assert_eq!(listed, json!({ "endpoints": [made[0]["endpoint"]] }), "the others left nothing");
    assert_eq!(listed["endpoints"][0]["uid"], "ep_1");
    let other = Organization::new(&stack, "slothbox").await;
    other.create(&ask).await.check(201);
}

#[tokio::test]
async fn a_uid_is_free_again_once_its_endpoint_has_another_or_is_gone() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let one = organization.create(&named(&json!("one"))).await.expect(201);
    let two = organization.create(&json!({ "url": URL, "eventTypes": ["*"], "ordered": true })).await.expect(201);
    let path = |made: &Value| organization.managing(&format!("/{}", made["endpoint"]["endpointId"].as_str().unwrap()));
    let (one, two) = (path(&one), path(&two));
    let set = async |path: &str, uid: Value| organization.api.patch(path, &json!({ "uid": uid })).await;
    assert_eq!(set(&two, json!("one")).await.expect(409)["error"]["code"], "uid_taken");
    assert!(!keys(&organization.api.get(&two).await.expect(200)["endpoint"]).contains(&"uid"));
    assert_eq!(set(&one, json!("one")).await.expect(200)["endpoint"]["uid"], "one", "its own is no other's");
    assert_eq!(set(&one, json!("uno")).await.expect(200)["endpoint"]["uid"], "uno");
    assert_eq!(set(&two, json!("one")).await.expect(200)["endpoint"]["uid"], "one");
    assert!(set(&one, Value::Null).await.expect(200)["endpoint"].get("uid").is_none());
    assert!(set(&one, Value::Null).await.expect(200)["endpoint"].get("uid").is_none());
    organization.create(&named(&json!("uno"))).await.check(201);
    organization.api.delete(&two).await.check(204);
    organization.api.delete(&two).await.check(404);
    organization.create(&named(&json!("one"))).await.check(201);
    // One ordered endpoint less: what is sent no longer goes by the line.
    assert_eq!(
        organization.api.get(&organization.managing("")).await.expect(200)["endpoints"].as_array().unwrap().len(),
        3
    );
}

#[tokio::test]
async fn a_receiver_goes_on_with_the_secret_that_it_has() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let mut given = Vec::new();
    for bytes in [24, 33, 64] {
        let secret = secret_of(bytes);
        let endpoint = organization.endpoint_with(&receiver, &["*"], json!({ "secret": secret })).await;
        assert_eq!((&endpoint.secret, &endpoint.reveal().await), (&secret, &secret));
        given.push(endpoint);
    }
    let message = organization.send_example().await;
    let arrivals = receiver.wait_for_message(&message, 3).await;
    for endpoint in &given {
        assert!(arrivals.iter().any(|arrival| arrival.is_signed_with(&endpoint.secret)), "{}", endpoint.id);
    }
    for endpoint in &given[1..] {
        endpoint.disable().await;
    }
    let next = secret_of(40);
    let rolled = given[0].roll(&json!({ "secret": next })).await.expect(200);
    assert_eq!(rolled, json!({ "secret": next, "overlapSeconds": 86_400 }));
    let message = organization.send_example().await;
    let arrival = receiver.wait_for_message(&message, 1).await.remove(0);
    arrival.with_token(0).verify(&next);
    arrival.with_token(1).verify(&given[0].secret);
}

#[tokio::test]
async fn an_endpoint_that_is_made_disabled_never_gets_anything() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint_with(&receiver, &["*"], json!({ "status": "disabled" })).await;
    let shown = endpoint.get().await;
    assert!(shown["status"] == "disabled" && shown["disabledAt"].is_string() && shown.get("disabledReason").is_none());
    let message = organization.send_example().await;
    endpoint.wait_for_delivery(&message, "skipped", |delivery| delivery["skipped"].is_string()).await;
    assert!(receiver.arrivals().is_empty());
    assert_eq!(endpoint.patch(json!({ "status": "enabled" })).await["status"], "enabled");
}

#[tokio::test]
async fn a_wrong_uid_secret_or_status_is_named_and_told_nothing_of() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let made = organization.create(&named(&json!("a".repeat(256)))).await.expect(201);
    let path = organization.managing(&format!("/{}", made["endpoint"]["endpointId"].as_str().unwrap()));
    for uid in [json!(""), json!("a b"), json!("a/b"), json!("ä"), json!("a".repeat(257)), json!(7)] {
        organization.create(&named(&uid)).await.check_fields(&["uid"]);
        organization.api.patch(&path, &json!({ "uid": uid })).await.check_fields(&["uid"]);
    }
    organization.create(&named(&Value::Null)).await.check_fields(&["uid"]);
    for secret in [secret_of(23), secret_of(65), secret_of(32).replace("whsec_", "whsk_"), "whsec_====".to_owned()] {
        let body = json!({ "url": URL, "eventTypes": ["*"], "secret": secret });
        let rolled =
            organization.api.post(&format!("{path}/secret/roll"), json!({ "secret": secret }).to_string()).await;
        for reply in [organization.create(&body).await, rolled] {
            reply.check_fields(&["secret"]);
            assert!(!String::from_utf8(reply.body).unwrap().contains(&secret[6..]));
        }
    }
    let odd = json!({ "url": URL, "eventTypes": ["*"], "status": "paused" });
    organization.create(&odd).await.check_fields(&["status"]);
    organization.api.patch(&path, &json!({ "secret": secret_of(32) })).await.check_fields(&["secret"]);
}

#[tokio::test]
async fn a_message_is_found_by_its_events_id_at_once_and_by_looking_after_a_day() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let event = format!("evt_{}", fresh());
    // One of a week ago, whose id was forgotten, and others of other events.
    let then = Timestamp::now() - SignedDuration::from_hours(24 * 7);
    let then = Timestamp::from_millisecond(then.as_millisecond()).unwrap();
    let mut rows = Vec::new();
    let old = MessageId::new(then, 1);
    for (n, name) in [(1_u8, Some(&event)), (2, None), (3, None)] {
        let id = MessageId::new(then, n.into());
        let body = format!(r#"{{"id":"{id}","type":"billing.active","timestamp":"t","data":{{}}}}"#);
        let mut row = history::message(&organization, id, "billing.active", &body);
        row.extend(name.map(|name| ("event".to_owned(), aws_sdk_dynamodb::types::AttributeValue::S(name.clone()))));
        rows.push(row);
    }
    history::put(&stack, rows).await;
    let sent = organization.try_send("environment.started", "{}", Some(&event)).await.expect(200);
    let list = async |parameters: String| {
        let path = organization.sending(&format!("/messages?eventId={parameters}"));
        organization.api.get(&path).await.expect(200)
    };
    let ids = |page: &Value| -> Vec<String> {
        page["messages"].as_array().unwrap().iter().map(|message| message["id"].as_str().unwrap().to_owned()).collect()
    };
    let page = hookbell_testkit::patience::eventually("the message", async || {
        Some(list(event.clone()).await).filter(|page| ids(page).contains(&sent["id"].as_str().unwrap().to_owned()))
    })
    .await;
    assert_eq!(ids(&page), [sent["id"].as_str().unwrap()], "the newest, at once");
    assert_eq!(page["messages"][0]["eventId"], event.as_str());
    let cursor = page["cursor"].as_str().unwrap();
    assert_eq!(ids(&list(format!("{event}&cursor={cursor}")).await), [old.to_string()], "and then what is older");
    assert_eq!(ids(&list(format!("{event}&eventType=billing.active")).await), [old.to_string()]);
    assert_eq!(ids(&list(format!("{event}&before={then}")).await), Vec::<String>::new());
    assert_eq!(list("no-such-event".to_owned()).await, json!({ "messages": [] }));
    let path = organization.sending("/messages");
    organization.api.get(&format!("{path}?eventId=a%20b")).await.check_refused_fields(&path, &["eventId"]);
}
