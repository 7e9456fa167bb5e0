//! The one table. Its keys are in [`keys`], most of its items in `items`, those of one file alone beside their use.
//!
//! There are no indexes: whoever reads an item can compute its key from what it has. A delivered message costs two
//! writes, its own and its delivery's.

mod admitting;
mod api_keys;
mod attempts;
mod body;
mod deliveries;
mod delivery_lists;
mod delivery_outlines;
mod disabling;
mod endpoint_changes;
mod endpoint_uids;
mod endpoints;
mod event_ids;
mod gate;
mod health;
mod items;
mod keys;
mod lanes;
mod listing;
mod merging;
mod message_lists;
mod messages;
mod organization_list;
mod organizations;
mod redeliveries;
mod replays;
mod resealing;
mod secrets;
mod transactions;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use admitting::{Admission, Call, KeyHolder, Token};
pub use api_keys::{ApiKey, KeyHash};
pub use attempts::{Claim, Claiming, Recorded};
pub use delivery_lists::DeliveryFilter;
pub use delivery_outlines::Outlines;
pub use disabling::{DisableCause, Seen};
pub use endpoint_changes::{ChangedEndpoint, EndpointChange, SealedKeyPair, Setting};
pub use endpoints::CreateEndpoint;
pub use event_ids::EventIdState;
pub use gate::Gate;
pub use health::{Failures, Probe};
pub use listing::Wanted;
pub use merging::{Order, Page};
pub use message_lists::MessageHead;
pub use organization_list::OrganizationPage;
pub use organizations::{Initialized, Organization, OrganizationRecord};
pub use redeliveries::Redelivery;
pub use replays::{BeginReplay, Step};
pub use resealing::{ResealError, Swept};
pub use secrets::{Rolled, SealedSecrets, StoredEndpoint};

use self::body::Packer;
use self::keys::Key;
use crate::AwsError;
use crate::clients::Aws;

type Item = HashMap<String, AttributeValue>;

/// Entries of a BatchWriteItem request (AWS, "BatchWriteItem": at most 25).
pub(crate) const BATCH_WRITE_ITEMS: usize = 25;

/// Keys of a BatchGetItem request (AWS, "BatchGetItem": at most 100).
pub(crate) const BATCH_GET_KEYS: usize = 100;

/// The table of a deployment.
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
    retention: Duration,
    packer: Arc<Packer>,
}

impl Table {
    /// The table of that name, whose messages and deliveries expire after `retention`.
    #[must_use]
    pub fn new(aws: &Aws, name: String, retention: Duration) -> Self {
        Self { client: aws.dynamodb(), name, retention, packer: Arc::default() }
    }

    /// When something accepted at `at` expires: unix seconds for DynamoDB's time to live.
    fn expires_at(&self, at: Timestamp) -> i64 {
        hookbell_domain::time::after(at, self.retention).as_second()
    }

    /// Reads one item.
    async fn get<T: DeserializeOwned>(&self, key: Key, consistent: bool) -> Result<Option<T>, AwsError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key.into_item()))
            .consistent_read(consistent)
            .send()
            .await
            .map_err(AwsError::sdk("GetItem"))?;
        answer.item.map(from_item).transpose()
    }

    /// An update of one item.
    fn update(&self, key: Key) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.name).set_key(Some(key.into_item()))
    }

    /// A query for a partition's items.
    fn query(&self, pk: impl Into<String>) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.name)
            .key_condition_expression("PK = :pk")
            .expression_attribute_values(":pk", text(pk))
    }

    /// Reads items by their keys, in no order; those that are not there are left out.
    async fn get_all<T: DeserializeOwned>(&self, wanted: Vec<Key>, consistent: bool) -> Result<Vec<T>, AwsError> {
        use aws_sdk_dynamodb::types::KeysAndAttributes;
        let mut found = Vec::with_capacity(wanted.len());
        let mut left: Vec<Item> = wanted.into_iter().map(Key::into_item).collect();
        let mut tries = 0;
        while !left.is_empty() {
            let batch: Vec<Item> = left.drain(..left.len().min(BATCH_GET_KEYS)).collect();
            let request = KeysAndAttributes::builder().set_keys(Some(batch)).consistent_read(consistent).build();
            let request = request.map_err(AwsError::sdk("BatchGetItem"))?;
            let answer = self
                .client
                .batch_get_item()
                .request_items(&self.name, request)
                .send()
                .await
                .map_err(AwsError::sdk("BatchGetItem"))?;
            for item in answer.responses.into_iter().flat_map(HashMap::into_values).flatten() {
                found.push(from_item(item)?);
            }
            let unprocessed = answer.unprocessed_keys.into_iter().flat_map(HashMap::into_values);
            let again: Vec<Item> = unprocessed.flat_map(|keys| keys.keys).collect();
            if !again.is_empty() {
                tries += 1;
                back_off("BatchGetItem", tries).await?;
                left.extend(again);
            }
        }
        Ok(found)
    }
}

/// Sends an update; nothing when its condition did not hold.
async fn update_if(update: UpdateItemFluentBuilder) -> Result<Option<UpdateItemOutput>, AwsError> {
    match update.send().await {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) => {
            Ok(None)
        }
        Err(error) => Err(AwsError::sdk("UpdateItem")(error)),
    }
}

/// Waits before sending what DynamoDB left unprocessed once more; an error when it has been asked often enough.
async fn back_off(operation: &'static str, tries: u32) -> Result<(), AwsError> {
    if tries > 6 {
        return Err(AwsError::unreadable(operation, "DynamoDB leaves entries unprocessed (throttled)"));
    }
    tokio::time::sleep(Duration::from_millis(20 << tries)).await;
    Ok(())
}

fn to_item(item: impl Serialize) -> Result<Item, AwsError> {
    serde_dynamo::to_item(item).map_err(|error| AwsError::unreadable("writing an item", error))
}

fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, AwsError> {
    serde_dynamo::from_item(item).map_err(unreadable)
}

/// An item that is not what was written.
fn unreadable(error: impl std::fmt::Display) -> AwsError {
    AwsError::unreadable("reading an item", error)
}

/// An item's sort key.
fn sort_key(item: &Item) -> &str {
    item.get(keys::SK).and_then(|sk| sk.as_s().ok()).map_or("", String::as_str)
}

fn number(value: impl ToString + Copy) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A stored time: unix milliseconds.
fn ms(at: Timestamp) -> AttributeValue {
    number(at.as_millisecond())
}
