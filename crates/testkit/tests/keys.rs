//! Keys, roles and portal tokens: who is let in, to what, how often, and what that costs.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::StreamExt as _;
use futures_util::stream;
use hookbell_testkit::api::{Reply, keys};
use hookbell_testkit::function::Function;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

const NO_KEY: &str = "Missing or unknown API key";
const NO_ORGANIZATION: &str = "Organization not found";
const NOT_OWNER: &str = "Owner role required";
const NOT_ADMIN: &str = "Admin key required";
const ULID: &str = "01J9ZK4T6Q0X3V8N5B2M7C1D4F";

type Call = (Method, String);

/// An organization with an endpoint, which nothing is sent to.
async fn subscribed(stack: &Stack) -> (Organization, String) {
    let organization = Organization::new(stack, "slothbox").await;
    let wanted = json!({ "url": "https://8.8.8.8/hook", "eventTypes": ["*"] });
    let created = organization.create(&wanted).await.expect(201);
    let path = organization.managing(&format!("/{}", created["endpoint"]["endpointId"].as_str().unwrap()));
    (organization, path)
}

/// What every key of the organization may call and gets a 200 of.
fn reads(organization: &Organization, endpoint: &str) -> Vec<Call> {
    let paths = [
        organization.managing(""),
        organization.managing("/event-types"),
        endpoint.to_owned(),
        format!("{endpoint}/deliveries"),
    ];
    paths.into_iter().map(|path| (Method::GET, path)).collect()
}

/// What only owners may call.
fn changes(organization: &Organization, endpoint: &str) -> Vec<Call> {
    vec![
        (Method::POST, organization.managing("")),
        (Method::PATCH, endpoint.to_owned()),
        (Method::DELETE, endpoint.to_owned()),
        (Method::POST, format!("{endpoint}/ping")),
        (Method::GET, format!("{endpoint}/secret")),
        (Method::POST, format!("{endpoint}/secret/roll")),
        (Method::POST, format!("{endpoint}/replay")),
        (Method::POST, format!("{endpoint}/deliveries/dlv_{ULID}/redeliver")),
        (Method::GET, organization.keys("")),
        (Method::POST, organization.keys("")),
        (Method::DELETE, organization.keys(&format!("/key_{ULID}"))),
        (Method::POST, organization.sending("/initialize")),
        (Method::POST, organization.sending("/app-portal-access")),
    ]
}

