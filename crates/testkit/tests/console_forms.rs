//! The console's forms: each does what its call of the API does, says what that would refuse, and leads to what it did.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use hookbell_testkit::api::Reply;
use hookbell_testkit::console::Console;
use hookbell_testkit::function::Function;
use hookbell_testkit::gateway::Place;
use hookbell_testkit::html::{faults, fields, problems, tags, text};
use hookbell_testkit::organization::Organization;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use serde_json::{Value, json};

const URL: &str = "https://8.8.8.8/hook?a=1&b=%20";
const FILTER: &str = r#"{ "data": { "reason": [{ "prefix": "</textarea>Timeout" }] }, "type": ["billing.active"] }"#;

/// What the form of an endpoint has fields for.
const FIELDS: [&str; 9] =
    ["description", "url", "eventTypes", "ordered", "headers", "v1a", "svixHeaders", "rateLimit", "filter"];

/// An organization, and the console and the API as one function has them.
struct Scene {
    stack: Stack,
    organization: Organization,
    bench: Workbench,
    api: Function,
}

impl Scene {
    async fn new() -> Self {
        let stack = Stack::load();
        let organization = Organization::new(&stack, "slothbox").await;
        let bench = Workbench::new(&stack).await.with("RATE_LIMIT_PER_MINUTE", "100000");
        let api = bench.function("api").await;
        Self { stack, organization, bench, api }
    }

    async fn owner(&self) -> Console<'_> {
        Console::through(&self.api, Place::Stage).sign_in(&self.organization.new_key("owner").await.1).await
    }

    fn list(&self) -> String {
        format!("/organizations/{}/endpoints", self.organization.id)
    }

    /// Calls the API, with the admin key.
    async fn call(&self, method: &str, path: &str, body: &Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        hookbell_testkit::gateway::reply(&self.bench.call(&self.api, method, path, &body).await)
    }

    /// The organization's endpoints, as the API shows them.
    async fn endpoints(&self) -> Vec<Value> {
        let answer = self.call("GET", &self.organization.managing(""), &Value::Null).await.expect(200);
        answer["endpoints"].as_array().unwrap().clone()
    }

    async fn endpoint(&self, id: &str) -> Value {
        let path = self.organization.managing(&format!("/{id}"));
        self.call("GET", &path, &Value::Null).await.expect(200)["endpoint"].clone()
    }

    /// Makes an endpoint by the API, and gives its id.
    async fn make(&self, body: &Value) -> String {
        let made = self.call("POST", &self.organization.managing(""), body).await.expect(201);
        made["endpoint"]["endpointId"].as_str().unwrap().to_owned()
    }
}

/// An endpoint without what no two have in common, and the order of what has none in a form.
fn settings(mut endpoint: Value) -> Value {
    for name in ["endpointId", "createdAt", "updatedAt", "publicKey"] {
        endpoint.as_object_mut().unwrap().remove(name);
    }
    endpoint["eventTypes"].as_array_mut().unwrap().sort_by_key(Value::to_string);
    endpoint
}

/// All options, as a form has them and as the API takes them.
fn options() -> (Vec<(&'static str, &'static str)>, Value) {
    let form = vec![
        ("description", "Billing “é” <b>&amp;"),
        ("url", URL),
        ("eventTypes", "environment.started"),
        ("eventTypes", "billing.active"),
        ("ordered", "true"),
        ("headers", "X-Team: payments, \"two\": 2\r\nAuthorization: Bearer abc.def\r\nx-empty:"),
        ("v1a", "true"),
        ("svixHeaders", "true"),
        ("rateLimit", "250"),
        ("filter", FILTER),
    ];
    let json = json!({
        "description": "Billing “é” <b>&amp;",
        "url": URL,
        "eventTypes": ["billing.active", "environment.started"],
        "ordered": true,
        "headers": { "X-Team": "payments, \"two\": 2", "Authorization": "Bearer abc.def", "x-empty": "" },
        "v1a": true,
        "svixHeaders": true,
        "rateLimit": 250,
        "filter": serde_json::from_str::<Value>(FILTER).unwrap(),
    });
    (form, json)
}

