//! What the sender notes of an endpoint's health. Nothing is written while all is well.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use hookbell_domain::ids::{EndpointId, OrganizationId};
use jiff::Timestamp;

use super::keys::Key;
use super::{Table, ms, number, update_if};
use crate::AwsError;

impl Table {
    /// Notes that a delivery arrived: the streak and the time of failing are over. For an endpoint that has either.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn clear_health(&self, organization: &OrganizationId, endpoint: EndpointId) -> Result<(), AwsError> {
        let update = self
            .client
            .update_item()
            .condition_expression("attribute_exists(PK)")
            .update_expression("SET consecutiveFailures = :zero REMOVE streakStartedAt, failingSince")
            .expression_attribute_values(":zero", number(0));
        self.update_health(organization, endpoint, update).await
    }

    /// Notes since when every attempt has failed, unless that is noted already.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn note_failing(
        &self,
        organization: &OrganizationId,
        endpoint: EndpointId,
        since: Timestamp,
    ) -> Result<(), AwsError> {
        let update = self
            .client
            .update_item()
            .condition_expression("attribute_exists(PK) AND attribute_not_exists(failingSince)")
            .update_expression("SET failingSince = :since")
            .expression_attribute_values(":since", ms(since));
        self.update_health(organization, endpoint, update).await
    }

    /// An update whose condition may fail: then there is nothing to note.
    async fn update_health(
        &self,
        organization: &OrganizationId,
        endpoint: EndpointId,
        update: UpdateItemFluentBuilder,
    ) -> Result<(), AwsError> {
        let key = Key::endpoint(organization, endpoint).into_item();
        update_if(update.table_name(&self.name).set_key(Some(key))).await.map(|_| ())
    }
}
