//! Attempts: taken by one worker, recorded once.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use hookbell_domain::delivery::{Attempt, Claimant, Delivery, DeliveryStatus, ManualRequest, Trigger, Turn};
use hookbell_domain::ids::{DeliveryId, EndpointId};
use hookbell_domain::retry::{Decision, Next};
use jiff::Timestamp;

use super::items::{AttemptItem, DeliveryItem};
use super::keys::Key;
use super::{Table, from_item, ms, number, text, to_item};
use crate::AwsError;

/// What asking to make an attempt came to.
#[derive(Debug, Clone)]
pub enum Claim {
    /// The attempt is the caller's to make, until the time it named.
    Taken(Delivery),
    /// A worker is making it now: the delivery says who.
    Busy(Delivery),
    /// It was made before, or the delivery was ended: the delivery says how it stands, and who worked at it last.
    Past(Delivery),
    /// The delivery is not there (any more).
    Gone,
}

/// What recording an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is recorded, and the delivery is as was decided.
    Decided,
    /// It is recorded, but the delivery had ended otherwise meanwhile and stays ended.
    Overtaken,
    /// Another worker has recorded it.
    ByAnother,
}

/// Who wants an attempt, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Claiming {
    /// Who makes it.
    pub by: Claimant,
    /// Now.
    pub now: Timestamp,
    /// Until when nobody else may make it.
    pub until: Timestamp,
}

