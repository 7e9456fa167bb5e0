//! Ordered endpoints with several senders at work, senders that die, and an AWS that fails them.

#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a panic is how a test fails")]

use futures_util::future::join_all;
use hookbell_testkit::answer::Answer;
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::function::{Function, Outcome};
use hookbell_testkit::gateway;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::patience::eventually;
use hookbell_testkit::proxy::{At, Which};
use hookbell_testkit::queue::{Queue, handed_out};
use hookbell_testkit::receiver::{Arrival, Receiver};
use hookbell_testkit::rows;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use serde_json::{Value, json};

/// An organization with an ordered endpoint, whose receiver refuses every third message at first.
struct Scene {
    stack: Stack,
    organization: Organization,
    bench: Workbench,
    receiver: Receiver,
    endpoint: Endpoint,
}

fn number(arrival: &Arrival) -> u64 {
    arrival.json()["n"].as_u64().unwrap()
}

impl Scene {
    async fn new() -> Self {
        let stack = Stack::load();
        let organization = Organization::new(&stack, "daytona").await;
        let receiver = Receiver::start(&stack, |arrival, seen| {
            Answer::status(if number(arrival).is_multiple_of(3) && seen < 2 { 500 } else { 200 })
        })
        .await;
        let endpoint = organization.endpoint_with(&receiver, &["*"], json!({ "ordered": true })).await;
        Self { bench: Workbench::new(&stack).await, stack, organization, receiver, endpoint }
    }

    /// Puts events where they keep their order, the first of that number.
    async fn put(&self, numbers: std::ops::Range<u64>) {
        for n in numbers {
            let event = json!({ "event": "sandbox.created", "organizationId": self.organization.id, "n": n });
            self.bench.events_fifo.put_in_group(&self.organization.id, &event.to_string()).await;
        }
    }

    /// Has a new instance do all that is left to do.
    async fn finish(&self) {
        self.bench.proxy.relent();
        let sender = self.bench.function("sender").await;
        self.bench.events_fifo.feed_until_empty(&sender).await;
        self.bench.lines.feed_until_empty(&sender).await;
    }

    /// Lets the time pass for which a sender that has died holds attempts.
    async fn end_claims(&self) {
        for delivery in self.endpoint.deliveries().await {
            rows::end_claim(&self.stack, &self.endpoint, delivery["deliveryId"].as_str().unwrap()).await;
        }
    }

    /// Fails unless each of so many messages has arrived in its order and has one delivery, which is recorded as
    /// delivered; gives how many requests there were.
    async fn check_in_order(&self, messages: u64) -> usize {
        let arrivals = self.receiver.arrivals();
        let mut order: Vec<u64> = arrivals.iter().map(number).collect();
        order.dedup();
        assert_eq!(order, (0..messages).collect::<Vec<_>>());
        let deliveries = self.endpoint.deliveries().await;
        assert_eq!(deliveries.len(), order.len());
        for delivery in &deliveries {
            assert_eq!((&delivery["status"], delivery.get("nextRetryAt")), (&json!("delivered"), None), "{delivery}");
        }
        assert!(self.bench.deliveries.is_empty().await && self.bench.deliveries_dead_letters.is_empty().await);
        arrivals.len()
    }
}

/// How many requests so many messages take where nothing goes wrong on our side.
fn requests(messages: u64) -> usize {
    usize::try_from(messages + messages.div_ceil(3)).unwrap()
}

#[tokio::test]
async fn several_senders_at_once_keep_the_order() {
    let scene = Scene::new().await;
    let bench = &scene.bench;
    for queue in [&bench.events_fifo, &bench.lines] {
        // Nobody gets what another one is still at.
        queue.set("VisibilityTimeout".into(), "60".to_owned()).await;
    }
    let senders = join_all((0..3).map(|_| bench.function("sender"))).await;
    let work = async |queue: &Queue, sender: &Function| queue.feed_until_empty(sender).await;
    scene.put(0..24).await;
    let fan_outs = join_all(senders.iter().map(|sender| work(&bench.events_fifo, sender)));
    tokio::join!(fan_outs, scene.put(24..36));
    bench.events_fifo.feed_until_empty(&senders[0]).await;
    join_all(senders.iter().map(|sender| work(&bench.lines, sender))).await;
    assert_eq!(scene.check_in_order(36).await, requests(36));
}

