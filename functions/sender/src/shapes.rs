//! The shapes in which producers report events on the queue, told apart by their keys.
//!
//! - hookbell's own: `{organizationId, type, data, id?, timestamp?}`
//! - a flat body: `event` and `organizationId` among its keys; the whole of it is the payload
//! - an `EventBridge` event: `detail-type`, and `detail` with `organizationId`; the rest of `detail` is the payload

use hookbell_domain::ids::{EventId, OrganizationId};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

/// An event as a producer reported it.
#[derive(Debug)]
pub(crate) struct ProducedEvent {
    pub(crate) organization_id: OrganizationId,
    pub(crate) event_type: String,
    pub(crate) event_id: Option<EventId>,
    /// When it happened, if the producer said so.
    pub(crate) occurred_at: Option<Timestamp>,
    pub(crate) payload: Payload,
}

/// Where the payload of an event stands in its record.
#[derive(Debug)]
pub(crate) enum Payload {
    /// It is this text, whatever the organization's profile.
    Whole(Box<RawValue>),
    /// It is this text; a profile with flat bodies takes it as the body.
    Detail(Box<RawValue>),
}

/// Why a record is no event, naming the key and the fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ShapeError {
    #[error("the body is not a JSON object: {0}")]
    NotAnObject(String),
    #[error(
        "none of the known shapes: expected the keys organizationId, type and data; or event and organizationId; \
         or detail-type and detail"
    )]
    Unknown,
    #[error("{key}: {problem}")]
    Key { key: &'static str, problem: String },
}

impl ShapeError {
    fn key(key: &'static str, problem: impl Into<String>) -> Self {
        Self::Key { key, problem: problem.into() }
    }
}

/// The keys by which shapes are told apart; everything else is passed over without a copy.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Keys<'a> {
    #[serde(borrow)]
    organization_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    event_type: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    #[serde(borrow, rename = "detail-type")]
    detail_type: Option<&'a RawValue>,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
    #[serde(borrow)]
    time: Option<&'a RawValue>,
}

/// Reads an event in whichever of the shapes it comes.
pub(crate) fn read(body: &str) -> Result<ProducedEvent, ShapeError> {
    let keys = object(body)?;
    if keys.detail_type.is_some() || keys.detail.is_some() {
        read_event_bridge(&keys)
    } else if keys.event.is_some() && !(keys.event_type.is_some() && keys.data.is_some()) {
        read_flat(&keys, body)
    } else if keys.event_type.is_some() || keys.data.is_some() {
        read_own(&keys)
    } else {
        Err(ShapeError::Unknown)
    }
}

fn read_own(keys: &Keys<'_>) -> Result<ProducedEvent, ShapeError> {
    let data = keys.data.ok_or_else(|| ShapeError::key("data", "is missing"))?;
    if !data.get().starts_with('{') {
        return Err(ShapeError::key("data", "must be a JSON object"));
    }
    Ok(ProducedEvent {
        organization_id: required("organizationId", keys.organization_id)?,
        event_type: required("type", keys.event_type)?,
        event_id: optional("id", keys.id)?,
        occurred_at: optional("timestamp", keys.timestamp)?,
        payload: Payload::Whole(data.to_owned()),
    })
}

fn read_flat(keys: &Keys<'_>, body: &str) -> Result<ProducedEvent, ShapeError> {
    Ok(ProducedEvent {
        organization_id: required("organizationId", keys.organization_id)?,
        event_type: required("event", keys.event)?,
        event_id: None,
        occurred_at: optional("timestamp", keys.timestamp)?,
        payload: Payload::Whole(raw(body)?),
    })
}

fn read_event_bridge(keys: &Keys<'_>) -> Result<ProducedEvent, ShapeError> {
    let detail = keys.detail.ok_or_else(|| ShapeError::key("detail", "is missing"))?;
    let inner = object(detail.get()).map_err(|error| ShapeError::key("detail", error.to_string()))?;
    Ok(ProducedEvent {
        organization_id: required("detail.organizationId", inner.organization_id)?,
        event_type: required("detail-type", keys.detail_type)?,
        event_id: optional("id", keys.id)?,
        occurred_at: optional("time", keys.time)?,
        payload: Payload::Detail(detail.to_owned()),
    })
}

impl Payload {
    /// The payload for an organization whose bodies are flat: all that the producer gave.
    pub(crate) fn flat(self) -> Box<RawValue> {
        match self {
            Self::Whole(text) | Self::Detail(text) => text,
        }
    }

    /// The payload for an organization whose bodies are envelopes: without the key that only said whose event it is.
    pub(crate) fn enveloped(self) -> Result<Box<RawValue>, ShapeError> {
        match self {
            Self::Whole(text) => Ok(text),
            Self::Detail(text) => without_organization(&text),
        }
    }
}

fn object(text: &str) -> Result<Keys<'_>, ShapeError> {
    // A struct can also be read from an array, by position: that is no shape of ours.
    if !text.trim_start().starts_with('{') {
        return Err(ShapeError::NotAnObject("it does not begin with {".to_owned()));
    }
    serde_json::from_str(text).map_err(|error| ShapeError::NotAnObject(error.to_string()))
}

