//! Messages as they are stored, and reading them. They are put at the gate: see `gate.rs`.

use hookbell_domain::ids::{EndpointId, EventId, MessageId, OrganizationId};
use hookbell_domain::message::Message;
use serde::{Deserialize, Serialize};

use super::body::{self, Packed};
use super::items::is_false;
use super::keys::Key;
use super::{Table, unreadable};
use crate::AwsError;

/// A message: `MSG#org#shard` / `msg_…`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MessageItem {
    #[serde(rename = "PK")]
    pub(super) pk: String,
    #[serde(rename = "SK")]
    pub(super) sk: String,
    #[serde(rename = "type")]
    pub(super) event_type: String,
    #[serde(rename = "event", default, skip_serializing_if = "Option::is_none")]
    pub(super) event_id: Option<String>,
    /// The endpoints, without the prefix that all ids have.
    #[serde(rename = "to")]
    pub(super) endpoints: Vec<String>,
    #[serde(with = "serde_bytes")]
    pub(super) body: Vec<u8>,
    #[serde(rename = "deflated", default, skip_serializing_if = "is_false")]
    pub(super) compressed: bool,
    /// What the call that put it left in it: see `accept_messages`.
    #[serde(with = "serde_bytes", default)]
    pub(super) gate: Vec<u8>,
    #[serde(rename = "expiresAt")]
    pub(super) expires_at: i64,
}

impl MessageItem {
    /// A message as it is put, its body packed, with a mark of the call that puts it.
    pub(super) fn of(message: &Message, packed: Packed, gate: [u8; 8], expires_at: i64) -> Self {
        let key = Key::message(&message.organization_id, message.id);
        let short = |id: &EndpointId| {
            let id = id.to_string();
            id.strip_prefix(EndpointId::PREFIX).unwrap_or(&id).to_owned()
        };
        Self {
            pk: key.pk,
            sk: key.sk,
            event_type: message.event_type.clone(),
            event_id: message.event_id.as_ref().map(ToString::to_string),
            endpoints: message.endpoint_ids.iter().map(short).collect(),
            body: packed.bytes,
            compressed: packed.is_compressed,
            gate: gate.to_vec(),
            expires_at,
        }
    }

    pub(super) fn into_message(self, organization_id: OrganizationId) -> Result<Message, AwsError> {
        let endpoint_ids =
            self.endpoints.iter().map(|id| format!("{}{id}", EndpointId::PREFIX).parse()).collect::<Result<_, _>>();
        Ok(Message {
            id: self.sk.parse::<MessageId>().map_err(unreadable)?,
            organization_id,
            event_type: self.event_type,
            event_id: self.event_id.map(|id| id.parse::<EventId>()).transpose().map_err(unreadable)?,
            endpoint_ids: endpoint_ids.map_err(unreadable)?,
            body: body::unpack(self.body, self.compressed).map_err(unreadable)?,
        })
    }
}

impl Table {
    /// Reads a message. `consistent` sees a put that has been answered a moment ago.
    ///
    /// # Errors
    /// When DynamoDB fails, or the body cannot be unpacked.
    pub async fn message(
        &self,
        organization: &OrganizationId,
        id: MessageId,
        consistent: bool,
    ) -> Result<Option<Message>, AwsError> {
        let item: Option<MessageItem> = self.get(Key::message(organization, id), consistent).await?;
        item.map(|item| item.into_message(organization.clone())).transpose()
    }

    /// Reads messages by their ids, in no order; those that are not there are left out.
    ///
    /// # Errors
    /// When DynamoDB fails, or a body cannot be unpacked.
    pub async fn messages(
        &self,
        organization: &OrganizationId,
        mut ids: Vec<MessageId>,
    ) -> Result<Vec<Message>, AwsError> {
        ids.sort_unstable();
        ids.dedup();
        let keys = ids.into_iter().map(|id| Key::message(organization, id)).collect();
        let items: Vec<MessageItem> = self.get_all(keys, false).await?;
        items.into_iter().map(|item| item.into_message(organization.clone())).collect()
    }
}
