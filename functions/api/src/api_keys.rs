//! An organization's keys: made, listed, revoked. A key is shown once, when it is made.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hookbell_aws::random;
use hookbell_aws::table::{ApiKey, KeyHash};
use hookbell_domain::ids::KeyId;
use hookbell_domain::role::Role;
use hookbell_domain::time::iso_ms;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::fields::Fields;
use crate::openapi::words;
use crate::state::{Api, NO_ORGANIZATION, parse_organization};

/// What every key starts with.
const PREFIX: &str = "sk_";

/// Random bytes of a key.
const KEY_BYTES: usize = 24;

/// Characters after the prefix: those bytes in base64url.
const KEY_LENGTH: usize = 32;

/// Characters of a key's name.
const NAME_LENGTH: usize = 200;

/// Keys of one organization. They are counted before one is made, so calls at the same moment may pass it by a few.
const KEY_LIMIT: usize = 100;

/// What is answered where there is no such key.
pub(crate) const NO_KEY: ApiError = ApiError::NotFound("API key not found");

/// Whether a text could be a key at all.
pub(crate) fn looks_like_one(text: &str) -> bool {
    text.strip_prefix(PREFIX).is_some_and(|rest| {
        rest.len() == KEY_LENGTH && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    })
}

/// A key, never its text.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey)]
struct ApiKeyView {
    /// Its id, which is not the key itself.
    #[schema(value_type = String, example = "key_01KSWM8KD0H5V2R9Q7D3W8J6PX")]
    key_id: KeyId,
    #[schema(schema_with = words::role)]
    role: &'static str,
    /// What its owner calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Billing, production")]
    name: Option<String>,
    /// When it was made.
    #[schema(format = "date-time", example = "2026-05-30T14:23:00.000Z")]
    created_at: String,
    /// When it was last used; absent before its first call.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    last_used_at: Option<String>,
}

impl From<ApiKey> for ApiKeyView {
    fn from(key: ApiKey) -> Self {
        Self {
            key_id: key.id,
            role: key.role.as_str(),
            name: key.name,
            created_at: iso_ms(key.id.created_at()),
            last_used_at: key.last_used_at.map(iso_ms),
        }
    }
}

/// The one answer that shows a key, so it cannot be printed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreatedApiKey)]
struct NewKeyAnswer {
    /// What is kept of it.
    api_key: ApiKeyView,
    /// The key. It is shown here and never again: only a hash of it is kept.
    #[schema(example = "sk_EXAMPLE_EXAMPLE_EXAMPLE_EXAMPLE0")]
    key: String,
}

/// An answer that holds all keys of an organization.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKeys)]
pub(crate) struct ApiKeysAnswer {
    /// Oldest first.
    api_keys: Vec<ApiKeyView>,
}

/// A new key, as its owner describes it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read field by field, so that every mistake is told")]
struct NewApiKey {
    #[schema(schema_with = words::role)]
    role: String,
    /// What to call it, without control characters.
    #[schema(max_length = 200, example = "Billing, production")]
    name: Option<String>,
}

/// `POST …/`: a new key.
#[utoipa::path(
    post,
    path = "",
    tag = "API keys",
    operation_id = "createApiKey",
    summary = "Make a key",
    description = "Makes a key of this organization. This answer is the only one that shows it.",
    request_body = NewApiKey,
    responses(
        (status = 201, description = "The key.", body = NewKeyAnswer),
        (status = 409, description = "`key_limit`: The organization has reached its limit of 100 keys; delete one to \
            add another"),
    ),
    security(("key" = ["owner"])),
)]
pub(crate) async fn create(
    State(api): State<Arc<Api>>,
    Path(organization): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let (key, text) = make(&api, &organization, &body).await?;
    let answer = NewKeyAnswer { api_key: ApiKeyView::from(key), key: text };
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// Makes the key that a body describes: what is kept of it, and its text.
pub(crate) async fn make(api: &Api, organization: &str, body: &[u8]) -> Result<(ApiKey, String), ApiError> {
    let organization = parse_organization(organization)?;
    let (record, count) =
        tokio::try_join!(api.table.organization_record(&organization), api.table.count_api_keys(&organization))?;
    record.ok_or(NO_ORGANIZATION)?;
    let (role, name) = read_new(body)?;
    if count >= KEY_LIMIT {
        let message = format!("The organization has reached its limit of {KEY_LIMIT} keys; delete one to add another");
        return Err(ApiError::Conflict("key_limit", message));
    }
    let text = random::bytes::<KEY_BYTES>()?;
    let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(text));
    let id = KeyId::new(Timestamp::now(), random::id()?);
    let key = ApiKey { id, role, name, last_used_at: None };
    api.table.create_api_key(&organization, &key, KeyHash::of(&text)).await?;
    Ok((key, text))
}

