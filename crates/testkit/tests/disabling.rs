//! What disables an endpoint, who is told, and what does not.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::time::Duration;

use hookbell_testkit::answer::Answer;
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::owners::Owners;
use hookbell_testkit::patience::eventually;
use hookbell_testkit::queue::Queue;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::rows;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use jiff::Timestamp;
use serde_json::{Value, json};

const STARTED: &str = "environment.started";
const DISABLED: &str = "webhook.endpoint.disabled";
const PAYLOAD: &str = r#"{"resource":{"type":"environment","id":"env_1","name":"my-box"}}"#;

const HOUR: Duration = Duration::from_hours(1);

/// Ends every delivery at once, without success and without counting against the endpoint.
async fn aborting(stack: &Stack) -> Receiver {
    Receiver::start(stack, |_, _| Answer::status(500).header("webhook-delivery", "abort-message")).await
}

/// So many ended deliveries of an endpoint at an [`aborting`] receiver.
async fn ended_deliveries(endpoint: &Endpoint, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let message = endpoint.organization.send_example().await;
        let delivery = endpoint.wait_for_status(&message, "exhausted").await;
        ids.push(delivery["deliveryId"].as_str().unwrap().to_owned());
    }
    ids
}

/// What the sender puts on the dead-letter queue for a delivery that is exhausted.
fn exhausted(endpoint: &Endpoint, delivery: &str, at_ms: i64) -> String {
    json!({
        "organizationId": endpoint.organization.id,
        "endpointId": endpoint.id,
        "deliveryId": delivery,
        "endedBecause": "exhausted",
        "endedAt": at_ms,
    })
    .to_string()
}

/// An endpoint, and what counts its deliveries as exhausted at the times that a test chooses.
struct Streak {
    stack: Stack,
    endpoint: Endpoint,
    deliveries: std::vec::IntoIter<String>,
    began_at: i64,
    dead_letters: Queue,
    counted: u64,
}

impl Streak {
    async fn new(stack: &Stack, endpoint: Endpoint, most: usize) -> Self {
        Self {
            deliveries: ended_deliveries(&endpoint, most).await.into_iter(),
            dead_letters: Queue::at(stack, &stack.deliveries_dead_letter_queue_url),
            stack: stack.clone(),
            began_at: Timestamp::now().as_millisecond(),
            counted: 0,
            endpoint,
        }
    }

    /// One more delivery is exhausted, so long after the streak's begin, in unscaled time; waits until it is counted.
    async fn exhaust_after(&mut self, real: Duration) -> i64 {
        let after = i64::try_from(self.stack.scaled(real).as_millis()).unwrap();
        let at = self.began_at + after;
        let delivery = self.deliveries.next().unwrap();
        self.dead_letters.put(&exhausted(&self.endpoint, &delivery, at)).await;
        self.counted += 1;
        self.endpoint.wait_for_failures(self.counted).await;
        at
    }

    /// Fails unless the endpoint is enabled and still gets events.
    async fn check_still_enabled(&self) {
        let message = self.endpoint.organization.send_example().await;
        let delivery = self.endpoint.wait_for_status(&message, "exhausted").await;
        assert_eq!((&delivery["attemptCount"], delivery.get("skipped")), (&json!(1), None));
        assert_eq!(self.endpoint.get().await["status"], "enabled");
    }
}

