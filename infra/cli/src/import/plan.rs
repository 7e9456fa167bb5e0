//! What has to be done so that hookbell has an endpoint as its source has it: nothing, where it has.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::record::{Record, Status, Unless};

/// An endpoint as hookbell has it, or a system with the same API: what only hookbell knows may be absent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Existing {
    pub(crate) endpoint_id: String,
    #[serde(default)]
    pub(crate) uid: Option<String>,
    pub(crate) url: String,
    pub(crate) event_types: Vec<String>,
    pub(crate) description: Option<String>,
    pub(crate) status: String,
    disabled_reason: Option<String>,
    #[serde(default)]
    pub(crate) ordered: bool,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) v1a: bool,
    #[serde(default)]
    pub(crate) svix_headers: bool,
    pub(crate) rate_limit: Option<u32>,
    pub(crate) filter: Option<Value>,
}

impl Existing {
    /// Whether events go out to it.
    pub(crate) fn is_enabled(&self) -> bool {
        self.status == "enabled"
    }

    fn has_header(&self, name: &str) -> bool {
        self.headers.keys().any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// What has to change of an endpoint.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Changes {
    /// The body of a PATCH; none where it is empty.
    pub(crate) fields: Map<String, Value>,
    /// Whether the secret is another one.
    pub(crate) secret: bool,
}

impl Changes {
    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty() && !self.secret
    }

    /// What changes, by name.
    pub(crate) fn names(&self) -> Vec<String> {
        let secret = self.secret.then(|| "secret".to_owned());
        self.fields.keys().cloned().chain(secret).collect()
    }
}

/// The body that makes the endpoint.
pub(crate) fn creation(record: &Record) -> Value {
    let mut body = Map::from_iter([
        ("uid".to_owned(), json!(record.uid)),
        ("url".to_owned(), json!(record.url)),
        ("eventTypes".to_owned(), json!(record.event_types)),
    ]);
    let mut put = |name: &str, value: Option<Value>| body.extend(value.map(|value| (name.to_owned(), value)));
    put("secret", record.secret.as_ref().map(|secret| json!(secret)));
    put("description", record.description.as_ref().filter(|text| !text.is_empty()).map(|text| json!(text)));
    let disabled = record.status == Some(Status::Disabled) || !record.missing_headers.is_empty();
    put("status", disabled.then(|| json!("disabled")));
    put("ordered", record.ordered.filter(|on| *on).map(Value::from));
    put("headers", record.headers.as_ref().filter(|headers| !headers.is_empty()).map(|headers| json!(headers)));
    put("v1a", record.v1a.filter(|on| *on).map(Value::from));
    put("svixHeaders", record.svix_headers.filter(|on| *on).map(Value::from));
    put("rateLimit", record.rate_limit.as_ref().and_then(|Unless(limit)| limit.map(Value::from)));
    put("filter", record.filter.as_ref().and_then(|Unless(filter)| filter.clone()));
    body.into()
}

/// Why an endpoint is not made: it would be disabled for now, by `--disabled` or for want of a header, and without a
/// status no later import would enable it.
pub(crate) fn never_enabled(record: &Record, disabled: bool) -> Option<String> {
    let no_status = "it brings no status, so no later import would enable it: give it one";
    match (record.status, record.missing_headers.is_empty(), disabled) {
        (None, false, _) => Some(no_status.to_owned()),
        (None, true, true) => Some(format!("{no_status}, or leave out --disabled")),
        _ => None,
    }
}

/// What has to change of an endpoint that is there, with that secret.
pub(crate) fn changes(record: &Record, existing: &Existing, secret: Option<&str>) -> Changes {
    let mut fields = Map::new();
    let mut set = |name: &str, differs: bool, value: Value| {
        if differs {
            fields.insert(name.to_owned(), value);
        }
    };
    set("url", record.url != existing.url, json!(record.url));
    let types = |types: &[String]| types.iter().cloned().collect::<BTreeSet<_>>();
    let wanted = types(&record.event_types);
    set("eventTypes", wanted != types(&existing.event_types), json!(record.event_types));
    if let Some(description) = &record.description {
        let differs = description != existing.description.as_deref().unwrap_or_default();
        set("description", differs, json!(description));
    }
    for (name, wanted, has) in [
        ("ordered", record.ordered, existing.ordered),
        ("v1a", record.v1a, existing.v1a),
        ("svixHeaders", record.svix_headers, existing.svix_headers),
    ] {
        set(name, wanted.is_some_and(|wanted| wanted != has), json!(wanted));
    }
    if let Some(headers) = headers(record, existing) {
        set("headers", lower(&headers) != lower(&existing.headers), json!(headers));
    }
    if let Some(Unless(limit)) = &record.rate_limit {
        set("rateLimit", *limit != existing.rate_limit, json!(limit));
    }
    if let Some(Unless(filter)) = &record.filter {
        set("filter", *filter != existing.filter, json!(filter));
    }
    if let Some(status) = status(record, existing) {
        set("status", true, json!(status));
    }
    Changes { fields, secret: record.secret.is_some() && record.secret.as_deref() != secret }
}

