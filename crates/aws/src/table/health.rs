//! What the sender notes of an endpoint's health. Nothing is written while all is well.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use hookbell_domain::endpoint::Health;
use hookbell_domain::ids::{EndpointId, OrganizationId};
use jiff::Timestamp;
use serde::Deserialize;

use super::items::time;
use super::keys::Key;
use super::{Table, from_item, ms, number, update_if};
use crate::AwsError;

/// Attempts of one endpoint that have failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// When the first of them began.
    pub since: Timestamp,
    /// When the next probe may go out, where they leave the endpoint open.
    pub probe_at: Option<Timestamp>,
}

/// What asking for the probe of an open endpoint came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// It is the caller's to make.
    Taken,
    /// It is another's, or the endpoint is no longer open: its health says which.
    NotNow(Health),
    /// There is no such endpoint.
    NoEndpoint,
}

/// The part of an endpoint's item that tells its health.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HealthItem {
    consecutive_failures: u32,
    streak_started_at: Option<i64>,
    failing_since: Option<i64>,
    failed_attempts: u32,
    probe_at: Option<i64>,
}

impl From<HealthItem> for Health {
    fn from(item: HealthItem) -> Self {
        Self {
            consecutive_failures: item.consecutive_failures,
            streak_started_at: item.streak_started_at.map(time),
            failing_since: item.failing_since.map(time),
            failed_attempts: item.failed_attempts,
            probe_at: item.probe_at.map(time),
        }
    }
}

fn health(item: HashMap<String, AttributeValue>) -> Result<Health, AwsError> {
    from_item::<HealthItem>(item).map(Health::from)
}

impl Table {
    /// Notes that a delivery arrived: the streak, the time of failing and the breaker are over, and `health` is what is
    /// left. For an endpoint that has any of them.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn clear_health(
        &self,
        organization: &OrganizationId,
        endpoint: EndpointId,
        health: Health,
    ) -> Result<(), AwsError> {
        let update = self
            .update(Key::endpoint(organization, endpoint))
            .condition_expression("attribute_exists(PK)")
            .update_expression(
                "SET consecutiveFailures = :zero, failedAttempts = :failed REMOVE streakStartedAt, failingSince, probeAt",
            )
            .expression_attribute_values(":failed", number(health.failed_attempts))
            .expression_attribute_values(":zero", number(0));
        update_if(update).await.map(|_| ())
    }

    /// Adds failed attempts to an endpoint's, and notes since when every attempt has failed unless that is noted
    /// already. Gives the health that the endpoint has then; nothing where it is gone.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn note_failures(
        &self,
        organization: &OrganizationId,
        endpoint: EndpointId,
        failures: Failures,
    ) -> Result<Option<Health>, AwsError> {
        let mut set = "SET failingSince = if_not_exists(failingSince, :since)".to_owned();
        let mut update = self
            .update(Key::endpoint(organization, endpoint))
            .condition_expression("attribute_exists(PK)")
            .expression_attribute_values(":since", ms(failures.since))
            .expression_attribute_values(":count", number(failures.count))
            .return_values(ReturnValue::AllNew);
        if let Some(at) = failures.probe_at {
            set.push_str(", probeAt = :probe");
            update = update.expression_attribute_values(":probe", ms(at));
        }
        let update = update.update_expression(format!("{set} ADD failedAttempts :count"));
        let Some(answer) = update_if(update).await? else { return Ok(None) };
        answer.attributes.map(health).transpose()
    }

    /// Takes the probe of an open endpoint, unless one is under way or has failed just now. Nobody else gets it before
    /// `until`.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn claim_probe(
        &self,
        organization: &OrganizationId,
        endpoint: EndpointId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Probe, AwsError> {
        let update = self
            .update(Key::endpoint(organization, endpoint))
            .condition_expression("failedAttempts > :zero AND (attribute_not_exists(probeAt) OR probeAt <= :now)")
            .update_expression("SET probeAt = :until")
            .expression_attribute_values(":now", ms(now))
            .expression_attribute_values(":until", ms(until))
            .expression_attribute_values(":zero", number(0))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = update.send().await else { return Ok(Probe::Taken) };
        match error.into_service_error() {
            UpdateItemError::ConditionalCheckFailedException(failed) => match failed.item {
                None => Ok(Probe::NoEndpoint),
                // The SDK repeats an update whose answer was lost: then the probe's time is the caller's own.
                Some(item) => Ok(match health(item)? {
                    health if health.probe_at.is_some_and(|at| at.as_millisecond() == until.as_millisecond()) => {
                        Probe::Taken
                    }
                    health => Probe::NotNow(health),
                }),
            },
            error => Err(AwsError::sdk("UpdateItem")(error)),
        }
    }
}
