//! Long lists in the console: what is looked for stands in the address and stays there from page to page, and a page
//! weighs little however much is on it.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use hookbell_testkit::console::Console;
use hookbell_testkit::console_paths::ConsolePaths;
use hookbell_testkit::fresh;
use hookbell_testkit::function::Function;
use hookbell_testkit::gateway::Place;
use hookbell_testkit::history::{self, PastDelivery, spread};
use hookbell_testkit::html::{Tag, tags};
use hookbell_testkit::organization::Organization;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;

/// What a page may weigh as it is sent, with all that it is shown with.
const MOST_BYTES: usize = 100_000;

const TYPES: [&str; 2] = ["environment.started", "billing.active"];
const STATUSES: [&str; 3] = ["delivered", "exhausted", "failed"];

struct Scene {
    stack: Stack,
    organization: Organization,
    paths: ConsolePaths,
    /// Newest first, one a minute, each with its message.
    past: Vec<PastDelivery>,
    api: Function,
    _bench: Workbench,
    _receiver: Receiver,
}

impl Scene {
    async fn new() -> Self {
        let stack = Stack::load();
        let organization = Organization::new(&stack, "slothbox").await;
        let receiver = Receiver::always(&stack, 200).await;
        let endpoint = organization.endpoint(&receiver, &["*"]).await;
        let delivery = endpoint.wait_for_status(&organization.send_example().await, "delivered").await;
        let paths = ConsolePaths::of(&endpoint, &delivery, &organization.new_key("member").await.0);
        let past = (0..360_u32).map(|n| {
            let at = Timestamp::now() - SignedDuration::from_mins(1 + i64::from(n));
            let (event_type, status) = (TYPES[n as usize % 2], STATUSES[n as usize % 3]);
            PastDelivery { event_type, status, ..PastDelivery::at(at, spread(n.into())) }
        });
        let past: Vec<PastDelivery> = past.collect();
        let rows = past.iter().flat_map(|delivery| {
            let body = r#"{"id":"","data":{}}"#;
            [delivery.row(&endpoint), history::message(&organization, delivery.message, delivery.event_type, body)]
        });
        history::put(&stack, rows.collect()).await;
        let bench = Workbench::new(&stack).await.with("RATE_LIMIT_PER_MINUTE", "100000").with("ENDPOINT_LIMIT", "200");
        let api = bench.function("api").await;
        Self { stack, organization, paths, past, api, _bench: bench, _receiver: receiver }
    }

    async fn owner(&self) -> Console<'_> {
        Console::through(&self.api, Place::Stage).sign_in(&self.organization.new_key("owner").await.1).await
    }
}

/// What is looked for in a list, and what the addresses of its rows have before their ids.
struct Search<'a> {
    list: String,
    filters: BTreeMap<&'a str, String>,
    rows: String,
}

impl Search<'_> {
    fn address(&self) -> String {
        let url = Url::parse_with_params("https://example.com", &self.filters).unwrap();
        format!("{}?{}", self.list, url.query().unwrap())
    }

    /// Fails unless a page says what is looked for where it can be changed, and a new search begins at its beginning.
    #[track_caller]
    fn check_form(&self, html: &str) {
        let form = html.split("<form class=\"filters\"").nth(1).unwrap().split("</form>").next().unwrap();
        let fields = tags(form);
        for (name, value) in &self.filters {
            let at = fields.iter().position(|tag| tag.get("name") == Some(name)).unwrap();
            let chosen = || fields[at..].iter().find(|tag| tag.get("selected").is_some()).unwrap();
            let shown = fields[at].get("value").unwrap_or_else(|| chosen().get("value").unwrap_or(&chosen().text));
            assert_eq!(shown, value, "{name}");
        }
        assert!(!fields.iter().any(|tag| tag.get("name") == Some("cursor")));
    }

    /// Fails unless a link between the pages of the list is to what is looked for and nothing else.
    #[track_caller]
    fn check_link(&self, path: &str, has_cursor: bool) {
        let url = Url::parse(&format!("https://example.com{path}")).unwrap();
        let mut asked: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(asked.remove("cursor").is_some(), has_cursor, "{path}");
        assert_eq!(url.path(), self.list);
        assert!(
            asked
                .iter()
                .map(|(name, value)| (name.as_str(), value))
                .eq(self.filters.iter().map(|(name, value)| (*name, value))),
            "{path}"
        );
    }

    /// The ids of all rows from the first page to the last, and how many pages those are.
    async fn walk(&self, console: &Console<'_>) -> (Vec<String>, usize) {
        let (mut ids, mut address, mut pages) = (Vec::new(), self.address(), 0);
        loop {
            let reply = console.get(&address).await;
            let html = reply.page(200);
            self.check_form(html);
            let rows = format!("{}{}", console.base, self.rows);
            let links = |html: &str| tags(html).into_iter().filter(|tag| tag.name == "a").collect::<Vec<Tag>>();
            let id = |tag: &Tag| Some(tag.get("href")?.strip_prefix(&rows)?.trim_end_matches("/endpoints").to_owned());
            let found = |html: &str| links(html).iter().filter_map(id).collect::<Vec<String>>();
            let part = console.get_part(&address).await;
            assert_eq!(found(part.page(200)), found(html), "{address}: a search by the script finds the same");
            ids.extend(found(html));
            let links = links(html);
            let link = |words: [&str; 2]| {
                links
                    .iter()
                    .find(|tag| words.contains(&tag.text.as_str()))
                    .map(|tag| console.below(tag.get("href").unwrap()))
            };
            assert_eq!(link(["Newest", "First"]).is_some(), pages > 0);
            if let Some(newest) = link(["Newest", "First"]) {
                self.check_link(&newest, false);
            }
            pages += 1;
            let Some(older) = link(["Older", "Next"]) else { return (ids, pages) };
            self.check_link(&older, true);
            address = older;
        }
    }
}