/// Why an endpoint's status is left as it is, although it is another one at the source.
pub(crate) fn left_disabled(record: &Record, existing: &Existing) -> Option<String> {
    if record.status != Some(Status::Enabled) || existing.is_enabled() {
        return None;
    }
    if let Some(reason) = &existing.disabled_reason {
        return Some(format!(
            "hookbell has disabled it ({reason}), and it stays so: enable it once its receiver works"
        ));
    }
    let missing: Vec<&str> = missing(record, existing).collect();
    (!missing.is_empty()).then(|| format!("it stays disabled until it has the header {}", missing.join(", ")))
}

/// What its requests lack where it is enabled all the same, by a person or since before the source had such headers.
pub(crate) fn sent_without(record: &Record, existing: &Existing) -> Option<String> {
    let missing: Vec<&str> = missing(record, existing).collect();
    let goes_on = existing.is_enabled() && record.status != Some(Status::Disabled);
    (goes_on && !missing.is_empty()).then(|| {
        format!("the value of {} is not told: its requests go without it until somebody sets it", missing.join(", "))
    })
}

/// The status that it has to get.
fn status(record: &Record, existing: &Existing) -> Option<Status> {
    match (record.status?, existing.is_enabled()) {
        (Status::Disabled, true) => Some(Status::Disabled),
        (Status::Enabled, false) if left_disabled(record, existing).is_none() => Some(Status::Enabled),
        _ => None,
    }
}

/// Headers whose values the source does not tell, and hookbell does not have either.
fn missing<'a>(record: &'a Record, existing: &Existing) -> impl Iterator<Item = &'a str> {
    record.missing_headers.iter().map(String::as_str).filter(|name| !existing.has_header(name))
}

/// The headers that it has to have: the source's, and of those that it does not tell what hookbell has.
fn headers(record: &Record, existing: &Existing) -> Option<BTreeMap<String, String>> {
    let mut headers = record.headers.clone()?;
    for (name, value) in &existing.headers {
        if record.missing_headers.iter().any(|missing| missing.eq_ignore_ascii_case(name)) {
            headers.insert(name.clone(), value.clone());
        }
    }
    Some(headers)
}

