//! The API's description and the API: what is described is there, and nothing else is.

#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

use futures_util::StreamExt as _;
use futures_util::stream;
use hookbell_testkit::api::{Api, Reply};
use hookbell_testkit::organization::Organization;
use hookbell_testkit::stack::Stack;
use http::Method;
use serde_json::{Value, json};

/// The methods that the gateway hands on.
const METHODS: [Method; 4] = [Method::GET, Method::POST, Method::PATCH, Method::DELETE];

/// What the API says of a path that it does not have.
const NO_PATH: &str = "No such path";

async fn description(api: &Api) -> Value {
    api.with_key(None).get("/openapi.json").await.expect(200)
}

/// Every path of the description, with ids that nothing has, and the methods described for it.
fn paths(document: &Value) -> Vec<(String, Vec<Method>)> {
    let paths = document["paths"].as_object().expect("paths");
    let methods =
        |item: &Value| METHODS.into_iter().filter(|m| item.get(m.as_str().to_lowercase()).is_some()).collect();
    paths.iter().map(|(path, item)| (path.replace(['{', '}'], ""), methods(item))).collect()
}

/// Every operation of the description: its path, method, and what is said of it.
fn operations(document: &Value) -> Vec<(String, Method, &Value)> {
    let paths = document["paths"].as_object().expect("paths").iter();
    let operations = paths.flat_map(|(path, item)| {
        METHODS.into_iter().filter_map(move |method| {
            let operation = item.get(method.as_str().to_lowercase())?;
            Some((path.clone(), method, operation))
        })
    });
    operations.collect()
}

fn message(reply: &Reply) -> String {
    let body = reply.json();
    let message = body.pointer("/error/message").or_else(|| body.get("message"));
    message.and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn what_is_described_is_there_and_asks_for_a_key() {
    let stack = Stack::load();
    let api = stack.api();
    let described = paths(&description(&api).await);
    assert!(!described.is_empty());
    let calls = described.iter().flat_map(|(path, methods)| methods.iter().map(move |method| (path, method)));
    let checks = calls.map(async |(path, method)| {
        let (api, call) = (&api, format!("{method} {path}"));
        let keyless = api.with_key(None).call(method.clone(), path, "").await;
        assert_eq!(keyless.status, 401, "{call}");
        // A body that is wrong everywhere: whatever is there changes nothing.
        let reply = api.call(method.clone(), path, r#"{"no such field":1}"#).await;
        assert!(reply.status != 405 && message(&reply) != NO_PATH, "{call}: {reply:?}");
    });
    stream::iter(checks).buffer_unordered(8).collect::<Vec<()>>().await;
}

#[tokio::test]
async fn a_method_that_is_not_described_is_refused() {
    let stack = Stack::load();
    let api = stack.api();
    let described = paths(&description(&api).await);
    let calls = described.iter().flat_map(|(path, methods)| {
        METHODS.into_iter().filter(|method| !methods.contains(method)).map(move |method| (path, method))
    });
    let checks = calls.map(async |(path, method)| {
        let reply = api.call(method.clone(), path, "").await;
        assert_eq!(reply.status, 405, "{method} {path}");
    });
    stream::iter(checks).buffer_unordered(8).collect::<Vec<()>>().await;
}

#[tokio::test]
async fn a_key_is_refused_where_its_role_is_described_not_to_do() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let document = description(&organization.api).await;
    let (_, owner) = organization.new_key("owner").await;
    let (_, member) = organization.new_key("member").await;
    for (path, method, operation) in operations(&document) {
        let asked = operation["security"][0]["key"][0].as_str().expect("a role");
        let path = path.replace("{organization}", &organization.id).replace(['{', '}'], "");
        for (key, role, may) in [(&owner, "owner", asked != "admin"), (&member, "member", asked == "member")] {
            let reply =
                organization.api.with_key(Some(key)).call(method.clone(), &path, r#"{"no such field":1}"#).await;
            assert_eq!(reply.status != 403, may, "{method} {path} by a key of role {role}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn a_body_has_the_fields_that_are_described() {
    let stack = Stack::load();
    // A profile whose catalogue has no ping: there the type of a test can be chosen.
    let organization = Organization::new(&stack, "daytona").await;
    let document = description(&organization.api).await;
    let made = organization.create(&json!({ "url": "https://8.8.8.8/hook", "eventTypes": ["*"] })).await.expect(201);
    let endpoint = made["endpoint"]["endpointId"].as_str().expect("an id");
    let mut seen = 0;
    for (path, method, operation) in operations(&document) {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let Some(schema) = schema.as_str().and_then(|schema| document.pointer(schema.trim_start_matches('#'))) else {
            continue;
        };
        let described: Vec<&str> =
            schema["properties"].as_object().expect("fields").keys().map(String::as_str).collect();
        let path = path.replace("{organization}", &organization.id).replace("{endpoint}", endpoint);
        let body = organization.api.call(method.clone(), &path, r#"{"no such field":1}"#).await.expect(400);
        let issues = body.pointer("/error/issues").or_else(|| body.get("issues")).expect("issues");
        let told = issues["fieldErrors"]["no such field"][0].as_str().expect("a text");
        let mut known: Vec<&str> = told.split_once("known are: ").expect("the fields").1.split(", ").collect();
        known.sort_unstable();
        assert_eq!(known, described, "{method} {path}");
        seen += 1;
    }
    assert!(seen > 5, "only {seen} bodies");
}

#[tokio::test]
async fn the_description_is_for_everybody_and_has_the_deployments_limits() {
    let stack = Stack::load();
    let api = stack.api().with_key(None);
    let reply = api.get("/openapi.json").await;
    assert_eq!(reply.headers["content-type"], "application/json");
    assert_eq!(reply.headers["cache-control"], "public, max-age=300");
    let document = reply.expect(200);
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")));
    assert_eq!(document["servers"][0]["url"], ".", "it works below any stage");
    let environment = stack.environment_of(&stack.api_function_name).await;
    let longest: u64 = environment["URL_LIMIT"].parse().expect("a number");
    if let Some(url) = document.pointer("/components/schemas/NewEndpoint/properties/url") {
        assert_eq!(url["maxLength"], longest);
    }
    api.call(Method::POST, "/openapi.json", "").await.check(405);
}

#[tokio::test]
async fn the_reference_is_a_page_without_script_that_finds_its_style() {
    let stack = Stack::load();
    let api = stack.api().with_key(None);
    let page = api.get("/docs").await;
    page.check(200);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let policy = page.headers["content-security-policy"].to_str().expect("text");
    assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{policy}");
    let html = String::from_utf8(page.body).expect("UTF-8");
    assert!(!html.contains("<script"));
    let style = html.split_once("href=\"docs/").and_then(|(_, rest)| rest.split_once('"')).expect("a style sheet").0;
    let style = api.get(&format!("/docs/{style}")).await;
    style.check(200);
    assert_eq!(style.headers["content-type"], "text/css; charset=utf-8");
    assert!(style.headers["cache-control"].to_str().is_ok_and(|value| value.contains("immutable")));
    api.get("/docs/style.0000000000000000.css").await.check(404);
    for (path, _) in paths(&description(&api).await) {
        let shown = path.rsplit('/').next().unwrap_or_default();
        assert!(html.contains(shown), "{path}");
    }
}