#[tokio::test]
async fn two_senders_that_were_given_the_same_records_keep_the_order() {
    let scene = Scene::new().await;
    scene.put(0..6).await;
    let senders = join_all((0..2).map(|_| scene.bench.function("sender"))).await;
    scene.bench.events_fifo.feed_until_empty(&senders[0]).await;
    let in_line = scene.bench.lines.find("all", 6, |_| true).await;
    let arn = scene.bench.lines.arn().await;
    let now = jiff::Timestamp::now().as_millisecond();
    let records = in_line.iter().map(|message| {
        let id = message.message_id().unwrap();
        handed_out(id, message.body().unwrap(), now, 2, &arn)["Records"][0].clone()
    });
    let batch = json!({ "Records": records.collect::<Vec<_>>() });
    let done = json!({ "batchItemFailures": [] });
    // One finds the head taken, and its records come again, until all are over.
    eventually("all to be over", async || {
        let answers = join_all(senders.iter().map(|sender| sender.invoke(&batch))).await;
        answers.into_iter().all(|answer| answer.answered() == done).then_some(())
    })
    .await;
    scene.check_in_order(6).await;
}

#[tokio::test]
async fn a_record_that_is_no_delivery_is_parked_and_its_line_goes_on() {
    let scene = Scene::new().await;
    scene.bench.lines.put_in_group(&scene.endpoint.id, "{}").await;
    scene.put(1..2).await;
    let sender = scene.bench.function("sender").await;
    scene.bench.events_fifo.feed(&sender).await;
    let fed = scene.bench.lines.feed(&sender).await;
    assert_eq!((fed.records, fed.again), (2, 0));
    assert_eq!((scene.bench.parked.len().await, scene.receiver.arrivals().len()), (1, 1));
}

#[tokio::test]
async fn a_receiver_that_wants_no_more_is_spared_what_stands_in_line() {
    let scene = Scene::new().await;
    let gone = Receiver::always(&scene.stack, 410).await;
    scene.endpoint.patch(json!({ "url": gone.url() })).await;
    scene.put(0..4).await;
    let (sender, dlq) = (scene.bench.function("sender").await, scene.bench.function("dlq").await);
    scene.bench.events_fifo.feed_until_empty(&sender).await;
    let fed = scene.bench.lines.feed(&sender).await;
    assert_eq!((fed.records, fed.again), (4, 3));
    scene.bench.deliveries_dead_letters.feed(&dlq).await;
    scene.bench.lines.feed_until_empty(&sender).await;
    assert_eq!(gone.arrivals().len(), 1);
    let deliveries = scene.endpoint.deliveries().await;
    assert_eq!(deliveries.iter().filter(|delivery| delivery["skipped"] == "endpoint disabled").count(), 3);
}

async fn check_killed_at_the_line(at: At) {
    let scene = Scene::new().await;
    scene.put(0..5).await;
    let first = scene.bench.function("sender").await;
    scene.bench.events_fifo.feed_until_empty(&first).await;
    let second = scene.bench.function("sender").await;
    at.arrange(&scene.bench.proxy, &second);
    while !matches!(scene.bench.lines.feed(&second).await.outcome, Outcome::Died(_)) {}
    scene.end_claims().await;
    scene.finish().await;
    let made = scene.check_in_order(5).await;
    assert!((0..=1).contains(&(made - requests(5))), "{at:?}: {made} requests");
}

#[tokio::test]
async fn a_sender_that_is_killed_at_a_line_repeats_one_request_at_most_and_keeps_the_order() {
    // Claims and records alternate; what it has to wait for is kept back.
    let calls = [
        At::After("UpdateItem", 1),
        At::Before("UpdateItem", 2),
        At::After("UpdateItem", 2),
        At::After("ChangeMessageVisibilityBatch", 1),
        At::After("UpdateItem", 5),
        At::Before("UpdateItem", 6),
        At::After("UpdateItem", 8),
    ];
    join_all(calls.map(check_killed_at_the_line)).await;
}

async fn check_killed_at_the_fan_out(at: At) {
    let scene = Scene::new().await;
    scene.put(0..5).await;
    let sender = scene.bench.function("sender").await;
    at.arrange(&scene.bench.proxy, &sender);
    let fed = scene.bench.events_fifo.feed(&sender).await;
    assert!(matches!(fed.outcome, Outcome::Died(_)), "{at:?}: {fed:?}");
    scene.finish().await;
    assert_eq!(scene.check_in_order(5).await, requests(5), "{at:?}");
}

#[tokio::test]
async fn a_sender_that_is_killed_at_the_fan_out_repeats_nothing_and_keeps_the_order() {
    let calls = [
        At::Before("BatchExecuteStatement", 1),
        At::After("BatchExecuteStatement", 1),
        At::Before("BatchWriteItem", 1),
        At::After("BatchWriteItem", 1),
        At::Before("SendMessageBatch", 3),
        At::After("SendMessageBatch", 3),
    ];
    join_all(calls.map(check_killed_at_the_fan_out)).await;
}

