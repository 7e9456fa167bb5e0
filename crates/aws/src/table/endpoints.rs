//! Endpoints as their owners make and delete them. Each change also raises the organization's revision, in one
//! transaction, so that an event accepted after the change is never fanned out by what was known before it.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use hookbell_domain::endpoint::{Endpoint, RateLimit};
use hookbell_domain::ids::{EndpointId, OrganizationId};

use super::items::{EndpointItem, KeyPairItem, SecretItem};
use super::keys::Key;
use super::organizations::OrganizationRecord;
use super::secrets::{SealedSecrets, StoredEndpoint};
use super::transactions::is_condition;
use super::{Table, number, text, to_item};
use crate::AwsError;

/// What asking for a new endpoint came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateEndpoint {
    /// It is there.
    Created,
    /// The organization has as many as it may, or has taken another profile meanwhile.
    Refused,
}

impl Table {
    /// Puts a new endpoint and counts it, unless the organization has `limit` already or took another profile meanwhile.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn create_endpoint(
        &self,
        organization: &OrganizationRecord,
        endpoint: &Endpoint,
        secrets: SealedSecrets,
        limit: u32,
    ) -> Result<CreateEndpoint, AwsError> {
        let key = Key::endpoint(&endpoint.organization_id, endpoint.id);
        let options = &endpoint.options;
        let sealed = |(sealed, until): (_, Option<jiff::Timestamp>)| SecretItem {
            sealed,
            until: until.map(jiff::Timestamp::as_millisecond),
        };
        let key_pair = secrets.key_pair.zip(options.v1a);
        let item = EndpointItem {
            pk: key.pk,
            sk: key.sk,
            url: endpoint.url.clone(),
            description: endpoint.description.clone(),
            event_types: endpoint.event_types.clone(),
            ordered: endpoint.ordered,
            secrets: secrets.signing.into_iter().map(sealed).collect(),
            key_pair: key_pair.map(|(sealed, public)| KeyPairItem { sealed, public: public.as_bytes().to_vec() }),
            headers: secrets.headers,
            svix_headers: options.svix_headers,
            rate_limit: options.rate_limit.map(RateLimit::per_second),
            filter: options.filter.as_ref().map(|filter| filter.text().to_owned()),
            disabled_reason: None,
            disabled_at: None,
            disabled_by: None,
            consecutive_failures: 0,
            streak_started_at: None,
            failing_since: None,
            failed_attempts: 0,
            probe_at: None,
            created_at: endpoint.created_at.as_millisecond(),
            updated_at: endpoint.updated_at.as_millisecond(),
        };
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(to_item(item)?))
            .condition_expression("attribute_not_exists(PK)")
            .build()
            .map_err(AwsError::sdk("TransactWriteItems"))?;
        let count = self
            .organization_change(&endpoint.organization_id, 1, i32::from(endpoint.ordered))
            .condition_expression("profile = :profile AND endpointCount < :limit")
            .expression_attribute_values(":profile", text(organization.profile.name))
            .expression_attribute_values(":limit", number(limit))
            .build()
            .map_err(AwsError::sdk("TransactWriteItems"))?;
        match self.transact([TransactWriteItem::builder().put(put), TransactWriteItem::builder().update(count)]).await {
            Ok(()) => Ok(CreateEndpoint::Created),
            Err(error) if is_condition(&error) => Ok(CreateEndpoint::Refused),
            Err(error) => Err(AwsError::sdk("TransactWriteItems")(error)),
        }
    }

    /// Deletes an endpoint; `false` when it is not there.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn delete_endpoint(&self, organization: &OrganizationId, endpoint: EndpointId) -> Result<bool, AwsError> {
        // Whether one of the ordered ones is less is told by a condition: most endpoints are not ordered, and cost no
        // read. The third try is for one that was switched off between the two before it.
        for ordered in [false, true, false] {
            let delete = Delete::builder()
                .table_name(&self.name)
                .set_key(Some(Key::endpoint(organization, endpoint).into_item()))
                .condition_expression("ordered = :ordered")
                .expression_attribute_values(":ordered", AttributeValue::Bool(ordered))
                .build()
                .map_err(AwsError::sdk("TransactWriteItems"))?;
            let count = self
                .organization_change(organization, -1, -i32::from(ordered))
                .build()
                .map_err(AwsError::sdk("TransactWriteItems"))?;
            let writes = [TransactWriteItem::builder().delete(delete), TransactWriteItem::builder().update(count)];
            if self.changed(writes).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads one endpoint; sees every write that has been answered.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn endpoint(
        &self,
        organization: &OrganizationId,
        endpoint: EndpointId,
    ) -> Result<Option<StoredEndpoint>, AwsError> {
        let item: Option<EndpointItem> = self.get(Key::endpoint(organization, endpoint), true).await?;
        item.map(EndpointItem::into_stored).transpose()
    }
}