async fn list(organization: &Organization) -> Vec<Value> {
    let list = organization.api.get(&organization.keys("")).await.expect(200);
    assert_eq!(keys(&list), ["apiKeys"]);
    list["apiKeys"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_key_lets_in_from_its_making_to_its_deletion() {
    let (organization, endpoint) = subscribed(&Stack::load()).await;
    let wanted = json!({ "role": "owner", "name": "Deploy é" }).to_string();
    let made = organization.api.post(&organization.keys(""), wanted).await.expect(201);
    assert_eq!(keys(&made), ["apiKey", "key"]);
    assert_eq!(keys(&made["apiKey"]), ["createdAt", "keyId", "name", "role"]);
    assert_eq!((&made["apiKey"]["role"], &made["apiKey"]["name"]), (&json!("owner"), &json!("Deploy é")));
    let (id, key) = (made["apiKey"]["keyId"].as_str().unwrap(), made["key"].as_str().unwrap());
    assert!(id.starts_with("key_") && key.starts_with("sk_") && key.len() == 35, "{id}");
    let (unused, _) = organization.new_key("member").await;

    for authorization in [key.to_owned(), format!("Bearer {key}"), format!("bEARER  {key}")] {
        organization.with_key(&authorization).api.get(&endpoint).await.check(200);
    }
    let listed = list(&organization.with_key(key)).await;
    assert_eq!(listed.iter().map(|key| &key["keyId"]).collect::<Vec<_>>(), [id, unused.as_str()], "oldest first");
    let mut first = listed[0].clone();
    let used = first.as_object_mut().unwrap().remove("lastUsedAt").unwrap();
    assert_eq!(first, made["apiKey"]);
    let time = |value: &Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
    assert!(time(&used) >= time(&first["createdAt"]) && time(&used) <= Timestamp::now(), "{used}");
    assert_eq!(keys(&listed[1]), ["createdAt", "keyId", "role"]);

    organization.api.delete(&organization.keys(&format!("/{id}"))).await.check(204);
    for _ in 0..3 {
        organization.with_key(key).api.get(&endpoint).await.check_message(401, NO_KEY);
    }
    organization.api.delete(&organization.keys(&format!("/{id}"))).await.check_message(404, "API key not found");
    organization.api.delete(&organization.keys("/nonsense")).await.check(404);
    assert_eq!(list(&organization).await, listed[1..]);
}

#[tokio::test]
async fn a_key_is_made_for_an_organization_that_is_there_and_of_a_role_that_there_is() {
    let stack = Stack::load();
    let organization = Organization::unheard_of(&stack, "slothbox");
    let owner = json!({ "role": "owner" }).to_string();
    for reply in [
        organization.api.post(&organization.keys(""), owner).await,
        organization.api.get(&organization.keys("")).await,
        organization.api.post(&organization.sending("/app-portal-access"), "").await,
    ] {
        reply.check_message(404, NO_ORGANIZATION);
    }
    organization.initialize(&json!({})).await.check(201);
    let wrong = json!({ "role": "admin", "name": "a\nb", "key": "sk_mine" }).to_string();
    organization.api.post(&organization.keys(""), wrong).await.check_fields(&["key", "name", "role"]);
    assert!(list(&organization).await.is_empty());
}

#[tokio::test]
async fn a_member_reads_and_changes_nothing() {
    let (organization, endpoint) = subscribed(&Stack::load()).await;
    let (_, key) = organization.new_key("member").await;
    let member = organization.with_key(&key).api;
    for (method, path) in reads(&organization, &endpoint) {
        member.call(method, &path, "").await.check(200);
    }
    let attempts = organization.sending(&format!("/messages/msg_{ULID}/attempts"));
    member.get(&attempts).await.check_message(404, "Message not found");
    for (method, path) in changes(&organization, &endpoint) {
        member.call(method, &path, "").await.check_message(403, NOT_OWNER);
    }
    member.post(&organization.sending("/send"), "").await.check_message(403, NOT_ADMIN);
    let path = organization.sending("/initialize");
    member.post(&path, "").await.check_refused(403, &path);
    organization.api.get(&endpoint).await.check(200);
}

#[tokio::test]
async fn an_owner_may_do_all_but_what_takes_the_admin_key() {
    let (organization, endpoint) = subscribed(&Stack::load()).await;
    let (_, key) = organization.new_key("owner").await;
    let owner = organization.with_key(&key);
    for (method, path) in reads(&organization, &endpoint) {
        owner.api.call(method, &path, "").await.check(200);
    }
    owner.api.patch(&endpoint, &json!({ "description": "mine" })).await.check(200);
    owner.initialize(&json!({})).await.check(201);
    let (id, _) = owner.new_key("member").await;
    owner.api.delete(&owner.keys(&format!("/{id}"))).await.check(204);
    owner.api.delete(&endpoint).await.check(204);

    owner.initialize(&json!({ "profile": "slothbox" })).await.check_message(403, NOT_ADMIN);
    owner.initialize(&json!({ "profile": "no such" })).await.check_message(403, NOT_ADMIN);
    owner.try_send("environment.started", "{}", None).await.check_message(403, NOT_ADMIN);
    let path = owner.sending("/send");
    owner.api.post(&path, "").await.check_refused(403, &path);
}

#[tokio::test]
async fn another_organizations_key_finds_nothing_there() {
    let stack = Stack::load();
    let (organization, endpoint) = subscribed(&stack).await;
    let other = Organization::new(&stack, "slothbox").await;
    let portal = other.api.post(&other.sending("/app-portal-access"), "").await.expect(200);
    let token = portal["token"].as_str().unwrap().to_owned();
    let mut calls = [reads(&organization, &endpoint), changes(&organization, &endpoint)].concat();
    calls.push((Method::POST, organization.sending("/send")));
    calls.push((Method::GET, organization.sending(&format!("/messages/msg_{ULID}/attempts"))));
    for key in [other.new_key("owner").await.1, other.new_key("member").await.1, token] {
        for (method, path) in &calls {
            organization.with_key(&key).api.call(method.clone(), path, "").await.check_message(404, NO_ORGANIZATION);
        }
    }
    organization.api.get(&endpoint).await.check(200);
    assert!(list(&organization).await.is_empty());
}

#[tokio::test]
async fn a_test_says_which_key_asked_for_it() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["billing.active"]).await;
    let (id, key) = organization.new_key("owner").await;
    let portal = organization.api.post(&organization.sending("/app-portal-access"), "").await.expect(200);
    let admin = stack.admin_key.clone();
    for (key, name) in [(admin, "admin"), (key, id.as_str()), (portal["token"].as_str().unwrap().to_owned(), "portal")]
    {
        let sent = organization.with_key(&key).api.post(&endpoint.path("/ping"), "").await.expect(200);
        let arrivals = receiver.wait_for_message(sent["webhookId"].as_str().unwrap(), 1).await;
        assert_eq!(arrivals[0].json()["data"]["triggeredBy"], name);
    }
}

