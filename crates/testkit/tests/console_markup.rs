//! What pages consist of: nothing of a customer's is markup, nothing runs or is loaded that is not ours, and secrets
//! are where they were asked for and nowhere else.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use hookbell_testkit::answer::Answer;
use hookbell_testkit::api::Reply;
use hookbell_testkit::console::Console;
use hookbell_testkit::console_paths::ConsolePaths;
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::gateway::Place;
use hookbell_testkit::html::{Tag, tags, text};
use hookbell_testkit::organization::Organization;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use serde_json::json;

const NAME: &str = "</title>\"'><script>name</script><img src=x onerror=name>&amp;";
const QUERY: &str = "?'\"><script>query</script>";
const HEADER: &str = "</textarea><script>header</script>";
const FILTER: &str = "</textarea><script>filter</script>";
const PAYLOAD: &str = "</code></pre><script>payload</script>";
const ANSWER: &str = "</pre><script>answer</script>";
const KEY: &str = "<script>key</script>";

/// An organization with one of each thing, as an attacker would have it.
struct Scene {
    stack: Stack,
    organization: Organization,
    endpoint: Endpoint,
    paths: ConsolePaths,
    _receiver: Receiver,
}

impl Scene {
    async fn new() -> Self {
        let stack = Stack::load();
        let organization = Organization::new(&stack, "slothbox").await;
        let receiver = Receiver::start(&stack, |_, _| Answer::status(200).body(ANSWER)).await;
        let options = json!({
            "description": NAME,
            "url": format!("{}{QUERY}", receiver.url()),
            "headers": { "x-team": HEADER },
            "filter": { "data": { "reason": [FILTER, { "exists": true }] } },
            "v1a": true,
        });
        let endpoint = organization.endpoint_with(&receiver, &["*"], options).await;
        let payload = json!({ "reason": PAYLOAD }).to_string();
        let message = organization.send("environment.started", &payload).await;
        let delivery = endpoint.wait_for_status(&message, "delivered").await;
        let wanted = json!({ "role": "member", "name": KEY }).to_string();
        let key = organization.api.post(&organization.keys(""), wanted).await.expect(201)["apiKey"]["keyId"].clone();
        let paths = ConsolePaths::of(&endpoint, &delivery, key.as_str().unwrap());
        Self { stack, organization, endpoint, paths, _receiver: receiver }
    }

    async fn url(&self) -> String {
        self.endpoint.get().await["url"].as_str().unwrap().to_owned()
    }
}

/// Fails unless all that a page would run, load or send is the console's own.
#[track_caller]
fn check_own(console: &Console, page: &str, what: &str) {
    let assets = format!("{}/assets/", console.base);
    for tag in tags(page) {
        let Tag { name, attributes, text } = &tag;
        assert!(!matches!(name.as_str(), "style" | "iframe" | "object" | "embed" | "base"), "{what}: {tag:?}");
        if name == "script" {
            assert!(tag.get("src").is_some() && text.trim().is_empty(), "{what}: {tag:?}");
        }
        for (attribute, value) in attributes {
            assert!(
                !attribute.starts_with("on") && !attribute.starts_with("hx-on") && attribute != "style",
                "{what}: {tag:?}"
            );
            let begins = match (name.as_str(), attribute.as_str()) {
                ("a", "href") if value.starts_with("https://www.standardwebhooks.com") || value.starts_with('#') => {
                    continue;
                }
                (_, "src") | ("link", "href") => &assets,
                (_, "href" | "action" | "formaction" | "hx-get" | "hx-post") => &console.base,
                _ => continue,
            };
            assert!(value.starts_with(begins.as_str()), "{what}: {tag:?}");
        }
    }
}