#[tokio::test]
async fn a_failure_of_ours_keeps_back_all_that_stand_behind() {
    // Of five, on their way into the line and in it, where the first one is tried again.
    let calls =
        [("BatchExecuteStatement", 1), ("SendMessageBatch", 3), ("UpdateItem", 3), ("UpdateItem", 4), ("GetItem", 3)];
    let check = async |(operation, number)| {
        let scene = Scene::new().await;
        scene.put(0..5).await;
        let sender = scene.bench.function("sender").await;
        scene.bench.proxy.refuse(operation, Which::Number(number));
        let fed = scene.bench.events_fifo.feed(&sender).await;
        match operation {
            "BatchExecuteStatement" => assert_ne!(fed.again, 0),
            "SendMessageBatch" => assert_eq!(fed.again, 3, "itself, and those behind it"),
            _ => assert_eq!(fed.again, 0),
        }
        scene.bench.events_fifo.feed_until_empty(&sender).await;
        for _ in 0..2 {
            scene.bench.lines.feed(&sender).await;
        }
        scene.end_claims().await;
        scene.finish().await;
        scene.check_in_order(5).await;
    };
    join_all(calls.map(check)).await;
}

#[tokio::test]
async fn a_delivery_that_senders_die_of_steps_out_of_its_line() {
    let scene = Scene::new().await;
    scene.put(1..3).await;
    let sender = scene.bench.function("sender").await;
    scene.bench.events_fifo.feed_until_empty(&sender).await;
    for _ in 0..5 {
        let dying = scene.bench.function("sender").await;
        At::Before("UpdateItem", 2).arrange(&scene.bench.proxy, &dying);
        while !matches!(scene.bench.lines.feed(&dying).await.outcome, Outcome::Died(_)) {}
        scene.bench.proxy.relent();
        scene.end_claims().await;
    }
    let before = scene.receiver.arrivals().len();
    scene.bench.lines.feed_until_empty(&sender).await;
    // The one behind it has had its turn; it waits where it holds up nobody, and is one that has failed us before.
    let behind: Vec<u64> = scene.receiver.arrivals().iter().skip(before).map(number).collect();
    assert_eq!(behind, [2]);
    let waiting = scene.bench.deliveries.find("the delivery", 1, |_| true).await;
    let task: Value = serde_json::from_str(waiting[0].body().unwrap()).unwrap();
    assert_eq!((&task["attempt"], &task["redrives"]), (&json!(1), &json!(1)));
    scene.bench.deliveries.put(&task.to_string()).await;
    scene.bench.deliveries.feed_until_empty(&sender).await;
    for delivery in scene.endpoint.deliveries().await {
        assert_eq!(delivery["status"], "delivered");
    }
}

#[tokio::test]
async fn what_has_stood_in_line_for_thirteen_days_is_skipped_and_the_rest_goes_on() {
    let scene = Scene::new().await;
    scene.put(1..3).await;
    let sender = scene.bench.function("sender").await;
    scene.bench.events_fifo.feed_until_empty(&sender).await;
    let in_line = scene.bench.lines.find("both", 2, |_| true).await;
    let arn = scene.bench.lines.arn().await;
    let days_ago = |days: i64| jiff::Timestamp::now().as_millisecond() - days * 86_400_000 - 60_000;
    for (message, days) in in_line.iter().zip([13, 12]) {
        let handed_out = handed_out("an-id", message.body().unwrap(), days_ago(days), 2, &arn);
        assert_eq!(sender.invoke(&handed_out).await.answered(), json!({ "batchItemFailures": [] }));
    }
    let arrived: Vec<u64> = scene.receiver.arrivals().iter().map(number).collect();
    assert_eq!(arrived, [2]);
    let deliveries = scene.endpoint.deliveries().await;
    let ends: Vec<&Value> = deliveries.iter().map(|delivery| &delivery["skipped"]).collect();
    assert!(ends.contains(&&json!("in line for 13 days")) && ends.contains(&&Value::Null), "{ends:?}");
}

