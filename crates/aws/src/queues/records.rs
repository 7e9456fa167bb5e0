//! The records that hookbell itself puts on its queues.

use std::str::FromStr;

use hookbell_domain::delivery::{Delivery, ManualRequest, Turn};
use hookbell_domain::endpoint::RateLimit;
use hookbell_domain::ids::{DeliveryId, EndpointId, EventId, MessageId, OrganizationId, ReplayId};
use hookbell_domain::message::{AcceptedEvent, Audience};
use hookbell_domain::pace::Slot;
use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::AwsError;

/// A record that is none of ours.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UnreadableRecord(String);

/// A delivery that waits for an attempt: a record of the deliveries queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryTask {
    /// Whose.
    pub organization_id: OrganizationId,
    /// Where to.
    pub endpoint_id: EndpointId,
    /// What.
    pub message_id: MessageId,
    /// Which delivery.
    pub delivery_id: DeliveryId,
    /// The number of the attempt to make, on the schedule.
    pub attempt: u32,
    /// Set where the attempt was asked for, beside the schedule: what the asking is known by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manual: Option<u64>,
    /// Set where the delivery is made by its first attempt: the message's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub makes: Option<String>,
    /// When it is due, unix milliseconds.
    pub due_at: i64,
    /// When it was due first, where it has been put back since, unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_due_at: Option<i64>,
    /// The revision of the organization that whoever asked for it saw; no older one is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// What it has reserved under its endpoint's rate limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<ReservedSlot>,
    /// Since when it has been put back because its endpoint is open, unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_since: Option<i64>,
    /// How often it has been put back since the last attempt because it was not due.
    #[serde(default)]
    pub hops: u32,
    /// How often it has come back from the dead-letter queue.
    #[serde(default)]
    pub redrives: u32,
}

/// A slot of a rate limit's lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReservedSlot {
    /// When, unix milliseconds.
    pub at: i64,
    /// Under which limit, messages a second.
    pub limit: u32,
}

/// A replay's next step: a record of the deliveries queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplayTask {
    /// Whose.
    pub organization_id: OrganizationId,
    /// Of which endpoint.
    pub endpoint_id: EndpointId,
    /// Which replay.
    pub replay_id: ReplayId,
    /// How many steps are done.
    pub step: u32,
    /// The revision of the organization that whoever asked for it saw; no older one is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// How often it has come back from the dead-letter queue.
    #[serde(default)]
    pub redrives: u32,
}

/// What the deliveries queue holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Task {
    /// A delivery that waits for an attempt.
    Delivery(DeliveryTask),
    /// A replay that waits for its next step.
    Replay(ReplayTask),
}

impl Task {
    /// Whose share of the queue it takes.
    #[must_use]
    pub fn endpoint_id(&self) -> EndpointId {
        match self {
            Self::Delivery(task) => task.endpoint_id,
            Self::Replay(task) => task.endpoint_id,
        }
    }
}

/// A delivery that has ended without success: a record of the deliveries' dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    /// Whose.
    pub organization_id: OrganizationId,
    /// Where it was to go.
    pub endpoint_id: EndpointId,
    /// Which delivery.
    pub delivery_id: DeliveryId,
    /// Why it has ended.
    pub ended_because: EndedBecause,
    /// When, unix milliseconds.
    pub ended_at: i64,
    /// When the endpoint had changed last as its last attempt knew it, unix milliseconds; absent where that is not known
    /// any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_as_of: Option<i64>,
}

/// Why a delivery that ended concerns its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBecause {
    /// Its schedule is used up.
    Exhausted,
    /// The receiver answered 410.
    Gone,
    /// The receiver answered `webhook-delivery: disable`.
    Disable,
}

impl DeliveryTask {
    /// An attempt of a delivery that somebody asked for, who has seen that revision of the organization: due now, the
    /// schedule's first.
    #[must_use]
    pub fn asked(delivery: &Delivery, now: Timestamp, revision: u64) -> Self {
        Self {
            organization_id: delivery.organization_id.clone(),
            endpoint_id: delivery.endpoint_id,
            message_id: delivery.message_id,
            delivery_id: delivery.id,
            attempt: 1,
            manual: None,
            makes: None,
            due_at: now.as_millisecond(),
            first_due_at: None,
            revision: Some(revision),
            slot: None,
            held_since: None,
            hops: 0,
            redrives: 0,
        }
    }

    /// Which attempt it is for.
    #[must_use]
    pub fn turn(&self) -> Turn {
        self.manual.map_or(Turn::Scheduled(self.attempt), |request| Turn::Manual(ManualRequest(request)))
    }