/// 125 calls with a new key, eight at a time; nothing where a minute ended meanwhile.
async fn calls_of_one_minute(organization: &Organization, endpoint: &str) -> Option<(String, Vec<Reply>)> {
    let (_, key) = organization.new_key("member").await;
    let minute = || Timestamp::now().as_second() / 60;
    let (began, member) = (minute(), organization.with_key(&key).api);
    let replies = stream::iter(0..125).map(|_| member.get(endpoint)).buffer_unordered(8).collect().await;
    (minute() == began).then_some((key, replies))
}

#[tokio::test]
async fn a_key_has_120_calls_a_minute_and_the_admin_any_number() {
    let (organization, endpoint) = subscribed(&Stack::load()).await;
    let (key, replies) = match calls_of_one_minute(&organization, &endpoint).await {
        Some(done) => done,
        None => calls_of_one_minute(&organization, &endpoint).await.unwrap(),
    };
    let count = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
    assert_eq!((count(200), count(429)), (120, 5));
    let refused = replies.iter().find(|reply| reply.status == 429).unwrap();
    let seconds: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    let body = refused.json();
    assert_eq!(body["error"]["code"], "rate_limited");
    assert!(body["error"]["message"].as_str().unwrap().contains("120 calls a minute"), "{body}");

    let path = organization.sending("/initialize");
    let limited = organization.with_key(&key).api.post(&path, "").await;
    if limited.status == 429 {
        // A new minute may have begun.
        limited.check_refused(429, &path);
        assert_eq!(limited.json()["code"], "rate_limited");
        assert!(limited.headers.contains_key("retry-after"));
    }
    let again: Vec<Reply> =
        stream::iter(0..125).map(|_| organization.api.get(&endpoint)).buffer_unordered(8).collect().await;
    assert!(again.iter().all(|reply| reply.status == 200), "the admin key has no limit");
    organization.with_key(&organization.new_key("member").await.1).api.get(&endpoint).await.check(200);
}

#[tokio::test]
async fn only_a_hash_of_a_key_is_stored() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let (id, key) = organization.new_key("owner").await;
    organization.with_key(&key).api.get(&organization.managing("")).await.check(200);
    let portal = organization.api.post(&organization.sending("/app-portal-access"), "").await.expect(200);
    let token = portal["token"].as_str().unwrap();
    organization.with_key(token).api.get(&organization.managing("")).await.check(200);
    let mut pages = stack.dynamodb().scan().table_name(&stack.table_name).into_paginator().items().send();
    let (mut own, mut expiring) = (Vec::new(), 0);
    while let Some(item) = pages.next().await {
        let item = item.unwrap();
        let all = format!("{item:?}");
        assert!(!all.contains(&key[3..]) && !all.contains(&token[3..]), "{item:?}");
        let is = |name: &str, value: &str| item.get(name) == Some(&AttributeValue::S(value.to_owned()));
        if is("SK", &id) || is("id", &id) {
            own.push(item["PK"].as_s().unwrap().clone());
        } else if is("org", &organization.id) && is("SK", "KEY") {
            expiring += i32::from(item.contains_key("expiresAt"));
        }
    }
    own.sort();
    assert!(own[0].starts_with("KEY#") && own[0].len() == 4 + 64, "{own:?}");
    assert_eq!((own.len(), own[1].as_str()), (2, format!("KEYS#{}", organization.id).as_str()));
    assert_eq!(expiring, 1, "what is counted of a token ends with it");
}

#[tokio::test]
async fn a_portal_token_is_good_for_its_organization_as_its_owner() {
    let stack = Stack::load();
    let (organization, endpoint) = subscribed(&stack).await;
    let (_, owner) = organization.new_key("owner").await;
    let portal =
        organization.with_key(&owner).api.post(&organization.sending("/app-portal-access"), "").await.expect(200);
    assert_eq!(keys(&portal), ["token", "url"]);
    let token = portal["token"].as_str().unwrap();
    let (base, fragment) = portal["url"].as_str().unwrap().split_once('#').unwrap();
    assert_eq!(fragment, format!("token={token}"));
    assert_eq!(base, format!("{}/console", stack.api_url), "beside the API");
    for authorization in [token.to_owned(), format!("Bearer {token}")] {
        let inside = organization.with_key(&authorization);
        inside.api.patch(&endpoint, &json!({ "description": "from the portal" })).await.check(200);
        assert_eq!(list(&inside).await.len(), 1);
        let path = inside.sending("/send");
        inside.api.post(&path, "").await.check_message(403, NOT_ADMIN);
    }
    let last = token.chars().last().unwrap();
    let changed = [
        format!("{}{}", &token[..token.len() - 1], if last == 'A' { 'E' } else { 'A' }),
        token.replacen("pt_A", "pt_B", 1),
        token[3..].to_owned(),
        format!("{token}A"),
    ];
    for changed in changed {
        assert_ne!(changed, token);
        organization.with_key(&changed).api.get(&endpoint).await.check_message(401, NO_KEY);
    }
}

