//! The HTTP API's answers: what it shows, to whom, and how much of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use futures_util::stream;
use hookbell_testkit::api::{Reply, keys};
use hookbell_testkit::fresh;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use http::Method;
use serde_json::{Value, json};

const STARTED: &str = "environment.started";
const URL: &str = "https://8.8.8.8/hook";

#[tokio::test]
async fn a_new_endpoint_is_shown_without_its_secret() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let wanted = json!({ "url": URL, "eventTypes": [STARTED, "*", STARTED], "description": "My é box" });
    let created = organization.create(&wanted).await.expect(201);
    assert_eq!(keys(&created), ["endpoint", "secret"]);
    let secret = STANDARD.decode(created["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap()).unwrap();
    assert_eq!(secret.len(), 32);
    let endpoint = &created["endpoint"];
    let expected = [
        "consecutiveFailures",
        "createdAt",
        "description",
        "endpointId",
        "eventTypes",
        "ordered",
        "status",
        "updatedAt",
        "url",
    ];
    assert_eq!(keys(endpoint), expected);
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
        assert_eq!(keys(&body), ["error"], "{path}");
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
        own.api.get(&path).await.check_refused(404, &path);
    }
    let path = format!("/webhooks/organizations/{unknown}/send");
    let event = json!({ "eventType": STARTED, "payload": {} }).to_string();
    own.api.post(&path, event).await.check_refused(404, &path);
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
    assert_eq!(keys(&refused), ["error"]);
    api.with_key(None).get(&paths[1]).await.check_refused(401, &paths[1]);
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
    assert_eq!(keys(&refused), ["error"]);
    let path = organization.sending("/send");
    organization.api.get(&path).await.check_refused(405, &path);
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
async fn initializing_can_be_repeated_and_switches_the_profile_while_there_is_no_endpoint() {
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
    organization.initialize(&slothbox).await.check_refused(409, &path);
    organization.initialize(&json!({ "profile": "daytona" })).await.check(201);
    let endpoint = organization.managing(&format!("/{}", created["endpoint"]["endpointId"].as_str().unwrap()));
    organization.api.delete(&endpoint).await.check(204);
    organization.initialize(&slothbox).await.check(201);
}
