//! What the console's buttons do to an endpoint: what the call of the API does, and then the page that shows it.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use hookbell_testkit::console::Console;
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::html::{problems, tags, text};
use hookbell_testkit::organization::Organization;
use hookbell_testkit::patience::eventually;
use hookbell_testkit::receiver::{Arrival, Receiver};
use hookbell_testkit::stack::Stack;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use serde_json::{Value, json};

/// An endpoint of the deployed stack, and its console for an owner.
struct Scene {
    console: Console<'static>,
    endpoint: Endpoint,
    receiver: Receiver,
}

impl Scene {
    async fn new(profile: &str) -> Self {
        let stack = Stack::load();
        let organization = Organization::new(&stack, profile).await;
        let receiver = Receiver::always(&stack, 200).await;
        let endpoint = organization.endpoint(&receiver, &["*"]).await;
        let console = Console::of(&stack).sign_in(&organization.new_key("owner").await.1).await;
        Self { console, endpoint, receiver }
    }

    fn list(&self) -> String {
        format!("/organizations/{}/endpoints", self.endpoint.organization.id)
    }

    fn path(&self, rest: &str) -> String {
        format!("{}/{}{rest}", self.list(), self.endpoint.id)
    }

    /// Presses a button of a page, and gives where that leads and all that stands there.
    async fn press(&self, page: &str, action: &str, changes: &[(&str, &str)]) -> (String, String) {
        let reply = self.console.submit(page, action, changes).await;
        let address = self.console.below(reply.location());
        let text = self.check_said(&address).await;
        (address, text)
    }

    /// Fails unless the page at an address says what was done, and gives all that stands there.
    async fn check_said(&self, address: &str) -> String {
        let reply = self.console.get(address).await;
        let html = reply.page(200);
        let all = tags(html);
        let at = all.iter().position(|tag| tag.get("class") == Some("notice good"));
        assert!(at.is_some_and(|at| all[at + 1].text.len() > 5), "{address}");
        text(html)
    }

    /// Fails unless a button is refused as the call is, on a page of that status, and no page has it any more.
    async fn check_refused(&self, path: &str, to_do: &str) {
        let reply = self.console.post(path, &[]).await;
        assert!(text(reply.page(409)).contains(&format!("The endpoint is disabled; enable it to {to_do}.")));
        let button = format!("{}{path}", self.console.base);
        let page = self.console.get(&self.path("")).await;
        let is_it = |tag: &hookbell_testkit::html::Tag| tag.get("action") == Some(&button);
        let all = tags(page.page(200));
        let at = all.iter().position(is_it);
        assert!(at.is_none_or(|at| all[at + 1].get("disabled").is_some()), "{path}");
    }

    /// The request of an event that the API accepts now.
    async fn next_arrival(&self) -> Arrival {
        self.receiver.wait_for_message(&self.endpoint.organization.send_example().await, 1).await.remove(0)
    }
}

/// Fails unless an address leads to that path and says that.
#[track_caller]
fn check_leads(address: &str, path: &str, (name, value): (&str, &str)) {
    let url = Url::parse(&format!("https://example.com{address}")).unwrap();
    assert_eq!(url.path(), path);
    assert!(url.query_pairs().any(|(said, what)| said == name && what == value), "{address}");
}

#[tokio::test]
async fn an_endpoint_is_disabled_enabled_and_deleted_where_it_is_shown() {
    let scene = Scene::new("slothbox").await;
    let (console, page, status) = (&scene.console, scene.path(""), scene.path("/status"));
    for back in [&page, &scene.list()] {
        for word in ["disabled", "enabled"] {
            let offered = tags(console.get(back).await.page(200));
            assert!(offered.iter().any(|tag| tag.get("name") == Some("status") && tag.get("value") == Some(word)));
            let (address, _) = scene.press(back, &status, &[("status", word)]).await;
            check_leads(&address, back, ("notice", word));
            assert_eq!(scene.endpoint.get().await["status"], word);
        }
    }
    assert!(text(console.post(&status, &[("status", "paused")]).await.page(400)).contains("status: Must be"));
    // By a script it leads there too.
    let headers = [("hx-request", "true"), ("origin", console.origin.as_str())];
    let reply = console.send(Method::POST, &status, &headers, "status=disabled").await;
    check_leads(&console.below(reply.location()), &page, ("notice", "disabled"));

    let delete = scene.path("/delete");
    let (address, text) = scene.press(&delete, &delete, &[]).await;
    check_leads(&address, &scene.list(), ("notice", "deleted"));
    assert!(text.contains("No endpoints yet"));
    scene.endpoint.organization.api.get(&scene.endpoint.path("")).await.check(404);
    for path in [&delete, &status] {
        console.post(path, &[("status", "enabled")]).await.check_page(404);
    }
}

