//! The console as a whole: the same wherever it is reached, each page complete and light, each link good.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::join_all;
use hookbell_domain::ids::{MessageId, ReplayId};
use hookbell_testkit::api::Reply;
use hookbell_testkit::console::Console;
use hookbell_testkit::console_paths::ConsolePaths;
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::function::Function;
use hookbell_testkit::gateway::Place;
use hookbell_testkit::history::{self, Row, spread};
use hookbell_testkit::html::{Tag, faults, tags};
use hookbell_testkit::organization::Organization;
use hookbell_testkit::patience::eventually;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use serde_json::json;

/// Where the console is reached through a function of the test's own.
const PLACES: [Place; 3] = [Place::Stage, Place::Domain(""), Place::Domain("/hooks")];

/// The one address of another host that pages have.
const STANDARD: &str = "https://www.standardwebhooks.com";

/// An organization with one of each thing, and the console's function.
struct Scene {
    stack: Stack,
    organization: Organization,
    paths: ConsolePaths,
    api: Function,
    _bench: Workbench,
    _receiver: Receiver,
}

impl Scene {
    async fn new() -> Self {
        let stack = Stack::load();
        let organization = Organization::new(&stack, "slothbox").await;
        let receiver = Receiver::always(&stack, 200).await;
        let endpoint = organization.endpoint_with(&receiver, &["*"], json!({ "description": "One" })).await;
        let delivery = endpoint.wait_for_status(&organization.send_example().await, "delivered").await;
        let disabled = organization.endpoint(&receiver, &["environment.started", "billing.active"]).await;
        disabled.disable().await;
        let paths = ConsolePaths::of(&endpoint, &delivery, &organization.new_key("member").await.0);
        let under_way = vec![message_under_way(&endpoint), replay_under_way(&endpoint)];
        history::put(&stack, under_way).await;
        let bench = Workbench::new(&stack).await.with("RATE_LIMIT_PER_MINUTE", "100000");
        let api = bench.function("api").await;
        Self { stack, organization, paths, api, _bench: bench, _receiver: receiver }
    }

    /// The console at each place, for owners.
    async fn consoles(&self) -> Vec<Console<'_>> {
        // The deployed one counts the calls of a key.
        let (key, other) = (self.organization.new_key("owner").await.1, self.organization.new_key("owner").await.1);
        let mut consoles = vec![Console::of(&self.stack).sign_in(&key).await];
        for place in PLACES {
            consoles.push(Console::through(&self.api, place).sign_in(&other).await);
        }
        consoles
    }
}