#[tokio::test]
async fn a_form_makes_the_endpoint_that_the_call_makes() {
    let scene = Scene::new().await;
    let (owner, list) = (scene.owner().await, scene.list());
    let (form, all) = options();
    let least = (vec![("url", URL), ("eventTypes", "*")], json!({ "url": URL, "eventTypes": ["*"] }));
    for (form, json) in [(form, all), least] {
        let reply = owner.submit(&format!("{list}/new"), &list, &form).await;
        let address = owner.below(reply.location());
        let id = address.strip_prefix(&format!("{list}/")).unwrap().strip_suffix("?notice=created").unwrap();
        let made = scene.endpoint(id).await;
        let called = scene.make(&json).await;
        assert_eq!(made["publicKey"].is_string(), json.get("v1a").is_some());
        assert_eq!(settings(made), settings(scene.endpoint(&called).await));
        owner.get(&address).await.check_page(200);
    }
}

#[tokio::test]
async fn a_form_that_is_sent_as_it_was_served_changes_nothing() {
    let scene = Scene::new().await;
    let (owner, list) = (scene.owner().await, scene.list());
    let every: Vec<&str> = scene.organization.profile.event_types.iter().map(|entry| entry.name).collect();
    for wanted in [
        options().1,
        json!({ "url": URL, "eventTypes": ["*"] }),
        json!({ "url": URL, "eventTypes": every }),
        json!({ "url": URL, "eventTypes": ["billing.active", "*"], "headers": { "x-b": "\"", "X-A": ": a:b\t'c" } }),
        json!({ "url": URL, "eventTypes": ["*"], "filter": { "type": [1, 2.5, null, true, "a\nb\u{2028}", { "exists": false }] } }),
    ] {
        let id = scene.make(&wanted).await;
        let path = scene.organization.managing(&format!("/{id}"));
        scene.call("PATCH", &path, &json!({ "status": "disabled" })).await.check(200);
        let secret = scene.call("GET", &format!("{path}/secret"), &Value::Null).await.expect(200);
        let before = scene.endpoint(&id).await;
        let edit = format!("{list}/{id}/edit");
        let reply = owner.submit(&edit, &edit, &[]).await;
        assert_eq!(owner.below(reply.location()), format!("{list}/{id}?notice=saved"));
        let after = scene.endpoint(&id).await;
        assert_eq!(before["publicKey"], after["publicKey"]);
        assert_eq!(settings(before), settings(after));
        assert_eq!(scene.call("GET", &format!("{path}/secret"), &Value::Null).await.expect(200), secret);
    }
}

#[tokio::test]
async fn a_form_changes_what_the_call_changes_and_takes_away_what_is_emptied() {
    let scene = Scene::new().await;
    let (owner, list) = (scene.owner().await, scene.list());
    let (form, all) = options();
    let plain = json!({ "url": "https://8.8.8.8/", "eventTypes": ["*"] });
    let id = scene.make(&plain).await;
    let edit = format!("{list}/{id}/edit");
    owner.submit(&edit, &edit, &form).await.check(303);
    let changed = scene.endpoint(&id).await;
    assert_eq!(settings(changed.clone()), settings(scene.endpoint(&scene.make(&all).await).await));
    // What is not ticked is not sent, and there may be fields that nobody sees.
    let served = owner.form(&edit, &edit).await;
    let unseen = served.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let unseen = unseen.filter(|(name, _)| !FIELDS.contains(name));
    let emptied: Vec<(&str, &str)> =
        FIELDS[..3].iter().zip(["", "https://8.8.8.8/", "*"]).map(|(name, value)| (*name, value)).collect();
    owner.post(&edit, &emptied.into_iter().chain(unseen).collect::<Vec<_>>()).await.check(303);
    assert_eq!(settings(scene.endpoint(&id).await), settings(scene.endpoint(&scene.make(&plain).await).await));
    owner.submit(&edit, &edit, &[("v1a", "true")]).await.check(303);
    let again = scene.endpoint(&id).await["publicKey"].clone();
    assert!(again.is_string() && again != changed["publicKey"], "off and on again makes another key, as the page says");
}

