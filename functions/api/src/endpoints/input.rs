//! What callers send of an endpoint, checked field by field.

use std::collections::HashMap;

use hookbell_aws::table::{EndpointChange, Setting};
use hookbell_domain::endpoint::EVERY_TYPE;
use hookbell_domain::filter::Filter;
use hookbell_domain::ids::{EndpointId, EndpointUid, OrganizationId};
use hookbell_domain::profile::Profile;
use hookbell_domain::signature::SigningSecret;
use hookbell_domain::target::TargetUrl;
use utoipa::ToSchema;

use super::options::{self, NewOptions};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::openapi::words;
use crate::state::Api;

/// A new endpoint, as callers write it.
#[derive(ToSchema)]
#[schema(as = NewEndpoint, rename_all = "camelCase")]
#[expect(dead_code, reason = "read field by field, so that every mistake is told")]
pub(super) struct NewEndpointBody {
    /// Where requests are to go: an https URL whose name resolves to public addresses.
    #[schema(format = "uri", example = "https://example.com/webhooks")]
    url: String,
    /// The types that it is to get, of the catalogue of the organization's profile; `*` is all of them.
    #[schema(min_items = 1, example = json!(["invoice.paid"]))]
    event_types: Vec<String>,
    /// What to say of it, without control characters.
    #[schema(example = "Billing")]
    description: Option<String>,
    /// Whether it is to get one message after the other, in the order in which they were accepted. A message that fails
    /// holds back those behind it until it is delivered or ends, after 20 minutes at the latest as a rule.
    #[schema(default = false)]
    ordered: Option<bool>,
    /// What its requests are to carry besides, by name: at most {header-limit}, of {header-bytes-limit} bytes together.
    /// Names that belong to the request itself are refused. Values are kept encrypted.
    #[schema(example = json!({ "X-Team": "billing" }))]
    headers: Option<HashMap<String, String>>,
    /// Whether its requests are to carry an Ed25519 signature too.
    #[schema(default = false)]
    v1a: Option<bool>,
    /// Whether its requests are to carry the `svix-` headers too, with the values of the `webhook-` ones.
    #[schema(default = false)]
    svix_headers: Option<bool>,
    /// Messages a second that it is to get at most. What is over that waits, and fails nowhere.
    #[schema(minimum = 1, maximum = 10_000)]
    rate_limit: Option<u32>,
    /// Which messages it is to get, by what is in their bodies: an event pattern in the language of Amazon EventBridge,
    /// such as `{"amount": [{"numeric": [">", 1000]}]}`. Others are not delivered to it, tests apart.
    #[schema(value_type = Option<Object>)]
    filter: Option<Filter>,
    #[schema(schema_with = words::new_endpoint_status)]
    status: Option<String>,
    /// What somebody else calls it, such as its id in the system that it comes from. No two endpoints of an
    /// organization have the same.
    #[schema(min_length = 1, max_length = 256, pattern = "^[A-Za-z0-9._-]+$")]
    uid: Option<String>,
    /// The signing secret that its receiver has already: `whsec_` and the base64 of 24 to 64 bytes. One is made where
    /// it is absent.
    #[schema(pattern = "^whsec_[A-Za-z0-9+/]{32,86}={0,2}$")]
    secret: Option<String>,
}

/// What is to become of an endpoint, as callers write it.
#[derive(ToSchema)]
#[schema(as = EndpointChange, rename_all = "camelCase")]
#[expect(dead_code, reason = "read field by field, so that every mistake is told")]
pub(super) struct EndpointChangeBody {
    /// Where requests are to go: an https URL whose name resolves to public addresses.
    #[schema(format = "uri")]
    url: Option<String>,
    /// The types that it is to get from now on; `*` is all of them.
    #[schema(min_items = 1, example = json!(["invoice.paid", "invoice.voided"]))]
    event_types: Option<Vec<String>>,
    /// What to say of it, without control characters. An empty text takes it away.
    description: Option<String>,
    /// Whether it is to get one message after the other, in the order in which they were accepted. A message that fails
    /// holds back those behind it until it is delivered or ends, after 20 minutes at the latest as a rule.
    ordered: Option<bool>,
    #[schema(schema_with = words::endpoint_status)]
    status: Option<String>,
    /// What its requests are to carry besides, by name, in place of all that they carry now: at most {header-limit}, of
    /// {header-bytes-limit} bytes together. `{}` takes them away.
    headers: Option<HashMap<String, String>>,
    /// Whether its requests are to carry an Ed25519 signature too. Off and on again makes a new key pair.
    v1a: Option<bool>,
    /// Whether its requests are to carry the `svix-` headers too, with the values of the `webhook-` ones.
    svix_headers: Option<bool>,
    /// Messages a second that it is to get at most. `null` takes the limit away. What waits goes by the new limit after a
    /// quarter of its wait at the latest.
    #[schema(minimum = 1, maximum = 10_000)]
    rate_limit: Option<u32>,
    /// Which messages it is to get, by what is in their bodies: an event pattern in the language of Amazon EventBridge.
    /// Others are not delivered to it, tests apart. `null` takes it away.
    #[schema(value_type = Option<Object>)]
    filter: Option<Filter>,
    /// What somebody else calls it. No two endpoints of an organization have the same. `null` takes it away.
    #[schema(min_length = 1, max_length = 256, pattern = "^[A-Za-z0-9._-]+$")]
    uid: Option<String>,
}

