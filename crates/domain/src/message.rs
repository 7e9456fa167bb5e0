//! Messages: events accepted for an organization.

use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::endpoint::Endpoint;
use crate::ids::{EndpointId, EventId, MessageId, OrganizationId};

/// An event that was accepted and has its message id, on its way to the fan-out.
#[derive(Debug, Clone)]
pub struct AcceptedEvent {
    /// The id of the message that it becomes.
    pub message_id: MessageId,
    /// Whose event it is.
    pub organization_id: OrganizationId,
    /// A name of the organization's catalogue.
    pub event_type: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The producer's id of it.
    pub event_id: Option<EventId>,
    /// The payload as the producer wrote it.
    pub payload: Box<RawValue>,
    /// Which endpoints may get it.
    pub audience: Audience,
    /// The revision of the organization that the acceptance saw; the fan-out uses no older one.
    pub revision: Option<u64>,
}

/// Which of an organization's endpoints may get a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// All that subscribe to its type.
    Subscribers,
    /// This one, whatever it subscribes to.
    Only(EndpointId),
    /// All that subscribe to its type but this one.
    SubscribersExcept(EndpointId),
}

impl Audience {
    /// Whether an endpoint is to get a message of that type. Whether it is enabled is another question.
    #[must_use]
    pub fn includes(self, endpoint: &Endpoint, event_type: &str) -> bool {
        match self {
            Self::Only(id) => endpoint.id == id,
            Self::Subscribers => endpoint.subscribes_to(event_type),
            Self::SubscribersExcept(id) => endpoint.id != id && endpoint.subscribes_to(event_type),
        }
    }
}

/// A message as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id; the time in it is that of the acceptance.
    pub id: MessageId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Its type.
    pub event_type: String,
    /// The producer's id of the event.
    pub event_id: Option<EventId>,
    /// The endpoints it goes to.
    pub endpoint_ids: Vec<EndpointId>,
    /// The bytes that are signed and sent.
    pub body: Vec<u8>,
}
