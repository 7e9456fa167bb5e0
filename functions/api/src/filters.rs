//! Trying a filter before an endpoint has it.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use hookbell_domain::body;
use hookbell_domain::filter::{Document, Filter, Matcher, Verdict};
use hookbell_domain::ids::MessageId;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder};

use crate::endpoints::read_filter;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::messages;
use crate::state::Api;

/// A filter, and the message that it is tried on.
#[derive(ToSchema)]
#[schema(as = FilterTrial, rename_all = "camelCase")]
#[expect(dead_code, reason = "read field by field, so that every mistake is told")]
struct Trial {
    #[schema(schema_with = pattern)]
    filter: Filter,
    /// The message's type, of the catalogue of the organization's profile.
    #[schema(example = "invoice.paid")]
    event_type: String,
    /// The message's payload; the example of its type where it is absent.
    #[schema(schema_with = messages::payload)]
    payload: Option<Box<RawValue>>,
}

fn pattern() -> Object {
    let object = ObjectBuilder::new().description(Some("An event pattern in the language of Amazon EventBridge."));
    object.examples([json!({ "amount": [{ "numeric": [">", 1000] }] })]).build()
}

/// What a filter says of a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TriedFilter)]
pub(crate) struct Tried {
    /// Whether an endpoint with that filter gets that message.
    #[schema(example = false)]
    pub(crate) matches: bool,
    /// The first field by which the message differs. Or, where nothing can be told of it, why it is delivered all the
    /// same.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "amount: the value does not match")]
    pub(crate) reason: Option<String>,
}

/// `POST …/filter/test`: whether a message would be delivered.
#[utoipa::path(
    post,
    path = "/filter/test",
    tag = "Endpoints",
    operation_id = "testFilter",
    summary = "Try a filter",
    description = "Tells whether an endpoint with that filter gets a message of that type and payload, and by which \
        field not. The filter is held against the whole body, as receivers get it. Nothing is sent or changed.",
    request_body = Trial,
    responses((status = 200, description = "What the filter says.", body = Tried)),
    security(("key" = ["member"])),
)]
pub(crate) async fn test(
    State(api): State<Arc<Api>>,
    Path(organization): Path<String>,
    body: Bytes,
) -> Result<Json<Tried>, ApiError> {
    let profile = api.organization_record(&organization).await?.profile;
    let limit = api.config.limits.body_bytes;
    messages::check_size(&body, limit)?;
    let mut fields = Fields::read_any(&body, false)?;
    let filter = read_filter(&mut fields);
    let event_type = messages::read_event_type(&mut fields, profile);
    let example = event_type.as_deref().and_then(|name| profile.event_type(name)).map(|entry| entry.example);
    let payload = match fields.optional_object("payload") {
        Some(payload) => {
            let event_type = event_type.as_deref().unwrap_or_default();
            messages::check_payload(&mut fields, &payload, profile, event_type, limit)
        }
        None => example.and_then(|example| RawValue::from_string(example.to_owned()).ok()),
    };
    fields.finish()?;
    match (filter, event_type, payload) {
        (Some(filter), Some(event_type), Some(payload)) => {
            let at = Timestamp::now();
            let body = body::freeze(profile.body, MessageId::new(at, 0), &event_type, at, &payload);
            Ok(Json(tried(&filter, &body)))
        }
        // Their absence is an error that `finish` has returned.
        _ => Err(ApiError::Unavailable),
    }
}

fn tried(filter: &Filter, body: &[u8]) -> Tried {
    let matcher = Matcher::new(filter);
    let delivered = |why: &str| Tried { matches: true, reason: Some(format!("{why}, so it is delivered")) };
    let Ok(document) = Document::read(body) else {
        return delivered("The body has a number or a character that is none");
    };
    match matcher.judge(&document) {
        Verdict::Matches => Tried { matches: true, reason: None },
        Verdict::Differs => {
            let difference = matcher.first_difference(&document);
            Tried { matches: false, reason: difference.map(|difference| difference.to_string()) }
        }
        Verdict::Undecided => delivered("It takes too much work to hold this filter against this body"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, matches: bool, reason: Option<&str>) {
        let filter = Filter::parse(r#"{"data":{"list":["x"]}}"#).unwrap();
        let tried = tried(&filter, body.as_bytes());
        assert_eq!((tried.matches, tried.reason.as_deref()), (matches, reason));
    }

    #[test]
    fn a_trial_says_what_becomes_of_the_message_and_why() {
        check(r#"{"data":{"list":["x"]}}"#, true, None);
        check(r#"{"data":{}}"#, false, Some("data.list: there is no value"));
        let unreadable = "The body has a number or a character that is none, so it is delivered";
        check(r#"{"data":{"other":1e999}}"#, true, Some(unreadable));
        let long = format!(r#"{{"data":{{"list":[0{}]}}}}"#, ",0".repeat(100_000));
        check(&long, true, Some("It takes too much work to hold this filter against this body, so it is delivered"));
    }
}
