//! The shapes in which producers report events on the queue, told apart by their keys.
//!
//! - hookbell's own: `{organizationId, type, data, id?, timestamp?}`
//! - a flat body: `event` and `organizationId` among its keys; the whole of it is the payload
//! - an `EventBridge` event: `detail-type`, and `detail` with `organizationId`; the rest of `detail` is the payload
//! - a `CloudEvents` 1.0 event: `specversion`, and the extension `organizationid`; its data is the payload
//! - an SNS notification: `Type`, `TopicArn`, and one of the others as the text of `Message`

mod cloud_events;
mod event_bridge;
mod flat;
mod keys;
mod own;
mod sns;

use hookbell_domain::ids::{EventId, OrganizationId};
use jiff::Timestamp;
use serde_json::value::RawValue;

use keys::{Keys, object};

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
         or detail-type and detail; or specversion, type and organizationid; or an SNS notification around one of these"
    )]
    Unknown,
    #[error("{key}: {problem}")]
    Key { key: &'static str, problem: String },
    #[error("{key}: {error}")]
    Within { key: &'static str, error: Box<ShapeError> },
}

impl ShapeError {
    fn key(key: &'static str, problem: impl Into<String>) -> Self {
        Self::Key { key, problem: problem.into() }
    }
}

/// Reads an event in whichever of the shapes it comes.
pub(crate) fn read(body: &str) -> Result<ProducedEvent, ShapeError> {
    let keys = object(body)?;
    if sns::is_notification(&keys) { sns::read(&keys) } else { read_event(&keys, body) }
}

/// Reads an event that stands there itself.
fn read_event(keys: &Keys<'_>, body: &str) -> Result<ProducedEvent, ShapeError> {
    if keys.spec_version.is_some() {
        cloud_events::read(keys)
    } else if keys.detail_type.is_some() || keys.detail.is_some() {
        event_bridge::read(keys)
    } else if keys.event.is_some() && !(keys.event_type.is_some() && keys.data.is_some()) {
        flat::read(keys, body)
    } else if keys.event_type.is_some() || keys.data.is_some() {
        own::read(keys)
    } else {
        Err(ShapeError::Unknown)
    }
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
            Self::Detail(text) => event_bridge::without_organization(&text),
        }
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
