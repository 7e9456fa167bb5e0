//! The pages of the console with as much on them as there may be: CPU per call beside calls of the API that read the
//! same, and bytes.
//!
//! What a page costs more than those calls is what its HTML costs. Both are made in turns, so that whatever else the
//! machine does meets both alike.

use std::collections::BTreeSet;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use hookbell_testkit::api::Reply;
use hookbell_testkit::console::Console;
use hookbell_testkit::gateway::Place;
use hookbell_testkit::html::tags;
use http::Method;
use serde_json::Value;

use crate::report::Report;
use crate::samples::Samples;
use crate::scene::{MOST_ATTEMPTS, MOST_ENDPOINTS, MOST_KEYS, MOST_ROWS, ORGANIZATIONS, Scene, text};
use crate::steps::note;

/// How often each is called, after some calls that do not count.
const ROUNDS: usize = 40;
const WARM_UP: usize = 4;

/// CPU milliseconds that a page's HTML may cost.
const MOST_MS: f64 = 5.0;

/// Bytes that a browser may be sent for a page, with all that the page loads.
const MOST_BYTES: f64 = 100_000.0;

/// Attempts on one page of a message.
const ATTEMPTS: usize = 40;

/// What browsers take.
const GZIP: [(&str, &str); 1] = [("accept-encoding", "gzip, deflate, br")];

/// A call that reads nothing: what every call costs.
const NOTHING: &str = "/webhooks/status";

/// A page, and the calls of the API that it is compared with.
#[derive(Debug, Clone)]
struct Page {
    name: &'static str,
    /// What the calls list.
    beside: &'static str,
    /// Below the console's path.
    path: String,
    calls: Vec<String>,
    rows: usize,
}

/// Calls pages and the API.
struct Caller<'a> {
    scene: &'a Scene<'a>,
    console: Console<'a>,
}

/// Measures each page.
pub(crate) async fn measure(scene: &Scene<'_>, report: &mut Report) {
    let console = Console::through(&scene.api, Place::Stage).sign_in(scene.admin_key).await;
    let caller = Caller { scene, console };
    let (pages, mut weighed, mut rows) = (pages(&caller).await, BTreeSet::new(), Vec::new());
    for page in &pages {
        let &Page { name, beside, rows: listed, ref path, .. } = page;
        let [page_ms, api_ms, html_ms] = caller.cpu(page).await;
        note(&format!("{name}: {page_ms:.2} ms, by the API ({beside}) {api_ms:.2} ms"));
        let body = caller.console.get(path).await.body;
        let first_visit = caller.first_visit(path).await;
        let bytes = [body.len(), gzipped(&body), first_visit].map(Value::from);
        let ms = [page_ms, api_ms, html_ms].map(|ms| Value::from((ms * 100.0).round() / 100.0));
        rows.push([name.into(), listed.into(), beside.into()].into_iter().chain(ms).chain(bytes).collect());
        report.limit(&format!("HTML of {name}, beside {beside}"), html_ms, MOST_MS, None, "ms CPU");
        if weighed.insert(path) {
            #[expect(clippy::cast_precision_loss, reason = "the size of a page")]
            report.limit(&format!("first visit of {name}"), first_visit as f64, MOST_BYTES, None, "bytes");
        }
    }
    let title = "Pages of the console: CPU ms per call (medians), and bytes";
    let columns = ["page", "rows", "besideApi", "pageMs", "apiMs", "htmlMs", "bytes", "gzipBytes", "firstVisitBytes"];
    report.add_table("pages", title, &columns, &rows);
    let mut rows = Vec::new();
    for asset in caller.assets(&pages[0].path).await {
        rows.push(vec![asset.trim_start_matches("/assets/").into(), caller.sent(&asset).await.into()]);
    }
    report.add_table("assets", "What the pages load", &["asset", "bytesAsSent"], &rows);
}