fn text_value(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// The row of a message whose first attempt has not ended.
fn message_under_way(endpoint: &Endpoint) -> Row {
    let id = MessageId::new(Timestamp::now(), spread(1));
    let mut row = history::message(&endpoint.organization, id, "environment.started", r#"{"id":"","data":{}}"#);
    row.insert("to".to_owned(), AttributeValue::L(vec![text_value(&endpoint.id[4..])]));
    row
}

/// The row of a replay that has not ended.
fn replay_under_way(endpoint: &Endpoint) -> Row {
    let (now, id) = (Timestamp::now(), endpoint.id.parse().unwrap());
    let after = now - SignedDuration::from_hours(2);
    let mut row = Row::from([
        ("PK".to_owned(), text_value(&format!("RPL#{}", endpoint.id))),
        ("SK".to_owned(), text_value(&ReplayId::of(id, after, None, None).to_string())),
        ("org".to_owned(), text_value(&endpoint.organization.id)),
        ("state".to_owned(), text_value("running")),
    ]);
    for (name, number) in [
        ("after", after.as_millisecond()),
        ("before", now.as_millisecond()),
        ("began", now.as_millisecond()),
        ("updated", now.as_millisecond()),
        ("step", 0),
        ("redelivered", 0),
        ("expiresAt", now.as_second() + 3_600),
    ] {
        row.insert(name.to_owned(), AttributeValue::N(number.to_string()));
    }
    row
}

/// Every page that links lead to from the console's beginning, by its path below the console's.
async fn crawl(console: &Console<'_>) -> BTreeMap<String, Reply> {
    let (mut found, mut left) = (BTreeMap::new(), vec![String::new()]);
    while let Some(path) = left.pop() {
        if found.contains_key(&path) {
            continue;
        }
        let reply = console.get(&path).await;
        if reply.status == 303 {
            left.push(console.below(reply.location()));
        } else {
            reply.check(200);
            left.extend(links(&reply).into_iter().map(|link| console.below(&link)));
        }
        found.insert(path, reply);
    }
    found
}

fn page(reply: &Reply) -> &str {
    std::str::from_utf8(&reply.body).unwrap()
}

/// The addresses that a page leads to by a click, a search or its script.
fn links(reply: &Reply) -> Vec<String> {
    let of = |tag: &Tag| -> Vec<String> {
        let searches = tag.name == "form" && tag.get("method") != Some("post");
        let names = [(tag.name == "a", "href"), (searches, "action"), (true, "hx-get")];
        names.into_iter().filter(|(leads, _)| *leads).filter_map(|(_, name)| tag.get(name).map(str::to_owned)).collect()
    };
    let all = tags(page(reply)).iter().flat_map(of).collect::<Vec<_>>();
    all.into_iter().filter(|link| !link.starts_with('#') && link != STANDARD).collect()
}

/// The addresses of what a page is shown with.
fn assets(reply: &Reply) -> BTreeSet<String> {
    let of = |tag: &Tag| tag.get("src").or(tag.get("href").filter(|_| tag.name == "link")).map(str::to_owned);
    tags(page(reply)).iter().filter_map(of).collect()
}

/// A page without what differs from place to place and from moment to moment.
fn outline(console: &Console<'_>, reply: &Reply) -> Vec<Tag> {
    let plain = |mut tag: Tag| {
        for (_, value) in &mut tag.attributes {
            if let Some(below) = value.strip_prefix(&console.base) {
                *value = format!("BASE{below}");
            }
        }
        if tag.name == "time" || tag.get("type") == Some("datetime-local") {
            tag = Tag { attributes: Vec::new(), text: String::new(), ..tag };
        }
        tag
    };
    tags(page(reply)).into_iter().map(plain).collect()
}

/// Leaves time for a test that must not see an hour change.
async fn away_from_the_hour() {
    eventually("the next hour", async || (Timestamp::now().as_second().rem_euclid(3_600) < 3_580).then_some(())).await;
}

#[tokio::test]
async fn the_console_is_the_same_wherever_it_is_reached_and_every_link_leads_to_a_page_of_it() {
    away_from_the_hour().await;
    let scene = Scene::new().await;
    let consoles = scene.consoles().await;
    let crawls = join_all(consoles.iter().map(crawl)).await;
    for path in scene.paths.readers().into_iter().chain(scene.paths.owners()) {
        // Of these the one is a part of another page, and the other is looked at after a test.
        let leads_there = crawls[0].contains_key(&path);
        assert!(leads_there || path.ends_with("/attempts") || path.contains("/test/"), "no link leads to {path}");
    }
    let same = |(console, crawl): (&Console<'_>, &BTreeMap<String, Reply>)| -> BTreeMap<String, Vec<Tag>> {
        let pages = crawl.iter().filter(|(_, reply)| reply.status == 200);
        pages.map(|(path, reply)| (path.clone(), outline(console, reply))).collect()
    };
    let outlines: Vec<_> = consoles.iter().zip(&crawls).map(same).collect();
    assert!(outlines[0].len() > 20, "{:?}", outlines[0].keys());
    for (outline, console) in outlines.iter().zip(&consoles) {
        assert!(outline.keys().eq(outlines[0].keys()), "{}", console.base);
        for (path, tags) in outline {
            assert_eq!(tags, &outlines[0][path], "{path} at {}", console.base);
        }
    }
}

/// Fails unless a page has all that a page has.
#[track_caller]
fn check_whole(scene: &Scene, path: &str, html: &str) {
    let all = tags(html);
    let only = |name: &str| {
        let mut found = all.iter().filter(|tag| tag.name == name);
        let first = found.next().unwrap_or_else(|| panic!("{path} has no {name}"));
        // Parts of a drawing have titles too.
        assert!(name == "title" || found.next().is_none(), "{path} has more than one {name}");
        first
    };
    assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>"), "{path} is a whole page");
    assert_eq!(only("html").get("lang"), Some("en"), "{path}");
    assert!(!only("h1").text.trim().is_empty(), "{path} has a heading");
    let title = &only("title").text;
    let end = format!(" · {} · hookbell", scene.organization.id);
    assert!(title.len() > end.len() && title.ends_with(&end), "{path} is called {title}");
    assert_eq!(only("main").get("id"), Some("content"), "{path}");
}

#[tokio::test]
async fn every_page_is_whole_and_all_that_its_elements_name_is_there() {
    let scene = Scene::new().await;
    let console =
        Console::through(&scene.api, Place::Stage).sign_in(&scene.organization.new_key("owner").await.1).await;
    let pages = crawl(&console).await;
    for (path, reply) in pages.iter().filter(|(_, reply)| reply.status == 200) {
        let html = reply.page(200);
        assert_eq!(faults(html), Vec::<String>::new(), "{path}");
        if !path.ends_with("/attempts") && !path.contains("/test/") {
            check_whole(&scene, path, html);
        }
        for link in links(reply) {
            let Some((_, id)) = link.split_once('#') else { continue };
            let there = tags(page(&pages[&console.below(&link)])).iter().any(|tag| tag.get("id") == Some(id));
            assert!(there, "{path} leads to {link}, where nothing is called so");
        }
    }
}

#[tokio::test]
async fn what_the_script_asks_for_has_the_part_that_it_puts_in() {
    let scene = Scene::new().await;
    let console =
        Console::through(&scene.api, Place::Stage).sign_in(&scene.organization.new_key("owner").await.1).await;
    let mut pages = crawl(&console).await;
    let watched = scene.paths.endpoint(&format!("?test={}", MessageId::new(Timestamp::now(), spread(2))));
    pages.insert(watched.clone(), console.get(&watched).await);
    let mut kinds = BTreeSet::new();
    for (path, reply) in &pages {
        for tag in tags(page(reply)) {
            let Some(asked) = tag.get("hx-get") else { continue };
            let reply = console.get_part(&console.below(asked)).await;
            let part = reply.page(200);
            let wanted = tag.get("hx-select").map_or_else(|| tag.get("id"), |select| select.strip_prefix('#'));
            let found = tags(part).into_iter().find(|tag| tag.get("id") == wanted);
            assert!(wanted.is_some() && found.is_some(), "{path}: {tag:?}");
            // What takes the place of the element that asks is that element alone.
            assert!(tag.get("hx-select").is_some() || tags(part)[0].get("id") == wanted, "{path}: {tag:?}");
            if tag.name == "form" {
                assert_eq!(tag.get("hx-push-url"), Some("true"), "{path}: where one is stands in the address");
                assert_eq!(tag.get("action").map(|action| console.below(action)), Some(console.below(asked)), "{path}");
            }
            kinds.insert(wanted.unwrap_or_default().to_owned());
        }
    }
    assert!(kinds.iter().eq(["attempts", "confirm", "replays", "results", "test"]), "{kinds:?}");
}

/// A reply's asset with or without gzip.
async fn asset(console: &Console<'_>, address: &str, accepted: &str) -> Reply {
    let path = console.below(address);
    console.send(Method::GET, &path, &[("accept-encoding", accepted)], "").await
}

#[tokio::test]
async fn assets_are_kept_for_a_year_and_sent_compressed_to_those_who_take_it() {
    let scene = Scene::new().await;
    for console in scene.consoles().await {
        let mut all = assets(&console.get("/sign-in").await);
        for path in scene.paths.readers().into_iter().chain(scene.paths.owners()) {
            all.extend(assets(&console.get(&path).await));
        }
        let mut kinds = BTreeSet::new();
        for address in &all {
            let (packed, plain) =
                (asset(&console, address, "br, gzip").await, asset(&console, address, "identity").await);
            let kind = address.rsplit('.').next().unwrap();
            let media_type = match kind {
                "css" => "text/css; charset=utf-8",
                "js" => "text/javascript; charset=utf-8",
                _ => "image/svg+xml",
            };
            for reply in [&packed, &plain] {
                reply.check(200);
                assert_eq!(reply.header("content-type"), media_type, "{address}");
                assert_eq!(reply.header("cache-control"), "public, max-age=31536000, immutable", "{address}");
                assert_eq!(reply.header("vary"), "accept-encoding", "{address}");
            }
            assert_eq!(
                (packed.header("content-encoding"), plain.header("content-encoding")),
                ("gzip", ""),
                "{address}"
            );
            assert!(packed.body.starts_with(&[0x1f, 0x8b]) && std::str::from_utf8(&plain.body).is_ok(), "{address}");
            assert!(packed.body.len() < plain.body.len() || kind == "svg", "{address}");
            kinds.insert(kind);
        }
        assert!(kinds.iter().eq(&["css", "js", "svg"]) && all.len() == 4, "{all:?}");
    }
}

/// Fails unless an answer leads nowhere but into the console, and is a page if it does not lead elsewhere at once.
#[track_caller]
fn check_leads_into(console: &Console<'_>, reply: &Reply, path: &str) {
    let mut addresses = vec![reply.header("location").to_owned()];
    if reply.status != 303 {
        assert!(matches!(reply.status, 200 | 400 | 404), "{path} at {}: {}", console.base, reply.status);
        reply.check_page(reply.status);
        let sent = tags(page(reply)).into_iter().filter_map(|tag| tag.get("action").map(str::to_owned));
        addresses = links(reply).into_iter().chain(assets(reply)).chain(sent).collect();
    }
    for address in addresses {
        // As browsers find out where an address leads.
        let here = Url::parse(&format!("{}{}{path}", console.origin, console.base)).unwrap();
        let leads_to = here.join(&address).unwrap();
        assert_eq!(leads_to.origin().ascii_serialization(), console.origin, "{path}: {address}");
        assert!(!console.below(leads_to.path()).starts_with("//"), "{path}: {address}");
    }
}

#[tokio::test]
async fn an_odd_path_is_the_right_page_or_none_and_leads_into_the_console() {
    let scene = Scene::new().await;
    let mut odd = Organization::unheard_of(&scene.stack, "slothbox");
    odd.id.push_str(":a.b-C");
    odd.initialize(&json!({ "profile": "slothbox" })).await.check(201);
    let escaped = format!("/organizations/{}", odd.id.replace(':', "%3A").replace('_', "%5f"));
    let (own, endpoint) = (scene.paths.organization(""), scene.paths.endpoint(""));
    let of_nobody = [
        format!("{own}/endpoints/"),
        format!("{own}%2Fendpoints"),
        format!("{own}/endpoints%2F{}", scene.paths.endpoint),
        format!("{endpoint}%2Fedit"),
        format!("{endpoint}/messages%2Fx/y"),
        format!("{own}/messages/msg%2F%2F/attempts"),
        format!("{own}//endpoints"),
        format!("{own}/endpoints?q=%2F&next=//evil.example"),
    ];
    let strange =
        ["a%2Fb", "%2F%2Fevil.example", "a%2F..%2F..", "%2e%2e", "a%252Fb", "%00", "%ff", "%F0%9F%98%80", "a%20b"];
    let strange = strange.map(|id| format!("/organizations/{id}/endpoints"));
    let others = ["/", "//", "/sign-in/", "/sign-in%2F", "/assets/..%2Fx", "/assets/", "/console", "/%2Fconsole/x"];
    let mut consoles = scene.consoles().await;
    let key = &scene.stack.admin_key;
    for place in [Place::Domain("/console"), Place::Domain("/eu/hooks")] {
        consoles.push(Console::through(&scene.api, place));
    }
    for console in consoles {
        let (admin, nobody) = (console.sign_in(key).await, console.with_cookie(None));
        let page = admin.get(&format!("{escaped}/endpoints")).await;
        assert!(page.page(200).contains(&format!("<title>Endpoints · {} · hookbell</title>", odd.id)));
        for link in links(&page) {
            assert!(matches!(admin.get(&console.below(&link)).await.status, 200 | 303), "{link}");
        }
        for path in of_nobody.iter().chain(&strange).map(String::as_str).chain(others) {
            check_leads_into(&console, &admin.get(path).await, path);
            check_leads_into(&console, &nobody.get(path).await, path);
        }
    }
}

#[tokio::test]
async fn what_is_no_id_is_in_no_address() {
    let scene = Scene::new().await;
    let admin = Console::through(&scene.api, Place::Stage).sign_in(&scene.stack.admin_key).await;
    let strange = ["a%2F..%2F..%2F..%2Fx", "a%3Fb", "a%23b", "%0A"].map(|id| format!("/organizations/{id}"));
    let key = scene.paths.organization(&format!("/keys/..%2Fendpoints%2F{}/delete", scene.paths.endpoint));
    for path in strange.into_iter().chain([key, scene.paths.organization("/keys/none/delete")]) {
        let reply = admin.get(&path).await;
        check_leads_into(&admin, &reply, &path);
        reply.check_page(404);
    }
}
