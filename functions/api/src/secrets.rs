//! An endpoint's signing secret: showing it again, and replacing it by a new one.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use hookbell_aws::random;
use hookbell_aws::table::Rolled;
use hookbell_domain::signature::SigningSecret;
use jiff::Timestamp;
use serde::Serialize;

use crate::endpoints::{NO_ENDPOINT, find, parse_endpoint};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::state::{Api, parse_organization, sealing_failed};

/// The current secret of an endpoint. It cannot be printed.
#[derive(Serialize)]
pub(crate) struct SecretAnswer {
    secret: String,
}

/// A new secret of an endpoint, and for how long the one before it signs too. It cannot be printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RolledAnswer {
    secret: String,
    overlap_seconds: u64,
}

/// `GET …/{endpoint}/secret`: the current one.
pub(crate) async fn reveal(
    State(api): State<Arc<Api>>,
    Path((organization, endpoint)): Path<(String, String)>,
) -> Result<Json<SecretAnswer>, ApiError> {
    let stored = find(&api, &organization, &endpoint).await?;
    let secret = stored.open_current(&api.keys).map_err(sealing_failed)?;
    Ok(Json(SecretAnswer { secret: secret.reveal() }))
}

/// `POST …/{endpoint}/secret/roll`: a new one. The present one signs on for a day, unless `expireOld`.
pub(crate) async fn roll(
    State(api): State<Arc<Api>>,
    Path((organization, endpoint)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<RolledAnswer>, ApiError> {
    let (organization, endpoint) = (parse_organization(&organization)?, parse_endpoint(&endpoint)?);
    let mut fields = Fields::read(&body, true)?;
    let expire_old = fields.optional("expireOld", "true or false").unwrap_or(false);
    fields.finish()?;
    let secret = SigningSecret::new(random::bytes().map_err(|_| ApiError::Unavailable)?);
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