/// `GET …/`: all keys, oldest first.
#[utoipa::path(
    get,
    path = "",
    tag = "API keys",
    operation_id = "listApiKeys",
    summary = "List keys",
    description = "The keys of this organization, oldest first, never their texts.",
    responses((status = 200, description = "The keys.", body = ApiKeysAnswer)),
    security(("key" = ["owner"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Path(organization): Path<String>,
) -> Result<Json<ApiKeysAnswer>, ApiError> {
    let organization = parse_organization(&organization)?;
    let (record, keys) =
        tokio::try_join!(api.table.organization_record(&organization), api.table.api_keys(&organization))?;
    record.ok_or(NO_ORGANIZATION)?;
    Ok(Json(ApiKeysAnswer { api_keys: keys.into_iter().map(ApiKeyView::from).collect() }))
}

/// `DELETE …/{key}`: once answered, the key is unknown to every instance.
#[utoipa::path(
    delete,
    path = "/{key}",
    tag = "API keys",
    operation_id = "deleteApiKey",
    summary = "Delete a key",
    description = "Revokes a key. Once this is answered, no call with it goes through.",
    responses((status = 204, description = "It is revoked.")),
    security(("key" = ["owner"])),
)]
pub(crate) async fn delete(
    State(api): State<Arc<Api>>,
    Path((organization, key)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let organization = parse_organization(&organization)?;
    let id = key.parse().map_err(|_| NO_KEY)?;
    if api.table.delete_api_key(&organization, id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(NO_KEY) }
}

fn read_new(body: &[u8]) -> Result<(Role, Option<String>), ApiError> {
    const ROLES: &str = "\"owner\" or \"member\"";
    let mut fields = Fields::read(body, false)?;
    let role = fields.required::<String>("role", ROLES).and_then(|name| {
        let role = Role::named(&name);
        if role.is_none() {
            fields.refuse("role", format!("Must be {ROLES}"));
        }
        role
    });
    let name: Option<String> = fields.optional("name", "a string");
    if name.as_ref().is_some_and(|name| name.chars().count() > NAME_LENGTH) {
        fields.refuse("name", format!("Must be at most {NAME_LENGTH} characters"));
    }
    if name.as_ref().is_some_and(|name| name.chars().any(char::is_control)) {
        fields.refuse("name", "Must not contain control characters");
    }
    fields.finish()?;
    // The absence of a role is an error that `finish` has returned.
    Ok((role.ok_or(ApiError::Unavailable)?, name.filter(|name| !name.is_empty())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sk_and_thirty_two_characters_of_base64url_look_like_a_key() {
        let made = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode([0xfb; KEY_BYTES]));
        for (text, expected) in [
            (made.as_str(), true),
            ("sk_0123456789abcdefghijklmnopqrstuv", true),
            ("sk_0123456789abcdefghijklmnopqrstu", false),
            ("sk_0123456789abcdefghijklmnopqrstuvw", false),
            ("sk_0123456789abcdefghijklmnopqrstu+", false),
            ("sk_0123456789abcdefghijklmnopqrst\u{e9}", false),
            ("SK_0123456789abcdefghijklmnopqrstuv", false),
            ("0123456789abcdefghijklmnopqrstuvwxy", false),
            ("", false),
        ] {
            assert_eq!(looks_like_one(text), expected, "{text}");
        }
    }

    #[track_caller]
    fn check(body: &str, expected: Result<(Role, Option<&str>), &[&str]>) {
        match read_new(body.as_bytes()) {
            Ok((role, name)) => assert_eq!(Ok((role, name.as_deref())), expected),
            Err(ApiError::Validation(fields)) => {
                assert_eq!(Err(fields.keys().map(String::as_str).collect::<Vec<_>>().as_slice()), expected);
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_new_key_has_a_role_and_may_have_a_name() {
        check(r#"{"role":"owner"}"#, Ok((Role::Owner, None)));
        check(r#"{"role":"member","name":"CI \u00e9"}"#, Ok((Role::Member, Some("CI é"))));
        check(r#"{"role":"member","name":""}"#, Ok((Role::Member, None)));
        check(&format!(r#"{{"role":"member","name":"{}"}}"#, "é".repeat(201)), Err(&["name"]));
        check(r#"{"role":"admin","name":"a\nb","key":"sk_mine"}"#, Err(&["key", "name", "role"]));
        check("{}", Err(&["role"]));
        check(r#"{"role":null}"#, Err(&["role"]));
        check("", Err(&["body"]));
    }
}
