//! An endpoint as a source has it, in hookbell's words, and the line of a file that says the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// An endpoint of a source. What is absent of it is left as it is at hookbell. It holds a secret, so it cannot be
/// printed.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Record {
    /// What the source calls it: the endpoint's `uid` at hookbell.
    pub(crate) uid: String,
    /// Where requests go.
    pub(crate) url: String,
    /// What it gets; `*` is everything.
    pub(crate) event_types: Vec<String>,
    /// `whsec_` and base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<String>,
    /// Empty where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// Whether events go out to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<Status>,
    /// Whether events go out one after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ordered: Option<bool>,
    /// Custom headers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) headers: Option<BTreeMap<String, String>>,
    /// Names of headers whose values the source does not tell. Without them the endpoint stays disabled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) missing_headers: Vec<String>,
    /// Whether requests carry an Ed25519 signature too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) v1a: Option<bool>,
    /// Whether requests carry the `svix-` headers too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) svix_headers: Option<bool>,
    /// Messages a second; `null` is no limit.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(crate) rate_limit: Option<Unless<u32>>,
    /// An event pattern; `null` is none.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(crate) filter: Option<Unless<Value>>,
    /// What is not taken over, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
    /// Why it is not imported. Whoever has seen to that takes it away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) cannot: Vec<String>,
}

/// Whether events go out to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// They do.
    Enabled,
    /// They do not.
    Disabled,
}

/// A value, unless there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Unless<T>(pub(crate) Option<T>);

/// Tells `null` from what is absent.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Unless<T>>, D::Error> {
    Option::deserialize(deserializer).map(|value| Some(Unless(value)))
}

/// A line of a file: an endpoint and whose it is, or an organization that has none.
#[derive(Clone)]
pub(crate) struct Line {
    /// The organization's id.
    pub(crate) organization: String,
    /// The profile that it is to have where it is new.
    pub(crate) profile: Option<String>,
    /// The endpoint.
    pub(crate) endpoint: Option<Record>,
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it; no value of it is told, for it may be a secret.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut fields: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| format!("it is no JSON object (column {})", error.column()))?;
        let mut take = |name: &str| match fields.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("{name} has to be a text")),
        };
        let (organization, profile) = (take("organization")?, take("profile")?);
        let organization = organization.ok_or("organization is missing")?;
        let endpoint = if fields.is_empty() {
            None
        } else {
            Some(serde_json::from_value(fields.into()).map_err(|error| said(&error))?)
        };
        Ok(Self { organization, profile, endpoint })
    }

    /// Writes a line, without its end.
    pub(crate) fn write(&self) -> String {
        let mut fields = Map::from_iter([("organization".to_owned(), Value::from(self.organization.as_str()))]);
        fields.extend(self.profile.as_ref().map(|profile| ("profile".to_owned(), profile.as_str().into())));
        if let Some(Ok(Value::Object(endpoint))) = self.endpoint.as_ref().map(serde_json::to_value) {
            fields.extend(endpoint);
        }
        Value::from(fields).to_string()
    }
}

/// What is wrong with a field: its name, or nothing where a value would be told with it.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if ["missing field", "unknown field"].iter().any(|told| text.starts_with(told)) {
        return text;
    }
    "a field has the wrong type, or a value that it cannot have: docs/MIGRATING.md, \"The file\", has them all"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back_and_null_is_not_absence() {
        let text = concat!(
            r#"{"eventTypes":["*"],"filter":null,"headers":{"X-A":"b"},"organization":"org_1","profile":"p","#,
            r#""rateLimit":5,"secret":"whsec_x","status":"disabled","uid":"ep_1","url":"https://example.com/"}"#
        );
        let line = Line::read(text).unwrap();
        assert_eq!(line.write(), text);
        let record = line.endpoint.unwrap();
        assert_eq!((record.filter, record.rate_limit), (Some(Unless(None)), Some(Unless(Some(5)))));
        assert_eq!((record.status, record.v1a), (Some(Status::Disabled), None));
        let empty = Line::read(r#"{"organization":"org_2"}"#).unwrap();
        assert!(empty.endpoint.is_none() && empty.write() == r#"{"organization":"org_2"}"#);
    }

    #[test]
    fn what_is_wrong_with_a_line_is_told_without_its_values() {
        for (text, told) in [
            (r#"{"url":"whsec_hidden"}"#, "organization is missing"),
            (r#"{"organization":7}"#, "organization has to be a text"),
            (r#"["whsec_hidden"]"#, "it is no JSON object (column 0)"),
            (
                r#"{"organization":"o","uid":"a","url":"u","eventTypes":[],"colour":"whsec_hidden"}"#,
                "unknown field `colour`",
            ),
            (
                r#"{"organization":"o","uid":"a","url":"u","eventTypes":[],"ordered":"whsec_hidden"}"#,
                "a field has the wrong",
            ),
            (
                r#"{"organization":"o","uid":"a","url":"u","eventTypes":[],"status":"whsec_hidden"}"#,
                "a field has the wrong",
            ),
            (r#"{"organization":"o","uid":"a","url":"u","eventTypes":[],"rateLimit":-77}"#, "a field has the wrong"),
            (r#"{"organization":"o","uid":"a"}"#, "missing field `url`"),
        ] {
            let said = Line::read(text).err().unwrap();
            assert!(said.starts_with(told) && !said.contains("hidden") && !said.contains("77"), "{said}");
        }
    }
}
