//! Messages. Putting one is the gate: whoever puts it first owns the event.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use hookbell_domain::ids::{EndpointId, MessageId, OrganizationId};
use hookbell_domain::message::Message;

use super::items::MessageItem;
use super::keys::Key;
use super::{Table, body, from_item, to_item};
use crate::{AwsError, random};

impl Table {
    /// Puts a message unless it is there already; `true` when this call put it.
    ///
    /// The SDK repeats a put whose answer was lost, and the repetition finds the message there. So each call leaves a
    /// mark of its own in the item, and knows by it what it has put itself: it must not take it for another's.
    ///
    /// # Errors
    /// When DynamoDB fails, or the operating system has no random bytes.
    pub async fn accept_message(&self, message: &Message) -> Result<bool, AwsError> {
        let key = Key::message(&message.organization_id, message.id);
        let (stored, compressed) =
            body::pack(&message.body).map_err(|error| AwsError::unreadable("compressing a body", error))?;
        let short = |id: &EndpointId| {
            let id = id.to_string();
            id.strip_prefix(EndpointId::PREFIX).unwrap_or(&id).to_owned()
        };
        let gate = random::bytes::<8>().map_err(|error| AwsError::unreadable("making a mark", error))?.to_vec();
        let item = MessageItem {
            pk: key.pk,
            sk: key.sk,
            event_type: message.event_type.clone(),
            event_id: message.event_id.as_ref().map(ToString::to_string),
            endpoints: message.endpoint_ids.iter().map(short).collect(),
            body: stored,
            compressed,
            gate: gate.clone(),
            expires_at: self.expires_at(message.id.created_at()),
        };
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(to_item(item)?))
            .condition_expression("attribute_not_exists(PK)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = put else { return Ok(true) };
        match error.into_service_error() {
            PutItemError::ConditionalCheckFailedException(failed) => {
                let there: Option<MessageItem> = failed.item.map(from_item).transpose()?;
                Ok(there.is_some_and(|there| there.gate == gate))
            }
            error => Err(AwsError::sdk("PutItem")(error)),
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
        let items: Vec<MessageItem> = self.get_all(keys, false).await?;
        items.into_iter().map(|item| item.into_message(organization.clone())).collect()
    }
}
