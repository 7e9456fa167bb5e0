//! Endpoints as their owners make and delete them. Each change also raises the organization's revision, in one
//! transaction, so that an event accepted after the change is never fanned out by what was known before it.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use hookbell_domain::endpoint::{Endpoint, RateLimit};
use hookbell_domain::ids::{EndpointId, EndpointUid, OrganizationId};
use serde::Deserialize;

use super::items::{EndpointItem, KeyPairItem, SecretItem};
use super::keys::Key;
use super::organizations::OrganizationRecord;
use super::secrets::{SealedSecrets, StoredEndpoint};
use super::transactions::{is_condition, is_condition_of};
use super::{Table, number, text, to_item};
use crate::AwsError;

/// What asking for a new endpoint came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreateEndpoint {
    /// It is there.
    Created,
    /// The organization has as many as it may, or has taken another profile meanwhile.
    Refused,
    /// Another endpoint of the organization has that uid, which was to be its own.
    UidTaken(EndpointUid),
}

/// How often deleting an endpoint is tried while others change it.
const TRIES: u32 = 8;

/// What decides how an endpoint is deleted.
#[derive(Debug, Default, Deserialize)]
struct Deletable {
    ordered: bool,
    #[serde(default)]
    uid: Option<EndpointUid>,
}

impl Table {
    /// Puts a new endpoint and counts it, unless the organization has `limit` already, took another profile meanwhile,
    /// or has its uid.
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
            uid: endpoint.uid.as_ref().map(ToString::to_string),
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
            disabled_reason: endpoint.disabled.as_ref().and_then(|disabled| disabled.reason.clone()),
            disabled_at: endpoint.disabled.as_ref().map(|disabled| disabled.at.as_millisecond()),
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
        let mut writes = vec![TransactWriteItem::builder().put(put), TransactWriteItem::builder().update(count)];
        let uid = writes.len();
        if let Some(uid) = &endpoint.uid {
            writes.push(self.take_uid(&endpoint.organization_id, uid, endpoint.id)?);
        }
        match (self.transact(writes).await, &endpoint.uid) {
            (Ok(()), _) => Ok(CreateEndpoint::Created),
            (Err(error), Some(taken)) if is_condition_of(&error, uid) => Ok(CreateEndpoint::UidTaken(taken.clone())),
            (Err(error), _) if is_condition(&error) => Ok(CreateEndpoint::Refused),
            (Err(error), _) => Err(AwsError::sdk("TransactWriteItems")(error)),
        }
    }

    /// Deletes an endpoint; `false` when it is not there.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn delete_endpoint(&self, organization: &OrganizationId, endpoint: EndpointId) -> Result<bool, AwsError> {
        // Whether one of the ordered ones is less, and whether a uid is free again, is told by a condition: most
        // endpoints have neither, and cost no read.
        let mut expected = Deletable::default();
        for _ in 0..TRIES {
            if self.delete_as(organization, endpoint, &expected).await? {
                return Ok(true);
            }
            let Some(found) = self.get(Key::endpoint(organization, endpoint), true).await? else { return Ok(false) };
            expected = found;
        }
        Err(AwsError::unreadable("deleting an endpoint", "it was changed at every try"))
    }

    /// Deletes an endpoint that is like that; `false` when it is not, or not there.
    async fn delete_as(
        &self,
        organization: &OrganizationId,
        endpoint: EndpointId,
        expected: &Deletable,
    ) -> Result<bool, AwsError> {
        let mut delete = Delete::builder()
            .table_name(&self.name)
            .set_key(Some(Key::endpoint(organization, endpoint).into_item()))
            .expression_attribute_values(":ordered", AttributeValue::Bool(expected.ordered));
        delete = match &expected.uid {
            None => delete.condition_expression("ordered = :ordered AND attribute_not_exists(uid)"),
            Some(uid) => delete
                .condition_expression("ordered = :ordered AND uid = :uid")
                .expression_attribute_values(":uid", text(uid.as_str())),
        };
        let delete = delete.build().map_err(AwsError::sdk("TransactWriteItems"))?;
        let count = self
            .organization_change(organization, -1, -i32::from(expected.ordered))
            .build()
            .map_err(AwsError::sdk("TransactWriteItems"))?;
        let mut writes = vec![TransactWriteItem::builder().delete(delete), TransactWriteItem::builder().update(count)];
        if let Some(uid) = &expected.uid {
            writes.push(self.leave_uid(organization, uid)?);
        }
        self.changed(writes).await
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