impl Table {
    /// Takes an attempt of a delivery, unless it was made or another worker has it.
    ///
    /// A claim that ends at the very millisecond asked for is taken for the caller's own: the SDK repeats an update
    /// whose answer was lost. Should it be another's after all, the request is made twice, and recorded once.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn claim_attempt(
        &self,
        endpoint: EndpointId,
        id: DeliveryId,
        turn: Turn,
        claiming: Claiming,
    ) -> Result<Claim, AwsError> {
        let update = self.update(Key::delivery(endpoint, id));
        let update = match turn {
            Turn::Scheduled(attempt) => update
                .condition_expression(
                    "#count = :before AND #status IN (:pending, :failed) \
                     AND (attribute_not_exists(claim) OR claim <= :now)",
                )
                .update_expression("SET claim = :until, #by = :by ADD tries :one")
                .expression_attribute_values(":one", number(1))
                .expression_attribute_names("#by", "by")
                .expression_attribute_names("#count", "count")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":by", number(claiming.by.0))
                .expression_attribute_values(":before", number(attempt.saturating_sub(1)))
                .expression_attribute_values(":pending", text(DeliveryStatus::Pending.as_str()))
                .expression_attribute_values(":failed", text(DeliveryStatus::Failed.as_str())),
            // While a request has its claim its attempt is still to be recorded.
            Turn::Manual(request) => update
                .condition_expression(
                    "attribute_exists(PK) AND (attribute_not_exists(manualClaim) OR manualClaim <= :now) \
                     AND (attribute_exists(manualClaim) OR attribute_not_exists(#manual) OR #manual <> :request)",
                )
                .update_expression("SET manualClaim = :until, #manual = :request")
                .expression_attribute_names("#manual", "manual")
                .expression_attribute_values(":request", number(request.0)),
        };
        self.claim(update, turn, claiming).await
    }

    /// Takes the first attempt of a delivery that is made by taking it, unless another worker has. One that was skipped
    /// before any attempt is open again.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn claim_new(&self, delivery: &Delivery, claiming: Claiming) -> Result<Claim, AwsError> {
        let update = self
            .update(Key::delivery(delivery.endpoint_id, delivery.id))
            .condition_expression(
                "attribute_not_exists(PK) OR (#count = :zero AND (attribute_exists(skipped) OR (#status = :pending \
                 AND (attribute_not_exists(claim) OR claim <= :now))))",
            )
            .update_expression(
                "SET org = :org, msg = :msg, #type = :type, #status = :pending, #count = :zero, \
                 attempts = :none, updated = :now, expiresAt = :expires, claim = :until, #by = :by \
                 REMOVE skipped ADD tries :one",
            )
            .expression_attribute_values(":one", number(1))
            .expression_attribute_names("#type", "type")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#count", "count")
            .expression_attribute_names("#by", "by")
            .expression_attribute_values(":org", text(delivery.organization_id.as_str()))
            .expression_attribute_values(":msg", text(delivery.message_id.to_string()))
            .expression_attribute_values(":type", text(&delivery.event_type))
            .expression_attribute_values(":pending", text(DeliveryStatus::Pending.as_str()))
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":none", AttributeValue::L(Vec::new()))
            .expression_attribute_values(":expires", number(self.expires_at(delivery.id.created_at())))
            .expression_attribute_values(":by", number(claiming.by.0));
        self.claim(update, Turn::Scheduled(1), claiming).await
    }

    async fn claim(
        &self,
        update: UpdateItemFluentBuilder,
        turn: Turn,
        Claiming { now, until, .. }: Claiming,
    ) -> Result<Claim, AwsError> {
        let update = update
            .expression_attribute_values(":now", ms(now))
            .expression_attribute_values(":until", ms(until))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let error = match update.send().await {
            Ok(answer) => {
                let item = answer.attributes.unwrap_or_default();
                return Ok(Claim::Taken(from_item::<DeliveryItem>(item)?.into_delivery()?));
            }
            Err(error) => error,
        };
        match error.into_service_error() {
            UpdateItemError::ConditionalCheckFailedException(failed) => {
                let Some(item) = failed.item else { return Ok(Claim::Gone) };
                let delivery = from_item::<DeliveryItem>(item)?.into_delivery()?;
                Ok(match (delivery.claimed_until(turn), delivery.awaits(turn)) {
                    (Some(held), true) if held.as_millisecond() == until.as_millisecond() => Claim::Taken(delivery),
                    (_, true) => Claim::Busy(delivery),
                    (_, false) => Claim::Past(delivery),
                })
            }
            error => Err(AwsError::sdk("UpdateItem")(error)),
        }
    }

    /// Adds a finished attempt to a delivery, and what was decided after it.
    ///
    /// A delivery that has ended meanwhile, by an attempt that somebody asked for or because its endpoint was disabled,
    /// is not opened again: only a success changes it.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn record_attempt(
        &self,
        delivery: &Delivery,
        turn: Turn,
        attempt: &Attempt,
        decision: &Decision,
        now: Timestamp,
    ) -> Result<Recorded, AwsError> {
        let ended_meanwhile = match self.try_record(delivery, turn, attempt, decision, now).await? {
            Ok(()) => return Ok(Recorded::Decided),
            Err(None) => false,
            Err(Some(there)) => {
                let at = attempt.at.as_millisecond();
                // The SDK repeats an update whose answer was lost: then the attempt that is there is this one.
                if there.attempts.iter().any(|a| a.at == at && a.manual == (attempt.trigger == Trigger::Manual)) {
                    return Ok(Recorded::Decided);
                }
                let there = there.into_delivery()?;
                there.is_unrecorded(turn) && !there.status.is_open()
            }
        };
        if !ended_meanwhile {
            return Ok(Recorded::ByAnother);
        }
        let kept = Decision { next: Next::Unchanged, ..*decision };
        let recorded = self.try_record(delivery, turn, attempt, &kept, now).await?;
        Ok(if recorded.is_ok() { Recorded::Overtaken } else { Recorded::ByAnother })
    }

    /// Adds an attempt, unless the delivery does not wait for it: then as it is there, if it is.
    async fn try_record(
        &self,
        delivery: &Delivery,
        turn: Turn,
        attempt: &Attempt,
        decision: &Decision,
        now: Timestamp,
    ) -> Result<Result<(), Option<DeliveryItem>>, AwsError> {
        let entry = AttributeValue::M(to_item(AttemptItem::of(attempt))?);
        let mut update = self
            .update(Key::delivery(delivery.endpoint_id, delivery.id))
            .expression_attribute_values(":entry", AttributeValue::L(vec![entry]))
            .expression_attribute_values(":now", ms(now))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let mut set = "SET attempts = list_append(attempts, :entry), updated = :now".to_owned();
        let (mut condition, mut remove) = match turn {
            Turn::Scheduled(n) => {
                set.push_str(", #count = :number");
                update = update
                    .expression_attribute_names("#count", "count")
                    .expression_attribute_values(":before", number(n.saturating_sub(1)))
                    .expression_attribute_values(":number", number(n));
                ("#count = :before".to_owned(), "claim, tries".to_owned())
            }
            Turn::Manual(ManualRequest(request)) => {
                update = update
                    .expression_attribute_names("#manual", "manual")
                    .expression_attribute_values(":request", number(request));
                ("#manual = :request AND attribute_exists(manualClaim)".to_owned(), "manualClaim".to_owned())
            }
        };
        if let Some((status, next_retry_at)) = DeliveryStatus::after(decision.next) {
            set.push_str(", #status = :status");
            update = update
                .expression_attribute_names("#status", "status")
                .expression_attribute_names("#next", "next")
                .expression_attribute_values(":status", text(status.as_str()));
            if let Some(at) = next_retry_at {
                set.push_str(", #next = :next");
                update = update.expression_attribute_values(":next", ms(at));
            } else {
                remove.push_str(", #next");
            }
            if status == DeliveryStatus::Delivered {
                remove.push_str(", skipped");
            } else {
                condition.push_str(" AND #status IN (:pending, :failed)");
                update = update
                    .expression_attribute_values(":pending", text(DeliveryStatus::Pending.as_str()))
                    .expression_attribute_values(":failed", text(DeliveryStatus::Failed.as_str()));
            }
        }
        if let Some(directive) = decision.directive {
            set.push_str(", directive = :directive");
            update = update.expression_attribute_values(":directive", text(directive.as_str()));
        } else {
            // What an earlier answer has asked for is over: this answer is the last.
            remove.push_str(", directive");
        }
        let update = update.condition_expression(condition).update_expression(format!("{set} REMOVE {remove}"));
        let Err(error) = update.send().await else { return Ok(Ok(())) };
        match error.into_service_error() {
            UpdateItemError::ConditionalCheckFailedException(failed) => {
                Ok(Err(failed.item.map(from_item).transpose()?))
            }
            error => Err(AwsError::sdk("UpdateItem")(error)),
        }
    }
}
