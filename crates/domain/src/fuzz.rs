//! Fuzz targets of what is read here: see `infra/fuzz`.

use std::fmt::Display;
use std::str::FromStr;

use hookbell_fuzz::Fuzz;
use jiff::Timestamp;

use crate::address::{self, AddressPolicy};
use crate::filter::{Document, Filter, MAX_BYTES, Matcher, Verdict};
use crate::headers::{CustomHeaders, HeaderLimits};
use crate::ids::{DeliveryId, EndpointId, EventId, KeyId, MessageId, OrganizationId, ReplayId};
use crate::outcome::{Answer, Outcome};
use crate::profile::ALL;
use crate::retry::{Directive, Next, Roll, decide};
use crate::signature::{SigningKeyPair, SigningSecret};
use crate::target::{PUBLIC_PORTS, TargetPolicy, TargetUrl};
use crate::time::{TimeScale, after, until};

/// What came of a text, for the fuzzer to tell apart.
fn said<T, E: Display>(result: &Result<T, E>) -> String {
    result.as_ref().map_or_else(ToString::to_string, |_| "ok".to_owned())
}

#[test]
fn urls() {
    let words =
        ["https://", "//", "@", ":443", ":8443", "[::1]", "127.0.0.1", "0x7f", "%2e", "。", "#", "?", "xn--", "."];
    let policy = TargetPolicy::default();
    Fuzz::of("urls").words(&words).run(|text| {
        let read = TargetUrl::parse(text, 2_048, &policy);
        if let Ok(target) = &read {
            let url = target.url();
            assert!(url.scheme() == "https" && url.username().is_empty() && url.password().is_none());
            assert!(PUBLIC_PORTS.contains(&target.port()) && url.fragment().is_none());
            let literal = match url.host() {
                Some(url::Host::Ipv4(address)) => Some(address.into()),
                Some(url::Host::Ipv6(address)) => Some(address.into()),
                _ => None,
            };
            assert!(literal.is_none_or(|address| policy.addresses.judge(address) == address::Verdict::Public));
            assert_eq!(TargetUrl::parse(target.as_str(), 2_048, &policy).as_ref(), Ok(target));
            let requested = TargetUrl::parse(url.as_str(), usize::MAX, &policy).unwrap();
            assert_eq!((requested.url(), requested.port()), (url, target.port()));
        }
        said(&read)
    });
}

#[test]
fn filters() {
    let words = [
        "\"prefix\"",
        "\"suffix\"",
        "\"anything-but\"",
        "\"numeric\"",
        "\"exists\"",
        "\"cidr\"",
        "\"equals-ignore-case\"",
        "\"wildcard\"",
        "\"$or\"",
        "\"<=\"",
        "\">\"",
        "*",
        "**",
        "\\\\*",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "5000000001",
    ];
    Fuzz::of("filters").words(&words).run(|text| {
        let read = Filter::parse(text);
        if let Ok(filter) = &read {
            assert!(filter.text().len() <= MAX_BYTES);
            assert_eq!(Filter::parse(filter.text()).as_ref(), Ok(filter));
        }
        read.map_or_else(|error| error.problem, |_| "ok".to_owned())
    });
}

/// A filter and a body, with a tabulator between them.
#[test]
fn matching() {
    let words =
        ["\t", "\"prefix\"", "\"exists\"", "\"$or\"", "\"wildcard\"", "*", "null", "[", "]", "{", "}", ",", ":", "1e5"];
    Fuzz::of("matching").words(&words).run(|text| {
        let (filter, body) = text.split_once('\t').unwrap_or((text, "{}"));
        let (Ok(filter), Ok(document)) = (Filter::parse(filter), Document::read(body.as_bytes())) else {
            return "unread".to_owned();
        };
        let matcher = Matcher::new(&filter);
        let (verdict, difference) = (matcher.judge(&document), matcher.first_difference(&document));
        if verdict == Verdict::Matches {
            assert_eq!(difference, None);
        }
        format!("{verdict:?} {}", difference.map_or("", |difference| difference.problem))
    });
}

#[test]
fn retry_after() {
    let words = ["Mon, ", "GMT", "+0000", "Jan", "2026", "23:59:60", "99999999999", "disable", "abort-message", " "];
    let now: Timestamp = "2026-05-30T14:23:00Z".parse().unwrap();
    Fuzz::of("retry_after").words(&words).run(|text| {
        let header = Some(text.to_owned());
        let answer = Answer { status: 503, retry_after: header.clone(), webhook_delivery: header, body: Vec::new() };
        let outcome = Outcome::Answered(answer);
        let mut all = String::new();
        for profile in ALL {
            let policy = &profile.retry;
            for (attempt, wait) in (1..).zip(policy.waits) {
                let decision = decide(&outcome, attempt, policy, TimeScale::REAL, now, Roll::of_bits(u64::MAX / 2));
                if let Next::RetryAt(at) = decision.next {
                    assert!(at >= now && at <= after(now, *wait * 2), "{at} after {wait:?}");
                    all.push(if until(now, at) == *wait * 2 { '2' } else { '1' });
                }
                all.extend(decision.directive.map(Directive::as_str));
            }
        }
        all
    });
}

#[test]
fn headers() {
    let words = ["webhook-", "Svix-", "proxy-", "content-type", "host", ": ", "\n", "\u{7f}", "TE", "x"];
    let limits = HeaderLimits { count: 20, bytes: 4_096 };
    Fuzz::of("headers").words(&words).run(|text| {
        let pairs = text.lines().map(|line| line.split_once(": ").unwrap_or((line, "")));
        let read = CustomHeaders::new(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(), limits);
        for (name, value) in read.iter().flat_map(CustomHeaders::iter) {
            let name: http::HeaderName = name.parse().unwrap();
            assert!(http::HeaderValue::try_from(value).unwrap().to_str().is_ok());
            assert!(!name.as_str().starts_with("webhook-") && !name.as_str().starts_with("svix-"));
            assert!(!["host", "content-length", "transfer-encoding", "connection"].contains(&name.as_str()));
        }
        read.map_or_else(|errors| errors.iter().map(ToString::to_string).collect(), |_| "ok".to_owned())
    });
}

/// What is accepted is written as it was read.
#[track_caller]
fn same<T: FromStr<Err: Display> + Display>(text: &str) -> String {
    let read = text.parse::<T>();
    if let Ok(value) = &read {
        assert_eq!(value.to_string(), text);
    }
    said(&read)
}

#[test]
fn ids() {
    let words =
        ["msg_", "whe_", "dlv_", "key_", "rpl_", "org_", "whsec_", "whsk_", "whpk_", "=", "I", "L", "O", "U", ".", "/"];
    Fuzz::of("ids").words(&words).run(|text| {
        let secret = text.parse::<SigningSecret>();
        if let Ok(secret) = &secret {
            assert_eq!(secret.reveal().parse::<SigningSecret>().as_ref(), Ok(secret));
        }
        [
            same::<MessageId>(text),
            same::<EndpointId>(text),
            same::<DeliveryId>(text),
            same::<KeyId>(text),
            same::<ReplayId>(text),
            same::<OrganizationId>(text),
            same::<EventId>(text),
            said(&secret.map_err(|error| error.to_string())),
            said(&text.parse::<SigningKeyPair>().map_err(|error| error.to_string())),
            said(&text.parse::<TimeScale>().map_err(|error| error.to_string())),
            said(&text.parse::<AddressPolicy>().map_err(|_| "no list")),
        ]
        .concat()
    });
}
