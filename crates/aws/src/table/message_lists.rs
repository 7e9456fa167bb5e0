//! The list of an organization's messages.

use hookbell_domain::ids::{EventId, MessageId, OrganizationId};
use hookbell_domain::message::Message;
use serde::Deserialize;

use super::listing::{Looking, Wanted};
use super::merging::Page;
use super::messages::MessageItem;
use super::{Table, from_item, keys, text, unreadable};
use crate::AwsError;

/// What a message is called, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageHead {
    /// Its id; the time in it is that of the acceptance.
    pub id: MessageId,
    /// Its type.
    pub event_type: String,
    /// The producer's id of the event.
    pub event_id: Option<EventId>,
}

/// What is read of a message's item for that.
#[derive(Debug, Deserialize)]
struct HeadItem {
    #[serde(rename = "SK")]
    sk: MessageId,
    #[serde(rename = "type")]
    event_type: String,
    #[serde(rename = "event", default)]
    event_id: Option<String>,
}

impl From<&Message> for MessageHead {
    fn from(message: &Message) -> Self {
        Self { id: message.id, event_type: message.event_type.clone(), event_id: message.event_id.clone() }
    }
}

impl Table {
    /// Reads a page of an organization's messages, those of one type where `event_type` says so, and those of one event
    /// where `event_id` does.
    ///
    /// A page may be short, or empty, and yet not the last: where a type is looked for, and where the bodies are so
    /// large that DynamoDB cuts a reading short (AWS, "Query": at 1 MB).
    ///
    /// # Errors
    /// When DynamoDB fails, or a body cannot be unpacked.
    pub async fn list_messages(
        &self,
        organization: &OrganizationId,
        event_type: Option<&str>,
        event_id: Option<&EventId>,
        wanted: &Wanted<MessageId>,
    ) -> Result<Page<MessageId, Message>, AwsError> {
        let mut looking = looking(event_type, &[]);
        looking.equal.extend(event_id.map(|event_id| ("event", text(event_id.as_str()))));
        let page = self.page(|shard| keys::message_shard(organization, shard), &looking, wanted).await?;
        page.try_map(|item| from_item::<MessageItem>(item)?.into_message(organization.clone()))
    }

    /// Reads the same page without the bodies: DynamoDB sends none, though it reads and charges for them.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn list_message_heads(
        &self,
        organization: &OrganizationId,
        event_type: Option<&str>,
        wanted: &Wanted<MessageId>,
    ) -> Result<Page<MessageId, MessageHead>, AwsError> {
        let looking = looking(event_type, &["type", "event"]);
        let page = self.page(|shard| keys::message_shard(organization, shard), &looking, wanted).await?;
        page.try_map(|item| {
            let HeadItem { sk: id, event_type, event_id } = from_item(item)?;
            let event_id = event_id.map(|event_id| event_id.parse()).transpose();
            let event_id = event_id.map_err(unreadable)?;
            Ok(MessageHead { id, event_type, event_id })
        })
    }
}

/// Looks for messages of that type, and reads only those attributes where any are named.
fn looking(event_type: Option<&str>, only: &[&str]) -> Looking {
    Looking {
        equal: event_type.map(|event_type| ("type", text(event_type))).into_iter().collect(),
        only: only.iter().map(|&name| name.to_owned()).collect(),
    }
}
