//! What the console shows of what came of messages: tests, skipped deliveries, what was sent, and the way to have it sent
//! once more.

#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use hookbell_domain::ids::{DeliveryId, MessageId};
use hookbell_testkit::console::Console;
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::history::{self, PastDelivery, spread};
use hookbell_testkit::html::{Tag, tags, text};
use hookbell_testkit::organization::Organization;
use hookbell_testkit::patience::eventually;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;

/// An endpoint of the deployed stack that gets one type, and its console for an owner.
struct Scene {
    stack: Stack,
    console: Console<'static>,
    endpoint: Endpoint,
    _receiver: Receiver,
}

const TYPE: &str = "environment.started";

impl Scene {
    async fn new() -> Self {
        let stack = Stack::load();
        let organization = Organization::new(&stack, "slothbox").await;
        let receiver = Receiver::always(&stack, 200).await;
        let endpoint = organization.endpoint(&receiver, &[TYPE]).await;
        let console = Console::of(&stack).sign_in(&organization.new_key("owner").await.1).await;
        Self { stack, console, endpoint, _receiver: receiver }
    }

    fn organization(&self, rest: &str) -> String {
        format!("/organizations/{}{rest}", self.endpoint.organization.id)
    }

    fn path(&self, rest: &str) -> String {
        self.organization(&format!("/endpoints/{}{rest}", self.endpoint.id))
    }

    /// A page once it is there: a message is there for its readers a moment after it was accepted.
    async fn page(&self, path: &str) -> String {
        let look = async || Some(self.console.get(path).await).filter(|reply| reply.status != 404);
        eventually(path, look).await.page(200).to_owned()
    }

    /// A message that came while the endpoint was disabled.
    async fn skipped(&self) -> (String, String) {
        self.endpoint.disable().await;
        let message = self.endpoint.organization.send(TYPE, "{}").await;
        let delivery = self.endpoint.wait_for_status(&message, "exhausted").await;
        (message, delivery["deliveryId"].as_str().unwrap().to_owned())
    }
}

/// The element of that id.
#[track_caller]
fn element(html: &str, id: &str) -> Tag {
    tags(html).into_iter().find(|tag| tag.get("id") == Some(id)).unwrap_or_else(|| panic!("no {id}: {html}"))
}

/// What an address says.
fn said(address: &str) -> BTreeMap<String, String> {
    Url::parse(&format!("https://example.com{address}")).unwrap().query_pairs().into_owned().collect()
}

