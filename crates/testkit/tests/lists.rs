//! Lists of deliveries: page by page through a long past while the present goes on, and by what is looked for.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use hookbell_domain::ids::{MessageId, TimedId as _};
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::function::Function;
use hookbell_testkit::history::{self, PastDelivery, spread};
use hookbell_testkit::organization::Organization;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const TYPES: [&str; 3] = ["environment.started", "environment.stopped", "billing.active"];
const STATUSES: [&str; 4] = ["delivered", "exhausted", "failed", "pending"];

struct Scene {
    stack: Stack,
    bench: Workbench,
    api: Function,
    endpoint: Endpoint,
    _receiver: Receiver,
    /// Newest first.
    past: Vec<PastDelivery>,
}

impl Scene {
    /// An endpoint with so many deliveries, a few of them in every millisecond of the last day and some in none.
    async fn new(deliveries: u64) -> Self {
        let stack = Stack::load();
        let receiver = Receiver::always(&stack, 200).await;
        let organization = Organization::new(&stack, "slothbox").await;
        let endpoint = organization.endpoint(&receiver, &["*"]).await;
        let start = Timestamp::now() - SignedDuration::from_hours(24);
        let mut past: Vec<PastDelivery> = (0..deliveries)
            .map(|n| PastDelivery {
                event_type: TYPES[usize::try_from(n * n / 3 % 3).unwrap()],
                status: STATUSES[usize::try_from(n * 7 / 5 % 11 % 4).unwrap()],
                ..PastDelivery::at(start + SignedDuration::from_millis(i64::try_from(n / 5 * 17).unwrap()), spread(n))
            })
            .collect();
        history::put(&stack, past.iter().map(|delivery| delivery.row(&endpoint)).collect()).await;
        past.sort_unstable_by_key(|delivery| std::cmp::Reverse(delivery.id));
        let bench = Workbench::new(&stack).await;
        let api = bench.function("api").await;
        Self { stack, bench, api, endpoint, _receiver: receiver, past }
    }

    async fn page(&self, parameters: &str, cursor: Option<&str>) -> (Vec<String>, Option<String>) {
        let cursor = cursor.map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let path = self.endpoint.path(&format!("/deliveries?{parameters}{cursor}"));
        let answer = self.bench.get(&self.api, &path).await.expect(200);
        let ids = answer["deliveries"].as_array().unwrap().iter().map(|delivery| text(&delivery["deliveryId"]));
        (ids.collect(), answer.get("cursor").map(text))
    }

    /// The pages from the first to the last.
    async fn pages(&self, parameters: &str) -> Vec<Vec<String>> {
        let (mut pages, mut cursor) = (Vec::new(), None);
        loop {
            let (page, next) = self.page(parameters, cursor.as_deref()).await;
            pages.push(page);
            cursor = next;
            if cursor.is_none() {
                return pages;
            }
        }
    }

    /// The ids of those for which the condition holds, newest first.
    fn expected(&self, condition: impl Fn(&PastDelivery) -> bool) -> Vec<String> {
        self.past.iter().filter(|delivery| condition(delivery)).map(|delivery| delivery.id.to_string()).collect()
    }

