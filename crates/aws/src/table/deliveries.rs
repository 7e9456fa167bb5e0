//! Deliveries: put together after the first attempts, then changed one at a time, each change once.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use hookbell_domain::delivery::{Delivery, DeliveryStatus};
use hookbell_domain::ids::{DeliveryId, EndpointId};
use hookbell_domain::message::Message;
use jiff::Timestamp;

use super::items::DeliveryItem;
use super::keys::Key;
use super::{BATCH_WRITE_ITEMS, Item, Table, back_off, ms, text, to_item, update_if};
use crate::AwsError;

impl Table {
    /// Puts deliveries, 25 to a request; overwrites what is there.
    ///
    /// # Errors
    /// When DynamoDB fails; then some may have been put.
    pub async fn put_deliveries(&self, deliveries: &[Delivery]) -> Result<(), AwsError> {
        let item = |delivery: &Delivery| to_item(DeliveryItem::of(delivery, self.expires_at(delivery.id.created_at())));
        self.put_all(deliveries.iter().map(item).collect::<Result<_, _>>()?).await
    }

    /// Puts a delivery unless it is there; `true` when this call put it.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn put_new(&self, delivery: &Delivery) -> Result<bool, AwsError> {
        let item = DeliveryItem::of(delivery, self.expires_at(delivery.id.created_at()));
        let put = self.client.put_item().table_name(&self.name).set_item(Some(to_item(item)?));
        match put.condition_expression("attribute_not_exists(PK)").send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(false)
            }
            Err(error) => Err(AwsError::sdk("PutItem")(error)),
        }
    }

    /// Puts items, 25 to a request; overwrites what is there.
    pub(super) async fn put_all(&self, mut items: Vec<Item>) -> Result<(), AwsError> {
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
        self.deliveries_of(message, Vec::new()).await
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
            .update(Key::delivery(endpoint, id))
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
