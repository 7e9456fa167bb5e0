//! Counting exhausted deliveries against an endpoint, and disabling it: each happens once, however often it is tried.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use hookbell_domain::endpoint::Health;
use hookbell_domain::ids::{DeliveryId, EndpointId, OrganizationId};
use jiff::Timestamp;

use super::keys::Key;
use super::transactions::is_condition;
use super::{Table, ms, number, text};
use crate::AwsError;

/// Why an endpoint is to be disabled.
#[derive(Debug, Clone)]
pub struct DisableCause<'a> {
    /// What its owner reads.
    pub reason: &'a str,
    /// From when on.
    pub at: Timestamp,
    /// The delivery whose end brought it about.
    pub by: DeliveryId,
    /// What it follows from; nothing happens where that has changed meanwhile.
    pub seen: Seen,
}

/// What the disabling of an endpoint follows from.
#[derive(Debug, Clone, Copy)]
pub enum Seen {
    /// A rule, applied to that health: a success changes it.
    Health(Health),
    /// The receiver's wish, about the endpoint that had changed last then.
    AsOf(Timestamp),
}

impl Table {
    /// Marks a delivery as counted and adds it to its endpoint's streak, in one transaction; nothing where that has
    /// been done, or where either is gone.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn count_exhausted(
        &self,
        organization: &OrganizationId,
        endpoint: EndpointId,
        delivery: DeliveryId,
        exhausted_at: Timestamp,
    ) -> Result<(), AwsError> {
        let mark = Update::builder()
            .table_name(&self.name)
            .set_key(Some(Key::delivery(endpoint, delivery).into_item()))
            .condition_expression("attribute_exists(PK) AND attribute_not_exists(counted)")
            .update_expression("SET counted = :at")
            .expression_attribute_values(":at", ms(exhausted_at))
            .build()
            .map_err(AwsError::sdk("TransactWriteItems"))?;
        let count = Update::builder()
            .table_name(&self.name)
            .set_key(Some(Key::endpoint(organization, endpoint).into_item()))
            .condition_expression("attribute_exists(PK)")
            .update_expression("SET streakStartedAt = if_not_exists(streakStartedAt, :at) ADD consecutiveFailures :one")
            .expression_attribute_values(":at", ms(exhausted_at))
            .expression_attribute_values(":one", number(1))
            .build()
            .map_err(AwsError::sdk("TransactWriteItems"))?;
        match self
            .transact([TransactWriteItem::builder().update(mark), TransactWriteItem::builder().update(count)])
            .await
        {
            Ok(()) => Ok(()),
            Err(error) if is_condition(&error) => Ok(()),
            Err(error) => Err(AwsError::sdk("TransactWriteItems")(error)),
        }
    }

    /// Disables an endpoint that is enabled; `false` when it is not, or is gone, or is no longer as was seen.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn disable_endpoint(
        &self,
        organization: &OrganizationId,
        endpoint: EndpointId,
        cause: &DisableCause<'_>,
    ) -> Result<bool, AwsError> {
        let mut condition = "attribute_exists(PK) AND attribute_not_exists(disabledAt)".to_owned();
        let mut update = Update::builder()
            .table_name(&self.name)
            .set_key(Some(Key::endpoint(organization, endpoint).into_item()))
            .update_expression("SET disabledAt = :at, disabledReason = :reason, disabledBy = :by, updatedAt = :at")
            .expression_attribute_values(":at", ms(cause.at))
            .expression_attribute_values(":reason", text(cause.reason))
            .expression_attribute_values(":by", text(cause.by.to_string()));
        match cause.seen {
            Seen::Health(health) => {
                condition.push_str(" AND consecutiveFailures >= :failures");
                update = update.expression_attribute_values(":failures", number(health.consecutive_failures));
                if let Some(since) = health.streak_started_at {
                    condition.push_str(" AND streakStartedAt = :streak");
                    update = update.expression_attribute_values(":streak", ms(since));
                }
                if let Some(since) = health.failing_since {
                    condition.push_str(" AND failingSince = :failing");
                    update = update.expression_attribute_values(":failing", ms(since));
                }
            }
            Seen::AsOf(updated_at) => {
                condition.push_str(" AND updatedAt = :updated");
                update = update.expression_attribute_values(":updated", ms(updated_at));
            }
        }
        let update = update.condition_expression(condition).build().map_err(AwsError::sdk("TransactWriteItems"))?;
        let revision =
            self.organization_change(organization, 0, 0).build().map_err(AwsError::sdk("TransactWriteItems"))?;
        self.changed([TransactWriteItem::builder().update(update), TransactWriteItem::builder().update(revision)]).await
    }
}