    fn time(&self, place: usize) -> Timestamp {
        self.past[place].id.created_at()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn ten_thousand_deliveries_are_each_given_once_and_newest_first_while_new_ones_come() {
    let scene = Scene::new(10_000).await;
    let expected: BTreeSet<String> = scene.expected(|_| true).into_iter().collect();
    let done = AtomicBool::new(false);
    let send = async {
        let mut sent = 0;
        while !done.load(Ordering::Relaxed) {
            scene.endpoint.organization.send_example().await;
            sent += 1;
        }
        sent
    };
    let read = async {
        let pages = scene.pages("limit=100").await;
        done.store(true, Ordering::Relaxed);
        pages
    };
    let (count, pages) = tokio::join!(send, read);
    assert!(count > 10, "{count}");
    let (last, full) = pages.split_last().unwrap();
    assert!(full.iter().all(|page| page.len() == 100) && !last.is_empty(), "no page before the last has room");
    let given = pages.concat();
    assert!(given.is_sorted_by(|one, other| one > other), "newest first, and none twice");
    assert!(expected.is_subset(&given.iter().cloned().collect()), "none lost");

    // The same by pages of another size, and without an empty page at the end where the last one is full.
    let (from, until) = (scene.time(1_500), scene.time(200));
    let window = scene.expected(|delivery| (from..until).contains(&delivery.id.created_at()));
    for limit in [37, 100] {
        let pages = scene.pages(&format!("limit={limit}&after={from}&before={until}")).await;
        assert_eq!(pages.len(), window.len().div_ceil(limit));
        assert_eq!(pages.concat(), window);
    }
}

#[tokio::test]
async fn a_page_of_fifty_costs_one_request_to_each_shard_and_one_for_the_bodies() {
    let scene = Scene::new(400).await;
    let (page, cursor) = scene.page("", None).await;
    assert_eq!(page.len(), 50);
    let usage = scene.bench.proxy.take_usage();
    assert_eq!(usage.all_calls(), [("BatchGetItem", 1), ("GetItem", 1), ("Query", 8)]);
    scene.page("status=failed", cursor.as_deref()).await;
    let usage = scene.bench.proxy.take_usage();
    assert_eq!((usage.calls("Query"), usage.calls("GetItem")), (8, 1), "and no more where something is looked for");
}

#[tokio::test]
async fn filters_give_all_that_fits_and_nothing_else() {
    let scene = Scene::new(600).await;
    let (early, late) = (scene.time(450), scene.time(100));
    let later_still = late + SignedDuration::from_micros(1);
    let cases: Vec<(String, Vec<String>)> = vec![
        ("status=pending".to_owned(), scene.expected(|past| past.status == "pending")),
        ("eventType=billing.active".to_owned(), scene.expected(|past| past.event_type == "billing.active")),
        (
            "status=failed&eventType=environment.stopped".to_owned(),
            scene.expected(|past| past.status == "failed" && past.event_type == "environment.stopped"),
        ),
        (format!("after={late}"), scene.expected(|past| past.id.created_at() >= late)),
        (format!("before={early}"), scene.expected(|past| past.id.created_at() < early)),
        (format!("after={later_still}"), scene.expected(|past| past.id.created_at() > late)),
        (format!("before={later_still}"), scene.expected(|past| past.id.created_at() <= late)),
        (
            format!("after={early}&before={late}&status=exhausted&surprise=1"),
            scene.expected(|past| (early..late).contains(&past.id.created_at()) && past.status == "exhausted"),
        ),
        (format!("after={late}&before={late}"), Vec::new()),
        (format!("after={late}&before={early}"), Vec::new()),
        ("eventType=no.such.type".to_owned(), Vec::new()),
        ("status=delivered&status=failed".to_owned(), scene.expected(|past| past.status == "failed")),
    ];
    for (parameters, expected) in &cases {
        for limit in [100, 29] {
            let pages = scene.pages(&format!("limit={limit}&{parameters}")).await;
            assert!(pages.iter().all(|page| page.len() <= limit));
            assert_eq!(&pages.concat(), expected, "{parameters}");
        }
    }
    assert!(cases.iter().filter(|(_, expected)| expected.len() > 15).count() == 9, "the cases mean something");
}

#[tokio::test]
async fn a_limit_is_clamped() {
    let scene = Scene::new(120).await;
    for (limit, expected) in [("0", 1), ("-3", 1), ("7", 7), ("100", 100), ("5000", 100), ("many", 50), ("", 50)] {
        let (page, cursor) = scene.page(&format!("limit={limit}"), None).await;
        assert_eq!((page.len(), cursor.is_some()), (expected, true), "{limit:?}");
    }
    assert_eq!(scene.page("limit=3&limit=5", None).await.0.len(), 5, "the last one counts");
}

#[tokio::test]
async fn a_cursor_is_of_one_list_and_unchanged() {
    let scene = Scene::new(30).await;
    let wanted = json!({ "url": "https://8.8.8.8/", "eventTypes": ["*"] });
    let other = scene.endpoint.organization.create(&wanted).await.expect(201);
    let other = text(&other["endpoint"]["endpointId"]);
    let cursor = scene.page("limit=10", None).await.1.unwrap();
    scene.page("status=failed", Some(&cursor)).await;
    let elsewhere = scene.endpoint.organization.managing(&format!("/{other}/deliveries?cursor={cursor}"));
    scene.bench.get(&scene.api, &elsewhere).await.check_fields(&["cursor"]);
    let messages = scene.endpoint.organization.sending("/messages");
    let path = format!("{messages}?cursor={cursor}");
    scene.bench.get(&scene.api, &path).await.check_refused_fields(&messages, &["cursor"]);
    let changed = format!("{}{}", if cursor.starts_with('A') { "B" } else { "A" }, &cursor[1..]);
    for bad in ["", "x", "ZGx2Xw", "%00", &cursor[1..], &format!("{cursor}A"), &changed, &cursor.to_lowercase()] {
        let path = scene.endpoint.path(&format!("/deliveries?cursor={bad}"));
        scene.bench.get(&scene.api, &path).await.check_fields(&["cursor"]);
    }
}

#[tokio::test]
async fn every_wrong_parameter_is_named() {
    let scene = Scene::new(0).await;
    for (parameters, fields) in [
        ("status=skipped", ["status"].as_slice()),
        ("status=", &["status"]),
        ("after=yesterday", &["after"]),
        ("before=2026-05-30", &["before"]),
        ("after=1780000000", &["after"]),
        ("eventType=", &["eventType"]),
        ("eventType=a\u{7}b", &["eventType"]),
        ("status=x&after=y&before=z&cursor=?", &["after", "before", "cursor", "status"]),
    ] {
        let path = scene.endpoint.path(&format!("/deliveries?{parameters}"));
        let reply = scene.bench.get(&scene.api, &path).await;
        reply.check_fields(fields);
        let errors = &reply.json()["error"]["issues"]["fieldErrors"];
        if let Some(problem) = errors.get("after") {
            assert!(text(&problem[0]).contains("2026-05-30T14:23:00.000Z"), "an example helps: {problem}");
        }
    }
    let long = format!("/deliveries?eventType={}", "x".repeat(257));
    scene.bench.get(&scene.api, &scene.endpoint.path(&long)).await.check_fields(&["eventType"]);
}

#[tokio::test]
async fn a_page_that_is_full_of_bytes_goes_on_where_it_was_cut() {
    let scene = Scene::new(0).await;
    let now = Timestamp::now();
    let large = MessageId::new(now, spread(1));
    let body = format!(r#"{{"id":"{large}","type":"t","timestamp":"t","data":{{"text":"{}"}}}}"#, "x".repeat(250_000));
    let deliveries: Vec<PastDelivery> = (0..40)
        .map(|n| PastDelivery {
            message: large,
            status: if n % 2 == 0 { "failed" } else { "delivered" },
            ..PastDelivery::at(now - SignedDuration::from_secs(i64::try_from(n).unwrap()), spread(n))
        })
        .collect();
    let mut rows: Vec<_> = deliveries.iter().map(|delivery| delivery.row(&scene.endpoint)).collect();
    rows.push(history::message(&scene.endpoint.organization, large, "t", &body));
    history::put(&scene.stack, rows).await;
    for (parameters, status) in [("limit=100", None), ("limit=100&status=failed", Some("failed"))] {
        let pages = scene.pages(parameters).await;
        let expected = deliveries.iter().filter(|delivery| status.is_none_or(|status| delivery.status == status));
        assert_eq!(pages.concat(), expected.map(|delivery| delivery.id.to_string()).collect::<Vec<_>>());
        assert!(pages.iter().all(|page| page.len() == 5), "{pages:?}");
    }
    let ids: BTreeSet<u128> = deliveries.iter().map(|delivery| delivery.id.number()).collect();
    assert_eq!(ids.len(), 40);
}
