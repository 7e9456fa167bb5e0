//! The list of an organization's messages.

use hookbell_domain::ids::{MessageId, OrganizationId};
use hookbell_domain::message::Message;

use super::items::MessageItem;
use super::listing::{Looking, Wanted};
use super::merging::Page;
use super::{Table, from_item, keys, text};
use crate::AwsError;

impl Table {
    /// Reads a page of an organization's messages, those of one type where `event_type` says so.
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
        wanted: &Wanted<MessageId>,
    ) -> Result<Page<MessageId, Message>, AwsError> {
        let equal = event_type.map(|event_type| ("type", text(event_type)));
        let looking = Looking { equal: equal.into_iter().collect(), only: Vec::new() };
        let page = self.page(|shard| keys::message_shard(organization, shard), &looking, wanted).await?;
        page.try_map(|item| from_item::<MessageItem>(item)?.into_message(organization.clone()))
    }
}