/// GETs with a key by that instance: the status of each, and what it asked of AWS.
async fn costs(
    bench: &Workbench,
    api: &Function,
    key: &str,
    path: &str,
    count: usize,
) -> Vec<(u64, Vec<(String, u32)>)> {
    let mut costs = Vec::new();
    for _ in 0..count {
        let answer = bench.call_with(key, api, "GET", path, "").await;
        let usage = bench.proxy.take_usage();
        assert!(usage.units("UpdateItem") <= f64::from(usage.calls("UpdateItem")), "{usage:?}");
        let calls = usage.all_calls().into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
        costs.push((answer["statusCode"].as_u64().unwrap(), calls));
    }
    costs
}

fn cost(status: u64, calls: &[(&str, u32)]) -> (u64, Vec<(String, u32)>) {
    (status, calls.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect())
}

#[tokio::test]
async fn letting_a_call_in_costs_one_write_and_the_admin_or_nonsense_nothing() {
    let stack = Stack::load();
    let (organization, endpoint) = subscribed(&stack).await;
    let bench = Workbench::new(&stack).await;
    let api = bench.function("api").await;
    let portal = organization.api.post(&organization.sending("/app-portal-access"), "").await.expect(200);
    let token = portal["token"].as_str().unwrap().to_owned();
    let own = cost(200, &[("GetItem", 1), ("UpdateItem", 1)]);
    for key in [organization.new_key("member").await.1, organization.new_key("owner").await.1, token] {
        assert_eq!(costs(&bench, &api, &key, &endpoint, 3).await, vec![own.clone(); 3]);
    }
    assert_eq!(costs(&bench, &api, &stack.admin_key, &endpoint, 1).await, [cost(200, &[("GetItem", 1)])]);
    for nonsense in ["", "sk_", "sk_too-short", "pt_AAAA.AAAA", &format!("{}x", stack.admin_key)] {
        assert_eq!(costs(&bench, &api, nonsense, &endpoint, 1).await, [cost(401, &[])], "{nonsense}");
    }
    let unknown = "sk_0123456789abcdefghijklmnopqrstuv";
    assert_eq!(costs(&bench, &api, unknown, &endpoint, 1).await, [cost(401, &[("UpdateItem", 1)])]);
}

#[tokio::test]
async fn the_instances_count_together_and_remember_who_is_over_the_limit() {
    let stack = Stack::load();
    let (organization, endpoint) = subscribed(&stack).await;
    let bench = Workbench::new(&stack).await.with("RATE_LIMIT_PER_MINUTE", "3");
    let (one, other) = (bench.function("api").await, bench.function("api").await);
    for tries in 1..=2 {
        let minute = || Timestamp::now().as_second() / 60;
        let (began, key) = (minute(), organization.new_key("member").await.1);
        let first = costs(&bench, &one, &key, &endpoint, 2).await;
        let others = costs(&bench, &other, &key, &endpoint, 3).await;
        let last = costs(&bench, &one, &key, &endpoint, 2).await;
        if minute() != began && tries == 1 {
            continue;
        }
        assert_eq!(first, vec![cost(200, &[("GetItem", 1), ("UpdateItem", 1)]); 2]);
        let expected =
            [cost(200, &[("GetItem", 1), ("UpdateItem", 2)]), cost(429, &[("UpdateItem", 1)]), cost(429, &[])];
        assert_eq!(others, expected, "the first call of a minute in another instance takes two");
        assert_eq!(last, [cost(429, &[("UpdateItem", 1)]), cost(429, &[])]);
        return;
    }
}

#[tokio::test]
async fn a_call_whose_count_was_answered_into_the_void_is_let_in() {
    let stack = Stack::load();
    let (organization, endpoint) = subscribed(&stack).await;
    let bench = Workbench::new(&stack).await;
    let api = bench.function("api").await;
    for key in [organization.new_key("member").await.1, organization.new_key("owner").await.1] {
        bench.proxy.lose_answer("UpdateItem", 1);
        assert_eq!(bench.call_with(&key, &api, "GET", &endpoint, "").await["statusCode"], 200);
        bench.proxy.relent();
    }
}
