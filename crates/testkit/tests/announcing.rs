//! An endpoint is disabled once and announced for certain, whenever the dead-letter function dies.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::time::Duration;

use hookbell_testkit::answer::Answer;
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::function::{Function, Outcome};
use hookbell_testkit::organization::Organization;
use hookbell_testkit::owners::Owners;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::rows;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use jiff::Timestamp;
use serde_json::{Value, json};

const STARTED: &str = "environment.started";
const DISABLED: &str = "webhook.endpoint.disabled";

/// An endpoint with deliveries that have ended, one that hears of its disabling, and a bench to end them on.
struct Scene {
    stack: Stack,
    owners: Owners,
    organization: Organization,
    endpoint: Endpoint,
    deliveries: Vec<Value>,
    _receiver: Receiver,
    listener: Receiver,
    bench: Workbench,
}

impl Scene {
    async fn new(deliveries: usize) -> Self {
        let stack = Stack::load();
        let organization = Organization::new(&stack, "slothbox").await;
        let receiver =
            Receiver::start(&stack, |_, _| Answer::status(500).header("webhook-delivery", "abort-message")).await;
        let endpoint = organization.endpoint(&receiver, &[STARTED]).await;
        let mut ended = Vec::new();
        for _ in 0..deliveries {
            let message = organization.send(STARTED, "{}").await;
            ended.push(endpoint.wait_for_status(&message, "exhausted").await["deliveryId"].clone());
        }
        let listener = Receiver::always(&stack, 200).await;
        organization.endpoint(&listener, &[DISABLED]).await;
        Self {
            owners: Owners::listen(&stack).await,
            bench: Workbench::new(&stack).await,
            stack,
            organization,
            endpoint,
            deliveries: ended,
            _receiver: receiver,
            listener,
        }
    }

    /// Puts the end of a delivery where the dead-letter function takes it from.
    async fn put_end(&self, delivery: usize, because: &str, at_ms: i64) {
        let ended = json!({
            "organizationId": self.organization.id,
            "endpointId": self.endpoint.id,
            "deliveryId": self.deliveries[delivery],
            "endedBecause": because,
            "endedAt": at_ms,
        });
        self.bench.deliveries_dead_letters.put(&ended.to_string()).await;
    }

    /// Puts the ends of those deliveries, the first of all one now and the others a day later.
    async fn put_streak(&self, deliveries: std::ops::Range<usize>) {
        let day = i64::try_from(self.stack.scaled(Duration::from_hours(24)).as_millis()).unwrap() + 1;
        let now = Timestamp::now().as_millisecond();
        for delivery in deliveries {
            self.put_end(delivery, "exhausted", if delivery == 0 { now } else { now + day }).await;
        }
    }

    /// Fails unless the endpoint is disabled, its owners have heard of it, and the listener exactly once.
    async fn check_disabled_and_announced(&self, reason: &str) {
        assert_eq!(self.endpoint.get().await["disabledReason"], reason);
        assert!(self.owners.hear(&self.endpoint.id).await.1.contains(reason));
        let sender = self.bench.function("sender").await;
        self.bench.events.feed_until_empty(&sender).await;
        let heard = self.listener.arrivals();
        assert_eq!(heard.len(), 1);
        assert_eq!(heard[0].json()["data"]["endpointId"], self.endpoint.id);
        assert_eq!(rows::messages(&self.stack, &self.organization).await, self.deliveries.len() + 1);
    }
}

#[derive(Debug, Clone, Copy)]
enum At {
    Before(&'static str, u32),
    After(&'static str, u32),
}

async fn check_killed(at: At, because: &str, reason: &str, deliveries: usize) {
    let scene = Scene::new(deliveries).await;
    let now = Timestamp::now().as_millisecond();
    match because {
        "exhausted" => scene.put_streak(0..deliveries).await,
        _ => scene.put_end(0, because, now).await,
    }
    let dlq = scene.bench.function("dlq").await;
    match at {
        At::Before(operation, number) => scene.bench.proxy.kill_before(operation, number, &dlq),
        At::After(operation, number) => scene.bench.proxy.kill_after(operation, number, &dlq),
    }
    let fed = scene.bench.deliveries_dead_letters.feed(&dlq).await;
    assert!(matches!(fed.outcome, Outcome::Died(_)), "{at:?}: {fed:?}");
    scene.bench.proxy.relent();
    let next = scene.bench.function("dlq").await;
    scene.bench.deliveries_dead_letters.feed_until_empty(&next).await;
    scene.check_disabled_and_announced(reason).await;
    let counted = if because == "exhausted" { deliveries } else { 0 };
    assert_eq!(scene.endpoint.get().await["consecutiveFailures"], counted, "{at:?}");
}

#[tokio::test]
async fn killed_while_a_410_is_dealt_with() {
    let points = [
        At::Before("TransactWriteItems", 1),
        At::After("TransactWriteItems", 1),
        At::Before("Publish", 1),
        At::After("Publish", 1),
        At::Before("SendMessage", 1),
        At::After("SendMessage", 1),
    ];
    let tries = points.map(|at| check_killed(at, "gone", "410 Gone", 1));
    futures_util::future::join_all(tries).await;
}

#[tokio::test]
async fn killed_while_the_last_delivery_of_a_streak_is_dealt_with() {
    // Each of the five is counted in a transaction of its own; in the sixth the endpoint is disabled.
    let points = [
        At::After("TransactWriteItems", 1),
        At::After("TransactWriteItems", 5),
        At::After("TransactWriteItems", 6),
        At::After("Publish", 1),
        At::After("SendMessage", 1),
    ];
    let reason = "Endpoint auto-disabled after sustained delivery failures";
    let tries = points.map(|at| check_killed(at, "exhausted", reason, 5));
    futures_util::future::join_all(tries).await;
}

#[tokio::test]
async fn dead_letters_that_come_at_once_disable_an_endpoint_once() {
    let scene = Scene::new(8).await;
    scene.put_streak(0..1).await;
    scene.bench.deliveries_dead_letters.feed(&scene.bench.function("dlq").await).await;
    scene.put_streak(1..8).await;
    let functions: Vec<Function> = futures_util::future::join_all((0..4).map(|_| scene.bench.function("dlq"))).await;
    // One record for each function, over and over, until none is left.
    let work = functions.iter().map(|dlq| async { scene.bench.deliveries_dead_letters.feed_one_by_one(dlq).await });
    futures_util::future::join_all(work).await;
    let reason = "Endpoint auto-disabled after sustained delivery failures";
    scene.check_disabled_and_announced(reason).await;
    assert_eq!(scene.endpoint.get().await["consecutiveFailures"], 8);
}
