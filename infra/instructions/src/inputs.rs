//! What the paths work at: an event as a producer reports it, its message, and where that goes.

use hookbell_domain::body::freeze;
use hookbell_domain::ids::{EndpointId, MessageId};
use hookbell_domain::profile::BodyFormat;
use jiff::Timestamp;
use serde_json::json;
use serde_json::value::RawValue;

/// The type of the event.
pub(crate) const EVENT_TYPE: &str = "environment.failed";

/// One kilobyte of JSON, as a producer writes it.
const PAYLOAD: &str = include_str!("payload.json");

/// How large the event is.
#[derive(Clone, Copy)]
pub(crate) enum Size {
    /// A kilobyte.
    Usual,
    /// Ten of them.
    Large,
}

pub(crate) fn now() -> Timestamp {
    "2026-05-30T14:23:00.118Z".parse().expect("a time")
}

pub(crate) fn message_id() -> MessageId {
    MessageId::new(now(), 0x5EED)
}

pub(crate) fn endpoint_id(number: u8) -> EndpointId {
    EndpointId::new(now(), number.into())
}

/// A payload of that size.
pub(crate) fn payload(size: Size) -> Box<RawValue> {
    let text = match size {
        Size::Usual => PAYLOAD.to_owned(),
        Size::Large => format!(r#"{{"environments":[{}]}}"#, [PAYLOAD; 10].join(",")),
    };
    RawValue::from_string(text).expect("JSON")
}

/// The event in hookbell's own shape.
pub(crate) fn own(size: Size) -> String {
    let payload = payload(size);
    format!(
        r#"{{"organizationId":"org_demo","type":"{EVENT_TYPE}","data":{payload},"id":"evt-1001","timestamp":"2026-05-30T14:23:00.000Z"}}"#
    )
}

/// As a flat body.
pub(crate) fn flat() -> String {
    let head =
        format!(r#"{{"event":"{EVENT_TYPE}","timestamp":"2026-05-30T14:23:00.000Z","organizationId":"org_demo","#);
    PAYLOAD.replacen('{', &head, 1)
}

/// As `EventBridge` delivers it.
pub(crate) fn event_bridge() -> String {
    let detail = PAYLOAD.replacen('{', r#"{"organizationId":"org_demo","#, 1);
    format!(
        r#"{{"version":"0","id":"1e4f0129-5e8a-4b7b-9324-81b0f971aba7","detail-type":"{EVENT_TYPE}","source":"com.example.environments","account":"123456789012","time":"2026-05-30T14:23:00Z","region":"us-east-1","resources":[],"detail":{detail}}}"#
    )
}

/// As SNS delivers it, in hookbell's own shape.
pub(crate) fn sns() -> String {
    json!({
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:us-east-1:123456789012:environments",
        "Message": own(Size::Usual),
        "Timestamp": "2026-05-30T14:23:00.291Z",
        "SignatureVersion": "1",
        "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
    })
    .to_string()
}

/// As a `CloudEvents` event.
pub(crate) fn cloud_event() -> String {
    format!(
        r#"{{"specversion":"1.0","type":"{EVENT_TYPE}","source":"https://example.com/environments","id":"evt-1002","time":"2026-05-30T14:23:00Z","organizationid":"org_demo","datacontenttype":"application/json","data":{PAYLOAD}}}"#
    )
}

/// The message's body, in an envelope.
pub(crate) fn body(size: Size) -> Vec<u8> {
    freeze(BodyFormat::Envelope, message_id(), EVENT_TYPE, now(), &payload(size))
}
