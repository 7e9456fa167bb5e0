//! What an earlier version had stored and queued is understood by this one: nothing is lost in an upgrade.

#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a panic is how a test fails")]

use hookbell_testkit::answer::Answer;
use hookbell_testkit::apart::{Apart, new_key};
use hookbell_testkit::clock::Clock;
use hookbell_testkit::console::Console;
use hookbell_testkit::function::{Function, Surroundings};
use hookbell_testkit::gateway::Place;
use hookbell_testkit::queue::Queue;
use hookbell_testkit::receiver::{Arrival, Receiver};
use hookbell_testkit::recording::{QueueName, Queued, Recording};
use hookbell_testkit::stack::Stack;
use serde_json::{Map, Value, json};

const STARTED: &str = "environment.started";
const STOPPED: &str = "environment.stopped";
const FAILED: &str = "environment.failed";
const CREATED: &str = "sandbox.created";
const ENVELOPES: &str = "org_envelopes";
const FLAT: &str = "org_flat";
const IN_LINE: &str = "org_in_line";

/// The functions beside their own table.
struct Scene {
    apart: Apart,
    api: Function,
    sender: Function,
    dlq: Function,
    admin_key: String,
}

impl Scene {
    async fn new(stack: &Stack, apart: Apart, clock: &Clock) -> Self {
        let start = async |name| {
            let surroundings = Surroundings { clock: Some(clock.clone()), log: None };
            let function = Function::start_in(name, apart.bench.environment_of(name), surroundings).await;
            function.ready().await;
            function
        };
        let (api, sender, dlq) = (start("api").await, start("sender").await, start("dlq").await);
        Self { apart, api, sender, dlq, admin_key: stack.admin_key.clone() }
    }

