//! The shape of `CloudEvents` 1.0 in JSON ("JSON Event Format for CloudEvents", version 1.0.2), with the organization's
//! id as the extension `organizationid`.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hookbell_domain::ids::EventId;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::keys::{Keys, optional, required, time};
use super::{Payload, ProducedEvent, ShapeError};

/// Characters of an event id of a producer's that are kept; what follows them has 17 more.
const KEPT_ID: usize = 200;

pub(super) fn read(keys: &Keys<'_>) -> Result<ProducedEvent, ShapeError> {
    let version: String = required("specversion", keys.spec_version)?;
    if version != "1.0" {
        return Err(ShapeError::key("specversion", format!("must be \"1.0\" and is {version:?}")));
    }
    let content_type: Option<String> = optional("datacontenttype", keys.data_content_type)?;
    if let Some(other) = content_type.filter(|content_type| !is_json(content_type)) {
        let problem = format!("must be application/json, or absent, and is {other:?}");
        return Err(ShapeError::key("datacontenttype", problem));
    }
    Ok(ProducedEvent {
        organization_id: required("organizationid", keys.organization_extension)?,
        event_type: required("type", keys.event_type)?,
        event_id: Some(event_id(&present("source", keys.source)?, &present("id", keys.id)?)?),
        occurred_at: time("time", keys.time)?,
        payload: Payload::Whole(data(keys)?),
    })
}

/// A text that has to be there and not to be empty.
fn present(key: &'static str, value: Option<&RawValue>) -> Result<String, ShapeError> {
    let text: String = required(key, value)?;
    if text.is_empty() { Err(ShapeError::key(key, "must not be empty")) } else { Ok(text) }
}

/// Whether it is the media type of JSON, whatever its parameters.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(essence.as_str(), "application/json" | "text/json") || essence.ends_with("+json")
}

/// The event's id among all: `CloudEvents` makes `source` and `id` together one. A source is a URI, which an id of ours
/// cannot hold, so its hash stands for it; so does that of an id that cannot be one of ours.
fn event_id(source: &str, id: &str) -> Result<EventId, ShapeError> {
    let kept = id.len() <= KEPT_ID && id.parse::<EventId>().is_ok();
    let id = if kept { id.to_owned() } else { hash(id) };
    let source: String = hash(source).chars().take(16).collect();
    format!("{id}.{source}")
        .parse()
        .map_err(|error: <EventId as std::str::FromStr>::Err| ShapeError::key("id", error.to_string()))
}

/// In characters that an event id may have.
fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

/// The data: an object of JSON, as it is or in base64.
fn data(keys: &Keys<'_>) -> Result<Box<RawValue>, ShapeError> {
    let (key, data) = match (keys.data, keys.data_base64) {
        (Some(_), Some(_)) => return Err(ShapeError::key("data_base64", "must be absent where data is there")),
        (Some(data), None) => ("data", data.to_owned()),
        (None, Some(_)) => ("data_base64", decoded(required("data_base64", keys.data_base64)?)?),
        (None, None) => return Err(ShapeError::key("data", "is missing")),
    };
    if data.get().starts_with('{') { Ok(data) } else { Err(ShapeError::key(key, "must be a JSON object")) }
}

