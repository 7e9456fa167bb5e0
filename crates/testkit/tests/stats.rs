//! An endpoint's deliveries in numbers, against rows whose numbers are known.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use hookbell_testkit::api::keys;
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::function::Function;
use hookbell_testkit::history::{self, PastDelivery, spread};
use hookbell_testkit::organization::Organization;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

struct Scene {
    stack: Stack,
    bench: Workbench,
    api: Function,
    endpoint: Endpoint,
    _receiver: Receiver,
}

impl Scene {
    async fn new() -> Self {
        let stack = Stack::load();
        let receiver = Receiver::always(&stack, 200).await;
        let organization = Organization::new(&stack, "slothbox").await;
        let endpoint = organization.endpoint(&receiver, &["*"]).await;
        let bench = Workbench::new(&stack).await;
        let api = bench.function("api").await;
        Self { stack, bench, api, endpoint, _receiver: receiver }
    }

    async fn put(&self, deliveries: impl IntoIterator<Item = PastDelivery>) {
        let rows = deliveries.into_iter().map(|delivery| delivery.row(&self.endpoint));
        history::put(&self.stack, rows.collect()).await;
    }

    async fn stats(&self, parameters: &str) -> Value {
        self.bench.get(&self.api, &self.endpoint.path(&format!("/stats{parameters}"))).await.expect(200)
    }
}

/// The start of the hour that is so many before the present one.
fn hours_ago(hours: i64) -> Timestamp {
    let hour = Timestamp::now().as_second().div_euclid(3_600) - hours;
    Timestamp::from_second(hour * 3_600).unwrap()
}

fn counts(success: u64, fail: u64, pending: u64, sending: u64, skipped: u64) -> Value {
    json!({ "success": success, "fail": fail, "pending": pending, "sending": sending, "skipped": skipped })
}

