//! Reading what shapes are made of: an object's keys, and the values that they need.

use std::str::FromStr;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::ShapeError;

/// What is wrong with a text that is no time.
const NO_TIME: &str = "must be an ISO-8601 time with its offset, such as 2026-05-30T14:23:00.000Z";

/// The keys by which shapes are told apart, and those that they need; everything else is passed over without a copy.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Keys<'a> {
    #[serde(borrow)]
    pub(super) organization_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    pub(super) event_type: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) event: Option<&'a RawValue>,
    #[serde(borrow, rename = "detail-type")]
    pub(super) detail_type: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) detail: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) time: Option<&'a RawValue>,
    #[serde(borrow, rename = "specversion")]
    pub(super) spec_version: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) source: Option<&'a RawValue>,
    /// What `CloudEvents`, whose names are in small letters, call the organization's id.
    #[serde(borrow, rename = "organizationid")]
    pub(super) organization_extension: Option<&'a RawValue>,
    #[serde(borrow, rename = "datacontenttype")]
    pub(super) data_content_type: Option<&'a RawValue>,
    #[serde(borrow, rename = "data_base64")]
    pub(super) data_base64: Option<&'a RawValue>,
    #[serde(borrow, rename = "Type")]
    pub(super) notification_type: Option<&'a RawValue>,
    #[serde(borrow, rename = "TopicArn")]
    pub(super) topic: Option<&'a RawValue>,
    #[serde(borrow, rename = "Message")]
    pub(super) message: Option<&'a RawValue>,
    #[serde(borrow, rename = "MessageId")]
    pub(super) message_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "Timestamp")]
    pub(super) published_at: Option<&'a RawValue>,
}

pub(super) fn object(text: &str) -> Result<Keys<'_>, ShapeError> {
    // A struct can also be read from an array, by position: that is no shape of ours.
    if !text.trim_start().starts_with('{') {
        return Err(ShapeError::NotAnObject("it does not begin with {".to_owned()));
    }
    serde_json::from_str(text).map_err(|error| ShapeError::NotAnObject(error.to_string()))
}

pub(super) fn required<T: FromStr<Err: ToString>>(
    key: &'static str,
    value: Option<&RawValue>,
) -> Result<T, ShapeError> {
    optional(key, value)?.ok_or_else(|| ShapeError::key(key, "is missing"))
}

pub(super) fn optional<T: FromStr<Err: ToString>>(
    key: &'static str,
    value: Option<&RawValue>,
) -> Result<Option<T>, ShapeError> {
    let parsed = |text: String| text.parse().map_err(|error: T::Err| ShapeError::key(key, error.to_string()));
    text(key, value)?.map(parsed).transpose()
}

/// When something happened, if it says so.
pub(super) fn time(key: &'static str, value: Option<&RawValue>) -> Result<Option<Timestamp>, ShapeError> {
    let parsed = |text: String| text.parse().map_err(|_| ShapeError::key(key, NO_TIME));
    text(key, value)?.map(parsed).transpose()
}

fn text(key: &'static str, value: Option<&RawValue>) -> Result<Option<String>, ShapeError> {
    let Some(value) = value else { return Ok(None) };
    serde_json::from_str(value.get()).map_err(|_| ShapeError::key(key, "must be a string"))
}

pub(super) fn raw(text: &str) -> Result<Box<RawValue>, ShapeError> {
    RawValue::from_string(text.to_owned()).map_err(|error| ShapeError::NotAnObject(error.to_string()))
}