#[tokio::test]
async fn a_410_disables_the_endpoint_at_once_and_tells_everyone_but_it() {
    let stack = Stack::load();
    let owners = Owners::listen(&stack).await;
    let organization = Organization::new(&stack, "slothbox").await;
    let gone = Receiver::always(&stack, 410).await;
    let others =
        [Receiver::always(&stack, 200).await, Receiver::always(&stack, 200).await, Receiver::always(&stack, 200).await];
    let endpoint = organization.endpoint(&gone, &["*"]).await;
    let every = organization.endpoint(&others[0], &["*"]).await;
    let listed = organization.endpoint(&others[1], &[DISABLED]).await;
    let elsewhere = organization.endpoint(&others[2], &[STARTED]).await;
    let message = organization.send(STARTED, PAYLOAD).await;

    let shown = endpoint.wait_until_disabled().await;
    assert_eq!(shown["disabledReason"], "410 Gone");
    assert_eq!(shown["consecutiveFailures"], 0, "a receiver that says so has not failed");
    let delivery = endpoint.wait_for_status(&message, "exhausted").await;
    assert_eq!((&delivery["attemptCount"], delivery.get("skipped")), (&json!(1), None));

    let (subject, text) = owners.hear(&endpoint.id).await;
    assert_eq!(subject, format!("Webhook endpoint {} disabled", endpoint.id));
    for told in [&organization.id, &gone.url(), "410 Gone"] {
        assert!(text.contains(told), "{text}");
    }

    let news = listed_news(&others[1], &listed).await;
    assert_eq!(news["data"], json!({ "endpointId": endpoint.id, "url": gone.url(), "reason": "410 Gone" }));
    let id = news["id"].as_str().unwrap();
    others[0].wait_for_message(id, 1).await[0].verify(&every.secret);
    every.wait_for_status(id, "delivered").await;
    elsewhere.wait_for_status(&message, "delivered").await;
    assert_eq!(rows::deliveries(&stack, &endpoint).await, 1, "the disabled endpoint is not told");
    assert_eq!(rows::deliveries(&stack, &elsewhere).await, 1, "who does not subscribe is not told");
    assert_eq!(gone.arrivals().len(), 1);
}

/// The one event that an endpoint gets that subscribes to nothing but [`DISABLED`].
async fn listed_news(receiver: &Receiver, endpoint: &Endpoint) -> Value {
    let arrivals = receiver.wait_for(1).await;
    arrivals[0].verify(&endpoint.secret);
    let news = arrivals[0].json();
    assert_eq!(news["type"], DISABLED);
    news
}

#[tokio::test]
async fn a_disabled_endpoint_is_enabled_again_by_its_owner_with_a_clean_slate() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::start(&stack, |arrival, _| {
        Answer::status(if arrival.text().contains("env_gone") { 410 } else { 200 })
    })
    .await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    organization.send(STARTED, &PAYLOAD.replace("env_1", "env_gone")).await;
    endpoint.wait_until_disabled().await;
    let shown = endpoint.patch(json!({ "status": "enabled" })).await;
    assert_eq!(shown["status"], "enabled");
    assert_eq!((shown.get("disabledReason"), shown.get("disabledAt")), (None, None));
    assert_eq!(shown["consecutiveFailures"], 0);
    assert_eq!(endpoint.get().await, shown);
    let message = organization.send(STARTED, PAYLOAD).await;
    endpoint.wait_for_status(&message, "delivered").await;
}

#[tokio::test]
async fn a_receiver_can_ask_to_be_disabled_by_a_header_whatever_its_status() {
    let stack = Stack::load();
    for (profile, status, delivered) in [("slothbox", 200, "delivered"), ("daytona", 500, "exhausted")] {
        let organization = Organization::new(&stack, profile).await;
        let receiver =
            Receiver::start(&stack, move |_, _| Answer::status(status).header("webhook-delivery", "disable")).await;
        let endpoint = organization.endpoint(&receiver, &["*"]).await;
        let message = organization.send_example().await;
        let shown = endpoint.wait_until_disabled().await;
        assert_eq!(shown["disabledReason"], "The receiver answered webhook-delivery: disable");
        let delivery = endpoint.wait_for_status(&message, delivered).await;
        assert_eq!(delivery["attemptCount"], 1);
        assert_eq!(receiver.arrivals().len(), 1);
    }
}

#[tokio::test]
async fn a_receiver_can_end_one_delivery_by_a_header_without_harm_to_the_endpoint() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::start(&stack, |_, seen| match seen {
        1 => Answer::status(500),
        _ => Answer::status(500).header("webhook-delivery", "abort-message"),
    })
    .await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let message = organization.send(STARTED, PAYLOAD).await;
    let delivery = endpoint.wait_for_status(&message, "exhausted").await;
    assert_eq!((&delivery["attemptCount"], delivery.get("skipped")), (&json!(2), None));
    let shown = endpoint.get().await;
    assert_eq!((&shown["status"], &shown["consecutiveFailures"]), (&json!("enabled"), &json!(0)));
}