    /// When it is due.
    #[must_use]
    pub fn due_at(&self) -> Timestamp {
        Timestamp::from_millisecond(self.due_at).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// When it was due before it was put back, if it was.
    #[must_use]
    pub fn first_due_at(&self) -> Timestamp {
        self.first_due_at.and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_else(|| self.due_at())
    }

    /// The same, put back until then.
    #[must_use]
    pub fn put_back(self, until: Timestamp) -> Self {
        Self { first_due_at: self.first_due_at.or(Some(self.due_at)), due_at: until.as_millisecond(), ..self }
    }
}

impl From<Slot> for ReservedSlot {
    fn from(slot: Slot) -> Self {
        Self { at: slot.at.as_millisecond(), limit: slot.limit.per_second() }
    }
}

impl ReservedSlot {
    /// What it stands for; nothing where that cannot be read.
    #[must_use]
    pub fn slot(self) -> Option<Slot> {
        let at = Timestamp::from_millisecond(self.at).ok()?;
        RateLimit::new(self.limit).map(|limit| Slot { at, limit })
    }
}

impl Ended {
    /// When it ended.
    #[must_use]
    pub fn ended_at(&self) -> Timestamp {
        Timestamp::from_millisecond(self.ended_at).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Whether it says something of an endpoint that changed last at `updated_at`, and nothing only of what that was before.
    #[must_use]
    pub fn is_about(&self, updated_at: Timestamp) -> bool {
        updated_at.as_millisecond() <= self.endpoint_as_of.unwrap_or(self.ended_at)
    }
}

impl FromStr for Task {
    type Err = UnreadableRecord;

    fn from_str(body: &str) -> Result<Self, UnreadableRecord> {
        /// The key by which the two are told apart, so that what is wrong is said of the right one.
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Kind {
            replay_id: Option<IgnoredAny>,
        }
        match read::<Kind>(body)?.replay_id {
            Some(_) => read(body).map(Self::Replay),
            None => read(body).map(Self::Delivery),
        }
    }
}

impl FromStr for Ended {
    type Err = UnreadableRecord;

    fn from_str(body: &str) -> Result<Self, UnreadableRecord> {
        read(body)
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, UnreadableRecord> {
    serde_json::from_str(body).map_err(|error| UnreadableRecord(error.to_string()))
}

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

pub(super) fn write(record: &impl Serialize) -> Result<String, AwsError> {
    serde_json::to_string(record).map_err(|error| AwsError::unreadable("writing a record", error))
}

pub(super) fn write_accepted(event: &AcceptedEvent) -> Result<String, AwsError> {
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

pub(super) fn write_produced(
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

    fn with_redrives(task: Task, redrives: u32) -> Task {
        match task {
            Task::Delivery(task) => Task::Delivery(DeliveryTask { redrives, ..task }),
            Task::Replay(task) => Task::Replay(ReplayTask { redrives, ..task }),
        }
    }

    #[test]
    fn an_ended_delivery_a_waiting_one_and_a_replay_are_told_apart() {
        let at = Timestamp::from_millisecond(5).unwrap();
        let task = DeliveryTask {
            organization_id: "org_1".parse().unwrap(),
            endpoint_id: EndpointId::new(at, 1),
            message_id: MessageId::new(at, 2),
            delivery_id: DeliveryId::new(at, 3),
            attempt: 2,
            manual: None,
            makes: None,
            due_at: 5,
            first_due_at: Some(4),
            revision: Some(3),
            slot: Some(ReservedSlot { at: 7, limit: 10 }),
            held_since: None,
            hops: 0,
            redrives: 0,
        };
        let replay = ReplayTask {
            organization_id: task.organization_id.clone(),
            endpoint_id: task.endpoint_id,
            replay_id: ReplayId::new(at, 4),
            step: 7,
            revision: None,
            redrives: 0,
        };
        let ended = Ended {
            organization_id: task.organization_id.clone(),
            endpoint_id: task.endpoint_id,
            delivery_id: task.delivery_id,
            ended_because: EndedBecause::Exhausted,
            ended_at: 5,
            endpoint_as_of: Some(4),
        };
        let (task, replay) = (Task::Delivery(task), Task::Replay(replay));
        for task in [task, replay] {
            assert_eq!(with_redrives(task.clone(), 3).anew(), task);
            let text = write(&task).unwrap();
            assert_eq!(text.parse::<Task>().unwrap(), task);
            assert!(text.parse::<Ended>().is_err());
        }
        let text = write(&ended).unwrap();
        assert_eq!(text.parse::<Ended>().unwrap(), ended);
        assert!(text.parse::<Task>().is_err());
    }

    #[test]
    fn an_end_is_about_the_endpoint_as_its_attempt_knew_it_or_where_that_is_not_known_as_it_was_by_then() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let known = Ended {
            organization_id: "org_1".parse().unwrap(),
            endpoint_id: EndpointId::new(at(1), 1),
            delivery_id: DeliveryId::new(at(1), 2),
            ended_because: EndedBecause::Gone,
            ended_at: 9,
            endpoint_as_of: Some(4),
        };
        assert_eq!([4, 5, 9].map(|updated| known.is_about(at(updated))), [true, false, false]);
        let unknown = Ended { endpoint_as_of: None, ..known };
        assert_eq!([4, 9, 10].map(|updated| unknown.is_about(at(updated))), [true, true, false]);
    }
}
