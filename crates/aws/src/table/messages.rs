//! Messages. Putting one is the gate: whoever puts it first owns the event.

use hookbell_domain::ids::{MessageId, OrganizationId};
use hookbell_domain::message::Message;

use super::items::MessageItem;
use super::keys::Key;
use super::{Table, body, to_item};
use crate::AwsError;

impl Table {
    /// Puts a message unless it is there already; `true` when this call put it.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn accept_message(&self, message: &Message) -> Result<bool, AwsError> {
        let key = Key::message(&message.organization_id, message.id);
        let (stored, compressed) =
            body::pack(&message.body).map_err(|error| AwsError::unreadable("compressing a body", error))?;
        let short = |id: &hookbell_domain::ids::EndpointId| {
            let id = id.to_string();
            id.strip_prefix(hookbell_domain::ids::EndpointId::PREFIX).unwrap_or(&id).to_owned()
        };
        let item = MessageItem {
            pk: key.pk,
            sk: key.sk,
            event_type: message.event_type.clone(),
            event_id: message.event_id.as_ref().map(ToString::to_string),
            endpoints: message.endpoint_ids.iter().map(short).collect(),
            body: stored,
            compressed,
            expires_at: self.expires_at(message.id.created_at()),
        };
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(to_item(item)?))
            .condition_expression("attribute_not_exists(PK)")
            .send()
            .await;
        match put {
            Ok(_) => Ok(true),
            Err(error)
                if error.as_service_error().is_some_and(
                    aws_sdk_dynamodb::operation::put_item::PutItemError::is_conditional_check_failed_exception,
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(AwsError::sdk("PutItem")(error)),
        }
    }

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
        let items: Vec<MessageItem> = self.get_all(keys).await?;
        items.into_iter().map(|item| item.into_message(organization.clone())).collect()
    }
}