#[tokio::test]
async fn what_customers_write_is_text_on_every_page_that_shows_it() {
    let scene = Scene::new().await;
    let console = Console::of(&scene.stack).sign_in(&scene.organization.new_key("owner").await.1).await;
    let (paths, url) = (&scene.paths, scene.url().await);
    assert!(url.contains("script>query"), "{url}");
    let shown = |path: String| -> Vec<&str> {
        let [message, delivery] = [&paths.message, &paths.delivery];
        let rest = path.strip_prefix(&paths.organization("")).unwrap().replace(&paths.endpoint, "E");
        match rest.replace(message, "M").replace(delivery, "D").replace(&paths.key, "K").as_str() {
            "/endpoints" | "/endpoints/E/delete" => vec![NAME, &url],
            "/endpoints/E" => vec![NAME, &url, FILTER],
            "/endpoints/E/edit" => vec![NAME, &url, HEADER, FILTER],
            "/endpoints/E/rotate" | "/endpoints/E/replay" => vec![NAME],
            "/endpoints/E/deliveries/D" => vec![NAME, &url, PAYLOAD, ANSWER],
            "/messages/M" => vec![&url, PAYLOAD, ANSWER],
            "/messages/M/attempts" => vec![&url, ANSWER],
            "/endpoints/E/test/M" => vec![ANSWER],
            "/keys" => vec![KEY],
            "/messages" | "/endpoints/new" | "/keys/K/delete" => vec![],
            other => panic!("a page that this test does not know: {other}"),
        }
    };
    for path in paths.readers().into_iter().chain(paths.owners()) {
        let reply = console.get(&path).await;
        let page = reply.page(200);
        check_own(&console, page, &path);
        let values: Vec<String> =
            tags(page).into_iter().flat_map(|tag| tag.attributes).map(|(_, value)| value).collect();
        for mark in shown(path.clone()) {
            let is_there = text(page).contains(mark) || values.iter().any(|value| value.contains(mark));
            assert!(is_there, "{path} does not show {mark}");
        }
        // It may be a credential.
        assert!(path.ends_with("/edit") || !text(page).contains(HEADER), "{path} shows a header's value");
    }
}

#[tokio::test]
async fn what_an_address_or_a_form_says_is_text_where_it_is_repeated() {
    let scene = Scene::new().await;
    let console = Console::of(&scene.stack).sign_in(&scene.stack.admin_key).await;
    let (paths, mark) = (&scene.paths, NAME);
    let says = |name: &str, text: &str| {
        let url = reqwest::Url::parse_with_params("https://example.com/", [(name, text)]).unwrap();
        url.query().unwrap().to_owned()
    };
    let (query, next) = (|name: &str| says(name, mark), format!("/organizations?q={mark}"));
    let fields =
        ["description", "url", "eventTypes", "headers", "rateLimit", "filter", "name", "role", "after", "before"];
    let form: Vec<(&str, &str)> =
        fields.iter().chain(&["status", "organization", "profile"]).map(|name| (*name, mark)).collect();
    let mut replies = vec![
        ("q", console.get(&format!("{}?{}", paths.organization("/endpoints"), query("q"))).await),
        ("q", console.get(&format!("{}?{}", paths.organization("/messages"), query("q"))).await),
        ("q", console.get(&format!("{}?{}", paths.endpoint(""), query("q"))).await),
        ("after", console.get(&format!("{}?{}", paths.endpoint("/replay"), query("after"))).await),
        ("q", console.get(&format!("/organizations?{}", query("q"))).await),
        ("next", console.get(&format!("/sign-in?{}", says("next", &next))).await),
        ("next", console.try_sign_in("nonsense", &next).await),
    ];
    for path in [
        paths.organization("/endpoints"),
        paths.endpoint("/edit"),
        paths.organization("/keys"),
        paths.endpoint("/replay"),
        "/organizations".to_owned(),
    ] {
        let reply = console.post(&path, &form).await;
        reply.check_page(400);
        replies.push(("form", reply));
    }
    for name in ["status", "eventType", "after", "cursor", "notice", "test", "skip"] {
        for path in paths.readers() {
            let reply = console.get(&format!("{path}?{}", query(name))).await;
            assert!(matches!(reply.status, 200 | 400), "{path} {name}: {}", reply.status);
            check_own(&console, std::str::from_utf8(&reply.body).unwrap(), &path);
        }
    }
    for (name, reply) in replies {
        let page = std::str::from_utf8(&reply.body).unwrap();
        check_own(&console, page, name);
        assert!(
            tags(page).iter().any(|tag| tag.get("value").is_some_and(|value| value.contains(mark))),
            "{name} is kept: {page}"
        );
    }
    for path in [
        format!("/{}", "%3Cscript%3E"),
        paths.organization("/keys/%3Cscript%3E/delete"),
        paths.organization("/%3Cscript%3E"),
    ] {
        let reply = console.get(&path).await;
        check_own(&console, std::str::from_utf8(&reply.body).unwrap(), &path);
    }
}

