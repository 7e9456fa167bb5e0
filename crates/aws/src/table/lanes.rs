//! The lanes of rate limits: one item for each endpoint that has or has had a limit, in a partition of its own, because
//! it may be written a thousand times a second.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use hookbell_domain::endpoint::RateLimit;
use hookbell_domain::ids::EndpointId;
use hookbell_domain::pace::{Lane, Slot, Wanted};
use hookbell_domain::time::after;
use jiff::Timestamp;
use serde::Deserialize;

use super::keys::Key;
use super::{Item, Table, back_off, from_item, ms, number};
use crate::AwsError;

/// A lane: `LANE#whe_…` / `LANE`. The next slot is in microseconds: at ten thousand a second, milliseconds are too long.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LaneItem {
    next: i64,
    limit: u32,
    as_of: i64,
}

impl LaneItem {
    fn read(item: Item) -> Result<Option<Lane>, AwsError> {
        let item: Self = from_item(item)?;
        let lane = |limit| {
            let next = Timestamp::from_microsecond(item.next).ok()?;
            Some(Lane { next, limit, as_of: Timestamp::from_millisecond(item.as_of).ok()? })
        };
        Ok(RateLimit::new(item.limit).and_then(lane))
    }
}

impl Table {
    /// Reserves slots in an endpoint's lane, in their order.
    ///
    /// Where the lane is busy, that is one update that nobody can get in the way of. Where it is idle, new, or of another
    /// limit, the first update tells how it stands, and a second one moves it on from there.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn reserve_slots(
        &self,
        endpoint: EndpointId,
        wanted: Wanted,
        now: Timestamp,
    ) -> Result<Vec<Slot>, AwsError> {
        let slots = |first, limit: RateLimit| (0..wanted.count).map(|place| limit.slot(first, place)).collect();
        let mut tries = 0;
        loop {
            let lane = match self.reserve_in_busy(endpoint, wanted, now).await? {
                Ok(first) => return Ok(slots(first, wanted.limit)),
                Err(lane) => lane,
            };
            let (first, moved) = wanted.reserve(lane, now);
            if self.move_lane(endpoint, lane, moved).await? {
                return Ok(slots(first, moved.limit));
            }
            tries += 1;
            back_off("UpdateItem", tries).await?;
        }
    }

    /// Reserves behind what is reserved already; the first slot, or the lane where nothing is, or for another limit.
    async fn reserve_in_busy(
        &self,
        endpoint: EndpointId,
        wanted: Wanted,
        now: Timestamp,
    ) -> Result<Result<Timestamp, Option<Lane>>, AwsError> {
        let span = wanted.limit.span(wanted.count);
        let update = self
            .lane_update(endpoint, after(now, span))
            .condition_expression("#limit = :limit AND #next >= :earliest")
            .update_expression("SET #next = #next + :span, expiresAt = :expires")
            .expression_attribute_values(":limit", number(wanted.limit.per_second()))
            .expression_attribute_values(":earliest", us(wanted.limit.earliest(now)))
            .expression_attribute_values(":span", number(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)));
        let sent = send(update).await?;
        Ok(sent.map(|lane| lane.next.checked_sub(span).unwrap_or(lane.next)))
    }

    /// Moves a lane on; `false` when it is no longer as it was.
    async fn move_lane(&self, endpoint: EndpointId, from: Option<Lane>, to: Lane) -> Result<bool, AwsError> {
        let update = self
            .lane_update(endpoint, to.next)
            .update_expression("SET #next = :next, #limit = :limit, asOf = :asOf, expiresAt = :expires")
            .expression_attribute_values(":next", us(to.next))
            .expression_attribute_values(":limit", number(to.limit.per_second()))
            .expression_attribute_values(":asOf", ms(to.as_of));
        let update = match from {
            None => update.condition_expression("attribute_not_exists(#next)"),
            Some(from) => update
                .condition_expression("#next = :seen AND #limit = :was")
                .expression_attribute_values(":seen", us(from.next))
                .expression_attribute_values(":was", number(from.limit.per_second())),
        };
        send(update).await.map(|sent| sent.is_ok())
    }

    fn lane_update(&self, endpoint: EndpointId, last: Timestamp) -> UpdateItemFluentBuilder {
        self.update(Key::lane(endpoint))
            .expression_attribute_names("#next", "next")
            .expression_attribute_names("#limit", "limit")
            .expression_attribute_values(":expires", number(self.expires_at(last)))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

/// Sends an update; the lane after it, or the lane as it is where the condition did not hold.
async fn send(update: UpdateItemFluentBuilder) -> Result<Result<Lane, Option<Lane>>, AwsError> {
    let unreadable = || AwsError::unreadable("UpdateItem", "no lane came back");
    match update.send().await {
        Ok(answer) => {
            let lane = answer.attributes.map(LaneItem::read).transpose()?;
            lane.flatten().map(Ok).ok_or_else(unreadable)
        }
        Err(error) => match error.into_service_error() {
            UpdateItemError::ConditionalCheckFailedException(failed) => {
                failed.item.map(LaneItem::read).transpose().map(|lane| Err(lane.flatten()))
            }
            error => Err(AwsError::sdk("UpdateItem")(error)),
        },
    }
}

fn us(at: Timestamp) -> AttributeValue {
    number(at.as_microsecond())
}
