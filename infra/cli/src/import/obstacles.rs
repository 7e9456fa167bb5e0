//! What keeps an endpoint of a source from being one of hookbell's, and what is changed of it so that it may be.

use hookbell_domain::endpoint::{EVERY_TYPE, RateLimit};
use hookbell_domain::filter::Filter;
use hookbell_domain::headers::{CustomHeaders, HeaderLimits};
use hookbell_domain::ids::EndpointUid;
use hookbell_domain::signature::SigningSecret;
use hookbell_domain::target::{TargetError, TargetPolicy, TargetUrl};
use serde_json::Value;

use super::record::{Record, Unless};

/// The deployment's limits, as its API's description has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Characters of a URL.
    pub(crate) url: usize,
    /// Characters of a description.
    pub(crate) description: usize,
    /// Custom headers.
    pub(crate) headers: usize,
    /// Endpoints of an organization, where the description tells.
    pub(crate) endpoints: Option<usize>,
}

impl Limits {
    /// Those of a description; what it does not say is as it is by default.
    pub(crate) fn of(description: &Value) -> Self {
        let limit = |field: &str, name: &str, otherwise: usize| {
            let pointer = format!("/components/schemas/NewEndpoint/properties/{field}/{name}");
            let found = description.pointer(&pointer).and_then(Value::as_u64);
            found.and_then(|found| usize::try_from(found).ok()).unwrap_or(otherwise)
        };
        Self {
            url: limit("url", "maxLength", 2_048),
            description: limit("description", "maxLength", 200),
            headers: limit("headers", "maxProperties", 20),
            endpoints: endpoints(description),
        }
    }
}

/// How many endpoints an organization may have: what the refusal of one more says.
fn endpoints(description: &Value) -> Option<usize> {
    let call = "/paths/~1organizations~1{organization}~1webhooks/post/responses/409/description";
    let text = description.pointer(call)?.as_str()?;
    text.split_once("limit of ")?.1.split_whitespace().next()?.parse().ok()
}

/// Makes an endpoint's values those that hookbell takes, where no receiver notices; each such change is noted.
pub(crate) fn fit(record: &mut Record, limits: Limits) {
    if let Some(description) = &mut record.description {
        let fitting: String = description.chars().filter(|c| !c.is_control()).take(limits.description).collect();
        if fitting != *description {
            record
                .notes
                .push(format!("its description is cut to {} characters without line breaks", limits.description));
            *description = fitting;
        }
    }
    if let Some(Unless(Some(limit))) = &mut record.rate_limit
        && *limit > RateLimit::MAX
    {
        record.notes.push(format!("its rate limit of {limit} a second becomes {}, hookbell's highest", RateLimit::MAX));
        *limit = RateLimit::MAX;
    }
    let mut seen = std::collections::BTreeSet::new();
    record.event_types.retain(|name| seen.insert(name.clone()));
}

/// Why an endpoint cannot be imported, each with what to do about it. `catalogue` is the organization's, if known.
pub(crate) fn of(record: &Record, catalogue: Option<&Catalogue>, limits: Limits) -> Vec<String> {
    let mut found = record.cannot.clone();
    if let Err(error) = record.uid.parse::<EndpointUid>() {
        found.push(format!("its id cannot be a uid: {error}"));
    }
    if let Err(error) = TargetUrl::parse(&record.url, limits.url, &TargetPolicy::default())
        && !needs_permission(&error)
    {
        found.push(error.to_string());
    }
    if record.secret.as_ref().is_some_and(|secret| secret.parse::<SigningSecret>().is_err()) {
        found
            .push("its secret is not \"whsec_\" and the base64 of 24 to 64 bytes: give it such a one first".to_owned());
    }
    found.extend(types(record, catalogue));
    let headers = record.headers.iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect();
    // The API counts bytes by a limit of its own.
    if let Err(errors) = CustomHeaders::new(headers, HeaderLimits { count: limits.headers, bytes: usize::MAX }) {
        found.extend(errors.into_iter().map(|error| format!("headers: {error}")));
    }
    if let Some(Unless(Some(0))) = record.rate_limit {
        found.push("its rate limit is 0: it would get nothing".to_owned());
    }
    if let Some(Unless(Some(filter))) = &record.filter
        && let Err(error) = Filter::parse(&filter.to_string())
    {
        found.push(format!("{error}"));
    }
    found
}

/// What the API may refuse, unless the deployment's operator has opened it.
pub(crate) fn doubt(record: &Record, limits: Limits) -> Option<String> {
    let error = TargetUrl::parse(&record.url, limits.url, &TargetPolicy::default()).err()?;
    needs_permission(&error).then(|| format!("the API refuses its URL, unless the deployment allows it: {error}"))
}

