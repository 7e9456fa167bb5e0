//! From an event to the endpoints that get it: their subscriptions and filters.

use std::hint::black_box;

use hookbell_domain::endpoint::{EVERY_TYPE, Endpoint, EndpointOptions, Health};
use hookbell_domain::filter::{Document, Filter, Matcher, Verdict};
use hookbell_domain::message::Audience;

use crate::inputs::{self, EVENT_TYPE, Size, endpoint_id, now};
use crate::{Path, repeat};

pub(crate) const PATHS: [(&str, Path); 6] = [
    ("subscriptions/50-endpoints", subscriptions),
    ("filter/parse", parse),
    ("filter/prepare", prepare),
    ("filter/read-body", |times| read_body(times, Size::Usual)),
    ("filter/read-body-10k", |times| read_body(times, Size::Large)),
    ("filter/judge", judge),
];

/// A test of most kinds; the body passes all of them, so none is left out.
const FILTER: &str = r#"{
    "type": ["environment.started", "environment.failed"],
    "data": {
        "resource": {"region": [{"prefix": "eu-"}], "name": [{"wildcard": "*-preview"}]},
        "change": {"to": [{"anything-but": ["started"]}], "durationMs": [{"numeric": [">", 1000, "<=", 60000]}]},
        "checks": {"passed": [false]},
        "sources": [{"cidr": "203.0.113.0/24"}],
        "$or": [{"actor": {"type": ["service"]}}, {"actor": {"locale": [{"suffix": "-DE"}]}}],
        "deleted": [{"exists": false}]
    }
}"#;

fn subscriptions(times: u32) {
    let endpoints: Vec<Endpoint> = (0..50).map(endpoint).collect();
    repeat(times, || {
        let audience = black_box(Audience::Subscribers);
        let all = endpoints.iter().filter(|endpoint| audience.includes(endpoint, black_box(EVENT_TYPE)));
        all.map(|endpoint| endpoint.id).collect::<Vec<_>>()
    });
}

/// One of fifty: every tenth wants everything, the others up to eight types of twenty-five.
fn endpoint(number: u8) -> Endpoint {
    let all = ["environment", "connection", "member", "billing", "snapshot"].into_iter().flat_map(|resource| {
        ["created", "started", "stopped", "failed", "deleted"].map(|change| format!("{resource}.{change}"))
    });
    let listed = all.cycle().skip(number.into()).take(usize::from(1 + number % 8));
    let every_type = number.is_multiple_of(10);
    Endpoint {
        id: endpoint_id(number),
        organization_id: "org_demo".parse().expect("an id"),
        uid: None,
        url: format!("https://hooks{number}.example.com/"),
        description: None,
        event_types: if every_type { vec![EVERY_TYPE.to_owned()] } else { listed.collect() },
        ordered: false,
        options: EndpointOptions::default(),
        disabled: None,
        health: Health::default(),
        created_at: now(),
        updated_at: now(),
    }
}

fn parse(times: u32) {
    repeat(times, || filter(black_box(FILTER)));
}

fn prepare(times: u32) {
    let filter = filter(FILTER);
    repeat(times, || Matcher::new(black_box(&filter)));
}

fn read_body(times: u32, size: Size) {
    let body = inputs::body(size);
    repeat(times, || Document::read(black_box(&body)).expect("JSON"));
}

fn judge(times: u32) {
    let matcher = Matcher::new(&filter(FILTER));
    let document = Document::read(&inputs::body(Size::Usual)).expect("JSON");
    assert_eq!(matcher.judge(&document), Verdict::Matches);
    repeat(times, || black_box(&matcher).judge(black_box(&document)));
}

fn filter(text: &str) -> Filter {
    Filter::parse(text).expect("a filter")
}