/// Which of the bench's queues a message that the API accepts comes to.
async fn accepted_on(scene: &Scene, api: &Function) -> &'static str {
    let send = json!({ "eventType": "sandbox.created", "payload": { "n": 0 } }).to_string();
    let answer = scene.bench.call(api, "POST", &scene.organization.sending("/send"), &send).await;
    gateway::reply(&answer).check(200);
    match (scene.bench.events.drain().await.len(), scene.bench.events_fifo.drain().await.len()) {
        (1, 0) => "standard",
        (0, 1) => "fifo",
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn messages_are_accepted_in_order_while_an_endpoint_of_their_organization_is_ordered() {
    let scene = Scene::new().await;
    let api = scene.bench.function("api").await;
    assert_eq!(accepted_on(&scene, &api).await, "fifo");
    scene.endpoint.patch(json!({ "ordered": true })).await;
    scene.endpoint.patch(json!({ "ordered": false })).await;
    assert_eq!(accepted_on(&scene, &api).await, "standard");
    scene.endpoint.patch(json!({ "ordered": false })).await;
    scene.endpoint.patch(json!({ "ordered": true, "description": "in order" })).await;
    let second = scene.organization.endpoint_with(&scene.receiver, &["*"], json!({ "ordered": true })).await;
    scene.organization.api.delete(&second.path("")).await.check(204);
    scene.organization.api.delete(&second.path("")).await.check(404);
    assert_eq!(accepted_on(&scene, &api).await, "fifo");
    scene.organization.api.delete(&scene.endpoint.path("")).await.check(204);
    assert_eq!(accepted_on(&scene, &api).await, "standard");
}

#[tokio::test]
async fn a_head_that_fails_is_hidden_with_those_behind_it_for_the_wait_of_ordered_endpoints() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 500).await;
    let endpoint = organization.endpoint_with(&receiver, &["*"], json!({ "ordered": true })).await;
    let bench = Workbench::new(&stack).await.with("TIME_SCALE", "1");
    let sender = bench.function("sender").await;
    let entry = &organization.profile.event_types[0];
    for _ in 0..3 {
        bench.events_fifo.put_in_group("a", &organization.record(entry.name, entry.example, "")).await;
    }
    bench.events_fifo.feed(&sender).await;
    drop(bench.proxy.take_usage());
    let fed = bench.lines.feed(&sender).await;
    assert_eq!((fed.records, fed.again), (3, 3));
    assert_eq!(bench.proxy.take_usage().calls("ChangeMessageVisibilityBatch"), 1);
    let ages = eventually("the metrics", async || {
        let lines = sender.output();
        let line = lines.lines().find(|line| line.contains("DueAge"))?;
        serde_json::from_str::<Value>(line).unwrap()["DueAge"].as_array().map(Vec::len)
    })
    .await;
    assert_eq!(ages, 1, "those behind it are late by no fault of ours");
    let deliveries = endpoint.deliveries().await;
    let attempted: Vec<&Value> = deliveries.iter().filter(|delivery| delivery["status"] == "failed").collect();
    assert_eq!((attempted.len(), deliveries.len()), (1, 3));
    let due = attempted[0]["nextRetryAt"].as_i64().unwrap();
    let attempted_at: jiff::Timestamp = attempted[0]["attempts"][0]["at"].as_str().unwrap().parse().unwrap();
    assert!((2..=6).contains(&(due - attempted_at.as_second())), "{:?}", attempted[0]);
    // Longer than the queue itself would hide them.
    assert_eq!((bench.lines.drain().await.len(), bench.lines.len().await), (0, 3));
    assert!(bench.deliveries.is_empty().await);
}

#[tokio::test]
async fn an_event_that_stands_in_front_of_others_is_held_up_by_no_receiver() {
    let scene = Scene::new().await;
    let other = Receiver::always(&scene.stack, 200).await;
    let endpoint = scene.organization.endpoint(&other, &["*"]).await;
    let sender = scene.bench.function("sender").await;
    scene.put(1..2).await;
    scene.bench.events_fifo.feed(&sender).await;
    assert_eq!((other.arrivals().len(), scene.bench.deliveries.len().await, scene.bench.lines.len().await), (0, 1, 1));
    assert_eq!(endpoint.deliveries().await[0]["status"], "pending");
    scene.bench.deliveries.feed_until_empty(&sender).await;
    assert_eq!(endpoint.deliveries().await[0]["status"], "delivered");

    // Where no endpoint is ordered nothing is put on a queue in between, whatever queue the event has come by.
    scene.endpoint.patch(json!({ "ordered": false })).await;
    scene.put(2..3).await;
    scene.bench.events_fifo.feed(&sender).await;
    assert_eq!((other.arrivals().len(), scene.receiver.arrivals().len()), (2, 1));
    assert!(scene.bench.deliveries.is_empty().await);
}

#[tokio::test]
async fn a_delivery_in_order_costs_one_request_to_each_queue_two_updates_and_one_read() {
    let mut scene = Scene::new().await;
    scene.bench = scene.bench.with("TIME_SCALE", "1");
    let sender = scene.bench.function("sender").await;
    for expected in [1, 0] {
        scene.put(1..2).await;
        scene.bench.events_fifo.feed(&sender).await;
        let fan_out = scene.bench.proxy.take_usage();
        let calls =
            ["BatchExecuteStatement", "BatchWriteItem", "SendMessageBatch"].map(|operation| fan_out.calls(operation));
        assert_eq!((calls, fan_out.calls("Query")), ([1, 1, 1], expected), "{fan_out:?}");
        scene.bench.lines.feed(&sender).await;
        let line = scene.bench.proxy.take_usage();
        assert_eq!(line.all_calls(), [("GetItem", 1), ("UpdateItem", 2)]);
    }
}
