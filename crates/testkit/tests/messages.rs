//! Messages as the API shows them: as their producers gave them, page by page.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use hookbell_domain::ids::MessageId;
use hookbell_testkit::api::keys;
use hookbell_testkit::fresh;
use hookbell_testkit::function::Function;
use hookbell_testkit::history::{self, spread};
use hookbell_testkit::organization::Organization;
use hookbell_testkit::patience::eventually;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const ODD: &str = r#"{"z":1.0,"a":1e5,"u":"é é","n":12345678901234567890123,"q":"\\\",\"data\":","e":{}}"#;

struct Scene {
    stack: Stack,
    bench: Workbench,
    api: Function,
    organization: Organization,
}

impl Scene {
    async fn new(profile: &str) -> Self {
        let stack = Stack::load();
        let organization = Organization::new(&stack, profile).await;
        let bench = Workbench::new(&stack).await;
        let api = bench.function("api").await;
        Self { stack, bench, api, organization }
    }

    /// Puts the rows of so many messages, one every second and of two types in turn; gives their ids, newest first.
    async fn past(&self, messages: u64, text: &str) -> Vec<MessageId> {
        let now = Timestamp::now();
        let ids: Vec<MessageId> = (0..messages)
            .map(|n| MessageId::new(now - SignedDuration::from_secs(i64::try_from(n).unwrap()), spread(n)))
            .collect();
        let rows =
            ids.iter().zip(["environment.started", "billing.active"].into_iter().cycle()).map(|(id, event_type)| {
                let body =
                    format!(r#"{{"id":"{id}","type":"{event_type}","timestamp":"t","data":{{"text":"{text}"}}}}"#);
                history::message(&self.organization, *id, event_type, &body)
            });
        history::put(&self.stack, rows.collect()).await;
        ids
    }

    async fn pages(&self, parameters: &str) -> Vec<Vec<Value>> {
        let (mut pages, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = self.organization.sending(&format!("/messages?{parameters}{cursor}"));
            let answer = self.bench.get(&self.api, &path).await.expect(200);
            pages.push(answer["messages"].as_array().unwrap().clone());
            let Some(next) = answer.get("cursor") else { return pages };
            cursor = format!("&cursor={}", next.as_str().unwrap());
        }
    }

    /// The body of a call's answer once the message is there.
    async fn shown(&self, path: &str, message: &str) -> String {
        eventually("the message", async || {
            let reply = self.bench.get(&self.api, path).await;
            let text = String::from_utf8(reply.body).unwrap();
            (reply.status == 200 && text.contains(message)).then_some(text)
        })
        .await
    }
}

fn ids(messages: &[Value]) -> Vec<String> {
    messages.iter().map(|message| message["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_payload_is_shown_as_its_producer_gave_it() {
    for profile in ["slothbox", "daytona"] {
        let scene = Scene::new(profile).await;
        let event_type = scene.organization.profile.event_types[0].name;
        let event_id = format!("evt_{}", fresh());
        let sent = scene.organization.try_send(event_type, &format!(" {ODD} "), Some(&event_id)).await.expect(200);
        let id = sent["id"].as_str().unwrap();
        let one = scene.shown(&scene.organization.sending(&format!("/messages/{id}")), id).await;
        assert!(one.contains(&format!(r#""payload":{ODD}"#)), "{one}");
        let shown: Value = serde_json::from_str(&one).unwrap();
        assert_eq!(keys(&shown), ["eventId", "eventType", "id", "payload", "timestamp"]);
        let accepted = id.parse::<MessageId>().unwrap().created_at();
        assert_eq!((&shown["id"], &shown["eventType"]), (&json!(id), &json!(event_type)));
        assert_eq!((&shown["eventId"], &shown["timestamp"]), (&json!(event_id), &json!(format!("{accepted:.3}"))));
        let list = scene.shown(&scene.organization.sending("/messages"), id).await;
        assert_eq!(list, format!(r#"{{"messages":[{one}]}}"#));

        let unnamed = scene.organization.send(event_type, "{}").await;
        let one = scene.shown(&scene.organization.sending(&format!("/messages/{unnamed}")), &unnamed).await;
        assert_eq!(keys(&serde_json::from_str(&one).unwrap()), ["eventType", "id", "payload", "timestamp"]);
        let list: Value =
            serde_json::from_str(&scene.shown(&scene.organization.sending("/messages"), &unnamed).await).unwrap();
        assert_eq!(ids(list["messages"].as_array().unwrap()), [unnamed, id.to_owned()], "newest first");
    }
}

#[tokio::test]
async fn messages_are_paged_through_newest_first_and_by_what_is_looked_for() {
    let scene = Scene::new("slothbox").await;
    let past = scene.past(230, "x").await;
    let all: Vec<String> = past.iter().map(MessageId::to_string).collect();
    let every_other = |first: usize| all[first..].iter().step_by(2).cloned().collect::<Vec<_>>();
    let time = |place: usize| past[place].created_at();
    for (parameters, expected) in [
        ("limit=100".to_owned(), all.clone()),
        ("limit=41".to_owned(), all.clone()),
        ("limit=100&eventType=billing.active".to_owned(), every_other(1)),
        ("limit=23&eventType=environment.started".to_owned(), every_other(0)),
        ("eventType=no.such.type".to_owned(), Vec::new()),
        (format!("after={}&before={}", time(99), time(9)), all[10..100].to_vec()),
    ] {
        let pages = scene.pages(&parameters).await;
        assert_eq!(ids(&pages.concat()), expected, "{parameters}");
        if !parameters.contains("eventType") {
            let (_, full) = pages.split_last().unwrap();
            assert!(full.iter().all(|page| page.len() == full[0].len()), "{parameters}");
        }
    }
    drop(scene.bench.proxy.take_usage());
    scene.bench.get(&scene.api, &scene.organization.sending("/messages")).await.check(200);
    assert_eq!(scene.bench.proxy.take_usage().all_calls(), [("GetItem", 1), ("Query", 8)]);
}

#[tokio::test]
async fn a_page_of_large_messages_is_cut_and_goes_on() {
    let scene = Scene::new("slothbox").await;
    let past = scene.past(24, &"x".repeat(250_000)).await;
    let pages = scene.pages("limit=100").await;
    assert_eq!(ids(&pages.concat()), past.iter().map(MessageId::to_string).collect::<Vec<_>>());
    assert!(pages.iter().all(|page| page.len() <= 5) && pages.len() >= 5);
}

#[tokio::test]
async fn what_is_not_there_or_wrong_is_refused_by_its_name() {
    let scene = Scene::new("slothbox").await;
    let [theirs] = scene.past(1, "x").await[..] else { panic!("one") };
    let other = Organization::new(&scene.stack, "slothbox").await;
    let unknown = Organization::unheard_of(&scene.stack, "slothbox");
    for (path, message) in [
        (unknown.sending("/messages"), "Organization not found"),
        (unknown.sending(&format!("/messages/{theirs}")), "Organization not found"),
        (unknown.sending("/messages/nonsense"), "Organization not found"),
        (other.sending(&format!("/messages/{theirs}")), "Message not found"),
        (other.sending("/messages/nonsense"), "Message not found"),
    ] {
        let reply = scene.bench.get(&scene.api, &path).await;
        reply.check_refused(404, &path);
        assert_eq!(reply.json()["message"], message, "{path}");
    }
    let path = scene.organization.sending("/messages");
    for (parameters, fields) in [
        ("cursor=nonsense", ["cursor"].as_slice()),
        ("after=2026-05-30T25:00:00Z", &["after"]),
        ("before=now&eventType=", &["before", "eventType"]),
    ] {
        let reply = scene.bench.get(&scene.api, &format!("{path}?{parameters}")).await;
        reply.check_refused_fields(&path, fields);
    }
}

#[tokio::test]
async fn an_organization_is_initialized_or_not_there() {
    let scene = Scene::new("daytona").await;
    let path = scene.organization.sending("/initialization-status");
    let status = scene.bench.get(&scene.api, &path).await.expect(200);
    let again = scene.organization.initialize(&json!({})).await.expect(201);
    let expected = json!({
        "organizationId": scene.organization.id,
        "svixApplicationId": scene.organization.id,
        "lastError": null,
        "retryCount": 0,
        "createdAt": again["createdAt"],
        "updatedAt": again["updatedAt"],
    });
    assert_eq!(status, expected, "null is there, and not left out");
    let unknown = Organization::unheard_of(&scene.stack, "daytona").sending("/initialization-status");
    let reply = scene.bench.get(&scene.api, &unknown).await;
    reply.check_refused(404, &unknown);
    assert_eq!(reply.json()["message"], "Webhook initialization status not found");
}

#[tokio::test]
async fn webhooks_are_enabled() {
    let scene = Scene::new("daytona").await;
    assert_eq!(scene.bench.get(&scene.api, "/webhooks/status").await.expect(200), json!({ "enabled": true }));
}

#[tokio::test]
async fn a_call_leaves_one_line_in_the_log_that_tells_nothing_of_its_parameters() {
    let scene = Scene::new("slothbox").await;
    let path = scene.organization.sending("/messages?eventType=very.secret");
    scene.bench.get(&scene.api, &path).await.check(200);
    scene.bench.get(&scene.api, "/no-such-path").await.check(404);
    let lines = eventually("both lines", async || {
        let output = scene.api.output();
        let lines = output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let called: Vec<Value> = lines.filter(|line| line["message"] == "api.called").collect();
        (called.len() == 2).then_some(called)
    })
    .await;
    let told = |line: &Value| (line["method"].clone(), line["route"].clone(), line["status"].clone());
    let route = "/webhooks/organizations/{organization}/messages";
    assert_eq!(told(&lines[0]), (json!("GET"), json!(route), json!(200)));
    assert_eq!(told(&lines[1]), (json!("GET"), json!("none"), json!(404)));
    assert!(lines[0]["duration_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(lines[0]["organization_id"], scene.organization.id);
    assert_eq!((&lines[0]["caller"], &lines[0]["role"]), (&json!("admin"), &json!("admin")));
    assert!(!scene.api.output().contains("very.secret"));
}