fn required<T: std::str::FromStr<Err: ToString>>(key: &'static str, value: Option<&RawValue>) -> Result<T, ShapeError> {
    optional(key, value)?.ok_or_else(|| ShapeError::key(key, "is missing"))
}

fn optional<T: std::str::FromStr<Err: ToString>>(
    key: &'static str,
    value: Option<&RawValue>,
) -> Result<Option<T>, ShapeError> {
    let Some(value) = value else { return Ok(None) };
    let text: Option<String> =
        serde_json::from_str(value.get()).map_err(|_| ShapeError::key(key, "must be a string"))?;
    text.map(|text| text.parse().map_err(|error: T::Err| ShapeError::key(key, error.to_string()))).transpose()
}

fn raw(text: &str) -> Result<Box<RawValue>, ShapeError> {
    RawValue::from_string(text.to_owned()).map_err(|error| ShapeError::NotAnObject(error.to_string()))
}

/// The object of `text` without its `organizationId`; all other keys and values as they stand there.
fn without_organization(text: &RawValue) -> Result<Box<RawValue>, ShapeError> {
    let Entries(entries) =
        serde_json::from_str(text.get()).map_err(|error| ShapeError::key("detail", error.to_string()))?;
    let kept: Vec<String> = entries
        .into_iter()
        .filter(|(key, _)| key != "organizationId")
        .map(|(key, value)| format!("{}:{}", serde_json::Value::String(key), value.get()))
        .collect();
    raw(&format!("{{{}}}", kept.join(",")))
}

/// An object's keys and values in the order in which they stand.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> serde::de::Visitor<'de> for Collect {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_shape_is_read() {
        let event = read(
            r#"{"organizationId":"org_1","type":"member.added","data":{"b":1.0,"a":2},"id":"e-1","timestamp":"2026-05-30T14:23:00Z"}"#,
        )
        .unwrap();
        assert_eq!((event.organization_id.as_str(), event.event_type.as_str()), ("org_1", "member.added"));
        assert_eq!(event.event_id.unwrap().as_str(), "e-1");
        assert_eq!(event.occurred_at, Some("2026-05-30T14:23:00Z".parse().unwrap()));
        assert_eq!(event.payload.enveloped().unwrap().get(), r#"{"b":1.0,"a":2}"#);
    }

    #[test]
    fn a_flat_body_is_its_own_payload_and_its_id_is_the_resources() {
        let body = r#"{"event":"sandbox.created","id":"sandbox1","organizationId":"org_1", "state":"started"}"#;
        let event = read(body).unwrap();
        assert_eq!(event.event_type, "sandbox.created");
        assert_eq!(event.event_id, None);
        assert_eq!(event.payload.flat().get(), body);
    }

    #[test]
    fn an_event_bridge_event_gives_its_detail() {
        let body = r#"{"version":"0","id":"6a7e8feb","detail-type":"environment.failed","time":"2026-05-30T14:23:00Z",
            "detail":{"z":1.0,"organizationId":"org_1","a\u0062":[1, 2]}}"#;
        let event = read(body).unwrap();
        assert_eq!(event.event_id.as_ref().map(EventId::as_str), Some("6a7e8feb"));
        assert_eq!(event.payload.enveloped().unwrap().get(), r#"{"z":1.0,"ab":[1, 2]}"#);
        let event = read(body).unwrap();
        assert!(event.payload.flat().get().contains("organizationId"), "a flat body keeps it");
    }

    #[track_caller]
    fn check_refused(body: &str, expected: &str) {
        let error = read(body).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn what_is_no_event_is_refused_with_the_key_named() {
        check_refused("not json", "not a JSON object");
        check_refused("[1,2]", "not a JSON object");
        check_refused("", "not a JSON object");
        check_refused(r#"{"a":1}"#, "none of the known shapes");
        check_refused(r#"{"type":"member.added","data":{}}"#, "organizationId: is missing");
        check_refused(
            r#"{"organizationId":"a#b","type":"x","data":{}}"#,
            "organizationId: not a valid organization id",
        );
        check_refused(r#"{"organizationId":"a","type":"x","data":[]}"#, "data: must be a JSON object");
        check_refused(r#"{"organizationId":"a","type":7,"data":{}}"#, "type: must be a string");
        check_refused(r#"{"organizationId":"a","type":"x","data":{},"id":"a b"}"#, "id: not a valid event id");
        check_refused(r#"{"organizationId":"a","type":"x","data":{},"timestamp":"now"}"#, "timestamp: ");
        check_refused(r#"{"event":"sandbox.created"}"#, "organizationId: is missing");
        check_refused(r#"{"detail-type":"x","detail":{}}"#, "detail.organizationId: is missing");
        check_refused(r#"{"detail-type":"x","detail":[]}"#, "detail: ");
    }
}
