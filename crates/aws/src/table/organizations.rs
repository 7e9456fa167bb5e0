//! Organizations, and the one Query that gives the fan-out all it needs.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;
use hookbell_domain::ids::OrganizationId;
use hookbell_domain::profile::Profile;
use jiff::Timestamp;

use super::items::{EndpointItem, OrganizationItem, time};
use super::keys::{self, Key};
use super::secrets::StoredEndpoint;
use super::{Table, from_item, ms, number, sort_key, text, update_if};
use crate::AwsError;

/// An organization without its endpoints.
#[derive(Debug, Clone)]
pub struct OrganizationRecord {
    /// Its id.
    pub id: OrganizationId,
    /// What it sends and how.
    pub profile: &'static Profile,
    /// Goes up with every change of the organization or of one of its endpoints by its owner.
    pub revision: u64,
    /// How many endpoints it has.
    pub endpoint_count: u32,
    /// Whether one of them at least is ordered.
    pub is_ordered: bool,
    /// When it was initialized.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// An organization with its endpoints, oldest first.
#[derive(Debug, Clone)]
pub struct Organization {
    /// The organization itself.
    pub record: OrganizationRecord,
    /// Its endpoints.
    pub endpoints: Vec<StoredEndpoint>,
}

/// What asking for an organization's initialization came to.
#[derive(Debug)]
pub enum Initialized {
    /// It is there, with the profile asked for.
    Yes(OrganizationRecord),
    /// It has another profile, and endpoints that hold it to that one.
    OtherProfile,
}

impl Table {
    /// Makes an organization, or switches its profile while it has no endpoint. Can be repeated, and then changes
    /// nothing.
    ///
    /// Side by side with that its entry is put into the list of all organizations, so an organization that is there is in
    /// the list too, once the call that made it was answered. Where one of the two fails the call does, and is to be
    /// repeated.
    ///
    /// Without `wanted`, a new organization gets `default` and an existing one keeps what it has.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn initialize(
        &self,
        id: &OrganizationId,
        wanted: Option<&'static Profile>,
        default: &'static Profile,
        now: Timestamp,
    ) -> Result<Initialized, AwsError> {
        let made = self
            .update(Key::organization(id))
            .update_expression(
                "SET profile = if_not_exists(profile, :profile), createdAt = if_not_exists(createdAt, :now), \
                 updatedAt = if_not_exists(updatedAt, :now), revision = if_not_exists(revision, :one), \
                 endpointCount = if_not_exists(endpointCount, :zero)",
            )
            .expression_attribute_values(":profile", text(wanted.unwrap_or(default).name))
            .expression_attribute_values(":zero", number(0));
        let made = match wanted {
            Some(_) => made.condition_expression("attribute_not_exists(PK) OR profile = :profile"),
            None => made,
        };
        let (made, ()) = tokio::try_join!(self.update_organization(id, made, now), self.list_organization(id))?;
        if let Some(record) = made {
            return Ok(Initialized::Yes(record));
        }
        let switched = self
            .update(Key::organization(id))
            .update_expression("SET profile = :profile, updatedAt = :now ADD revision :one")
            .condition_expression("endpointCount = :zero")
            .expression_attribute_values(":profile", text(wanted.unwrap_or(default).name))
            .expression_attribute_values(":zero", number(0));
        let switched = self.update_organization(id, switched, now).await?;
        Ok(switched.map_or(Initialized::OtherProfile, Initialized::Yes))
    }

    /// Updates an organization and gives it as it is then; nothing when the condition did not hold.
    async fn update_organization(
        &self,
        id: &OrganizationId,
        update: UpdateItemFluentBuilder,
        now: Timestamp,
    ) -> Result<Option<OrganizationRecord>, AwsError> {
        let update = update
            .expression_attribute_values(":now", ms(now))
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::AllNew);
        let Some(answer) = update_if(update).await? else { return Ok(None) };
        record(id, &from_item(answer.attributes.unwrap_or_default())?).map(Some)
    }

    /// Reads an organization without its endpoints; sees every write that has been answered.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn organization_record(&self, id: &OrganizationId) -> Result<Option<OrganizationRecord>, AwsError> {
        let item: Option<OrganizationItem> = self.get(Key::organization(id), true).await?;
        item.map(|item| record(id, &item)).transpose()
    }

    /// Reads an organization with its endpoints in one Query; `consistent` sees every write that has been answered,
    /// at twice the price.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn organization(&self, id: &OrganizationId, consistent: bool) -> Result<Option<Organization>, AwsError> {
        let (mut found, mut endpoints) = (None, Vec::new());
        let mut start = None;
        loop {
            let answer = self
                .query(Key::organization(id).pk)
                .consistent_read(consistent)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(AwsError::sdk("Query"))?;
            for item in answer.items.unwrap_or_default() {
                if sort_key(&item).starts_with(keys::ENDPOINT) {
                    endpoints.push(from_item::<EndpointItem>(item)?.into_stored()?);
                } else {
                    found = Some(record(id, &from_item(item)?)?);
                }
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(found.map(|record| Organization { record, endpoints }));
            }
        }
    }
}

pub(super) fn record(id: &OrganizationId, item: &OrganizationItem) -> Result<OrganizationRecord, AwsError> {
    let profile = Profile::named(&item.profile).ok_or_else(|| {
        AwsError::unreadable(
            "reading an organization",
            format!("its profile {:?} is not in this build of events/", item.profile),
        )
    })?;
    Ok(OrganizationRecord {
        id: id.clone(),
        profile,
        revision: item.revision,
        endpoint_count: item.endpoint_count,
        is_ordered: item.ordered_count > 0,
        created_at: time(item.created_at),
        updated_at: time(item.updated_at),
    })
}
