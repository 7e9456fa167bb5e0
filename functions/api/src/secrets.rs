//! An endpoint's signing secret: showing it again, and replacing it by a new one.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use hookbell_aws::random;
use hookbell_aws::table::{Rolled, StoredEndpoint};
use hookbell_domain::signature::SigningSecret;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::endpoints::{NO_ENDPOINT, find, parse_endpoint, read_secret};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::state::{Api, parse_organization, sealing_failed};

/// The current secret of an endpoint. It cannot be printed.
#[derive(Serialize, ToSchema)]
#[schema(as = Secret)]
pub(crate) struct SecretAnswer {
    /// `whsec_` and base64.
    #[schema(example = "whsec_EXAMPLEexampleEXAMPLEexampleEXAM")]
    secret: String,
}

/// A new secret of an endpoint, and for how long the one before it signs too. It cannot be printed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RolledSecret)]
pub(crate) struct RolledAnswer {
    /// `whsec_` and base64.
    #[schema(example = "whsec_EXAMPLEexampleEXAMPLEexampleEXAM")]
    secret: String,
    /// For so many seconds requests carry a signature of each.
    #[schema(example = 86_400)]
    overlap_seconds: u64,
}

/// What is to become of the present secret.
#[derive(ToSchema)]
#[schema(as = SecretRoll, rename_all = "camelCase")]
#[expect(dead_code, reason = "read field by field, so that every mistake is told")]
struct Roll {
    /// Whether the secrets before the new one end at once. Otherwise the present one signs on for a day.
    #[schema(default = false, example = false)]
    expire_old: Option<bool>,
    /// The new secret, where its receiver has it already: `whsec_` and the base64 of 24 to 64 bytes. One is made where it
    /// is absent.
    #[schema(pattern = "^whsec_[A-Za-z0-9+/]{32,86}={0,2}$")]
    secret: Option<String>,
}

/// `GET …/{endpoint}/secret`: the current one.
#[utoipa::path(
    get,
    path = "/{endpoint}/secret",
    tag = "Endpoints",
    operation_id = "getSecret",
    summary = "Show the signing secret",
    description = "The current signing secret of an endpoint: what its receiver verifies requests with.",
    responses((status = 200, description = "The secret.", body = SecretAnswer)),
    security(("key" = ["owner"])),
)]
pub(crate) async fn reveal(
    State(api): State<Arc<Api>>,
    Path((organization, endpoint)): Path<(String, String)>,
) -> Result<Json<SecretAnswer>, ApiError> {
    let stored = find(&api, &organization, &endpoint).await?;
    Ok(Json(SecretAnswer { secret: current(&api, &stored)? }))
}

/// The current secret of an endpoint, opened: `whsec_` and base64.
pub(crate) fn current(api: &Api, stored: &StoredEndpoint) -> Result<String, ApiError> {
    Ok(stored.open_current(&api.keys).map_err(sealing_failed)?.reveal())
}

/// `POST …/{endpoint}/secret/roll`: a new one. The present one signs on for a day, unless `expireOld`.
#[utoipa::path(
    post,
    path = "/{endpoint}/secret/roll",
    tag = "Endpoints",
    operation_id = "rollSecret",
    summary = "Roll the signing secret",
    description = "Makes a new signing secret. For a day requests carry a signature of the present one too, so that a \
        receiver can change over in its own time.",
    request_body = Option<Roll>,
    responses(
        (status = 200, description = "The new secret.", body = RolledAnswer),
        (status = 409, description = "`secret_limit`: {secret-limit} old secrets still sign; wait until one of \
            them ends, or end them all with expireOld\n\n\
            `changed_meanwhile`: The secret was replaced by others at the same time; try again"),
    ),
    security(("key" = ["owner"])),
)]
pub(crate) async fn roll(
    State(api): State<Arc<Api>>,
    Path((organization, endpoint)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<RolledAnswer>, ApiError> {
    let (organization, endpoint) = (parse_organization(&organization)?, parse_endpoint(&endpoint)?);
    let mut fields = Fields::read(&body, true)?;
    let expire_old = fields.optional("expireOld", "true or false").unwrap_or(false);
    let given = read_secret(&mut fields);
    fields.finish()?;
    let secret = match given {
        Some(secret) => secret,
        None => SigningSecret::new(random::bytes()?),
    };
    let sealed = api.keys.seal(&secret, &organization, endpoint).map_err(sealing_failed)?;
    let limit = api.config.limits.old_secrets;
    match api.table.roll_secret(&organization, endpoint, &sealed, expire_old, limit, Timestamp::now()).await? {
        Rolled::Yes { overlap } => {
            Ok(Json(RolledAnswer { secret: secret.reveal(), overlap_seconds: overlap.as_secs() }))
        }
        Rolled::NoEndpoint => Err(NO_ENDPOINT),
        Rolled::TooMany => Err(ApiError::Conflict(
            "secret_limit",
            format!("{limit} old secrets still sign; wait until one of them ends, or end them all with expireOld"),
        )),
        Rolled::Contended => Err(ApiError::Conflict(
            "changed_meanwhile",
            "The secret was replaced by others at the same time; try again".to_owned(),
        )),
    }
}