#[tokio::test]
async fn a_rotated_secret_signs_beside_the_old_one_or_alone_as_the_page_says() {
    let scene = Scene::new("slothbox").await;
    let rotate = scene.path("/rotate");
    let first = scene.endpoint.secret.clone();
    let (address, said) = scene.press(&rotate, &rotate, &[]).await;
    check_leads(&address, &scene.path(""), ("notice", "rotated"));
    assert!(said.contains("signed with the old "), "what is so is said");
    let second = scene.endpoint.reveal().await;
    let arrival = scene.next_arrival().await;
    assert_eq!(arrival.tokens().len(), 2);
    arrival.with_token(0).verify(&second);
    arrival.with_token(1).verify(&first);

    let (address, said) = scene.press(&rotate, &rotate, &[("expireOld", "true")]).await;
    check_leads(&address, &scene.path(""), ("notice", "replaced"));
    assert!(!said.contains("signed with the old "));
    let third = scene.endpoint.reveal().await;
    assert!(third != second && second != first);
    let arrival = scene.next_arrival().await;
    assert_eq!(arrival.tokens().len(), 1);
    arrival.verify(&third);

    let mut replies = Vec::new();
    for _ in 0..11 {
        replies.push(scene.console.post(&rotate, &[]).await);
    }
    let refused = replies.pop().unwrap();
    assert!(text(refused.page(400)).contains("10 old secrets still sign"));
    assert!(replies.iter().all(|reply| reply.status == 303));
}

/// Fails unless a page has an element with that attribute.
#[track_caller]
fn check_has(html: &str, (name, value): (&str, &str)) {
    assert!(tags(html).iter().any(|tag| tag.get(name) == Some(value)), "no {name}={value} in {html}");
}

#[tokio::test]
async fn a_secret_is_revealed_where_the_script_looks_for_it() {
    let scene = Scene::new("slothbox").await;
    let (console, secret) = (&scene.console, scene.path("/secret"));
    let whole = console.submit(&scene.path(""), &secret, &[]).await;
    let masked = console.get(&scene.path("")).await;
    let address = format!("{}{secret}", console.base);
    let form = [("action", address.as_str()), ("hx-post", &address), ("hx-target", "#secret-shown")];
    for part in [("id", "secret-masked"), ("data-reveal", ""), ("id", "alerts")].into_iter().chain(form) {
        check_has(masked.page(200), part);
    }
    let headers = [("hx-request", "true"), ("origin", console.origin.as_str())];
    let part = console.send(Method::POST, &secret, &headers, "").await;
    for html in [whole.page(200), part.page(200)] {
        let shown = tags(html).into_iter().find(|tag| tag.get("data-secret").is_some()).unwrap();
        assert_eq!((shown.get("id"), shown.text.as_str()), (Some("secret-text"), scene.endpoint.secret.as_str()));
        check_has(html, ("data-copy-from", "#secret-text"));
        check_has(html, ("data-hide", ""));
    }
    let all = tags(whole.page(200));
    let hidden = all.iter().find(|tag| tag.get("id") == Some("secret-masked")).unwrap();
    assert!(hidden.get("hidden").is_some(), "without a script it is not offered again");
}

#[tokio::test]
async fn a_test_is_sent_as_by_the_call_and_watched_until_it_has_ended() {
    for (profile, event_type) in [("slothbox", None), ("daytona", Some("volume.created"))] {
        let scene = Scene::new(profile).await;
        let (console, path) = (&scene.console, scene.path("/test"));
        let chosen: Vec<(&str, &str)> = event_type.map(|name| ("eventType", name)).into_iter().collect();
        let reply = console.submit(&scene.path(""), &path, &chosen).await;
        let address = console.below(reply.location());
        let message = address.strip_prefix(&scene.path("?test=")).unwrap().to_owned();
        assert!(reply.location().ends_with("#test"));
        let arrival = scene.receiver.wait_for_message(&message, 1).await.remove(0);

        let watched = format!("{path}/{message}");
        let ended = async || {
            let part = console.get_part(&watched).await;
            let panel = tags(part.page(200))[0].clone();
            assert_eq!(panel.get("id"), Some("test"));
            let asks = panel.get("hx-get").map(|address| console.below(address));
            assert!(asks.as_ref().is_none_or(|address| *address == watched));
            asks.is_none().then(|| text(part.page(200)))
        };
        let said = eventually("the test to be seen to end", ended).await;
        assert!(said.contains("Delivered") && said.contains(" 200 "), "{said}");

        let body = event_type.map_or_else(String::new, |name| json!({ "eventType": name }).to_string());
        let called = scene.endpoint.organization.api.post(&scene.endpoint.path("/ping"), body).await.expect(200);
        let called = scene.receiver.wait_for_message(called["webhookId"].as_str().unwrap(), 1).await.remove(0);
        let of = |arrival: &Arrival| {
            let body = arrival.json();
            (body["type"].clone(), body["event"].clone(), body["data"]["message"].clone(), body["volumeId"].clone())
        };
        assert_eq!(of(&arrival), of(&called));
        scene.endpoint.disable().await;
        scene.check_refused(&path, "send a test").await;
    }
}