#[tokio::test]
async fn an_endpoint_that_is_disabled_loses_the_retries_that_wait() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::start(&stack, |arrival, _| {
        Answer::status(if arrival.text().contains("env_gone") { 410 } else { 500 })
    })
    .await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let waiting = organization.send(STARTED, PAYLOAD).await;
    endpoint.wait_for_status(&waiting, "failed").await;
    organization.send(STARTED, &PAYLOAD.replace("env_1", "env_gone")).await;
    endpoint.wait_until_disabled().await;
    let ended = endpoint.wait_for_status(&waiting, "exhausted").await;
    assert_eq!(ended["skipped"], "endpoint disabled");
    assert!(ended["attemptCount"].as_u64().unwrap() < 8);
    assert_eq!(endpoint.get().await["consecutiveFailures"], 0);
}

#[tokio::test]
async fn an_owner_who_disables_an_endpoint_makes_no_news() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let (off, on) = (Receiver::always(&stack, 200).await, Receiver::always(&stack, 200).await);
    let disabled = organization.endpoint(&off, &["*"]).await;
    let other = organization.endpoint(&on, &["*"]).await;
    disabled.disable().await;
    let message = organization.send(STARTED, PAYLOAD).await;
    other.wait_for_status(&message, "delivered").await;
    assert_eq!(rows::messages(&stack, &organization).await, 1);
}

#[tokio::test]
async fn four_exhausted_deliveries_disable_nothing_however_long_it_takes() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = aborting(&stack).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let mut streak = Streak::new(&stack, endpoint, 4).await;
    for hours in [0, 24, 48, 480] {
        streak.exhaust_after(HOUR * hours).await;
    }
    streak.check_still_enabled().await;
}

#[tokio::test]
async fn five_exhausted_deliveries_in_less_than_a_day_disable_nothing() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = aborting(&stack).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let mut streak = Streak::new(&stack, endpoint, 6).await;
    for hours in [0, 1, 2, 3, 23] {
        streak.exhaust_after(HOUR * hours).await;
    }
    streak.check_still_enabled().await;
    // The sixth comes when the day is over.
    streak.exhaust_after(HOUR * 24).await;
    streak.endpoint.wait_until_disabled().await;
}

#[tokio::test]
async fn five_exhausted_deliveries_over_a_day_disable_the_endpoint_and_tell_the_others_once() {
    let stack = Stack::load();
    let owners = Owners::listen(&stack).await;
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = aborting(&stack).await;
    let endpoint = organization.endpoint(&receiver, &[STARTED, "billing.active"]).await;
    let other = Receiver::always(&stack, 200).await;
    let mut streak = Streak::new(&stack, endpoint.clone(), 5).await;
    let listed = organization.endpoint(&other, &[DISABLED]).await;
    for hours in [0, 1, 2, 3] {
        streak.exhaust_after(HOUR * hours).await;
    }
    let last = streak.exhaust_after(HOUR * 24).await;
    let shown = endpoint.wait_until_disabled().await;
    let reason = "Endpoint auto-disabled after sustained delivery failures";
    assert_eq!((&shown["disabledReason"], &shown["consecutiveFailures"]), (&json!(reason), &json!(5)));
    let at: Timestamp = shown["disabledAt"].as_str().unwrap().parse().unwrap();
    assert_eq!(at.as_millisecond(), last);
    assert!(owners.hear(&endpoint.id).await.1.contains(reason));
    let news = listed_news(&other, &listed).await;
    assert_eq!(news["data"], json!({ "endpointId": endpoint.id, "url": receiver.url(), "reason": reason }));
    listed.wait_for_status(news["id"].as_str().unwrap(), "delivered").await;
    assert_eq!(rows::messages(&stack, &organization).await, 6, "five events, and the news of it once");
}

