//! From a message to what follows from an attempt: the body, the target, the signature, the decision.

use std::hint::black_box;
use std::net::IpAddr;
use std::time::Duration;

use hookbell_domain::body::freeze;
use hookbell_domain::outcome::{Answer, Outcome};
use hookbell_domain::profile::{BodyFormat, Jitter, RetryPolicy};
use hookbell_domain::retry::{Next, Roll, decide};
use hookbell_domain::signature::{KEY_BYTES, SECRET_BYTES, SigningKeyPair, SigningSecret, sign};
use hookbell_domain::target::{TargetPolicy, TargetUrl};
use hookbell_domain::time::TimeScale;

use crate::inputs::{self, EVENT_TYPE, Size, message_id, now};
use crate::{Path, repeat};

pub(crate) const PATHS: [(&str, Path); 11] = [
    ("body/envelope", |times| body(times, BodyFormat::Envelope, Size::Usual)),
    ("body/envelope-10k", |times| body(times, BodyFormat::Envelope, Size::Large)),
    ("body/flat", |times| body(times, BodyFormat::Flat, Size::Usual)),
    ("target/parse", parse_target),
    ("target/judge", judge_target),
    ("sign/one-secret", |times| signature(times, 1, false, Size::Usual)),
    ("sign/one-secret-10k", |times| signature(times, 1, false, Size::Large)),
    ("sign/two-secrets", |times| signature(times, 2, false, Size::Usual)),
    ("sign/one-secret-and-v1a", |times| signature(times, 1, true, Size::Usual)),
    ("decide/retry", |times| decision(times, None)),
    ("decide/retry-after", |times| decision(times, Some("Sat, 30 May 2026 14:26:00 GMT"))),
];

const URL: &str = "https://hooks.example.com/webhooks/hookbell?environment=production&version=2";
const URL_LENGTH: usize = 2_048;

const WAITS: [Duration; 3] = [Duration::from_secs(5), Duration::from_mins(5), Duration::from_mins(30)];

fn body(times: u32, format: BodyFormat, size: Size) {
    let (id, at, payload) = (message_id(), now(), inputs::payload(size));
    repeat(times, || freeze(black_box(format), id, black_box(EVENT_TYPE), at, black_box(&payload)));
}

fn parse_target(times: u32) {
    let policy = TargetPolicy::default();
    repeat(times, || TargetUrl::parse(black_box(URL), URL_LENGTH, &policy).expect("a target"));
}

/// What every attempt asks: of the text, and of the addresses that the name resolved to.
fn judge_target(times: u32) {
    let policy = TargetPolicy::default();
    let url = TargetUrl::parse(URL, URL_LENGTH, &policy).expect("a target");
    let addresses: [IpAddr; 3] =
        ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111"].map(|address| address.parse().expect("an address"));
    repeat(times, || {
        let reach = black_box(&url).judge_text(&policy).expect("a target");
        url.judge_resolved(black_box(&addresses), &policy).expect("a target");
        reach
    });
}

fn signature(times: u32, secrets: u8, v1a: bool, size: Size) {
    let secrets: Vec<SigningSecret> = (0..secrets).map(|byte| SigningSecret::new([byte; SECRET_BYTES])).collect();
    let pair = v1a.then(|| SigningKeyPair::from_seed(&[7; KEY_BYTES]).expect("a seed"));
    let (id, at, body) = (message_id(), now(), inputs::body(size));
    repeat(times, || sign(black_box(&secrets), pair.as_ref(), id, at, black_box(&body)));
}

fn decision(times: u32, retry_after: Option<&str>) {
    let policy = RetryPolicy { waits: &WAITS, jitter: Jitter::Shorten(0.2), attempt_deadline: Duration::from_secs(20) };
    let answer = Answer { status: 503, retry_after: retry_after.map(str::to_owned), ..Answer::default() };
    let outcome = Outcome::Answered(answer);
    let (now, roll) = (now(), Roll::of_bits(1 << 63));
    repeat(times, || {
        let decision = decide(black_box(&outcome), black_box(2), &policy, TimeScale::REAL, now, roll);
        assert!(matches!(decision.next, Next::RetryAt(_)));
        decision
    });
}
