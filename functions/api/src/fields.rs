//! Reading the fields of a JSON body: every mistake is gathered under its field's name before any is answered.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::{ApiError, FieldErrors};

/// The fields of a body, taken one by one.
pub(crate) struct Fields {
    values: BTreeMap<String, Box<RawValue>>,
    known: Vec<&'static str>,
    errors: FieldErrors,
}

impl Fields {
    /// Reads a body that has to be a JSON object; an empty one where `optional`.
    pub(crate) fn read(body: &[u8], optional: bool) -> Result<Self, ApiError> {
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
        let value: Box<RawValue> = self.required(name, "an object")?;
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
            self.refuse(&name, format!("Unknown field; known are: {known}"));
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
}