/// A new endpoint as its owner describes it.
pub(super) struct NewEndpoint {
    pub(super) url: String,
    pub(super) description: Option<String>,
    pub(super) event_types: Vec<String>,
    pub(super) ordered: bool,
    pub(super) disabled: bool,
    pub(super) options: NewOptions,
    pub(super) uid: Option<EndpointUid>,
    pub(super) secret: Option<SigningSecret>,
}

/// What a uid has to be.
const UID: &str = "1 to 256 of A-Z a-z 0-9 - _ .";

/// Reads the input of a new endpoint.
pub(super) async fn read_new(api: &Api, profile: &Profile, body: &[u8]) -> Result<NewEndpoint, ApiError> {
    let mut fields = Fields::read(body, false)?;
    let url = fields.required::<String>("url", "an https URL");
    let url = check_url(api, &mut fields, url).await;
    let event_types = fields.required::<Vec<String>>("eventTypes", "a list of event types");
    let event_types = check_event_types(&mut fields, profile, event_types);
    let description = read_description(api, &mut fields);
    let ordered = fields.optional("ordered", "true or false");
    let options = options::read_new(&mut fields, &api.config.limits);
    let enabled = read_status(&mut fields);
    let uid = fields.optional_text("uid", UID);
    let secret = read_secret(&mut fields);
    fields.finish()?;
    match (url, event_types) {
        (Some(url), Some(event_types)) => Ok(NewEndpoint {
            url,
            event_types,
            description: description.filter(|text| !text.is_empty()),
            ordered: ordered.unwrap_or(false),
            disabled: enabled == Some(false),
            options,
            uid,
            secret,
        }),
        // Their absence is an error that `finish` has returned.
        _ => Err(ApiError::Unavailable),
    }
}

/// Reads the input of a change.
pub(super) async fn read_change(
    api: &Api,
    profile: &Profile,
    organization: &OrganizationId,
    endpoint: EndpointId,
    body: &[u8],
) -> Result<EndpointChange, ApiError> {
    let mut fields = Fields::read(body, false)?;
    let url = fields.optional::<String>("url", "an https URL");
    let url = check_url(api, &mut fields, url).await;
    let event_types = fields.optional::<Vec<String>>("eventTypes", "a list of event types");
    let event_types = check_event_types(&mut fields, profile, event_types);
    let description = read_description(api, &mut fields);
    let ordered = fields.optional("ordered", "true or false");
    let enabled = read_status(&mut fields);
    let options = options::read_change(&mut fields, &api.config.limits);
    let uid = fields.text_setting("uid", UID);
    fields.finish()?;
    Ok(EndpointChange {
        uid,
        url,
        description: match description {
            None => Setting::Keep,
            Some(empty) if empty.is_empty() => Setting::Remove,
            Some(description) => Setting::Set(description),
        },
        event_types,
        ordered,
        enabled,
        headers: options.seal_headers(api, organization, endpoint)?,
        key_pair: options.seal_key_pair(api, organization, endpoint)?,
        svix_headers: options.svix_headers,
        rate_limit: options.rate_limit,
        filter: options.filter,
    })
}

/// Whether events are to go out to it.
fn read_status(fields: &mut Fields) -> Option<bool> {
    match fields.optional::<String>("status", "\"enabled\" or \"disabled\"")?.as_str() {
        "enabled" => Some(true),
        "disabled" => Some(false),
        _ => {
            fields.refuse("status", "Must be \"enabled\" or \"disabled\"");
            None
        }
    }
}

/// A signing secret that somebody has already.
pub(crate) fn read_secret(fields: &mut Fields) -> Option<SigningSecret> {
    // Standard Webhooks, "Signature scheme": between 24 and 64 bytes.
    fields.optional_text("secret", "\"whsec_\" and the base64 of 24 to 64 bytes")
}

/// The URL, if it may be sent to: judged by its text and by what its name resolves to now.
async fn check_url(api: &Api, fields: &mut Fields, url: Option<String>) -> Option<String> {
    let url = url?;
    let judged = match TargetUrl::parse(&url, api.config.limits.url_length, &api.config.target_policy) {
        Ok(target) => api.inspector.inspect(&target).await,
        Err(error) => Err(error),
    };
    match judged {
        Ok(()) => Some(url),
        Err(error) => {
            fields.refuse("url", error.to_string());
            None
        }
    }
}

fn check_event_types(fields: &mut Fields, profile: &Profile, types: Option<Vec<String>>) -> Option<Vec<String>> {
    let mut types = types?;
    if types.is_empty() {
        fields.refuse("eventTypes", "Choose at least one event type, or all (\"*\")");
    }
    for unknown in types.iter().filter(|name| *name != EVERY_TYPE && profile.event_type(name).is_none()) {
        fields.refuse("eventTypes", format!("Unknown event type {unknown:?}; GET …/event-types lists them"));
    }
    let mut seen = std::collections::BTreeSet::new();
    types.retain(|name| seen.insert(name.clone()));
    Some(types)
}

fn read_description(api: &Api, fields: &mut Fields) -> Option<String> {
    let description: String = fields.optional("description", "a string")?;
    let limit = api.config.limits.description_length;
    if description.chars().count() > limit {
        fields.refuse("description", format!("Must be at most {limit} characters"));
    }
    if description.chars().any(char::is_control) {
        fields.refuse("description", "Must not contain control characters");
    }
    Some(description)
}