/// A time as a field for dates gives it.
fn field(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M").to_string()
}

#[tokio::test]
async fn what_is_looked_for_stands_in_the_address_and_stays_there_from_page_to_page() {
    let scene = Scene::new().await;
    let owner = scene.owner().await;
    let [after, before] = [350, 10].map(|place: usize| field(scene.past[place].id.created_at()));
    let minutes = |text: &str| format!("{text}Z").parse::<Timestamp>().unwrap();
    let (from, to) = (minutes(&after), minutes(&before));
    let past = || scene.past.iter().filter(|past| (from..to).contains(&past.id.created_at()));

    let mut filters = BTreeMap::from([("after", after), ("before", before), ("eventType", TYPES[0].to_owned())]);
    let list = scene.paths.organization("/messages");
    let search = Search { rows: format!("{list}/"), list, filters: filters.clone() };
    let (found, pages) = search.walk(&owner).await;
    let expected = past().filter(|past| past.event_type == TYPES[0]).map(|past| past.message.to_string());
    assert_eq!(found, expected.collect::<Vec<_>>());
    assert!(found.len() > 100 && pages > 1, "{pages}");

    filters.insert("status", STATUSES[1].to_owned());
    let (list, rows) = (scene.paths.endpoint(""), scene.paths.endpoint("/deliveries/"));
    let search = Search { list, filters, rows };
    let (found, pages) = search.walk(&owner).await;
    let wanted = |past: &&PastDelivery| past.event_type == TYPES[0] && past.status == STATUSES[1];
    assert_eq!(found, past().filter(wanted).map(|past| past.id.to_string()).collect::<Vec<_>>());
    assert!(found.len() > 50 && pages > 1, "{pages}");
}

#[tokio::test]
async fn organizations_are_looked_for_by_how_their_ids_begin_and_paged() {
    let scene = Scene::new().await;
    let admin = Console::through(&scene.api, Place::Stage).sign_in(&scene.stack.admin_key).await;
    let begin = format!("org_{}-", fresh());
    let expected: Vec<String> = (10..70).map(|n| format!("{begin}{n}")).collect();
    for id in &expected {
        let fields = [("organization", id.as_str()), ("profile", "slothbox")];
        admin.post("/organizations", &fields).await.check(303);
    }
    let list = "/organizations".to_owned();
    let search = Search { list, rows: "/organizations/".to_owned(), filters: BTreeMap::from([("q", begin)]) };
    assert_eq!(search.walk(&admin).await, (expected, 2));
}

/// What a page weighs as it is sent, with all that it is shown with.
async fn weight(console: &Console<'_>, path: &str) -> usize {
    let gzip = [("accept-encoding", "gzip")];
    let reply = console.send(Method::GET, path, &gzip, "").await;
    reply.check(200);
    let page = console.get(path).await;
    let of = |tag: &Tag| tag.get("src").or(tag.get("href").filter(|_| tag.name == "link")).map(str::to_owned);
    let assets: BTreeSet<String> = tags(page.page(200)).iter().filter_map(of).collect();
    let mut bytes = reply.body.len();
    for asset in assets {
        bytes += console.send(Method::GET, &console.below(&asset), &gzip, "").await.body.len();
    }
    bytes
}

#[tokio::test]
async fn a_page_weighs_little_with_a_hundred_rows_too() {
    let scene = Scene::new().await;
    let owner = scene.owner().await;
    let mut paths: Vec<String> = scene.paths.readers().into_iter().chain(scene.paths.owners()).collect();
    paths.push(scene.paths.organization("/messages?limit=100"));
    for path in paths {
        let bytes = weight(&owner, &path).await;
        assert!(bytes < MOST_BYTES, "{path} weighs {bytes} bytes");
    }
}

#[tokio::test]
async fn the_longest_lists_weigh_little_too() {
    let scene = Scene::new().await;
    let owner = scene.owner().await;
    for n in 1..100 {
        let (name, url) = (format!("Tenant {n}"), format!("https://8.8.8.8/tenants/{n}/hooks"));
        let fields = [("description", name.as_str()), ("url", url.as_str()), ("eventTypes", "*")];
        owner.post(&scene.paths.organization("/endpoints"), &fields).await.check(303);
    }
    join_all((0..97).map(|_| scene.organization.new_key("member"))).await;
    for path in
        [scene.paths.organization("/endpoints"), scene.paths.organization("/keys"), scene.paths.endpoint("?limit=100")]
    {
        let bytes = weight(&owner, &path).await;
        assert!(bytes < MOST_BYTES, "{path} weighs {bytes} bytes");
    }
}
