//! What each page of the console asks of AWS: so many calls, however much there is to show, and no more than three that
//! wait for one another.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a panic is how a test fails")]

use futures_util::future::join_all;
use hookbell_domain::ids::MessageId;
use hookbell_testkit::api::Reply;
use hookbell_testkit::console::Console;
use hookbell_testkit::console_paths::ConsolePaths;
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::function::Function;
use hookbell_testkit::gateway::Place;
use hookbell_testkit::history::{self, PastDelivery, spread};
use hookbell_testkit::html::{tags, text};
use hookbell_testkit::organization::Organization;
use hookbell_testkit::proxy::Usage;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// How often in a row a page waits for AWS at most: for who is asking, for what, and for what that leads to.
const MOST_ROUNDS: u64 = 3;

/// How often a page may be asked for, where a busy machine made more rounds of its calls than they are.
const TRIES: usize = 4;

/// Calls by their operations.
type Calls = Vec<(&'static str, u32)>;

/// The console's function, whose calls are counted.
struct Bench {
    stack: Stack,
    beside: Workbench,
    api: Function,
}

impl Bench {
    async fn new() -> Self {
        let stack = Stack::load();
        let beside = Workbench::new(&stack).await.with("RATE_LIMIT_PER_MINUTE", "100000");
        beside.proxy.answer_in_rounds();
        let api = beside.function("api").await;
        Self { stack, beside, api }
    }

    fn console(&self) -> Console<'_> {
        Console::through(&self.api, Place::Stage)
    }

    /// What a page of that status costs.
    async fn usage(&self, console: &Console<'_>, path: &str, status: u16) -> Usage {
        self.usage_of(status, async || console.get(path).await).await
    }

    async fn usage_of(&self, status: u16, ask: impl AsyncFn() -> Reply) -> Usage {
        let mut usage = Usage::default();
        for _ in 0..TRIES {
            drop(self.beside.proxy.take_usage());
            ask().await.check(status);
            usage = self.beside.proxy.take_usage();
            if usage.rounds() <= MOST_ROUNDS {
                break;
            }
        }
        usage
    }

    /// Fails unless a page asks exactly that of AWS, in no more rounds than it may.
    async fn check(&self, console: &Console<'_>, (path, status): (&str, u16), mut expected: Calls) {
        expected.sort_unstable();
        let usage = self.usage(console, path, status).await;
        assert_eq!(usage.all_calls(), expected, "{path}");
        assert!(usage.rounds() <= MOST_ROUNDS, "{path} waits {} times", usage.rounds());
        assert_eq!(usage.rounds() > 0, !expected.is_empty(), "{path}");
    }
}

/// An organization with one of each thing.
struct Scene {
    organization: Organization,
    endpoint: Endpoint,
    paths: ConsolePaths,
    owner: String,
    receiver: Receiver,
}

impl Scene {
    async fn new(stack: &Stack) -> Self {
        let organization = Organization::new(stack, "slothbox").await;
        let receiver = Receiver::always(stack, 200).await;
        let endpoint = organization.endpoint_with(&receiver, &["*"], json!({ "headers": { "x-team": "a" } })).await;
        let delivery = endpoint.wait_for_status(&organization.send_example().await, "delivered").await;
        let (key, owner) = organization.new_key("owner").await;
        let paths = ConsolePaths::of(&endpoint, &delivery, &key);
        Self { organization, endpoint, paths, owner, receiver }
    }