/// The pages that list something. Where the address may say how many rows there are, it asks for the most.
async fn pages(caller: &Caller<'_>) -> Vec<Page> {
    let Scene { many, few, repeated, message, endpoint, prefix, delivery: (to, delivery), .. } = caller.scene;
    let below = |id: &str, rest: &str| format!("/organizations/{id}{rest}");
    let path = format!("/organizations?q={prefix}");
    let call = format!("/organizations?prefix={prefix}&limit={ORGANIZATIONS}");
    let entries = ("/organizations", "organizationId", ORGANIZATIONS);
    let organizations = caller.listing("organizations", path, call, entries).await;

    let entries = ("/endpoints", "endpointId", MOST_ENDPOINTS);
    let endpoints = caller.listing("endpoints", below(&many.id, "/endpoints"), many.managing(""), entries).await;

    let path = below(&few.id, &format!("/endpoints/{endpoint}?limit={MOST_ROWS}"));
    let call = few.managing(&format!("/{endpoint}/deliveries?limit={MOST_ROWS}"));
    let listed = caller.listing("deliveries", path, call, ("/deliveries", "deliveryId", MOST_ROWS)).await;
    let beside = |name, call: String| {
        let calls = vec![call, few.managing(&format!("/{endpoint}/stats"))];
        Page { beside: name, calls, ..listed.clone() }
    };
    // The API's deliveries have their bodies, which the page does not read. As many messages are read as the page's
    // deliveries are.
    let beside_deliveries = beside("deliveries + stats", listed.calls[0].clone());
    let beside_messages = beside("messages + stats", few.sending(&format!("/messages?limit={MOST_ROWS}")));

    let path = below(&repeated.id, &format!("/endpoints/{to}/deliveries/{delivery}"));
    let call = repeated.managing(&format!("/{to}/deliveries/{delivery}"));
    let delivery = caller.listing("delivery", path, call, ("/delivery/attempts", "at", MOST_ATTEMPTS)).await;

    let (path, call) = (format!("/messages?limit={MOST_ROWS}"), few.sending(&format!("/messages?limit={MOST_ROWS}")));
    let messages = caller.listing("messages", below(&few.id, &path), call, ("/messages", "id", MOST_ROWS)).await;

    let path = below(&many.id, &format!("/messages/{message}"));
    let call = many.sending(&format!("/messages/{message}/attempts"));
    let message = caller.listing("message", path, call, ("", "endpointId", ATTEMPTS)).await;

    let entries = ("/apiKeys", "keyId", MOST_KEYS);
    let keys = caller.listing("API keys", below(&many.id, "/keys"), many.keys(""), entries).await;
    vec![organizations, endpoints, beside_deliveries, beside_messages, delivery, messages, message, keys]
}

impl Caller<'_> {
    /// A page, and the call of the API that lists the same. `entries` are where the call's answer has its list, which
    /// field of an entry the page shows too, and how many rows the page has at least.
    async fn listing(
        &self,
        name: &'static str,
        path: String,
        call: String,
        (list, field, fewest): (&str, &str, usize),
    ) -> Page {
        let page = self.console.get(&path).await;
        let answer = self.scene.bench.get(&self.scene.api, &call).await.expect(200);
        let entries = answer.pointer(list).and_then(Value::as_array).unwrap_or_else(|| panic!("no list: {answer}"));
        let rows = entries.iter().filter(|entry| page.page(200).contains(&text(&entry[field]))).count();
        assert!(rows >= fewest, "{name}: {rows} rows");
        Page { name, beside: name, path, calls: vec![call], rows }
    }

    /// The medians of what a page costs, of what its calls cost, and of what it costs more.
    async fn cpu(&self, page: &Page) -> [f64; 3] {
        let mut samples = [const { Samples::new() }; 3];
        for round in 0..WARM_UP + ROUNDS {
            // Each comes first as often as second.
            let [page_ms, calls_ms] = if round % 2 == 0 {
                let page_ms = self.page_ms(&page.path).await;
                [page_ms, self.calls_ms(&page.calls).await]
            } else {
                let calls_ms = self.calls_ms(&page.calls).await;
                [self.page_ms(&page.path).await, calls_ms]
            };
            if round >= WARM_UP {
                let measured = [page_ms, calls_ms, page_ms - calls_ms];
                samples.iter_mut().zip(measured).for_each(|(samples, ms)| samples.add(ms));
            }
        }
        samples.map(|samples| samples.median())
    }

    async fn page_ms(&self, path: &str) -> f64 {
        self.cpu_ms(async || self.console.send(Method::GET, path, &GZIP, "").await).await
    }

    /// What one call would cost that reads what several do: what every call costs is counted once.
    async fn calls_ms(&self, calls: &[String]) -> f64 {
        let call = async |path: &str| self.scene.bench.get(&self.scene.api, path).await;
        let mut sum = 0.0;
        for (place, path) in calls.iter().enumerate() {
            if place > 0 {
                sum -= self.cpu_ms(async || call(NOTHING).await).await;
            }
            sum += self.cpu_ms(async || call(path).await).await;
        }
        sum
    }

    /// The CPU milliseconds that the function uses for a call, which has to be answered with 200.
    async fn cpu_ms(&self, call: impl AsyncFnOnce() -> Reply) -> f64 {
        let before = self.scene.process.cpu_ms().await;
        call().await.check(200);
        self.scene.process.cpu_ms().await - before
    }

    /// The bytes that a browser is sent for a page, which has nothing yet of what the page loads.
    async fn first_visit(&self, path: &str) -> usize {
        let mut bytes = self.sent(path).await;
        for asset in self.assets(path).await {
            bytes += self.sent(&asset).await;
        }
        bytes
    }

    /// The bytes of an answer to a browser, which takes gzip.
    async fn sent(&self, path: &str) -> usize {
        let reply = self.console.send(Method::GET, path, &GZIP, "").await;
        reply.check(200);
        reply.body.len()
    }

    /// What a page loads.
    async fn assets(&self, path: &str) -> Vec<String> {
        let reply = self.console.get(path).await;
        let tags = tags(reply.page(200)).into_iter();
        let addresses = tags.filter_map(|tag| match tag.name.as_str() {
            "link" => tag.get("href").map(str::to_owned),
            "script" => tag.get("src").map(str::to_owned),
            _ => None,
        });
        addresses.map(|address| self.console.below(&address)).collect()
    }
}

fn gzipped(bytes: &[u8]) -> usize {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap().len()
}
