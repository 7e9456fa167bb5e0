//! Reading the fields of a JSON body: every mistake is gathered under its field's name before any is answered.

use std::collections::BTreeMap;
use std::str::FromStr;

use hookbell_aws::table::Setting;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::{ApiError, FieldErrors};

/// Bytes of a body that carries no payload. The longest that makes sense has a few kilobytes of each option.
const LARGEST: usize = 64 * 1024;

/// The fields of a body, taken one by one.
pub(crate) struct Fields {
    values: BTreeMap<String, Box<RawValue>>,
    known: Vec<&'static str>,
    errors: FieldErrors,
}

impl Fields {
    /// Reads a body that has to be a JSON object; an empty one where `optional`.
    pub(crate) fn read(body: &[u8], optional: bool) -> Result<Self, ApiError> {
        if body.len() > LARGEST {
            return Err(ApiError::field("body", format!("Must be at most {LARGEST} bytes")));
        }
        Self::read_any(body, optional)
    }

    /// The same for a body of any size, whose reader has judged that.
    pub(crate) fn read_any(body: &[u8], optional: bool) -> Result<Self, ApiError> {
        let values = if optional && body.is_empty() {
            BTreeMap::new()
        } else {
            serde_json::from_slice(body)
                .map_err(|error| ApiError::field("body", format!("Must be a JSON object: {error}")))?
        };
        Ok(Self { values, known: Vec::new(), errors: FieldErrors::new() })
    }

    /// Notes that a field is wrong.
    pub(crate) fn refuse(&mut self, name: &str, problem: impl Into<String>) {
        self.errors.entry(name.to_owned()).or_default().push(problem.into());
    }

    /// The value of a field that may be absent; `null` is a wrong type.
    pub(crate) fn optional<T: DeserializeOwned>(&mut self, name: &'static str, expected: &str) -> Option<T> {
        self.known.push(name);
        let value = self.values.remove(name)?;
        let read = serde_json::from_str(value.get());
        if read.is_err() {
            self.refuse(name, format!("Must be {expected}"));
        }
        read.ok()
    }

    /// What is to become of a property: `null` takes it away.
    pub(crate) fn setting<T: DeserializeOwned>(&mut self, name: &'static str, expected: &str) -> Setting<T> {
        if self.values.get(name).is_some_and(|value| value.get() == "null") {
            self.known.push(name);
            self.values.remove(name);
            return Setting::Remove;
        }
        self.optional(name, expected).map_or(Setting::Keep, Setting::Set)
    }

    /// The value of a field that has to be there.
    pub(crate) fn required<T: DeserializeOwned>(&mut self, name: &'static str, expected: &str) -> Option<T> {
        if !self.values.contains_key(name) {
            self.known.push(name);
            self.refuse(name, format!("Required: {expected}"));
            return None;
        }
        self.optional(name, expected)
    }

    /// The value of a field that may be absent and is a text of a certain form.
    pub(crate) fn optional_text<T: FromStr>(&mut self, name: &'static str, expected: &str) -> Option<T> {
        let text: String = self.optional(name, expected)?;
        let read = text.parse();
        if read.is_err() {
            self.refuse(name, format!("Must be {expected}"));
        }
        read.ok()
    }

    /// What is to become of a property that is a text of a certain form: `null` takes it away.
    pub(crate) fn text_setting<T: FromStr>(&mut self, name: &'static str, expected: &str) -> Setting<T> {
        let text: Setting<String> = self.setting(name, expected);
        match text {
            Setting::Keep => Setting::Keep,
            Setting::Remove => Setting::Remove,
            Setting::Set(text) => {
                let read = text.parse();
                if read.is_err() {
                    self.refuse(name, format!("Must be {expected}"));
                }
                read.map_or(Setting::Keep, Setting::Set)
            }
        }
    }

    /// The value of a field that has to be there and is a text of a certain form.
    pub(crate) fn required_text<T: FromStr>(&mut self, name: &'static str, expected: &str) -> Option<T> {
        if self.values.contains_key(name) {
            self.optional_text(name, expected)
        } else {
            self.required::<String>(name, expected).and(None)
        }
    }

    /// The text of a field that has to be a JSON object, as it was written.
    pub(crate) fn required_object(&mut self, name: &'static str) -> Option<Box<RawValue>> {
        let value = self.required(name, "an object")?;
        self.object(name, value)
    }

    /// The same of a field that may be absent.
    pub(crate) fn optional_object(&mut self, name: &'static str) -> Option<Box<RawValue>> {
        let value = self.optional(name, "an object")?;
        self.object(name, value)
    }

    fn object(&mut self, name: &'static str, value: Box<RawValue>) -> Option<Box<RawValue>> {
        if value.get().starts_with('{') {
            return Some(value);
        }
        self.refuse(name, "Must be an object");
        None
    }

    /// Ends the reading: an error when any field was wrong or unknown.
    pub(crate) fn finish(mut self) -> Result<(), ApiError> {
        let unknown: Vec<String> = self.values.keys().cloned().collect();
        for name in unknown {
            let known = self.known.join(", ");
            let known = if known.is_empty() { "there are none".to_owned() } else { format!("known are: {known}") };
            self.refuse(&name, format!("Unknown field; {known}"));
        }
        if self.errors.is_empty() { Ok(()) } else { Err(ApiError::Validation(self.errors)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(result: Result<(), ApiError>) -> Vec<String> {
        match result {
            Err(ApiError::Validation(fields)) => fields.into_keys().collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let mut fields = Fields::read(br#"{"url":7,"surprise":1,"ordered":"yes","data":[]}"#, false).unwrap();
        assert_eq!(fields.required::<String>("url", "a string"), None);
        assert_eq!(fields.required::<Vec<String>>("eventTypes", "a list of strings"), None);
        assert_eq!(fields.optional::<bool>("ordered", "true or false"), None);
        assert!(fields.required_object("data").is_none());
        assert_eq!(errors(fields.finish()), ["data", "eventTypes", "ordered", "surprise", "url"]);
    }

    #[test]
    fn a_body_that_is_no_object_is_refused_under_body() {
        for body in [b"".as_slice(), b"[]", b"{", b"\xff", b"null"] {
            assert_eq!(errors(Fields::read(body, false).map(|_| ())), ["body"], "{body:?}");
        }
        assert!(Fields::read(b"", true).is_ok());
    }

    #[test]
    fn a_body_that_is_too_large_is_refused_unread() {
        let body = |length: usize| format!("{{}}{}", " ".repeat(length - 2));
        assert!(Fields::read(body(LARGEST).as_bytes(), false).is_ok());
        assert_eq!(errors(Fields::read(body(LARGEST + 1).as_bytes(), false).map(|_| ())), ["body"]);
    }

    #[test]
    fn null_takes_a_property_away_and_absence_leaves_it() {
        let mut fields = Fields::read(br#"{"a":null,"b":7,"c":"x"}"#, false).unwrap();
        assert_eq!(fields.setting::<u32>("a", "a number"), Setting::Remove);
        assert_eq!(fields.setting::<u32>("b", "a number"), Setting::Set(7));
        assert_eq!(fields.setting::<u32>("c", "a number"), Setting::Keep);
        assert_eq!(fields.setting::<u32>("d", "a number"), Setting::Keep);
        assert_eq!(errors(fields.finish()), ["c"]);
    }
}