fn iso(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Leaves time for a test that must not see an hour change.
async fn away_from_the_hour() {
    hookbell_testkit::patience::eventually("the next hour", async || {
        (Timestamp::now().as_second().rem_euclid(3_600) < 3_570).then_some(())
    })
    .await;
}

#[tokio::test]
async fn every_delivery_is_counted_as_one_thing_and_in_its_hour() {
    away_from_the_hour().await;
    let scene = Scene::new().await;
    let (now, soon) = (Timestamp::now(), Timestamp::now() + SignedDuration::from_hours(1));
    let (first, second) = (hours_ago(23), hours_ago(5) + SignedDuration::from_millis(3_599_999));
    let past = |at, n, status| PastDelivery { status, attempts_ms: Vec::new(), ..PastDelivery::at(at, spread(n)) };
    let skipped = Some("endpoint disabled");
    scene
        .put([
            PastDelivery { attempts_ms: vec![40], ..past(first, 1, "delivered") },
            PastDelivery { attempts_ms: vec![30, 20, 10], ..past(first, 2, "exhausted") },
            PastDelivery { skipped, ..past(first, 3, "exhausted") },
            past(first - SignedDuration::from_millis(1), 4, "delivered"),
            past(second, 5, "pending"),
            PastDelivery { claimed_until: Some(soon), ..past(second, 6, "pending") },
            PastDelivery { claimed_until: Some(now), attempts_ms: vec![1_000], ..past(second, 7, "failed") },
            PastDelivery { claimed_until: Some(soon), attempts_ms: vec![7; 8], ..past(second, 8, "failed") },
            PastDelivery { skipped, attempts_ms: vec![5], ..past(now, 9, "exhausted") },
        ])
        .await;

    let stats = scene.stats("").await;
    assert_eq!(keys(&stats), ["complete", "hours", "latency", "since", "total"]);
    assert_eq!((&stats["complete"], &stats["since"]), (&json!(true), &json!(iso(first))));
    assert_eq!(stats["total"], counts(1, 1, 2, 2, 2));
    // 5 7 7 7 7 7 7 7 7 10 20 30 40 1000
    assert_eq!(stats["latency"], json!({ "p50Ms": 7, "p95Ms": 1_000 }));
    let hours = stats["hours"].as_array().unwrap();
    let named: Vec<&str> = hours.iter().map(|hour| hour["hour"].as_str().unwrap()).collect();
    assert_eq!(named, (0..24).rev().map(|hours| iso(hours_ago(hours))).collect::<Vec<_>>());
    for (place, hour) in hours.iter().enumerate() {
        let mut hour = hour.clone();
        hour.as_object_mut().unwrap().remove("hour");
        let expected = match place {
            0 => counts(1, 1, 0, 0, 1),
            18 => counts(0, 0, 2, 2, 0),
            23 => counts(0, 0, 0, 0, 1),
            _ => counts(0, 0, 0, 0, 0),
        };
        assert_eq!(hour, expected, "{place}");
    }

    let usage = scene.bench.proxy.take_usage();
    assert_eq!(usage.all_calls(), [("GetItem", 1), ("Query", 8)]);
    let whole = scene.stats("?hours=25").await;
    assert_eq!(whole["total"], counts(2, 1, 2, 2, 2));
    for (asked, hours) in [("0", 1), ("-1", 1), ("3", 3), ("1000", 168), ("all", 24)] {
        assert_eq!(scene.stats(&format!("?hours={asked}")).await["hours"].as_array().unwrap().len(), hours, "{asked}");
    }
}

#[tokio::test]
async fn an_endpoint_without_deliveries_has_hours_and_no_latency() {
    let scene = Scene::new().await;
    let stats = scene.stats("?hours=2").await;
    assert_eq!(keys(&stats), ["complete", "hours", "since", "total"]);
    assert_eq!((&stats["complete"], stats["hours"].as_array().unwrap().len()), (&json!(true), 2));
    let elsewhere = scene.endpoint.organization.managing("/whe_01J9ZK4T6Q0X3V8N5B2M7C1D4F/stats");
    scene.bench.get(&scene.api, &elsewhere).await.check(404);
    let other = Organization::new(&scene.stack, "slothbox").await;
    let theirs = other.managing(&format!("/{}/stats", scene.endpoint.id));
    scene.bench.get(&scene.api, &theirs).await.check(404);
}

#[tokio::test]
async fn what_is_too_much_to_read_is_counted_from_a_time_on() {
    away_from_the_hour().await;
    let scene = Scene::new().await;
    // All in one shard, of which 3,000 rows are read; one every three seconds. In another shard, one a minute.
    let now = Timestamp::now();
    let at = |n: u64, seconds: i64| now - SignedDuration::from_secs(i64::try_from(n).unwrap() * seconds);
    let many = (0..3_050).map(|n| PastDelivery::at(at(n, 3), (spread(n) >> 3) << 3));
    let few =
        (0..200).map(|n| PastDelivery { status: "failed", ..PastDelivery::at(at(n, 60), (spread(n) >> 3) << 3 | 1) });
    scene.put(many.chain(few)).await;
    let stats = scene.stats("").await;
    let since = at(2_999, 3) + SignedDuration::from_millis(1);
    assert_eq!((&stats["complete"], &stats["since"]), (&json!(false), &json!(iso(since))));
    let failing = (0..200).filter(|n| at(*n, 60) >= since).count();
    assert!((140..160).contains(&failing));
    assert_eq!(stats["total"], counts(2_999, 0, u64::try_from(failing).unwrap(), 0, 0));
    let hours = stats["hours"].as_array().unwrap();
    assert!((3..=4).contains(&hours.len()), "hours before it are left out: {}", hours.len());
    let counted = hours.iter().map(|hour| hour["success"].as_u64().unwrap()).sum::<u64>();
    assert_eq!(counted, 2_999);
    assert_eq!(scene.bench.proxy.take_usage().calls("Query"), 8 + 1 + 1);
    assert_eq!(scene.stats("?hours=1").await["complete"], true);
}