/// Headers by their names in lower case: case makes no difference.
fn lower(headers: &BTreeMap<String, String>) -> BTreeMap<String, &str> {
    headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            uid: "ep_1".to_owned(),
            url: "https://example.com/".to_owned(),
            event_types: ["a", "b"].map(str::to_owned).into(),
            secret: Some("whsec_1".to_owned()),
            description: Some(String::new()),
            status: Some(Status::Enabled),
            headers: Some(BTreeMap::from([("X-A".to_owned(), "1".to_owned())])),
            svix_headers: Some(true),
            rate_limit: Some(Unless(Some(5))),
            ..Record::default()
        }
    }

    fn existing() -> Existing {
        Existing {
            url: "https://example.com/".to_owned(),
            event_types: ["b", "a"].map(str::to_owned).into(),
            status: "enabled".to_owned(),
            headers: BTreeMap::from([("x-a".to_owned(), "1".to_owned())]),
            svix_headers: true,
            rate_limit: Some(5),
            // What the source knows nothing of stays as it is.
            ordered: true,
            filter: Some(json!({ "a": [1] })),
            ..Existing::default()
        }
    }

    #[track_caller]
    fn check(record: &Record, existing: &Existing, secret: &str, expected: &[&str]) {
        assert_eq!(changes(record, existing, Some(secret)).names(), expected);
    }

    #[test]
    fn nothing_changes_where_all_is_the_same() {
        check(&record(), &existing(), "whsec_1", &[]);
    }

    #[test]
    fn each_difference_is_a_change_of_its_own() {
        check(&record(), &existing(), "whsec_2", &["secret"]);
        check(&Record { secret: None, ..record() }, &existing(), "whsec_2", &[]);
        check(&Record { url: "https://b/".to_owned(), ..record() }, &existing(), "whsec_1", &["url"]);
        check(&Record { event_types: vec!["*".to_owned()], ..record() }, &existing(), "whsec_1", &["eventTypes"]);
        check(&Record { description: Some("x".to_owned()), ..record() }, &existing(), "whsec_1", &["description"]);
        check(&Record { rate_limit: Some(Unless(None)), ..record() }, &existing(), "whsec_1", &["rateLimit"]);
        check(&Record { filter: Some(Unless(None)), ..record() }, &existing(), "whsec_1", &["filter"]);
        check(&Record { headers: Some(BTreeMap::new()), ..record() }, &existing(), "whsec_1", &["headers"]);
        check(&Record { headers: None, ..record() }, &existing(), "whsec_1", &[]);
        check(&Record { svix_headers: Some(false), ..record() }, &existing(), "whsec_1", &["svixHeaders"]);
        check(&Record { ordered: Some(false), ..record() }, &existing(), "whsec_1", &["ordered"]);
        check(&Record { status: Some(Status::Disabled), ..record() }, &existing(), "whsec_1", &["status"]);
    }

    #[test]
    fn what_hookbell_has_disabled_stays_so_and_what_a_person_has_does_not() {
        let mut disabled = Existing { status: "disabled".to_owned(), ..existing() };
        check(&record(), &disabled, "whsec_1", &["status"]);
        disabled.disabled_reason = Some("410 Gone".to_owned());
        check(&record(), &disabled, "whsec_1", &[]);
        assert!(left_disabled(&record(), &disabled).is_some_and(|note| note.contains("410 Gone")));
    }

    #[test]
    fn a_header_that_the_source_does_not_tell_is_a_persons_to_set_and_stays() {
        let hidden = Record { missing_headers: vec!["Authorization".to_owned()], ..record() };
        assert_eq!(creation(&hidden)["status"], "disabled");
        let mut waiting = Existing { status: "disabled".to_owned(), ..existing() };
        check(&hidden, &waiting, "whsec_1", &[]);
        assert!(left_disabled(&hidden, &waiting).is_some_and(|note| note.ends_with("Authorization")));
        waiting.headers.insert("authorization".to_owned(), "Bearer x".to_owned());
        check(&hidden, &waiting, "whsec_1", &["status"]);
        let enabled = Existing { status: "enabled".to_owned(), ..waiting };
        check(&hidden, &enabled, "whsec_1", &[]);
        let other = Record { headers: Some(BTreeMap::new()), ..hidden };
        assert_eq!(
            changes(&other, &enabled, Some("whsec_1")).fields["headers"],
            json!({ "authorization": "Bearer x" })
        );
    }

    #[test]
    fn an_enabled_endpoint_without_a_header_of_the_source_is_told_of_and_goes_on() {
        let hidden = Record { missing_headers: vec!["Authorization".to_owned()], ..record() };
        check(&hidden, &existing(), "whsec_1", &[]);
        assert!(sent_without(&hidden, &existing()).is_some_and(|note| note.contains("Authorization")));
        let off = Record { status: Some(Status::Disabled), ..hidden.clone() };
        let disabled = Existing { status: "disabled".to_owned(), ..existing() };
        let mut set = existing();
        set.headers.insert("authorization".to_owned(), "Bearer x".to_owned());
        for (record, existing) in [(&off, &existing()), (&hidden, &disabled), (&hidden, &set), (&record(), &set)] {
            assert_eq!(sent_without(record, existing), None);
        }
    }

    #[test]
    fn what_would_be_disabled_and_never_enabled_is_not_made() {
        let without = Record { status: None, ..record() };
        let hidden = Record { missing_headers: vec!["Authorization".to_owned()], ..without.clone() };
        assert_eq!((never_enabled(&without, false), never_enabled(&record(), true)), (None, None));
        assert!(never_enabled(&without, true).is_some_and(|why| why.ends_with("or leave out --disabled")));
        for disabled in [false, true] {
            assert!(never_enabled(&hidden, disabled).is_some_and(|why| why.ends_with("give it one")));
            assert_eq!(never_enabled(&Record { status: Some(Status::Enabled), ..hidden.clone() }, disabled), None);
        }
    }

    #[test]
    fn what_is_made_says_only_what_is_not_so_anyway() {
        let body = creation(&record());
        let names: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(names, ["eventTypes", "headers", "rateLimit", "secret", "svixHeaders", "uid", "url"]);
    }
}