#[tokio::test]
async fn a_delivered_message_ends_the_streak() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::start(&stack, |arrival, _| {
        if arrival.text().contains("env_good") {
            return Answer::status(200);
        }
        Answer::status(500).header("webhook-delivery", "abort-message")
    })
    .await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let mut streak = Streak::new(&stack, endpoint, 6).await;
    for hours in [0, 1, 2, 3] {
        streak.exhaust_after(HOUR * hours).await;
    }
    let good = organization.send(STARTED, &PAYLOAD.replace("env_1", "env_good")).await;
    streak.endpoint.wait_for_status(&good, "delivered").await;
    streak.endpoint.wait_for_failures(0).await;
    assert_eq!(rows::endpoint_time(&stack, &streak.endpoint, "streakStartedAt").await, None);
    streak.counted = 0;
    let restarted = streak.exhaust_after(HOUR * 24).await;
    assert_eq!(rows::endpoint_time(&stack, &streak.endpoint, "streakStartedAt").await, Some(restarted));
    streak.exhaust_after(HOUR * 25).await;
    streak.check_still_enabled().await;
}

#[tokio::test]
async fn enabling_an_endpoint_ends_the_streak() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = aborting(&stack).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let mut streak = Streak::new(&stack, endpoint, 5).await;
    for hours in [0, 1, 2, 3] {
        streak.exhaust_after(HOUR * hours).await;
    }
    let shown = streak.endpoint.patch(json!({ "status": "enabled" })).await;
    assert_eq!(shown["consecutiveFailures"], 0);
    streak.counted = 0;
    streak.exhaust_after(HOUR * 48).await;
    streak.check_still_enabled().await;
}

#[tokio::test]
async fn five_days_of_nothing_but_failures_disable_a_daytona_endpoint() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "daytona").await;
    let receiver = aborting(&stack).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let mut streak = Streak::new(&stack, endpoint.clone(), 2).await;
    let since =
        eventually("the failing to be noted", async || rows::endpoint_time(&stack, &endpoint, "failingSince").await)
            .await;
    assert_eq!(since / 1000, receiver.arrivals()[0].signed_at(), "since the first attempt that failed");
    streak.began_at = since;
    streak.exhaust_after(HOUR * 119).await;
    streak.check_still_enabled().await;
    streak.exhaust_after(HOUR * 120).await;
    let shown = endpoint.wait_until_disabled().await;
    assert_eq!(shown["disabledReason"], "Endpoint disabled because every attempt failed for five days");
}

#[tokio::test]
async fn a_success_ends_the_time_of_failing_of_a_daytona_endpoint() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "daytona").await;
    let receiver = Receiver::start(&stack, |arrival, _| {
        if arrival.text().contains("good") {
            return Answer::status(200);
        }
        Answer::status(500).header("webhook-delivery", "abort-message")
    })
    .await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let mut streak = Streak::new(&stack, endpoint.clone(), 1).await;
    streak.began_at = rows::endpoint_time(&stack, &endpoint, "failingSince").await.unwrap();
    organization.send("volume.created", r#"{"event":"volume.created","id":"good"}"#).await;
    eventually("the failing to be over", async || {
        rows::endpoint_time(&stack, &endpoint, "failingSince").await.is_none().then_some(())
    })
    .await;
    streak.exhaust_after(HOUR * 2_000).await;
    streak.check_still_enabled().await;
}

#[tokio::test]
async fn an_exhausted_delivery_counts_once_however_often_it_is_reported() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = aborting(&stack).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let deliveries = ended_deliveries(&endpoint, 2).await;
    let bench = Workbench::new(&stack).await;
    let dlq = bench.function("dlq").await;
    let now = Timestamp::now().as_millisecond();
    let record = exhausted(&endpoint, &deliveries[0], now);
    for _ in 0..3 {
        bench.deliveries_dead_letters.put(&record).await;
    }
    bench.deliveries_dead_letters.feed_until_empty(&dlq).await;
    assert_eq!(endpoint.get().await["consecutiveFailures"], 1);
    for record in [&record, &exhausted(&endpoint, &deliveries[1], now), &record] {
        bench.deliveries_dead_letters.put(record).await;
    }
    bench.deliveries_dead_letters.feed_until_empty(&dlq).await;
    assert_eq!(endpoint.get().await["consecutiveFailures"], 2);
}
