//! The keys of every item.
//!
//! | item | PK | SK |
//! |---|---|---|
//! | organization | `ORG#org` | `ORG` |
//! | organization in the list of all | `ORGS` | `org` |
//! | endpoint | `ORG#org` | `EP#whe_…` |
//! | endpoint by its uid | `UID#org#uid` | `UID` |
//! | message | `MSG#org#shard` | `msg_…` |
//! | delivery | `DLV#whe_…#shard` | `dlv_…` |
//! | lane of a rate limit | `LANE#whe_…` | `LANE` |
//! | redelivery of a message | `RDL#org#msg_…` | `dlv_…` |
//! | replay | `RPL#whe_…` | `rpl_…` |
//! | producer's event id | `EVT#org#eventId` | `EVT` |
//! | key, and token in use | `KEY#` and its SHA-256 in hexadecimal | `KEY` |
//! | key in its organization's list | `KEYS#org` | `key_…` |
//!
//! An organization's id holds no `#`, and shards come from the id itself, so whoever knows the organization can compute
//! every key. No key leads from one organization to another: that is what the list of all is for.

use hookbell_domain::ids::{DeliveryId, EndpointId, EndpointUid, EventId, KeyId, MessageId, OrganizationId, ReplayId};

use super::{Item, text};

/// The partition key's attribute.
pub(super) const PK: &str = "PK";
/// The sort key's attribute.
pub(super) const SK: &str = "SK";
/// The partition of the list of all organizations.
pub(super) const ORGANIZATIONS: &str = "ORGS";
/// What every endpoint's sort key starts with.
pub(super) const ENDPOINT: &str = "EP#";

/// One item's key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) pk: String,
    pub(super) sk: String,
}

impl Key {
    pub(super) fn organization(organization: &OrganizationId) -> Self {
        Self { pk: format!("ORG#{organization}"), sk: "ORG".to_owned() }
    }

    pub(super) fn organization_entry(organization: &OrganizationId) -> Self {
        Self { pk: ORGANIZATIONS.to_owned(), sk: organization.to_string() }
    }

    pub(super) fn endpoint(organization: &OrganizationId, endpoint: EndpointId) -> Self {
        Self { pk: format!("ORG#{organization}"), sk: format!("{ENDPOINT}{endpoint}") }
    }

    pub(super) fn endpoint_uid(organization: &OrganizationId, uid: &EndpointUid) -> Self {
        Self { pk: format!("UID#{organization}#{uid}"), sk: "UID".to_owned() }
    }

    pub(super) fn message(organization: &OrganizationId, message: MessageId) -> Self {
        Self { pk: message_shard(organization, message.shard()), sk: message.to_string() }
    }

    pub(super) fn delivery(endpoint: EndpointId, delivery: DeliveryId) -> Self {
        Self { pk: delivery_shard(endpoint, delivery.shard()), sk: delivery.to_string() }
    }

    pub(super) fn lane(endpoint: EndpointId) -> Self {
        Self { pk: format!("LANE#{endpoint}"), sk: "LANE".to_owned() }
    }

    pub(super) fn redelivery(organization: &OrganizationId, message: MessageId, delivery: DeliveryId) -> Self {
        Self { pk: redeliveries(organization, message), sk: delivery.to_string() }
    }

    pub(super) fn replay(endpoint: EndpointId, replay: ReplayId) -> Self {
        Self { pk: replays(endpoint), sk: replay.to_string() }
    }

    pub(super) fn event_id(organization: &OrganizationId, event: &EventId) -> Self {
        Self { pk: format!("EVT#{organization}#{event}"), sk: "EVT".to_owned() }
    }

    pub(super) fn api_key(hash: &str) -> Self {
        Self { pk: format!("KEY#{hash}"), sk: "KEY".to_owned() }
    }

    pub(super) fn api_key_row(organization: &OrganizationId, key: KeyId) -> Self {
        Self { pk: key_list(organization), sk: key.to_string() }
    }

    pub(super) fn into_item(self) -> Item {
        Item::from([(PK.to_owned(), text(self.pk)), (SK.to_owned(), text(self.sk))])
    }
}

/// The partition of a message's redeliveries.
pub(super) fn redeliveries(organization: &OrganizationId, message: MessageId) -> String {
    format!("RDL#{organization}#{message}")
}

/// The partition of an endpoint's replays.
pub(super) fn replays(endpoint: EndpointId) -> String {
    format!("RPL#{endpoint}")
}

/// The partition of an endpoint's deliveries in one shard.
pub(super) fn delivery_shard(endpoint: EndpointId, shard: u8) -> String {
    format!("DLV#{endpoint}#{shard}")
}

/// The partition of an organization's messages in one shard.
pub(super) fn message_shard(organization: &OrganizationId, shard: u8) -> String {
    format!("MSG#{organization}#{shard}")
}

/// The partition of an organization's keys.
pub(super) fn key_list(organization: &OrganizationId) -> String {
    format!("KEYS#{organization}")
}
