//! Letting calls in: who calls, how often this minute, and when last, in one conditional update.
//!
//! The SDK repeats an update whose answer was lost, and the repetition counts the call once more. Nobody is let in by
//! that who should not be; at worst a minute's last call is refused.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use hookbell_domain::ids::{KeyId, OrganizationId};
use hookbell_domain::minute::Minute;
use hookbell_domain::role::Role;
use jiff::Timestamp;

use super::api_keys::KeyHash;
use super::items::KeyItem;
use super::keys::Key;
use super::{Item, Table, from_item, ms, number, text};
use crate::AwsError;

/// How often an item may turn out to be other than it was a moment ago: other instances begin minutes too.
const TRIES: u32 = 6;

/// A call to be counted.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// What it carries.
    pub key: KeyHash,
    /// When it came.
    pub now: Timestamp,
    /// How many of its key a minute may have.
    pub limit: u32,
    /// Whether one of its key was let in this minute, as far as the caller knows: decides what is tried first.
    pub another: bool,
}

/// What became of a call with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It is let in and counted.
    Admitted(KeyHolder),
    /// There is no such key.
    Unknown,
    /// The minute has had as many as it may.
    Limited,
}

/// Whose key it is, and what it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHolder {
    /// The organization.
    pub organization: OrganizationId,
    /// The key's id.
    pub id: KeyId,
    /// Its role.
    pub role: Role,
}

/// A token that proves itself and has no item until it is used.
#[derive(Debug, Clone, Copy)]
pub struct Token<'a> {
    /// Whose it is.
    pub organization: &'a OrganizationId,
    /// When it ends, and with it what was counted.
    pub expires_at: Timestamp,
}

/// What an update of the count came to.
enum Counted {
    Yes(Item),
    NoItem,
    Full,
}

impl Table {
    /// Counts a call with a key, if there is such a key and the minute is not full.
    ///
    /// One call of DynamoDB, but where `another` says the wrong thing: then two.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn admit_key(&self, call: Call) -> Result<Admission, AwsError> {
        match self.count(call, None).await? {
            Counted::Yes(item) => Ok(Admission::Admitted(from_item::<KeyItem>(item)?.into_holder()?)),
            Counted::NoItem => Ok(Admission::Unknown),
            Counted::Full => Ok(Admission::Limited),
        }
    }

    /// Counts a call with a token; `false` when the minute is full. The first call makes the item.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn admit_token(&self, call: Call, token: Token<'_>) -> Result<bool, AwsError> {
        Ok(!matches!(self.count(call, Some(token)).await?, Counted::Full))
    }

    async fn count(&self, call: Call, token: Option<Token<'_>>) -> Result<Counted, AwsError> {
        let minute = Minute::of(call.now);
        let mut another = call.another;
        for tries in 0..TRIES {
            let update = if another { self.go_on(call, minute) } else { self.begin(call, minute, token) };
            let error = match update.send().await {
                Ok(answer) => return Ok(Counted::Yes(answer.attributes.unwrap_or_default())),
                Err(error) => error,
            };
            match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    let item = failed.item().filter(|item| !item.is_empty());
                    if item.is_none() && token.is_none() {
                        return Ok(Counted::NoItem);
                    }
                    let (window, count) = item.map_or((None, None), |item| (read(item, "window"), read(item, "count")));
                    another = window == Some(minute.number());
                    if another && count >= Some(call.limit.into()) {
                        return Ok(Counted::Full);
                    }
                }
                // The key is being deleted.
                Some(UpdateItemError::TransactionConflictException(_)) => {
                    tokio::time::sleep(Duration::from_millis(10 << tries)).await;
                }
                _ => return Err(AwsError::sdk("UpdateItem")(error)),
            }
        }
        Err(AwsError::unreadable("UpdateItem", "a key's minute began anew at every try: do the clocks differ?"))
    }

    /// A further call of the minute.
    fn go_on(&self, call: Call, minute: Minute) -> UpdateItemFluentBuilder {
        self.update_count(call, minute)
            .condition_expression("attribute_exists(PK) AND #window = :window AND #count < :limit")
            .update_expression("SET #count = #count + :one, #used = :now")
            .expression_attribute_values(":limit", number(call.limit))
    }

    /// The first call of a minute; of a token, maybe its first at all.
    fn begin(&self, call: Call, minute: Minute, token: Option<Token<'_>>) -> UpdateItemFluentBuilder {
        let update = self.update_count(call, minute);
        let Some(token) = token else {
            return update
                .condition_expression("attribute_exists(PK) AND #window <> :window")
                .update_expression("SET #window = :window, #count = :one, #used = :now");
        };
        update
            .condition_expression("attribute_not_exists(PK) OR #window <> :window")
            .update_expression("SET #window = :window, #count = :one, #used = :now, #org = :org, expiresAt = :expires")
            .expression_attribute_names("#org", "org")
            .expression_attribute_values(":org", text(token.organization.as_str()))
            .expression_attribute_values(":expires", number(token.expires_at.as_second()))
    }

    fn update_count(&self, call: Call, minute: Minute) -> UpdateItemFluentBuilder {
        self.update(Key::api_key(&call.key.to_string()))
            .expression_attribute_names("#window", "window")
            .expression_attribute_names("#count", "count")
            .expression_attribute_names("#used", "used")
            .expression_attribute_values(":window", number(minute.number()))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":now", ms(call.now))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

fn read(item: &Item, attribute: &str) -> Option<i64> {
    item.get(attribute)?.as_n().ok()?.parse().ok()
}