    /// The same with many of each, and a message that went to all of its endpoints.
    async fn with_many(stack: &Stack) -> Self {
        let mut scene = Self::new(stack).await;
        let organization = &scene.organization;
        join_all((1..30).map(|_| organization.endpoint(&scene.receiver, &["*"]))).await;
        join_all((0..30).map(|_| organization.new_key("member"))).await;
        let at = |n: u64| Timestamp::now() - SignedDuration::from_secs(60 + i64::try_from(n).unwrap());
        let deliveries = (0..400).map(|n| PastDelivery::at(at(n), spread(n)).row(&scene.endpoint));
        let messages = (0..400).map(|n| {
            let id = MessageId::new(at(n), spread(1_000 + n));
            history::message(organization, id, "environment.started", r#"{"id":"","data":{}}"#)
        });
        history::put(stack, deliveries.chain(messages).collect()).await;
        for hours in 1..=5 {
            let after = Timestamp::now() - SignedDuration::from_hours(hours);
            let body = json!({ "after": after.to_string(), "status": "pending" }).to_string();
            organization.api.post(&scene.endpoint.path("/replay"), body).await.check(202);
        }
        let message = organization.send_example().await;
        let delivery = scene.endpoint.wait_for_status(&message, "delivered").await;
        scene.paths = ConsolePaths::of(&scene.endpoint, &delivery, &scene.paths.key);
        scene
    }

    fn pages(&self) -> Vec<String> {
        self.paths.readers().into_iter().chain(self.paths.owners()).collect()
    }

    /// What the page of a path costs beside looking up who asks.
    fn costs(&self, path: &str) -> Calls {
        let ConsolePaths { endpoint, delivery, message, key, .. } = &self.paths;
        let rest = path.strip_prefix(&self.paths.organization("")).unwrap().replace(endpoint, "E");
        match rest.replace(delivery, "D").replace(message, "M").replace(key, "K").as_str() {
            "/endpoints" => vec![("Query", 1)],
            "/messages" => vec![("GetItem", 1), ("Query", 8)],
            "/messages/M" | "/messages/M/attempts" => vec![("BatchGetItem", 1), ("GetItem", 1), ("Query", 2)],
            // The numbers and the history ask each of the eight shards once.
            "/endpoints/E" => vec![("GetItem", 2), ("Query", 16)],
            "/endpoints/E/deliveries/D" => vec![("GetItem", 3)],
            "/endpoints/E/replay" => vec![("GetItem", 1), ("Query", 1)],
            "/endpoints/E/edit" => vec![("GetItem", 2)],
            "/endpoints/new" | "/endpoints/E/delete" | "/endpoints/E/rotate" | "/endpoints/E/test/M" => {
                vec![("GetItem", 1)]
            }
            "/keys" | "/keys/K/delete" => vec![("BatchGetItem", 1), ("GetItem", 1), ("Query", 1)],
            other => panic!("a page that this test does not know: {other}"),
        }
    }
}

#[tokio::test]
async fn every_page_asks_no_more_of_aws_than_it_needs_and_waits_three_times_at_most() {
    let bench = Bench::new().await;
    let scene = Scene::new(&bench.stack).await;
    let owner = bench.console().sign_in(&scene.owner).await;
    for path in scene.pages() {
        let mut expected = scene.costs(&path);
        expected.push(("UpdateItem", 1));
        bench.check(&owner, (&path, 200), expected).await;
    }
    for path in ["", &scene.paths.organization("")] {
        bench.check(&owner, (path, 303), vec![("UpdateItem", 1)]).await;
    }
    let history = scene.paths.endpoint(&format!("?q={}", scene.paths.message));
    let watched = scene.paths.endpoint(&format!("?test={}", scene.paths.message));
    let searches = [
        (watched, vec![("GetItem", 3), ("Query", 16), ("UpdateItem", 1)]),
        (history, vec![("BatchGetItem", 1), ("GetItem", 3), ("Query", 9), ("UpdateItem", 1)]),
        (
            scene.paths.endpoint(&format!("?q={}", scene.paths.delivery)),
            vec![("GetItem", 3), ("Query", 8), ("UpdateItem", 1)],
        ),
        (
            scene.paths.organization(&format!("/messages?q={}", scene.paths.message)),
            vec![("GetItem", 2), ("UpdateItem", 1)],
        ),
        (scene.paths.organization("/messages?q=an-event"), vec![("GetItem", 2), ("UpdateItem", 1)]),
    ];
    for (path, expected) in searches {
        bench.check(&owner, (&path, 200), expected).await;
    }
    // Who has the admin key is not looked up.
    let admin = bench.console().sign_in(&bench.stack.admin_key).await;
    bench.check(&admin, ("/organizations", 200), vec![("BatchGetItem", 1), ("Query", 1)]).await;
    bench.check(&admin, (&scene.paths.organization("/endpoints"), 200), vec![("Query", 1)]).await;
}

#[tokio::test]
async fn a_search_in_the_history_asks_for_no_numbers() {
    let bench = Bench::new().await;
    let scene = Scene::new(&bench.stack).await;
    let owner = bench.console().sign_in(&scene.owner).await;
    let ConsolePaths { message, delivery, .. } = &scene.paths;
    for (query, expected) in [
        ("?status=failed".to_owned(), vec![("GetItem", 1), ("Query", 8), ("UpdateItem", 1)]),
        (format!("?q={message}"), vec![("BatchGetItem", 1), ("GetItem", 2), ("Query", 1), ("UpdateItem", 1)]),
        (format!("?q={delivery}"), vec![("GetItem", 2), ("UpdateItem", 1)]),
        ("?q=half".to_owned(), vec![("GetItem", 1), ("UpdateItem", 1)]),
    ] {
        let path = scene.paths.endpoint(&query);
        let usage = bench.usage_of(200, async || owner.get_part(&path).await).await;
        assert_eq!(usage.all_calls(), expected, "{path}");
        assert!(usage.rounds() <= MOST_ROUNDS, "{path} waits {} times", usage.rounds());
    }
}

#[tokio::test]
async fn a_page_asks_the_same_of_aws_however_much_it_shows() {
    let bench = Bench::new().await;
    let (few, many) = tokio::join!(Scene::new(&bench.stack), Scene::with_many(&bench.stack));
    let console = bench.console();
    let (owner, owner_of_many) = (console.sign_in(&few.owner).await, console.sign_in(&many.owner).await);
    for (path, same_of_many) in few.pages().into_iter().zip(many.pages()) {
        let usage = bench.usage(&owner, &path, 200).await;
        let usage_of_many = bench.usage(&owner_of_many, &same_of_many, 200).await;
        assert_eq!(usage.all_calls(), usage_of_many.all_calls(), "{path}");
        assert!(usage_of_many.rounds() <= MOST_ROUNDS, "{path} waits {} times", usage_of_many.rounds());
    }
}

#[tokio::test]
async fn the_numbers_of_a_busy_day_take_a_second_request_and_never_a_third() {
    let bench = Bench::new().await;
    let scene = Scene::new(&bench.stack).await;
    let past = (0..2_200).map(|n| {
        let at = Timestamp::now() - SignedDuration::from_secs(60 + i64::try_from(n).unwrap());
        // All but the newest are in one shard, with more of them than two requests read.
        let randomness = if n < 100 { spread(n) } else { spread(n) & !7 };
        PastDelivery::at(at, randomness).row(&scene.endpoint)
    });
    history::put(&bench.stack, past.collect()).await;
    let owner = bench.console().sign_in(&scene.owner).await;
    let expected = vec![("GetItem", 2), ("Query", 17), ("UpdateItem", 1)];
    bench.check(&owner, (&scene.paths.endpoint(""), 200), expected).await;
    let page = owner.get(&scene.paths.endpoint("")).await;
    assert!(text(page.page(200)).contains("many to count them all"));
}

#[tokio::test]
async fn who_has_not_signed_in_has_aws_asked_for_nothing() {
    let bench = Bench::new().await;
    let scene = Scene::new(&bench.stack).await;
    let console = bench.console();
    bench.check(&console, ("/sign-in", 200), vec![]).await;
    let page = console.get("/sign-in").await;
    let assets: Vec<String> =
        tags(page.page(200)).iter().filter_map(|tag| tag.get("src").or(tag.get("href")).map(str::to_owned)).collect();
    assert!(assets.len() >= 4, "{assets:?}");
    for asset in assets {
        bench.check(&console, (&console.below(&asset), 200), vec![]).await;
    }
    for path in scene.pages().iter().map(String::as_str).chain(["", "/organizations"]) {
        bench.check(&console, (path, 303), vec![]).await;
    }
    bench.check(&console, ("/nowhere", 404), vec![]).await;
    assert_eq!(console.post("/sign-out", &[]).await.status, 303);
    assert_eq!(console.try_sign_in("nonsense", "").await.status, 401);
    assert_eq!(bench.beside.proxy.take_usage(), Usage::default());
}

/// What the other tests of this file rely on.
#[tokio::test]
async fn calls_that_wait_for_one_another_are_counted_one_by_one() {
    let bench = Bench::new().await;
    let scene = Scene::new(&bench.stack).await;
    let owner = bench.console().sign_in(&scene.owner).await;
    drop(bench.beside.proxy.take_usage());
    let path = scene.paths.endpoint(&format!("/deliveries/{}/redeliver", scene.paths.delivery));
    owner.post(&path, &[]).await.check(303);
    let usage = bench.beside.proxy.take_usage();
    let expected = [("BatchWriteItem", 1), ("GetItem", 3), ("PutItem", 1), ("SendMessageBatch", 1), ("UpdateItem", 1)];
    assert_eq!(usage.all_calls(), expected);
    // The three are asked for side by side, the others each after the one before.
    assert_eq!(usage.rounds(), 5);
}
