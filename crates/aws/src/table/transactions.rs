//! Transactions: all writes happen or none, and the SDK's token makes a repeated request one.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::Update;
use aws_sdk_dynamodb::types::builders::{TransactWriteItemBuilder, UpdateBuilder};
use hookbell_domain::ids::OrganizationId;

use super::keys::Key;
use super::{Table, number};
use crate::AwsError;

impl Table {
    /// The half of a transaction that raises an organization's revision and changes its counts of endpoints, of all and
    /// of the ordered ones.
    pub(super) fn organization_change(
        &self,
        organization: &OrganizationId,
        endpoints: i32,
        ordered: i32,
    ) -> UpdateBuilder {
        Update::builder()
            .table_name(&self.name)
            .set_key(Some(Key::organization(organization).into_item()))
            .update_expression("ADD revision :one, endpointCount :endpoints, orderedCount :ordered")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":endpoints", number(endpoints))
            .expression_attribute_values(":ordered", number(ordered))
    }

    pub(super) async fn transact(
        &self,
        writes: impl IntoIterator<Item = TransactWriteItemBuilder>,
    ) -> Result<(), SdkError<TransactWriteItemsError>> {
        let writes: Vec<_> = writes.into_iter().map(TransactWriteItemBuilder::build).collect();
        let mut tries = 0;
        loop {
            let request = self.client.transact_write_items().set_transact_items(Some(writes.clone()));
            match request.send().await {
                // Two transactions on one item at once: one of them is cancelled and goes again.
                Err(error) if tries < 5 && cancelled_by(&error, "TransactionConflict") => {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(20 << tries)).await;
                }
                result => return result.map(|_| ()),
            }
        }
    }

    /// Runs a transaction; `false` when a condition of it did not hold.
    pub(super) async fn changed(
        &self,
        writes: impl IntoIterator<Item = TransactWriteItemBuilder>,
    ) -> Result<bool, AwsError> {
        match self.transact(writes).await {
            Ok(()) => Ok(true),
            Err(error) if is_condition(&error) => Ok(false),
            Err(error) => Err(AwsError::sdk("TransactWriteItems")(error)),
        }
    }
}

/// Whether a transaction was cancelled because a condition did not hold.
pub(super) fn is_condition(error: &SdkError<TransactWriteItemsError>) -> bool {
    cancelled_by(error, "ConditionalCheckFailed")
}

/// Whether the condition of the write at that place did not hold, whatever came of the others'.
pub(super) fn is_condition_of(error: &SdkError<TransactWriteItemsError>, place: usize) -> bool {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            let reason = cancelled.cancellation_reasons().get(place);
            reason.is_some_and(|reason| reason.code() == Some("ConditionalCheckFailed"))
        }
        _ => false,
    }
}

fn cancelled_by(error: &SdkError<TransactWriteItemsError>, code: &str) -> bool {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons().iter().any(|reason| reason.code() == Some(code))
        }
        _ => false,
    }
}