#[tokio::test]
async fn a_delivery_is_sent_once_more_from_its_page_and_from_the_history() {
    let scene = Scene::new("slothbox").await;
    let message = scene.endpoint.organization.send_example().await;
    let delivery = scene.endpoint.wait_for_status(&message, "delivered").await;
    let page = scene.path(&format!("/deliveries/{}", delivery["deliveryId"].as_str().unwrap()));
    let path = format!("{page}/redeliver");
    for (page, count) in [(scene.path(""), 2), (page, 3)] {
        let reply = scene.console.submit(&page, &path, &[]).await;
        check_leads(&scene.console.below(reply.location()), &scene.path(""), ("notice", "redelivered"));
        let arrivals = scene.receiver.wait_for_message(&message, count).await;
        assert!(arrivals.iter().all(|arrival| arrival.body == arrivals[0].body), "the same bytes");
        assert_eq!(scene.endpoint.deliveries_of(&message).await.len(), count);
    }
    scene.check_said(&scene.path("?notice=redelivered")).await;
    let unknown = scene.path(&format!("/deliveries/{}/redeliver", message.replace("msg_", "dlv_")));
    scene.console.post(&unknown, &[]).await.check_page(404);
    scene.endpoint.disable().await;
    scene.check_refused(&path, "redeliver").await;
}

/// A time so many hours from now, as a field for dates gives it.
fn field(hours: i64) -> String {
    let at = Timestamp::now() + SignedDuration::from_hours(hours);
    at.strftime("%Y-%m-%dT%H:%M").to_string()
}

/// The replays of an endpoint, as the API lists them.
async fn replays(endpoint: &Endpoint) -> Vec<Value> {
    let reply = endpoint.organization.api.get(&endpoint.path("/replay")).await.expect(200);
    reply["replays"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_replay_is_begun_as_by_the_call_and_seen_to_finish() {
    let scene = Scene::new("slothbox").await;
    let (console, path) = (&scene.console, scene.path("/replay"));
    for _ in 0..2 {
        let message = scene.endpoint.organization.send_example().await;
        scene.endpoint.wait_for_status(&message, "delivered").await;
    }
    let (hour_ago, hour_on) = (field(-1), field(1));
    let range = [("after", hour_ago.as_str()), ("before", &hour_on), ("status", "delivered")];
    // Asked for again it goes on from where it has ended.
    for sent in [2, 0] {
        let reply = console.submit(&path, &path, &range).await;
        assert_eq!(reply.location(), format!("{}{path}#replays", console.base));
        let finished = async || {
            let part = console.get_part(&path).await;
            let list = tags(part.page(200))[0].clone();
            assert_eq!(list.get("id"), Some("replays"));
            list.get("hx-get").is_none().then_some(part)
        };
        let part = eventually("the replay to be seen to finish", finished).await;
        check_has(part.page(200), ("value", "100"));
        let said = text(part.page(200));
        assert!(said.contains("Finished") && said.contains(&format!(", {sent} ")), "{said}");
        let begun = replays(&scene.endpoint).await;
        assert_eq!(begun[0]["redelivered"], sent);
        assert!(sent == 0 || begun[0]["after"] == format!("{hour_ago}:00.000Z"), "{begun:?}");
    }
    let begun = replays(&scene.endpoint).await;
    assert_eq!(begun.len(), 1, "the same range is the same replay");
    assert_eq!(begun[0]["status"], "delivered");
    assert_eq!(scene.receiver.wait_for(4).await.len(), 4);
}

#[tokio::test]
async fn a_range_that_the_call_refuses_is_refused_at_its_field_and_stays_as_it_was_typed() {
    let scene = Scene::new("slothbox").await;
    let (console, path, calls) = (&scene.console, scene.path("/replay"), scene.endpoint.path("/replay"));
    let (hour_ago, later, sooner) = (field(-1), field(2), field(-2));
    for (after, before) in [("", ""), (later.as_str(), ""), (hour_ago.as_str(), sooner.as_str()), ("soon", "")] {
        let reply = console.submit(&path, &path, &[("after", after), ("before", before)]).await;
        let html = reply.page(400);
        let mut body = serde_json::Map::new();
        for (name, time) in [("after", after), ("before", before)] {
            if !time.is_empty() {
                body.insert(name.to_owned(), format!("{time}Z").replace("soonZ", "soon").into());
            }
        }
        let call = scene.endpoint.organization.api.post(&calls, Value::from(body).to_string()).await;
        let issues = call.expect(400)["error"]["issues"]["fieldErrors"].clone();
        assert_eq!(json!({ "after": problems(html, "after") }), issues, "{after} {before}");
        let all = tags(html);
        let shown = |name: &str| all.iter().find(|tag| tag.get("name") == Some(name)).and_then(|tag| tag.get("value"));
        assert_eq!((shown("after"), shown("before")), (Some(after), Some(before)));
    }
    scene.endpoint.disable().await;
    let refused = console.post(&path, &[("after", &hour_ago)]).await;
    assert!(text(refused.page(400)).contains("The endpoint is disabled."));
    assert!(!tags(refused.page(400)).iter().any(|tag| tag.get("name") == Some("after")));
    assert_eq!(replays(&scene.endpoint).await, Vec::<Value>::new());
}
