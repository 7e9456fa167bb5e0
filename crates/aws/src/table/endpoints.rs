//! Endpoints as their owners change them. Each change also raises the organization's revision, in one transaction,
//! so that an event accepted after the change is never fanned out by what was known before it.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};
use hookbell_domain::endpoint::{Endpoint, EndpointSecrets};
use hookbell_domain::ids::{EndpointId, OrganizationId};
use jiff::Timestamp;

use super::items::{EndpointItem, SecretItem};
use super::keys::Key;
use super::organizations::OrganizationRecord;
use super::transactions::is_condition;
use super::{Table, ms, number, text, to_item};
use crate::AwsError;
use crate::sealing::{Keys, SealError};

/// An endpoint as the table has it: its secrets are sealed.
#[derive(Debug, Clone)]
pub struct StoredEndpoint {
    /// What its owner sees.
    pub endpoint: Endpoint,
    /// Its secrets, the current one first.
    pub secrets: SealedSecrets,
    /// Which delivery's end disabled it, if a rule did.
    pub disabled_by: Option<String>,
}

/// Sealed secrets, the current one first; old ones with the end of their overlap.
#[derive(Debug, Clone)]
pub struct SealedSecrets(pub(super) Vec<(Vec<u8>, Option<Timestamp>)>);

impl StoredEndpoint {
    /// Opens the endpoint's secrets.
    ///
    /// # Errors
    /// When one of them was sealed under another key.
    pub fn open_secrets(&self, keys: &Keys) -> Result<EndpointSecrets, SealError> {
        let open = |sealed: &[u8]| keys.open(sealed, &self.endpoint.organization_id, self.endpoint.id);
        let ((current, _), old) = self.secrets.0.split_first().ok_or(SealError::DoesNotOpen)?;
        let old = old.iter().filter_map(|(sealed, until)| until.map(|until| Ok((open(sealed)?, until))));
        Ok(EndpointSecrets { current: open(current)?, old: old.collect::<Result<_, _>>()? })
    }
}

/// What asking for a new endpoint came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateEndpoint {
    /// It is there.
    Created,
    /// The organization has as many as it may, or has taken another profile meanwhile.
    Refused,
}

/// What an owner changes of an endpoint; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct EndpointChange {
    /// Another URL.
    pub url: Option<String>,
    /// Another name; an empty one takes it away.
    pub description: Option<String>,
    /// Other subscriptions.
    pub event_types: Option<Vec<String>>,
    /// Another order of delivery.
    pub ordered: Option<bool>,
    /// Whether events go out to it.
    pub enabled: Option<bool>,
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
        sealed_secret: Vec<u8>,
        limit: u32,
    ) -> Result<CreateEndpoint, AwsError> {
        let key = Key::endpoint(&endpoint.organization_id, endpoint.id);
        let item = EndpointItem {
            pk: key.pk,
            sk: key.sk,
            url: endpoint.url.clone(),
            description: endpoint.description.clone(),
            event_types: endpoint.event_types.clone(),
            ordered: endpoint.ordered,
            secrets: vec![SecretItem { sealed: sealed_secret, until: None }],
            disabled_reason: None,
            disabled_at: None,
            disabled_by: None,
            consecutive_failures: 0,
            streak_started_at: None,
            failing_since: None,
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
            .organization_change(&endpoint.organization_id, 1)
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

    /// Changes an endpoint; `false` when it is not there. Enabling clears the reason and the streak.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn change_endpoint(
        &self,
        organization: &OrganizationId,
        endpoint: EndpointId,
        change: &EndpointChange,
        now: Timestamp,
    ) -> Result<bool, AwsError> {
        let mut set = vec!["updatedAt = :now"];
        let mut remove = Vec::new();
        let mut update = Update::builder()
            .table_name(&self.name)
            .set_key(Some(Key::endpoint(organization, endpoint).into_item()))
            .condition_expression("attribute_exists(PK)")
            .expression_attribute_values(":now", ms(now));
        if let Some(url) = &change.url {
            set.push("#url = :url");
            update = update.expression_attribute_names("#url", "url").expression_attribute_values(":url", text(url));
        }
        match change.description.as_deref() {
            None => {}
            Some("") => remove.push("description"),
            Some(description) => {
                set.push("description = :description");
                update = update.expression_attribute_values(":description", text(description));
            }
        }
        if let Some(event_types) = &change.event_types {
            set.push("eventTypes = :types");
            let types = event_types.iter().map(text).collect();
            update = update.expression_attribute_values(":types", AttributeValue::L(types));
        }
        if let Some(ordered) = change.ordered {
            set.push("ordered = :ordered");
            update = update.expression_attribute_values(":ordered", AttributeValue::Bool(ordered));
        }
        match change.enabled {
            None => {}
            Some(true) => {
                set.push("consecutiveFailures = :zero");
                update = update.expression_attribute_values(":zero", number(0));
                remove.extend(["disabledAt", "disabledReason", "disabledBy", "streakStartedAt", "failingSince"]);
            }
            // An endpoint that is disabled already keeps its reason and time.
            Some(false) => set.push("disabledAt = if_not_exists(disabledAt, :now)"),
        }
        let mut expression = format!("SET {}", set.join(", "));
        if !remove.is_empty() {
            expression = format!("{expression} REMOVE {}", remove.join(", "));
        }
        let update = update.update_expression(expression).build().map_err(AwsError::sdk("TransactWriteItems"))?;
        let revision =
            self.organization_change(organization, 0).build().map_err(AwsError::sdk("TransactWriteItems"))?;
        self.changed([TransactWriteItem::builder().update(update), TransactWriteItem::builder().update(revision)]).await
    }

    /// Deletes an endpoint; `false` when it is not there.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn delete_endpoint(&self, organization: &OrganizationId, endpoint: EndpointId) -> Result<bool, AwsError> {
        let delete = Delete::builder()
            .table_name(&self.name)
            .set_key(Some(Key::endpoint(organization, endpoint).into_item()))
            .condition_expression("attribute_exists(PK)")
            .build()
            .map_err(AwsError::sdk("TransactWriteItems"))?;
        let count = self.organization_change(organization, -1).build().map_err(AwsError::sdk("TransactWriteItems"))?;
        self.changed([TransactWriteItem::builder().delete(delete), TransactWriteItem::builder().update(count)]).await
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