    async fn try_call(&self, key: &str, method: &str, path: &str, body: &Value) -> (u64, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.apart.bench.call_with(key, &self.api, method, path, &body).await;
        let body = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap_or_default();
        (answer["statusCode"].as_u64().unwrap(), body)
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.try_call(&self.admin_key, method, path, &body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    async fn get(&self, path: &str) -> Value {
        self.call("GET", path, Value::Null).await
    }

    async fn endpoint(&self, organization: &str, receiver: &Receiver, path: &str, more: Value) -> (String, String) {
        let mut wanted = json!({ "url": format!("https://{}/{path}", receiver.authority()) });
        wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = self.call("POST", &managing(organization, ""), wanted).await;
        (text(&made["endpoint"]["endpointId"]), text(&made["secret"]))
    }

    async fn send(&self, organization: &str, event_type: &str, payload: Value, event_id: Option<&str>) -> String {
        let mut body = json!({ "eventType": event_type, "payload": payload });
        if let Some(event_id) = event_id {
            body["eventId"] = json!(event_id);
        }
        text(&self.call("POST", &sending(organization, "/send"), body).await["id"])
    }

    /// Every delivery of an endpoint.
    async fn deliveries(&self, organization: &str, endpoint: &str) -> Vec<Value> {
        let page = self.get(&managing(organization, &format!("/{endpoint}/deliveries?limit=100"))).await;
        page["deliveries"].as_array().unwrap().clone()
    }

    /// Has the functions do all that is queued, and what follows from it.
    async fn finish(&self) {
        let bench = &self.apart.bench;
        while !all_empty(self).await {
            for (queue, function) in [
                (&bench.events, &self.sender),
                (&bench.events_fifo, &self.sender),
                (&bench.deliveries, &self.sender),
                (&bench.lines, &self.sender),
                (&bench.deliveries_dead_letters, &self.dlq),
            ] {
                queue.feed_until_empty(function).await;
            }
        }
    }

    /// Gives a function one record, and fails where it wants it again.
    async fn play(&self, queued: &Queued) {
        let mut record = queued.record.clone();
        record["eventSourceARN"] = json!(queued.queue.of(&self.apart.bench).arn().await);
        let function = if queued.queue == QueueName::DeliveriesDeadLetters { &self.dlq } else { &self.sender };
        let answer = function.invoke(&json!({ "Records": [record] })).await.answered();
        assert_eq!(answer, json!({ "batchItemFailures": [] }), "{queued:?}");
    }
}

async fn all_empty(scene: &Scene) -> bool {
    for queue in QueueName::ALL {
        if !queue.of(&scene.apart.bench).is_empty().await {
            return false;
        }
    }
    true
}

fn managing(organization: &str, rest: &str) -> String {
    format!("/organizations/{organization}/webhooks{rest}")
}

fn sending(organization: &str, rest: &str) -> String {
    format!("/webhooks/organizations/{organization}{rest}")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn resource() -> Value {
    json!({ "resource": { "type": "environment", "id": "env_1", "name": "my-box" } })
}

fn failed() -> Value {
    json!({ "resource": { "type": "environment", "id": "env_1", "name": "my-box" }, "reason": "none" })
}

fn arrived(receiver: &Receiver, path: &str) -> Vec<Arrival> {
    receiver.arrivals().into_iter().filter(|arrival| arrival.path == path).collect()
}

/// Makes one of everything that is stored or queued, and leaves it there.
#[tokio::test]
#[ignore = "makes the recording of this version, which later ones are tried with: `make recording`"]
async fn record() {
    let stack = Stack::load();
    let receiver = Receiver::start(&stack, |arrival, _| match arrival.path.as_str() {
        "/failing" | "/line" => Answer::status(500),
        "/gone" => Answer::status(410),
        "/ending" => Answer::status(500).header("webhook-delivery", "disable"),
        _ => Answer::status(200),
    })
    .await;
    let key = new_key();
    let scene = Scene::new(&stack, Apart::new(&stack, &key).await, &Clock::shifted_by(0)).await;
    let mut facts = Map::new();
    let mut know = |name: &str, value: &str| drop(facts.insert(name.to_owned(), json!(value)));
    for (organization, profile) in [(ENVELOPES, "slothbox"), (FLAT, "daytona"), (IN_LINE, "slothbox")] {
        scene.call("POST", &sending(organization, "/initialize"), json!({ "profile": profile })).await;
    }
    let types = json!({ "eventTypes": ["*"] });
    let some = |more: Value| {
        let mut options = types.as_object().unwrap().clone();
        options.extend(more.as_object().unwrap().clone());
        Value::Object(options)
    };
    let sealed = some(json!({ "v1a": true, "svixHeaders": true, "headers": { "X-Key": "abc" },
        "filter": { "type": [{ "prefix": "env" }, { "prefix": "webhook" }] }, "description": "Everything" }));
    let mut endpoints = Vec::new();
    for (organization, path, options) in [
        (ENVELOPES, "sealed", sealed),
        (ENVELOPES, "limited", json!({ "eventTypes": [STARTED], "rateLimit": 1 })),
        (ENVELOPES, "failing", json!({ "eventTypes": [FAILED, STARTED] })),
        (ENVELOPES, "gone", json!({ "eventTypes": [STOPPED] })),
        (ENVELOPES, "ending", json!({ "eventTypes": [STOPPED] })),
        (FLAT, "flat", types.clone()),
        (IN_LINE, "line", some(json!({ "ordered": true }))),
    ] {
        let (id, secret) = scene.endpoint(organization, &receiver, path, options).await;
        know(path, &id);
        know(&format!("{path} secret"), &secret);
        endpoints.push(id);
    }
    let bench = &scene.apart.bench;

    // One that ends after its whole schedule; what ends is on the dead-letter queue.
    know("exhausted", &scene.send(ENVELOPES, FAILED, failed(), None).await);
    bench.events.feed_until_empty(&scene.sender).await;
    bench.deliveries.feed_until_empty(&scene.sender).await;
    // Two that end by their receiver's word, and what is delivered.
    know("delivered", &scene.send(ENVELOPES, STOPPED, resource(), Some("evt-stopped")).await);
    scene.send(FLAT, CREATED, flat(), None).await;
    // Retries, and what waits for its slot.
    for _ in 0..3 {
        scene.send(ENVELOPES, STARTED, resource(), None).await;
    }
    bench.events.feed_until_empty(&scene.sender).await;
    // In line, its head tried once.
    for _ in 0..2 {
        scene.send(IN_LINE, STARTED, resource(), None).await;
    }
    bench.events_fifo.feed(&scene.sender).await;
    bench.lines.feed(&scene.sender).await;

    // What somebody asked for.
    let asked = [(ENVELOPES, &endpoints[0]), (FLAT, &endpoints[5])];
    for (organization, endpoint) in asked {
        let newest = scene.deliveries(organization, endpoint).await[0].clone();
        know(&format!("redelivered of {organization}"), newest["webhookId"].as_str().unwrap());
        let delivery = text(&newest["deliveryId"]);
        let path = managing(organization, &format!("/{endpoint}/deliveries/{delivery}/redeliver"));
        scene.call("POST", &path, Value::Null).await;
    }
    let replay = managing(ENVELOPES, &format!("/{}/replay", endpoints[0]));
    scene.call("POST", &replay, json!({ "after": "2020-01-01T00:00:00Z" })).await;
    scene.call("POST", &managing(ENVELOPES, &format!("/{}/ping", endpoints[0])), Value::Null).await;
    // Accepted, and not read yet.
    know("accepted", &scene.send(ENVELOPES, STARTED, resource(), Some("evt-started")).await);
    know("accepted in line", &scene.send(IN_LINE, STARTED, resource(), None).await);
    know("accepted flat", &scene.send(FLAT, CREATED, flat(), None).await);

    let made = scene.call("POST", &format!("/organizations/{ENVELOPES}/api-keys"), json!({ "role": "owner" })).await;
    know("key", made["key"].as_str().unwrap());
    let portal = scene.call("POST", &sending(ENVELOPES, "/app-portal-access"), Value::Null).await;
    know("token", portal["token"].as_str().unwrap());
    let console = Console::through(&scene.api, Place::Stage).sign_in(made["key"].as_str().unwrap()).await;
    know("cookie", &console.cookie());
    let page = scene.get(&managing(ENVELOPES, &format!("/{}/deliveries?limit=1", endpoints[0]))).await;
    know("cursor", page["cursor"].as_str().unwrap());

    let mut recording = Recording::take(&scene.apart, &receiver, &key, facts).await;
    complete(&mut recording);
    check_complete(&recording);
    println!("{}", recording.write().display());
}

fn flat() -> Value {
    json!({ "event": CREATED, "timestamp": "2026-05-30T14:23:00.000Z", "id": "sandbox123", "organizationId": FLAT,
        "state": "started", "class": "small", "createdAt": "2026-05-30T14:23:00.000Z" })
}

/// Adds what takes hours to come about by itself: a retry that SQS gave up, and one that was put back for its endpoint's
/// health. They are other forms of a retry that is there.
fn complete(recording: &mut Recording) {
    let waiting = recording.records.iter().find(|queued| queued.queue == QueueName::Deliveries);
    let waiting = waiting.unwrap().clone();
    let mut held: Value = serde_json::from_str(waiting.body()).unwrap();
    held["heldSince"] = held["dueAt"].clone();
    let mut held_record = waiting.clone();
    held_record.record["body"] = json!(held.to_string());
    recording.records.push(held_record);
    recording.records.push(Queued { queue: QueueName::DeliveriesDeadLetters, record: waiting.record });
}

/// Fails unless everything that a version puts on a queue is there.
fn check_complete(recording: &Recording) {
    let has = |queue: QueueName, fields: &[&str]| {
        let found = recording.records.iter().filter(|queued| queued.queue == queue).any(|queued| {
            let body: Value = serde_json::from_str(queued.body()).unwrap();
            fields.iter().all(|field| !body[*field].is_null())
        });
        assert!(found, "no record of {queue:?} with {fields:?}");
    };
    has(QueueName::Events, &["messageId", "eventId", "revision"]);
    has(QueueName::Events, &["messageId", "only"]);
    has(QueueName::EventsFifo, &["messageId"]);
    has(QueueName::Deliveries, &["slot"]);
    has(QueueName::Deliveries, &["manual"]);
    has(QueueName::Deliveries, &["makes"]);
    has(QueueName::Deliveries, &["replayId"]);
    has(QueueName::Deliveries, &["heldSince"]);
    has(QueueName::DeliveriesFifo, &["deliveryId"]);
    has(QueueName::DeliveriesDeadLetters, &["deliveryId", "dueAt"]);
    for reason in ["exhausted", "gone", "disable"] {
        let ended = format!(r#""endedBecause":"{reason}""#);
        assert!(recording.records.iter().any(|queued| queued.body().contains(&ended)), "nothing {reason}");
    }
}

#[tokio::test]
async fn what_an_earlier_version_had_stored_and_queued_is_understood_and_ends_well() {
    let stack = Stack::load();
    let recordings = Recording::all();
    assert!(!recordings.is_empty());
    for recording in recordings {
        println!("as {} left it", recording.version);
        play(&stack, &recording).await;
    }
}

async fn play(stack: &Stack, recording: &Recording) {
    let receiver = Receiver::always(stack, 200).await;
    let (recorded, apart) = recording.restore(stack, &receiver).await;
    let clock = Clock::shifted_by(recorded.recorded_at_ms - jiff::Timestamp::now().as_millisecond());
    let scene = Scene::new(stack, apart, &clock).await;
    check_readable(&scene, &recorded).await;
    for queued in &recorded.records {
        scene.play(queued).await;
    }
    scene.finish().await;
    check_nothing_lost(&scene, &recorded, &receiver).await;
}

/// What customers hold goes on: keys, tokens, sessions, cursors, secrets, event ids.
async fn check_readable(scene: &Scene, recorded: &Recording) {
    let sealed = recorded.fact("sealed");
    for held in ["key", "token"] {
        let path = managing(ENVELOPES, &format!("/{sealed}/secret"));
        let (status, answer) = scene.try_call(recorded.fact(held), "GET", &path, &Value::Null).await;
        assert_eq!((status, &answer["secret"]), (200, &json!(recorded.fact("sealed secret"))), "{held}: {answer}");
    }
    let console = Console::through(&scene.api, Place::Stage).with_cookie(Some(recorded.fact("cookie")));
    console.get(&format!("/organizations/{ENVELOPES}/endpoints/{sealed}")).await.check(200);
    let rest = managing(ENVELOPES, &format!("/{sealed}/deliveries?cursor={}", recorded.fact("cursor")));
    assert!(!scene.get(&rest).await["deliveries"].as_array().unwrap().is_empty());
    let again = json!({ "eventType": STOPPED, "payload": resource(), "eventId": "evt-stopped" });
    assert_eq!(scene.try_call(&scene.admin_key, "POST", &sending(ENVELOPES, "/send"), &again).await.0, 409);
    let shown = scene.get(&managing(ENVELOPES, &format!("/{sealed}"))).await["endpoint"].clone();
    assert_eq!(shown["description"], "Everything");
    let delivered = sending(ENVELOPES, &format!("/messages/{}/attempts", recorded.fact("delivered")));
    let attempts = scene.get(&delivered).await;
    let statuses: Vec<_> =
        attempts.as_array().unwrap().iter().map(|attempt| attempt["responseStatusCode"].clone()).collect();
    for status in [200, 410, 500] {
        assert!(statuses.contains(&json!(status)), "{attempts}");
    }
}

async fn check_nothing_lost(scene: &Scene, recorded: &Recording, receiver: &Receiver) {
    let bench = &scene.apart.bench;
    for (name, queue) in [("rejected", &bench.events_dead_letters), ("parked", &bench.parked)] {
        let queue: &Queue = queue;
        assert!(queue.is_empty().await, "{name}");
    }
    for (organization, path, message) in [
        (ENVELOPES, "sealed", "accepted"),
        (ENVELOPES, "limited", "accepted"),
        (ENVELOPES, "failing", "accepted"),
        (IN_LINE, "line", "accepted in line"),
        (FLAT, "flat", "accepted flat"),
    ] {
        let arrivals = arrived(receiver, &format!("/{path}"));
        assert!(arrivals.iter().any(|arrival| arrival.message_id() == recorded.fact(message)), "{path}");
        for arrival in &arrivals {
            arrival.verify_at_its_time(recorded.fact(&format!("{path} secret")));
        }
        // Nothing waits any more, and only that had ended which was ended when it was recorded.
        for delivery in scene.deliveries(organization, recorded.fact(path)).await {
            let ended = path == "failing" && delivery["webhookId"] == recorded.fact("exhausted");
            assert_eq!(delivery["status"], if ended { "exhausted" } else { "delivered" }, "{path}: {delivery}");
        }
    }
    let line: Vec<String> = arrived(receiver, "/line").iter().map(|arrival| arrival.message_id().to_owned()).collect();
    assert!(line.is_sorted() && line.len() == 3, "{line:?}");
    let pinged = arrived(receiver, "/sealed").iter().any(|arrival| arrival.json()["type"] == "webhook.ping");
    assert!(pinged, "the test of an endpoint");
    for (path, reason) in [("gone", "410 Gone"), ("ending", "")] {
        let endpoint = scene.get(&managing(ENVELOPES, &format!("/{}", recorded.fact(path)))).await["endpoint"].clone();
        assert_eq!(endpoint["status"], "disabled");
        assert!(endpoint["disabledReason"].as_str().unwrap().contains(reason), "{endpoint}");
    }
    // Once at first, once as a redelivery, once by the replay; or by hand on the same delivery.
    for (organization, path, count) in [(ENVELOPES, "sealed", 3), (FLAT, "flat", 1)] {
        let redelivered = recorded.fact(&format!("redelivered of {organization}"));
        let mut deliveries = scene.deliveries(organization, recorded.fact(path)).await;
        deliveries.retain(|delivery| delivery["webhookId"] == redelivered);
        assert_eq!(deliveries.len(), count, "{deliveries:?}");
        assert!(!receiver.arrivals_of(redelivered).is_empty(), "{path}");
    }
    let replays = managing(ENVELOPES, &format!("/{}/replay", recorded.fact("sealed")));
    let replay = scene.get(&replays).await;
    assert_eq!(replay["replays"][0]["state"], "finished", "{replay}");
}
