//! Messages, as they were put at the gate.

use hookbell_domain::ids::{MessageId, OrganizationId};
use hookbell_domain::message::Message;

use super::Table;
use super::items::MessageItem;
use super::keys::Key;
use crate::AwsError;

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
