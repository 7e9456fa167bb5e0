//! Events as hookbell itself puts them on an events queue: those that the API accepted, and news of its own.

use hookbell_domain::ids::{EndpointId, EventId, MessageId, OrganizationId};
use hookbell_domain::message::{AcceptedEvent, Audience};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{UnreadableRecord, read, write};
use crate::AwsError;

/// An accepted event on the events queue. Only a record with our mark is read as one.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AcceptedRecord<'a> {
    message_id: MessageId,
    organization_id: OrganizationId,
    #[serde(rename = "type")]
    event_type: String,
    occurred_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_id: Option<EventId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    only: Option<EndpointId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revision: Option<u64>,
    #[serde(borrow)]
    payload: &'a RawValue,
}

/// An event as any producer puts it on the events queue.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProducedRecord<'a, D> {
    organization_id: &'a OrganizationId,
    #[serde(rename = "type")]
    event_type: &'a str,
    id: &'a EventId,
    data: &'a D,
}

pub(in crate::queues) fn write_accepted(event: &AcceptedEvent) -> Result<String, AwsError> {
    write(&AcceptedRecord {
        message_id: event.message_id,
        organization_id: event.organization_id.clone(),
        event_type: event.event_type.clone(),
        occurred_at: event.occurred_at.as_millisecond(),
        event_id: event.event_id.clone(),
        only: match event.audience {
            Audience::Only(endpoint) => Some(endpoint),
            Audience::Subscribers | Audience::SubscribersExcept(_) => None,
        },
        revision: event.revision,
        payload: &event.payload,
    })
}

pub(in crate::queues) fn write_produced(
    organization_id: &OrganizationId,
    event_type: &str,
    id: &EventId,
    data: &impl Serialize,
) -> Result<String, AwsError> {
    write(&ProducedRecord { organization_id, event_type, id, data })
}

/// Reads an accepted event. The caller has checked its mark.
///
/// # Errors
/// When it is none, which a record with the right mark always is.
pub fn read_accepted(body: &str) -> Result<AcceptedEvent, UnreadableRecord> {
    let record: AcceptedRecord<'_> = read(body)?;
    Ok(AcceptedEvent {
        message_id: record.message_id,
        organization_id: record.organization_id,
        event_type: record.event_type,
        occurred_at: Timestamp::from_millisecond(record.occurred_at).unwrap_or(Timestamp::UNIX_EPOCH),
        event_id: record.event_id,
        payload: record.payload.to_owned(),
        audience: record.only.map_or(Audience::Subscribers, Audience::Only),
        revision: record.revision,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accepted_event_reads_back_with_its_payload_to_the_byte() {
        let at = Timestamp::from_millisecond(1_780_000_000_123).unwrap();
        let event = AcceptedEvent {
            message_id: MessageId::new(at, 5),
            organization_id: "org_1".parse().unwrap(),
            event_type: "member.added".to_owned(),
            occurred_at: at,
            event_id: Some("evt-1".parse().unwrap()),
            payload: RawValue::from_string(r#"{"z":1.0,"a":"\u00e9"}"#.to_owned()).unwrap(),
            audience: Audience::Only(EndpointId::new(at, 9)),
            revision: Some(7),
        };
        let read = read_accepted(&write_accepted(&event).unwrap()).unwrap();
        assert_eq!(read.payload.get(), event.payload.get());
        assert_eq!(format!("{read:?}"), format!("{event:?}"));
    }
}
