//! Reading forms, and saying them as the bodies of calls.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::error::{ApiError, FieldErrors, bounded};

/// What a form says, in its order; a name may come more than once. It may hold a key, so it cannot be printed.
#[derive(Clone, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a body (WHATWG URL, "application/x-www-form-urlencoded parsing"): every text is some form.
    pub(super) fn read(body: &[u8]) -> Self {
        let owned = |(name, value): (Cow<'_, str>, Cow<'_, str>)| (name.into_owned(), value.into_owned());
        Self(url::form_urlencoded::parse(body).map(owned).collect())
    }

    /// The value of a field without white space around it; empty where the form has none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default().trim()
    }

    /// All values of a field.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Whether a box is ticked.
    pub(super) fn ticked(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }
}

/// A call's body, put together field by field. It may hold the values of custom headers, so it cannot be printed.
#[derive(Default)]
pub(super) struct Body(Vec<(&'static str, String)>);

impl Body {
    /// Sets a field.
    pub(super) fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.push((name, value.into().to_string()));
    }

    /// Sets a field to what is JSON already, byte for byte. What is none goes as a text, and is refused by who reads it.
    pub(super) fn set_json(&mut self, name: &'static str, json: &str) {
        match serde_json::from_str::<IgnoredAny>(json) {
            Ok(_) => self.0.push((name, json.to_owned())),
            Err(_) => self.set(name, json),
        }
    }

    /// Sets a field where the form has something to say.
    pub(super) fn set_if_there(&mut self, name: &'static str, text: &str) {
        if !text.is_empty() {
            self.set(name, text);
        }
    }

    /// The body as JSON.
    pub(super) fn into_json(self) -> axum::body::Bytes {
        let fields: Vec<String> = self.0.into_iter().map(|(name, json)| format!("\"{name}\":{json}")).collect();
        format!("{{{}}}", fields.join(",")).into()
    }
}

/// What is wrong with which field of a form, and with none in particular.
#[derive(Debug, Default)]
pub(super) struct Problems {
    /// By the names of fields.
    pub(super) fields: FieldErrors,
    /// Of no field.
    pub(super) whole: Option<String>,
}

impl Problems {
    /// What a call was refused with, if its caller can do something about it in the form.
    pub(super) fn of(refused: ApiError) -> Result<Self, ApiError> {
        match refused {
            ApiError::Validation(fields) => Ok(Self { fields: bounded(fields), whole: None }),
            ApiError::Conflict(_, message) => Ok(Self { fields: FieldErrors::new(), whole: Some(message) }),
            other => Err(other),
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.whole.is_none()
    }

    /// Those of a field.
    pub(super) fn of_field(&self, name: &str) -> &[String] {
        self.fields.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// What stands above the form: the problems that no field shows.
    pub(super) fn summary(&self, shown: &[&str]) -> Vec<String> {
        let elsewhere = self.fields.iter().filter(|(name, _)| !shown.contains(&name.as_str()));
        let elsewhere = elsewhere.map(|(name, problems)| format!("{name}: {}", problems.join("; ")));
        self.whole.iter().cloned().chain(elsewhere).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_its_fields_in_order_and_again() {
        let form = Form::read(b"url=+https%3A%2F%2Fexample.com%2F+&eventTypes=a&eventTypes=b&on=&%ff=x&n\xc3\xa9");
        assert_eq!(form.text("url"), "https://example.com/");
        assert_eq!(form.all("eventTypes").collect::<Vec<_>>(), ["a", "b"]);
        assert!(form.ticked("on") && form.ticked("né") && !form.ticked("off"));
        assert_eq!(form.text("off"), "");
    }

    #[test]
    fn what_no_field_shows_stands_above_the_form() {
        let fields =
            FieldErrors::from([("url".to_owned(), vec!["bad".to_owned()]), ("body".to_owned(), vec!["x".to_owned()])]);
        let problems = Problems { fields, whole: Some("The limit is reached".to_owned()) };
        assert_eq!(problems.summary(&["url"]), ["The limit is reached", "body: x"]);
        assert_eq!(problems.of_field("url"), ["bad"]);
        assert!(problems.of_field("description").is_empty());
    }
}
