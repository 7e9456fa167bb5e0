//! Deliveries: put together after the first attempts, then changed one at a time, each change once.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, PutRequest, ReturnValue, ReturnValuesOnConditionCheckFailure, WriteRequest,
};
use hookbell_domain::delivery::{Attempt, Claimant, Delivery, DeliveryStatus};
use hookbell_domain::ids::{DeliveryId, EndpointId};
use hookbell_domain::message::Message;
use hookbell_domain::retry::Decision;
use jiff::Timestamp;

use super::items::{AttemptItem, DeliveryItem};
use super::keys::Key;
use super::{BATCH_WRITE_ITEMS, Item, Table, back_off, from_item, ms, number, text, to_item, update_if};
use crate::AwsError;

/// What asking to make an attempt came to.
#[derive(Debug, Clone)]
pub enum Claim {
    /// The attempt is the caller's to make, until the time it named.
    Taken(Delivery),
    /// A worker is making it now: the delivery says who.
    Busy(Delivery),
    /// It was made before, or the delivery was ended: the delivery says how it stands, and who worked at it last.
    Past(Delivery),
    /// The delivery is not there (any more).
    Gone,
}

impl Table {
    /// Puts deliveries, 25 to a request; overwrites what is there.
    ///
    /// # Errors
    /// When DynamoDB fails; then some may have been put.
    pub async fn put_deliveries(&self, deliveries: &[Delivery]) -> Result<(), AwsError> {
        let mut items = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            items.push(to_item(DeliveryItem::of(delivery, self.expires_at(delivery.id.created_at())))?);
        }
        let mut tries = 0;
        while !items.is_empty() {
            let batch = items.drain(..items.len().min(BATCH_WRITE_ITEMS));
            let requests = batch
                .map(|item| {
                    let put = PutRequest::builder().set_item(Some(item)).build()?;
                    Ok(WriteRequest::builder().put_request(put).build())
                })
                .collect::<Result<Vec<_>, aws_sdk_dynamodb::error::BuildError>>()
                .map_err(AwsError::sdk("BatchWriteItem"))?;
            let answer = self
                .client
                .batch_write_item()
                .request_items(&self.name, requests)
                .send()
                .await
                .map_err(AwsError::sdk("BatchWriteItem"))?;
            let unprocessed = answer.unprocessed_items.into_iter().flatten().flat_map(|(_, requests)| requests);
            let again: Vec<Item> = unprocessed.filter_map(|request| Some(request.put_request?.item)).collect();
            if !again.is_empty() {
                tries += 1;
                back_off("BatchWriteItem", tries).await?;
                items.extend(again);
            }
        }
        Ok(())
    }

    /// Reads one delivery; sees every write that has been answered.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn delivery(&self, endpoint: EndpointId, id: DeliveryId) -> Result<Option<Delivery>, AwsError> {
        let item: Option<DeliveryItem> = self.get(Key::delivery(endpoint, id), true).await?;
        item.map(DeliveryItem::into_delivery).transpose()
    }

    /// Reads the deliveries that a message's acceptance made, in no order; those that are not there are left out.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn first_deliveries(&self, message: &Message) -> Result<Vec<Delivery>, AwsError> {
        let keys = message
            .endpoint_ids
            .iter()
            .map(|&endpoint| Key::delivery(endpoint, DeliveryId::first(message.id, endpoint)));
        let items: Vec<DeliveryItem> = self.get_all(keys.collect()).await?;
        items.into_iter().map(DeliveryItem::into_delivery).collect()
    }

    /// Takes attempt number `attempt` of a delivery, unless it was made or another worker has it.
    ///
    /// A claim that ends at the very millisecond asked for is taken for the caller's own: the SDK repeats an update
    /// whose answer was lost. Should it be another's after all, the request is made twice, and recorded once.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn claim_attempt(
        &self,
        endpoint: EndpointId,
        id: DeliveryId,
        attempt: u32,
        by: Claimant,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Claim, AwsError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(Key::delivery(endpoint, id).into_item()))
            .condition_expression(
                "#count = :before AND #status IN (:pending, :failed) \
                 AND (attribute_not_exists(claim) OR claim <= :now)",
            )
            .update_expression("SET claim = :until, #by = :by")
            .expression_attribute_names("#by", "by")
            .expression_attribute_values(":by", number(by.0))
            .expression_attribute_names("#count", "count")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":before", number(attempt.saturating_sub(1)))
            .expression_attribute_values(":pending", text(DeliveryStatus::Pending.as_str()))
            .expression_attribute_values(":failed", text(DeliveryStatus::Failed.as_str()))
            .expression_attribute_values(":now", ms(now))
            .expression_attribute_values(":until", ms(until))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let error = match update.send().await {
            Ok(answer) => {
                let item = answer.attributes.unwrap_or_default();
                return Ok(Claim::Taken(from_item::<DeliveryItem>(item)?.into_delivery()?));
            }
            Err(error) => error,
        };
        match error.into_service_error() {
            UpdateItemError::ConditionalCheckFailedException(failed) => {
                let Some(item) = failed.item else { return Ok(Claim::Gone) };
                let delivery = from_item::<DeliveryItem>(item)?.into_delivery()?;
                let open = matches!(delivery.status, DeliveryStatus::Pending | DeliveryStatus::Failed);
                let same = delivery.attempt_count() == attempt.saturating_sub(1);
                let held_until = delivery.claim.and_then(|claim| claim.until).map(Timestamp::as_millisecond);
                let own = held_until == Some(until.as_millisecond());
                Ok(match (open && same, own) {
                    (true, true) => Claim::Taken(delivery),
                    (true, false) => Claim::Busy(delivery),
                    (false, _) => Claim::Past(delivery),
                })
            }
            error => Err(AwsError::sdk("UpdateItem")(error)),
        }
    }

    /// Adds a finished attempt to a delivery; `false` when another worker has recorded that attempt.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn record_attempt(
        &self,
        delivery: &Delivery,
        attempt: &Attempt,
        decision: &Decision,
        now: Timestamp,
    ) -> Result<bool, AwsError> {
        let (status, next_retry_at) = DeliveryStatus::after(decision.next);
        let entry = AttributeValue::M(to_item(AttemptItem::of(attempt))?);
        let (mut set, mut remove) = (String::new(), "claim".to_owned());
        match next_retry_at {
            Some(_) => set.push_str(", #next = :next"),
            None => remove.push_str(", #next"),
        }
        if decision.directive.is_some() {
            set.push_str(", directive = :directive");
        }
        let update = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(Key::delivery(delivery.endpoint_id, delivery.id).into_item()))
            .condition_expression("#count = :before")
            .update_expression(format!(
                "SET attempts = list_append(attempts, :entry), #count = :number, #status = :status, \
                 updated = :now{set} REMOVE {remove}"
            ))
            .expression_attribute_names("#count", "count")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#next", "next")
            .expression_attribute_values(":before", number(attempt.number.saturating_sub(1)))
            .expression_attribute_values(":number", number(attempt.number))
            .expression_attribute_values(":entry", AttributeValue::L(vec![entry]))
            .expression_attribute_values(":status", text(status.as_str()))
            .expression_attribute_values(":now", ms(now))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let update = match next_retry_at {
            Some(at) => update.expression_attribute_values(":next", ms(at)),
            None => update,
        };
        let update = match decision.directive {
            Some(directive) => update.expression_attribute_values(":directive", text(directive.as_str())),
            None => update,
        };
        let Err(error) = update.send().await else { return Ok(true) };
        match error.into_service_error() {
            UpdateItemError::ConditionalCheckFailedException(failed) => {
                // The SDK repeats an update whose answer was lost: then the attempt that is there is this one.
                let there: Option<DeliveryItem> = failed.item.map(from_item).transpose()?;
                let attempts = there.map(|there| there.attempts).unwrap_or_default();
                Ok(attempts.iter().any(|a| a.number == attempt.number && a.at == attempt.at.as_millisecond()))
            }
            error => Err(AwsError::sdk("UpdateItem")(error)),
        }
    }

    /// Ends a delivery without a further attempt; `false` when it had ended already or is not there.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn skip_delivery(
        &self,
        endpoint: EndpointId,
        id: DeliveryId,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, AwsError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(Key::delivery(endpoint, id).into_item()))
            .condition_expression("#status IN (:pending, :failed)")
            .update_expression("SET #status = :exhausted, skipped = :reason, updated = :now REMOVE claim, #next")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#next", "next")
            .expression_attribute_values(":pending", text(DeliveryStatus::Pending.as_str()))
            .expression_attribute_values(":failed", text(DeliveryStatus::Failed.as_str()))
            .expression_attribute_values(":exhausted", text(DeliveryStatus::Exhausted.as_str()))
            .expression_attribute_values(":reason", text(reason))
            .expression_attribute_values(":now", ms(now));
        update_if(update).await.map(|answer| answer.is_some())
    }
}
