//! Replays: begun once, and moved on step by step by whoever has the step.

use std::time::Duration;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use hookbell_domain::delivery::{Claimant, DeliveryStatus};
use hookbell_domain::ids::{DeliveryId, EndpointId, OrganizationId, ReplayId};
use hookbell_domain::replay::{Replay, ReplayState};
use hookbell_domain::time::after;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::items::time;
use super::keys::{self, Key};
use super::{Table, from_item, ms, number, text, to_item, unreadable, update_if};
use crate::AwsError;

/// How long the same wish is the same replay.
const REMEMBERED: Duration = Duration::from_hours(24);

/// How long a replay can be looked at.
const SHOWN: Duration = Duration::from_hours(24 * 7);

/// How many replays of an endpoint are listed, the latest ranges.
const LISTED: i32 = 100;

/// What asking for a replay came to.
#[derive(Debug, Clone)]
pub enum BeginReplay {
    /// It begins.
    Begun(Replay),
    /// It was asked for within a day: as it stands.
    Known(Replay),
}

/// What a step of a replay has done.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Up to which delivery all were looked at; absent when the end of the range was reached.
    pub reached: Option<DeliveryId>,
    /// How many it sent once more.
    pub redelivered: u64,
}

impl Step {
    /// Whether it was the last.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.reached.is_none()
    }
}

/// A replay: `RPL#whe_…` / `rpl_…`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReplayItem {
    #[serde(rename = "PK")]
    pk: String,
    #[serde(rename = "SK")]
    sk: String,
    org: String,
    after: i64,
    before: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
    step: u32,
    /// Who has done the last step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reached: Option<DeliveryId>,
    redelivered: u64,
    began: i64,
    updated: i64,
    expires_at: i64,
}

