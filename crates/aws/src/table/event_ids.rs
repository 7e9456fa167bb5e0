//! Producers' event ids: for a day, an id stands for the message that it made.

use std::time::Duration;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use hookbell_domain::ids::{EventId, MessageId, OrganizationId};
use hookbell_domain::time::after;
use jiff::Timestamp;
use serde::Deserialize;

use super::items::time;
use super::keys::Key;
use super::{Item, Table, ms, number, text, update_if};
use crate::AwsError;

/// How long an event id is remembered.
const REMEMBERED: Duration = Duration::from_hours(24);

/// What an event id stands for, after asking to have it stand for a message of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventIdState {
    /// For that message, which is not known to have reached the queue: sending it (again) is right.
    Reserved(MessageId),
    /// For that message, which is on its way.
    Sent(MessageId),
}

/// What is read of an event id: the message that it stands for, and since when.
#[derive(Debug, Deserialize)]
struct EventIdItem {
    msg: MessageId,
    at: i64,
}

impl EventIdItem {
    /// Its message, while that is remembered: as long as another one may not take its place.
    fn message(&self, now: Timestamp) -> Option<MessageId> {
        (after(time(self.at), REMEMBERED) > now).then_some(self.msg)
    }
}

impl Table {
    /// Has an event id stand for `message`, unless it stands for another one since less than a day. `sent` says that
    /// the event is on the queue already.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn reserve_event_id(
        &self,
        organization: &OrganizationId,
        event: &EventId,
        message: MessageId,
        sent: bool,
        now: Timestamp,
    ) -> Result<EventIdState, AwsError> {
        let forgotten = now.as_millisecond() - i64::try_from(REMEMBERED.as_millis()).unwrap_or(i64::MAX);
        let mut item = Key::event_id(organization, event).into_item();
        item.insert("msg".to_owned(), text(message.to_string()));
        item.insert("at".to_owned(), ms(now));
        item.insert("expiresAt".to_owned(), number(after(now, REMEMBERED).as_second()));
        if sent {
            item.insert("sent".to_owned(), AttributeValue::Bool(true));
        }
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            // DynamoDB deletes what has expired days late, so the time decides.
            .condition_expression("attribute_not_exists(PK) OR #at <= :forgotten")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":forgotten", number(forgotten))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = put else { return Ok(EventIdState::Reserved(message)) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => read_state(failed.item()),
            _ => Err(AwsError::sdk("PutItem")(error)),
        }
    }

    /// Notes that the message of an event id is on its way. One whose day is over may be gone by now, and stays so.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn mark_event_id_sent(&self, organization: &OrganizationId, event: &EventId) -> Result<(), AwsError> {
        let update = self
            .update(Key::event_id(organization, event))
            .condition_expression("attribute_exists(PK)")
            .update_expression("SET sent = :true")
            .expression_attribute_values(":true", AttributeValue::Bool(true));
        update_if(update).await.map(drop)
    }

    /// The message that an event id stands for; nothing once its day is over. The message may not be there yet, nor
    /// ever, where the call that reserved the id has failed since.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn message_of_event(
        &self,
        organization: &OrganizationId,
        event: &EventId,
        now: Timestamp,
    ) -> Result<Option<MessageId>, AwsError> {
        let item: Option<EventIdItem> = self.get(Key::event_id(organization, event), true).await?;
        Ok(item.and_then(|item| item.message(now)))
    }
}

fn read_state(item: Option<&Item>) -> Result<EventIdState, AwsError> {
    let message = item
        .and_then(|item| item.get("msg"))
        .and_then(|value| value.as_s().ok())
        .and_then(|value| value.parse().ok())
        .ok_or_else(|| AwsError::unreadable("reading an event id", "it names no message"))?;
    let sent = item.is_some_and(|item| item.contains_key("sent"));
    Ok(if sent { EventIdState::Sent(message) } else { EventIdState::Reserved(message) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_stands_for_its_message_for_a_day_to_the_millisecond() {
        let at: Timestamp = "2026-05-30T14:23:00Z".parse().unwrap();
        let msg = MessageId::new(at, 7);
        let item = EventIdItem { msg, at: at.as_millisecond() };
        let last = "2026-05-31T14:22:59.999Z".parse().unwrap();
        assert_eq!((item.message(at), item.message(last)), (Some(msg), Some(msg)));
        assert_eq!(item.message("2026-05-31T14:23:00Z".parse().unwrap()), None);
    }
}