fn decoded(text: String) -> Result<Box<RawValue>, ShapeError> {
    let wrong = |problem: String| ShapeError::key("data_base64", problem);
    let bytes = STANDARD.decode(text).map_err(|error| wrong(format!("must be base64: {error}")))?;
    serde_json::from_slice(&bytes).map_err(|error| wrong(format!("must be JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::read;
    use super::*;

    fn event() -> Value {
        json!({
            "specversion": "1.0",
            "type": "member.added",
            "source": "https://example.com/environments",
            "id": "A234-1234-1234",
            "time": "2026-05-30T14:23:00+02:00",
            "organizationid": "org_1",
            "subject": "env_1",
            "datacontenttype": "application/json; charset=utf-8",
            "data": { "a": 1 },
        })
    }

    /// The event with other fields, of which `null` takes one away.
    fn with(changes: &Value) -> String {
        let mut event = event();
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(event.as_object_mut().unwrap().remove(name)),
                value => event[name] = value.clone(),
            }
        }
        event.to_string()
    }

    #[test]
    fn its_data_is_the_payload_whatever_the_profile() {
        let event = read(&event().to_string()).unwrap();
        assert_eq!((event.organization_id.as_str(), event.event_type.as_str()), ("org_1", "member.added"));
        assert_eq!(event.occurred_at, Some("2026-05-30T12:23:00Z".parse().unwrap()));
        assert_eq!(event.payload.enveloped().unwrap().get(), r#"{"a":1}"#);
        let bytes = with(&json!({ "data": null, "data_base64": STANDARD.encode(r#" {"z":1.0, "a":"é"} "#) }));
        assert_eq!(read(&bytes).unwrap().payload.flat().get(), r#"{"z":1.0, "a":"é"}"#);
        let plain = with(&json!({ "datacontenttype": null, "time": null }));
        assert_eq!(read(&plain).unwrap().occurred_at, None);
        for content_type in ["Application/JSON", "application/cloud+json", "text/json;a=b"] {
            assert!(read(&with(&json!({ "datacontenttype": content_type }))).is_ok(), "{content_type}");
        }
    }

    #[test]
    fn its_id_and_source_together_are_its_event_id() {
        let id = |source: &str, id: &str| {
            read(&with(&json!({ "source": source, "id": id }))).unwrap().event_id.unwrap().as_str().to_owned()
        };
        assert_eq!(id("/a", "e-1"), format!("e-1.{}", &hash("/a")[..16]));
        assert_eq!(id("/a", "e-1"), id("/a", "e-1"));
        assert_ne!(id("/a", "e-1"), id("/b", "e-1"));
        assert_ne!(id("/a", "e-1"), id("/a", "e-2"));
        for long in [&"x".repeat(200), "é", "a b", "a/b", &"x".repeat(5_000)] {
            assert!(id(&"s".repeat(3_000), long).len() <= 256);
        }
        assert_ne!(id("/a", &"x".repeat(300)), id("/a", &"x".repeat(301)));
    }

    #[track_caller]
    fn check_refused(changes: &Value, expected: &str) {
        let error = read(&with(changes)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn what_is_no_event_is_refused_with_the_key_named() {
        check_refused(&json!({ "specversion": "0.3" }), "specversion: must be \"1.0\" and is \"0.3\"");
        check_refused(&json!({ "specversion": 1 }), "specversion: must be a string");
        check_refused(&json!({ "organizationid": null }), "organizationid: is missing");
        check_refused(&json!({ "organizationid": null, "organizationId": "org_1" }), "organizationid: is missing");
        check_refused(&json!({ "type": null }), "type: is missing");
        check_refused(&json!({ "source": null }), "source: is missing");
        check_refused(&json!({ "source": "" }), "source: must not be empty");
        check_refused(&json!({ "id": "" }), "id: must not be empty");
        check_refused(&json!({ "time": "yesterday" }), "time: must be an ISO-8601 time");
        check_refused(&json!({ "datacontenttype": "text/xml" }), "datacontenttype: must be application/json");
        check_refused(&json!({ "data": null }), "data: is missing");
        check_refused(&json!({ "data": "{}" }), "data: must be a JSON object");
        check_refused(&json!({ "data_base64": "e30=" }), "data_base64: must be absent where data is there");
        check_refused(&json!({ "data": null, "data_base64": "e30" }), "data_base64: must be base64");
        check_refused(&json!({ "data": null, "data_base64": "e3s=" }), "data_base64: must be JSON");
        check_refused(&json!({ "data": null, "data_base64": "/w==" }), "data_base64: must be JSON");
        check_refused(&json!({ "data": null, "data_base64": "W10=" }), "data_base64: must be a JSON object");
    }
}