/// Whether an operator's allow-list can make a URL right.
fn needs_permission(error: &TargetError) -> bool {
    matches!(error, TargetError::NotHttps | TargetError::PortNotAllowed { .. } | TargetError::AddressRefused { .. })
}

/// The types that an organization's endpoints can subscribe to.
#[derive(Debug, Clone)]
pub(crate) struct Catalogue {
    /// The profile's name, where it is known.
    pub(crate) profile: Option<String>,
    /// The types.
    pub(crate) types: Vec<String>,
}

fn types(record: &Record, catalogue: Option<&Catalogue>) -> Vec<String> {
    if record.event_types.is_empty() {
        return vec!["it subscribes to nothing".to_owned()];
    }
    let Some(catalogue) = catalogue else { return Vec::new() };
    let known = |name: &str| name == EVERY_TYPE || catalogue.types.iter().any(|known| known == name);
    let unknown: Vec<&str> = record.event_types.iter().map(String::as_str).filter(|name| !known(name)).collect();
    if unknown.is_empty() {
        return Vec::new();
    }
    let profile = catalogue.profile.as_deref().unwrap_or("<profile>");
    let first = unknown.first().copied().unwrap_or_default();
    vec![format!(
        "the organization's catalogue has no {}: add events/{profile}/types/{first}.json and deploy, or choose the \
         profile that has it",
        unknown.join(", ")
    )]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LIMITS: Limits = Limits { url: 2_048, description: 10, headers: 2, endpoints: None };

    fn record() -> Record {
        Record {
            uid: "ep_1".to_owned(),
            url: "https://example.com/".to_owned(),
            event_types: vec!["*".to_owned()],
            secret: Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()),
            ..Record::default()
        }
    }

    #[track_caller]
    fn check(record: &Record, expected: &[&str]) {
        let catalogue = Catalogue { profile: Some("p".to_owned()), types: vec!["a.b".to_owned()] };
        let found = of(record, Some(&catalogue), LIMITS);
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found}");
        }
    }

    #[test]
    fn what_hookbell_does_not_take_is_an_obstacle() {
        check(&record(), &[]);
        check(&Record { event_types: vec!["a.b".to_owned()], ..record() }, &[]);
        check(
            &Record { event_types: vec!["a.b".to_owned(), "c.d".to_owned()], ..record() },
            &["events/p/types/c.d.json"],
        );
        check(&Record { event_types: Vec::new(), ..record() }, &["nothing"]);
        check(&Record { uid: "a b".to_owned(), ..record() }, &["uid"]);
        check(&Record { url: "svix://x".to_owned(), ..record() }, &[]);
        check(&Record { url: "https://a b/".to_owned(), ..record() }, &["space"]);
        for secret in ["whsec_AAAA", "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", ""] {
            check(&Record { secret: Some(secret.to_owned()), ..record() }, &["24 to 64"]);
        }
        let headers = [("Host", "x"), ("X-A", "b"), ("X-B", "c")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        check(&Record { headers: Some(headers), ..record() }, &["Host", "at most 2"]);
        check(&Record { filter: Some(Unless(Some(json!({})))), ..record() }, &["filter"]);
        check(&Record { rate_limit: Some(Unless(Some(0))), ..record() }, &["rate limit"]);
        check(&Record { cannot: vec!["said".to_owned()], ..record() }, &["said"]);
    }

    #[test]
    fn what_an_operator_may_have_opened_is_a_doubt() {
        assert_eq!(doubt(&record(), LIMITS), None);
        for url in ["http://example.com/", "https://127.0.0.1/", "https://example.com:9000/"] {
            assert!(doubt(&Record { url: url.to_owned(), ..record() }, LIMITS).is_some(), "{url}");
            check(&Record { url: url.to_owned(), ..record() }, &[]);
        }
    }

    #[test]
    fn what_no_receiver_notices_is_made_to_fit_and_noted() {
        let mut long = Record {
            description: Some("a\nb and much more".to_owned()),
            rate_limit: Some(Unless(Some(65_000))),
            event_types: ["*", "*"].map(str::to_owned).into(),
            ..record()
        };
        fit(&mut long, LIMITS);
        assert_eq!((long.description.as_deref(), long.rate_limit), (Some("ab and muc"), Some(Unless(Some(10_000)))));
        assert_eq!((long.event_types.len(), long.notes.len()), (1, 2));
    }
}