#[tokio::test]
async fn a_secret_is_on_the_page_that_was_asked_for_it_and_nowhere_else() {
    let scene = Scene::new().await;
    let (paths, organization) = (&scene.paths, &scene.organization);
    let bench = Workbench::new(&scene.stack).await;
    let api = bench.function("api").await;
    let ((_, key), token) = (organization.new_key("owner").await, organization.portal_token().await);
    let mut secrets = vec![scene.endpoint.secret.clone(), scene.stack.admin_key.clone(), key.clone(), token.clone()];
    let mut elsewhere: Vec<Reply> = Vec::new();
    let mut last = None;
    for credential in [&scene.stack.admin_key, &token, &key] {
        let nobody = Console::through(&api, Place::Stage);
        elsewhere.push(nobody.try_sign_in(credential, "").await);
        let console = nobody.sign_in(credential).await;
        secrets.push(console.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned());
        for path in paths.readers().into_iter().chain(paths.owners()) {
            elsewhere.push(console.get(&path).await);
        }
        last = Some(console);
    }
    let console = last.unwrap();
    let only = |reply: &Reply| -> String {
        let found: Vec<Tag> = tags(std::str::from_utf8(&reply.body).unwrap());
        let mut found = found.into_iter().filter(|tag| tag.get("data-secret").is_some());
        let secret = found.next().unwrap().text;
        assert!(found.next().is_none());
        secret
    };
    let whole = console.post(&paths.endpoint("/secret"), &[]).await;
    whole.check_page(200);
    assert_eq!(only(&whole), scene.endpoint.secret);
    let headers = [("hx-request", "true"), ("origin", console.origin.as_str())];
    let part = console.send(http::Method::POST, &paths.endpoint("/secret"), &headers, "").await;
    assert_eq!(only(&part), scene.endpoint.secret);
    assert!(part.body.len() < 600, "the secret's place alone");

    elsewhere.push(console.post(&paths.endpoint("/rotate"), &[]).await);
    secrets.push(scene.endpoint.reveal().await);
    let made = console.post(&paths.organization("/keys"), &[("role", "owner"), ("name", "new")]).await;
    made.check_page(200);
    let link = console.post(&paths.organization("/keys/link"), &[]).await;
    link.check_page(200);
    let (new_key, new_link) = (only(&made), only(&link));
    let new_token = new_link.strip_prefix(&format!("{}{}#token=", console.origin, console.base)).unwrap().to_owned();
    for new in [&new_key, &new_token] {
        elsewhere.push(console.sign_in(new).await.get(&paths.organization("/keys")).await);
    }
    secrets.extend([new_key, new_token]);
    elsewhere.push(console.get(&paths.organization("/keys")).await);
    // What a form has led to is reloaded and shared by its address.
    for path in [paths.organization("/keys/link"), paths.endpoint("/secret")] {
        let page = console.get(&path).await;
        page.check_page(200);
        elsewhere.push(page);
    }
    elsewhere.push(console.get(&paths.endpoint("")).await);

    let output = api.output();
    assert!(output.lines().filter(|line| line.contains("api.called")).count() > 50, "the function logs each call");
    for secret in &secrets {
        let prefix = ["sk_", "whsec_", "pt_"].into_iter().find(|prefix| secret.starts_with(prefix)).unwrap_or_default();
        let bare = secret.strip_prefix(prefix).unwrap();
        assert!(bare.len() > 20 && !output.contains(bare), "a secret is logged: {secret}");
        for reply in &elsewhere {
            assert!(!String::from_utf8_lossy(&reply.body).contains(bare), "{secret} is on a page");
            assert!(!reply.header("location").contains(bare), "{secret} is in an address");
        }
    }
    for written in ["name</script>", HEADER, PAYLOAD, ANSWER, "query</script>"] {
        assert!(!output.contains(written), "what customers write is logged: {written}");
    }
}