impl Table {
    /// Begins a replay, unless the same was asked for within a day. One that was to end at the time of the asking, and
    /// has, goes on from there to the time of this asking.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn begin_replay(&self, replay: Replay) -> Result<BeginReplay, AwsError> {
        let day = i64::try_from(REMEMBERED.as_millis()).unwrap_or(i64::MAX);
        let forgotten = replay.began_at.as_millisecond() - day;
        let absent = "attribute_not_exists(PK) OR (began <= :at AND #state <> :state)";
        let asked = self.put_replay(replay.clone(), absent, forgotten, ReplayState::Running).await?;
        match asked {
            BeginReplay::Known(earlier)
                if earlier.state == ReplayState::Finished
                    && earlier.before.as_millisecond() < replay.before.as_millisecond() =>
            {
                let seen = earlier.began_at.as_millisecond();
                // A step of the run before that is still under way finds its number taken.
                let next = Replay { after: earlier.before, step: earlier.step.saturating_add(1), ..replay };
                self.put_replay(next, "began = :at AND #state = :state", seen, ReplayState::Finished).await
            }
            asked => Ok(asked),
        }
    }

    /// Puts a replay under a condition on the time and the state of what is there.
    async fn put_replay(
        &self,
        replay: Replay,
        condition: &str,
        at: i64,
        state: ReplayState,
    ) -> Result<BeginReplay, AwsError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(to_item(ReplayItem::of(&replay))?))
            .condition_expression(condition)
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", text(state.as_str()))
            .expression_attribute_values(":at", number(at))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = put else { return Ok(BeginReplay::Begun(replay)) };
        match error.into_service_error() {
            PutItemError::ConditionalCheckFailedException(failed) => {
                let there: ReplayItem = from_item(failed.item.unwrap_or_default())?;
                Ok(BeginReplay::Known(there.into_replay()?))
            }
            error => Err(AwsError::sdk("PutItem")(error)),
        }
    }

    /// Reads a replay; sees every write that has been answered.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn replay(&self, endpoint: EndpointId, id: ReplayId) -> Result<Option<Replay>, AwsError> {
        let item: Option<ReplayItem> = self.get(Key::replay(endpoint, id), true).await?;
        item.map(ReplayItem::into_replay).transpose()
    }

    /// Reads the replays of an endpoint, the latest range first, a hundred at most.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn replays(&self, endpoint: EndpointId) -> Result<Vec<Replay>, AwsError> {
        let answer = self
            .query(keys::replays(endpoint))
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(LISTED)
            .send()
            .await
            .map_err(AwsError::sdk("Query"))?;
        let items = answer.items.unwrap_or_default().into_iter();
        items.map(|item| from_item::<ReplayItem>(item)?.into_replay()).collect()
    }

    /// Moves a running replay on from the step that `replay` shows; `false` when somebody else has.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn advance_replay(
        &self,
        replay: &Replay,
        done: Step,
        by: Claimant,
        now: Timestamp,
    ) -> Result<bool, AwsError> {
        let state = if done.is_last() { ReplayState::Finished } else { ReplayState::Running };
        let mut update = self
            .update(Key::replay(replay.endpoint_id, replay.id))
            .condition_expression("step = :step AND #state = :running")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#by", "by")
            .expression_attribute_values(":by", number(by.0))
            .expression_attribute_values(":step", number(replay.step))
            .expression_attribute_values(":next", number(replay.step.saturating_add(1)))
            .expression_attribute_values(":running", text(ReplayState::Running.as_str()))
            .expression_attribute_values(":state", text(state.as_str()))
            .expression_attribute_values(":redelivered", number(replay.redelivered.saturating_add(done.redelivered)))
            .expression_attribute_values(":now", ms(now));
        let mut set =
            "SET step = :next, #state = :state, redelivered = :redelivered, updated = :now, #by = :by".to_owned();
        if let Some(reached) = done.reached {
            set.push_str(", reached = :reached");
            update = update.expression_attribute_values(":reached", text(reached.to_string()));
        }
        let update = update
            .update_expression(set)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = update.send().await else { return Ok(true) };
        match error.into_service_error() {
            UpdateItemError::ConditionalCheckFailedException(failed) => {
                // The SDK repeats an update whose answer was lost: then the step that is there is this one.
                let there: Option<ReplayItem> = failed.item.map(from_item).transpose()?;
                let next = replay.step.saturating_add(1);
                Ok(there.is_some_and(|there| there.step == next && there.by == Some(by.0)))
            }
            error => Err(AwsError::sdk("UpdateItem")(error)),
        }
    }

    /// Stops a running replay, with the reason; `false` when it is not running (any more).
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn stop_replay(&self, replay: &Replay, reason: &str, now: Timestamp) -> Result<bool, AwsError> {
        self.change_state(replay, ReplayState::Running, ReplayState::Stopped, Some(reason), now).await
    }

    /// Has a stopped replay run again, from its beginning: what it had sent may have been skipped on its way. What has
    /// arrived is known by its id and not sent again. `false` when it is not stopped (any more).
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn resume_replay(&self, replay: &Replay, now: Timestamp) -> Result<bool, AwsError> {
        self.change_state(replay, ReplayState::Stopped, ReplayState::Running, None, now).await
    }

    async fn change_state(
        &self,
        replay: &Replay,
        from: ReplayState,
        to: ReplayState,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, AwsError> {
        let update = self
            .update(Key::replay(replay.endpoint_id, replay.id))
            .condition_expression("#state = :from")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":from", text(from.as_str()))
            .expression_attribute_values(":to", text(to.as_str()))
            .expression_attribute_values(":now", ms(now));
        let update = match reason {
            Some(reason) => update
                .update_expression("SET #state = :to, updated = :now, stopped = :reason")
                .expression_attribute_values(":reason", text(reason)),
            None => update
                .update_expression(
                    "SET #state = :to, updated = :now, redelivered = :zero, step = step + :one REMOVE stopped, reached",
                )
                .expression_attribute_values(":zero", number(0))
                .expression_attribute_values(":one", number(1)),
        };
        update_if(update).await.map(|answer| answer.is_some())
    }
}

impl ReplayItem {
    fn of(replay: &Replay) -> Self {
        let key = Key::replay(replay.endpoint_id, replay.id);
        Self {
            pk: key.pk,
            sk: key.sk,
            org: replay.organization_id.to_string(),
            after: replay.after.as_millisecond(),
            before: replay.before.as_millisecond(),
            status: replay.status.map(|status| status.as_str().to_owned()),
            state: replay.state.as_str().to_owned(),
            stopped: replay.stopped.clone(),
            step: replay.step,
            by: None,
            reached: replay.reached,
            redelivered: replay.redelivered,
            began: replay.began_at.as_millisecond(),
            updated: replay.updated_at.as_millisecond(),
            expires_at: after(replay.began_at, SHOWN).as_second(),
        }
    }

    fn into_replay(self) -> Result<Replay, AwsError> {
        let endpoint_id = self.pk.split('#').nth(1).unwrap_or_default();
        Ok(Replay {
            id: self.sk.parse::<ReplayId>().map_err(unreadable)?,
            organization_id: self.org.parse::<OrganizationId>().map_err(unreadable)?,
            endpoint_id: endpoint_id.parse::<EndpointId>().map_err(unreadable)?,
            after: time(self.after),
            before: time(self.before),
            status: self.status.as_deref().and_then(DeliveryStatus::named),
            state: ReplayState::named(&self.state).ok_or_else(|| unreadable("unknown replay state"))?,
            stopped: self.stopped,
            step: self.step,
            reached: self.reached,
            redelivered: self.redelivered,
            began_at: time(self.began),
            updated_at: time(self.updated),
        })
    }
}