/// Wrong values of one field each: in the form, and as the API is sent the same.
fn wrong_values() -> Vec<(&'static str, String, Value)> {
    let many: Vec<String> = (0..21).map(|n| format!("x-{n}: v")).collect();
    let object: Value = (0..21).map(|n| (format!("x-{n}"), json!("v"))).collect::<serde_json::Map<_, _>>().into();
    let filter = |text: &str| (text.to_owned(), serde_json::from_str(text).unwrap_or_else(|_| json!(text)));
    let same = |text: &str| (text.to_owned(), json!(text));
    let header = |name: &str, value: &str| (format!("{name}: {value}"), json!({ name: value }));
    let values = [
        ("url", same("")),
        ("url", same("http://8.8.8.8/")),
        ("url", same("https://10.0.0.1/")),
        ("url", same("https://user:password@8.8.8.8/")),
        ("url", same("https://8.8.8.8:22/#fragment")),
        ("url", same("\"><script>")),
        ("url", same(&format!("https://8.8.8.8/{}", "x".repeat(2_048)))),
        ("eventTypes", ("environment.exploded".to_owned(), json!(["environment.exploded"]))),
        ("description", same(&"é".repeat(201))),
        ("description", same("a\u{7}b")),
        ("headers", same("X-Team payments")),
        ("headers", header("Content-Type", "text/plain")),
        ("headers", header("webhook-id", "msg_1")),
        ("headers", header("a b", "c")),
        ("headers", header("x", "é")),
        ("headers", header("", "a")),
        ("headers", (many.join("\r\n"), object)),
        ("headers", header("x", &"v".repeat(4_096))),
        ("rateLimit", ("0".to_owned(), json!(0))),
        ("rateLimit", ("10001".to_owned(), json!(10_001))),
        ("rateLimit", ("-1".to_owned(), json!(-1))),
        ("rateLimit", ("1.5".to_owned(), json!(1.5))),
        ("rateLimit", same("many")),
        ("filter", filter("{}")),
        ("filter", filter("not JSON")),
        ("filter", filter("{\"type\":[")),
        ("filter", filter("[]")),
        ("filter", filter(r#"{"type":"environment.started"}"#)),
        ("filter", filter(r#"{"type":[{"regex":".*"}]}"#)),
        ("filter", filter(&format!(r#"{{"type":["{}"]}}"#, "x".repeat(4_096)))),
    ];
    values.into_iter().map(|(field, (typed, json))| (field, typed, json)).collect()
}

#[tokio::test]
async fn what_the_call_refuses_is_said_at_its_field_and_what_was_typed_stays() {
    let scene = Scene::new().await;
    let (owner, list) = (scene.owner().await, scene.list());
    let (form, all) = options();
    let id = scene.make(&all).await;
    let (before, path) = (scene.endpoints().await, scene.organization.managing(&format!("/{id}")));
    let edit = format!("{list}/{id}/edit");
    for (field, typed, json) in wrong_values() {
        let mut sent: Vec<(&str, &str)> = form.iter().filter(|(name, _)| *name != field).copied().collect();
        sent.push((field, &typed));
        let mut call = all.clone();
        call[field] = json;
        for (page, action, method, path) in [
            (format!("{list}/new"), &list, "POST", scene.organization.managing("")),
            (edit.clone(), &edit, "PATCH", path.clone()),
        ] {
            let reply = owner.submit(&page, action, &sent).await;
            let html = reply.page(400);
            let issues = scene.call(method, &path, &call).await.expect(400)["error"]["issues"]["fieldErrors"].clone();
            assert_eq!(faults(html), Vec::<String>::new(), "{typed}");
            assert_eq!(json!({ field: problems(html, field) }), issues, "{typed}");
            let link = format!("#{field}");
            assert!(tags(html).iter().any(|tag| tag.name == "a" && tag.get("href") == Some(&link)), "{field}");
            let mut kept = fields(html, &format!("{}{action}", owner.base));
            kept.retain(|(name, _)| FIELDS.contains(&name.as_str()));
            let mut typed: Vec<_> =
                sent.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            // A type that there is none of has no box.
            typed.retain(|(_, value)| value != "environment.exploded");
            kept.sort();
            typed.sort();
            assert_eq!(kept, typed);
        }
    }
    let twice = [("url", URL), ("eventTypes", "*"), ("headers", "X-A: 1\r\nx-a: 2")];
    assert_eq!(problems(owner.post(&list, &twice).await.page(400), "headers").len(), 1);
    let nothing = owner.post(&list, &[]).await;
    for field in ["url", "eventTypes"] {
        assert_eq!(problems(nothing.page(400), field).len(), 1);
    }
    assert_eq!(scene.endpoints().await, before);
}

#[tokio::test]
async fn a_form_that_is_sent_as_it_was_served_changes_no_letter() {
    let scene = Scene::new().await;
    let (owner, list) = (scene.owner().await, scene.list());
    for more in [
        r#""description":" padded ""#,
        r#""headers":{"x-b":"1","X-A":"2"}"#,
        r#""filter":{"type":["a"],"data":{"n":[3.0e2,12345678901234567890123]}}"#,
    ] {
        let wanted = format!(r#"{{"url":"https://8.8.8.8/","eventTypes":["*"],{more}}}"#);
        let made = scene.bench.call(&scene.api, "POST", &scene.organization.managing(""), &wanted).await;
        assert!(made["body"].as_str().unwrap().contains(more), "{made}");
        let id = scene.endpoints().await.pop().unwrap()["endpointId"].as_str().unwrap().to_owned();
        let edit = format!("{list}/{id}/edit");
        owner.submit(&edit, &edit, &[]).await.check(303);
        let shown = scene.call("GET", &scene.organization.managing(&format!("/{id}")), &Value::Null).await;
        assert!(String::from_utf8(shown.body).unwrap().contains(more), "{more}");
    }
}

#[tokio::test]
async fn a_form_that_is_sent_twice_makes_two_as_two_calls_do() {
    let scene = Scene::new().await;
    let console = Console::of(&scene.stack).sign_in(&scene.organization.new_key("owner").await.1).await;
    let list = scene.list();
    let fields = [("url", URL), ("eventTypes", "*")];
    let (one, other) = tokio::join!(console.post(&list, &fields), console.post(&list, &fields));
    assert_ne!(one.location(), other.location());
    let edit = format!("{}/edit", console.below(one.location()).split('?').next().unwrap());
    let mut changed = console.form(&edit, &edit).await;
    changed.retain(|(name, _)| name != "description");
    changed.push(("description".to_owned(), "Once".to_owned()));
    let changed: Vec<(&str, &str)> = changed.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let (one, other) = tokio::join!(console.post(&edit, &changed), console.post(&edit, &changed));
    // The second may be told that the first has been there.
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert!(statuses[0] == 303 && matches!(statuses[1], 303 | 400), "{statuses:?}");
    let endpoints = scene.endpoints().await;
    assert_eq!(endpoints.len(), 2);
    assert_eq!(endpoints.iter().filter(|endpoint| endpoint["description"] == "Once").count(), 1);
}

#[tokio::test]
async fn who_was_told_that_another_has_been_there_may_save_again() {
    let scene = Scene::new().await;
    let (owner, list) = (scene.owner().await, scene.list());
    let made = owner.post(&list, &[("url", URL), ("eventTypes", "*")]).await;
    let edit = format!("{}/edit", owner.below(made.location()).split('?').next().unwrap());
    let action = format!("{}{edit}", owner.base);
    let filled = |html: &str, name: &str| -> Vec<(String, String)> {
        let mut all = fields(html, &action);
        all.retain(|(field, _)| field != "description");
        all.push(("description".to_owned(), name.to_owned()));
        all
    };
    let send = async |all: &[(String, String)]| {
        let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        owner.post(&edit, &all).await
    };
    let served = owner.get(&edit).await;
    send(&filled(served.page(200), "One")).await.check(303);
    let told = send(&filled(served.page(200), "Two")).await;
    assert!(text(told.page(400)).contains("Save again"));
    assert_eq!(scene.endpoints().await[0]["description"], "One");
    send(&filled(told.page(400), "Two")).await.check(303);
    assert_eq!(scene.endpoints().await[0]["description"], "Two");
}

#[tokio::test]
async fn what_contradicts_what_is_there_is_said_above_the_form() {
    let scene = Scene::new().await;
    let bench = Workbench::new(&scene.stack).await.with("ENDPOINT_LIMIT", "1");
    let api = bench.function("api").await;
    let owner = Console::through(&api, Place::Stage).sign_in(&scene.organization.new_key("owner").await.1).await;
    let (list, typed) = (scene.list(), [("url", URL), ("eventTypes", "*")]);
    owner.post(&list, &typed).await.check(303);
    let reply = owner.post(&list, &typed).await;
    let html = reply.page(400);
    assert!(text(html).contains("The organization has reached its limit of 1 endpoints; delete one to add another"));
    let kept = fields(html, &format!("{}{list}", owner.base));
    assert!(typed.iter().all(|(name, value)| kept.contains(&((*name).to_owned(), (*value).to_owned()))), "{kept:?}");
}

#[tokio::test]
async fn many_event_types_of_an_endpoint_take_one_line_until_they_are_opened() {
    let scene = Scene::new().await;
    let owner = scene.owner().await;
    let types: Vec<&str> = scene.organization.profile.event_types.iter().map(|one| one.name).collect();
    for (count, folded) in [(12, false), (13, true)] {
        let id = scene.make(&json!({ "url": URL, "eventTypes": types[..count] })).await;
        let page = owner.get(&format!("{}/{id}", scene.list())).await;
        let summaries = tags(page.page(200)).into_iter().filter(|tag| tag.name == "summary");
        assert_eq!(summaries.map(|tag| tag.text).any(|text| text == format!("{count} event types")), folded);
        assert!(types[..count].iter().all(|name| text(page.page(200)).contains(name)));
    }
}
