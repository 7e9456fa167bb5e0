//! What waits on the deliveries queue: attempts of deliveries, and steps of replays.

use std::str::FromStr;

use hookbell_domain::delivery::{Delivery, ManualRequest, Turn};
use hookbell_domain::endpoint::RateLimit;
use hookbell_domain::ids::{DeliveryId, EndpointId, MessageId, OrganizationId, ReplayId};
use hookbell_domain::pace::Slot;
use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::{UnreadableRecord, read};

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