/// The links of a page with that text.
fn links(html: &str, text: &str) -> Vec<String> {
    let all = tags(html).into_iter().filter(|tag| tag.name == "a" && tag.text == text);
    all.filter_map(|tag| tag.get("href").map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_test_that_has_ended_is_seen_without_asking_again_and_is_tried_again_only_if_so() {
    let scene = Scene::new().await;
    let at = Timestamp::now() - SignedDuration::from_mins(5);
    for (n, http, next) in [(1, 503, Some(at)), (2, 410, None)] {
        let message = MessageId::new(at, spread(n));
        let id = DeliveryId::first(message, scene.endpoint.id.parse().unwrap());
        let status = if next.is_some() { "failed" } else { "exhausted" };
        let mut row = PastDelivery { id, message, status, ..PastDelivery::at(at, n.into()) }.row(&scene.endpoint);
        let number = |value: i64| AttributeValue::N(value.to_string());
        let attempt = [("at", number(at.as_millisecond())), ("ms", number(7)), ("http", number(http))];
        let attempt: HashMap<_, _> = attempt.map(|(name, value)| (name.to_owned(), value)).into();
        row.insert("attempts".to_owned(), AttributeValue::L(vec![AttributeValue::M(attempt)]));
        row.extend(next.map(|next: Timestamp| ("next".to_owned(), number(next.as_millisecond()))));
        history::put(&scene.stack, vec![row]).await;
        let page = scene.page(&scene.path(&format!("?test={message}"))).await;
        let panel = page.split("id=\"test\"").nth(1).unwrap().split("</section>").next().unwrap();
        assert!(element(&page, "test").get("hx-get").is_none(), "{panel}");
        assert!(text(panel).contains(&http.to_string()), "{panel}");
        assert_eq!(panel.contains("due now"), next.is_some(), "{panel}");
    }
}

#[tokio::test]
async fn an_endpoint_that_fails_says_since_when_and_when_it_is_tried_next() {
    let scene = Scene::new().await;
    let now = Timestamp::now();
    let at = |seconds| AttributeValue::N((now + SignedDuration::from_secs(seconds)).as_millisecond().to_string());
    let key = [("PK", format!("ORG#{}", scene.endpoint.organization.id)), ("SK", format!("EP#{}", scene.endpoint.id))];
    let update = scene.stack.dynamodb().update_item().table_name(&scene.stack.table_name);
    key.into_iter()
        .fold(update, |update, (name, value)| update.key(name, AttributeValue::S(value)))
        .update_expression("SET failingSince = :since, failedAttempts = :count, probeAt = :probe")
        .expression_attribute_values(":since", at(-7_200))
        .expression_attribute_values(":count", AttributeValue::N("42".to_owned()))
        .expression_attribute_values(":probe", at(3_700))
        .send()
        .await
        .unwrap();
    let page = text(&scene.page(&scene.path("")).await);
    for word in ["Failing since 2 hours ago", "The last 42 attempts failed", "Next probe: in 1 hour"] {
        assert!(page.contains(word), "{word} in {page}");
    }
    let list = text(&scene.page(&scene.organization("/endpoints")).await);
    assert!(list.contains("Failing") && !list.contains("Active"), "{list}");
}

#[tokio::test]
async fn a_message_says_where_it_was_skipped_and_that_nobody_wanted_it_only_if_so() {
    let scene = Scene::new().await;
    let url = scene.endpoint.get().await["url"].as_str().unwrap().to_owned();
    let (message, delivery) = scene.skipped().await;
    let nobody = scene.endpoint.organization.send("billing.active", "{}").await;
    let page = scene.page(&scene.organization(&format!("/messages/{message}"))).await;
    assert!(text(&page).contains("Skipped") && text(&page).contains(&url), "{page}");
    let [link] = &links(&page, "Delivery")[..] else { panic!("{page}") };
    assert_eq!(scene.console.below(link), scene.path(&format!("/deliveries/{delivery}")));
    scene.console.get(&scene.console.below(link)).await.check_page(200);
    assert!(!text(&page).contains("subscribed"), "{page}");
    let page = scene.page(&scene.organization(&format!("/messages/{nobody}?skip=40"))).await;
    assert!(text(&page).contains("subscribed") && !text(&page).contains("Skipped"), "{page}");
    assert_eq!(links(&page, "Latest"), Vec::<String>::new(), "it has one page");
}

#[tokio::test]
async fn who_enables_an_endpoint_is_led_to_the_replay_of_what_it_has_missed() {
    let scene = Scene::new().await;
    let words = "Replay missed messages";
    let status = scene.path("/status");
    for (page, to) in [(scene.path(""), ""), (scene.organization("/endpoints"), "endpoint")] {
        scene.endpoint.disable().await;
        let since = scene.endpoint.get().await["disabledAt"].as_str().unwrap()[..16].to_owned();
        let reply = scene.console.submit(&page, &status, &[("status", "enabled")]).await;
        let address = scene.console.below(reply.location());
        assert_eq!(said(&address)["since"], since);
        assert!(to.is_empty() || said(&address)[to] == scene.endpoint.id, "{address}");
        let [link] = &links(&scene.page(&address).await, words)[..] else { panic!("{address}") };
        let form = scene.page(&scene.console.below(link)).await;
        let after = tags(&form).into_iter().find(|tag| tag.get("name") == Some("after")).unwrap();
        assert_eq!(after.get("value"), Some(since.as_str()));
        let chosen = tags(&form).into_iter().find(|tag| tag.get("selected").is_some()).unwrap();
        assert_eq!(chosen.get("value"), Some("exhausted"));
    }
    // The test comes before the replay, and the way there stays.
    let enabled = scene.path("?notice=enabled&since=2026-05-30T14:23");
    let reply = scene.console.submit(&enabled, &scene.path("/test"), &[]).await;
    let watched = scene.console.below(reply.location());
    assert_eq!(links(&scene.page(&watched).await, words).len(), 1, "{watched}");
    for address in ["?notice=enabled", "?notice=enabled&since=yesterday", "?since=//evil.example"] {
        assert_eq!(links(&scene.page(&scene.path(address)).await, words), Vec::<String>::new(), "{address}");
    }
    let fields = [("status", "enabled"), ("since", "x&notice=deleted")];
    let reply = scene.console.post(&status, &fields).await;
    assert!(!said(&scene.console.below(reply.location())).contains_key("since"));
}

#[tokio::test]
async fn what_is_copied_is_what_was_sent_to_the_byte() {
    let scene = Scene::new().await;
    let payload = r#"{"b":1.0,"a":"x  \"y\" <&>","n":[1e400,{}]}"#;
    let message = scene.endpoint.organization.send(TYPE, payload).await;
    let delivery = scene.endpoint.wait_for_status(&message, "delivered").await;
    let of_delivery =
        scene.page(&scene.path(&format!("/deliveries/{}", delivery["deliveryId"].as_str().unwrap()))).await;
    let of_message = scene.page(&scene.organization(&format!("/messages/{message}"))).await;
    let body = delivery["payload"].as_str().unwrap();
    for (page, id, sent) in [(of_delivery, "body", body), (of_message, "payload", payload)] {
        assert_eq!(element(&page, &format!("{id}-sent")).text, sent);
        assert!(element(&page, &format!("{id}-sent")).get("hidden").is_some());
        let copies = format!("#{id}-sent");
        assert!(tags(&page).iter().any(|tag| tag.get("data-copy-from") == Some(&copies)), "{page}");
        assert!(element(&page, &format!("{id}-text")).text.contains("\n  \""), "{page}");
    }
    let long = scene.endpoint.organization.send(TYPE, &format!(r#"{{"x":"{}"}}"#, "é".repeat(30_000))).await;
    let page = scene.page(&scene.organization(&format!("/messages/{long}"))).await;
    assert!(!page.contains("payload-sent") && !page.contains("Copy payload"), "half of it would be copied");
}

#[tokio::test]
async fn a_redelivery_leads_back_to_the_history_as_it_was_looked_at() {
    let scene = Scene::new().await;
    let message = scene.endpoint.organization.send(TYPE, "{}").await;
    let delivery = scene.endpoint.wait_for_status(&message, "delivered").await;
    let redeliver = scene.path(&format!("/deliveries/{}/redeliver", delivery["deliveryId"].as_str().unwrap()));
    let filters = format!("?q={message}&status=delivered");
    let reply = scene.console.submit(&scene.path(&filters), &format!("{redeliver}{filters}"), &[]).await;
    let (address, place) = reply.location().split_once('#').unwrap();
    assert_eq!(place, "history");
    let expected = [("notice", "redelivered"), ("q", message.as_str()), ("status", "delivered")];
    let expected: BTreeMap<_, _> = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(said(address), expected);
    let html = scene.page(&scene.console.below(address)).await;
    let all = tags(&html);
    let at = all.iter().position(|tag| tag.get("id") == Some("history")).unwrap();
    assert_eq!(all[at + 1].get("role"), Some("status"), "it is said where one looks");
    let filters = all.iter().find(|tag| tag.get("hx-get").is_some() && tag.name == "form").unwrap();
    assert!(filters.get("action").unwrap().ends_with("#history"));
}

#[tokio::test]
async fn what_is_searched_for_is_found_only_where_the_filters_leave_it() {
    let scene = Scene::new().await;
    let message = scene.endpoint.organization.send(TYPE, "{}").await;
    let delivery = scene.endpoint.wait_for_status(&message, "delivered").await;
    let delivery = delivery["deliveryId"].as_str().unwrap();
    let (now, hour) = (Timestamp::now(), SignedDuration::from_hours(1));
    let (past, future) = ((now - hour).strftime("%Y-%m-%dT%H:%M"), (now + hour).strftime("%Y-%m-%dT%H:%M"));
    for (filter, found) in [
        (format!("eventType={TYPE}&after={past}&before={future}"), true),
        ("eventType=billing.active".to_owned(), false),
        (format!("after={future}"), false),
        (format!("before={past}"), false),
    ] {
        let list = scene.organization(&format!("/messages?q={message}&{filter}"));
        assert_eq!(scene.page(&list).await.contains(&format!("/messages/{message}\"")), found, "{list}");
        for q in [&message, delivery] {
            let history = scene.path(&format!("?q={q}&{filter}"));
            assert_eq!(scene.page(&history).await.contains(&format!("/deliveries/{delivery}\"")), found, "{history}");
        }
    }
    let by_status = scene.path(&format!("?q={message}&status=failed"));
    assert!(!scene.page(&by_status).await.contains(delivery));
    let field = scene.page(&scene.path("?after=2026-05-30T16%3A23%2B02%3A00&eventType=gone.type")).await;
    let after = tags(&field).into_iter().find(|tag| tag.get("name") == Some("after")).unwrap();
    assert_eq!(after.get("value"), Some("2026-05-30T14:23"), "fields for dates know no offset");
    let chosen = tags(&field).into_iter().find(|tag| tag.get("selected").is_some()).unwrap();
    assert_eq!(chosen.text, "gone.type");
}
