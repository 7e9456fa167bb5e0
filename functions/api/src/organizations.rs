//! Initialising organizations.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use hookbell_aws::table::Initialized;
use hookbell_domain::profile::{self, Profile};
use hookbell_domain::time::iso_ms;
use jiff::Timestamp;
use serde_json::json;

use crate::auth::{ADMIN_REQUIRED, Caller};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::state::Api;

/// `POST /webhooks/organizations/{organization}/initialize`: makes the organization, or finds it made. Which profile
/// it has is the admin's to say.
pub(crate) async fn initialize(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path(organization): Path<String>,
    body: Bytes,
) -> Result<impl IntoResponse, ApiError> {
    let id = organization
        .parse()
        .map_err(|error: hookbell_domain::ids::ParseIdError| ApiError::field("organizationId", error.to_string()))?;
    let mut fields = Fields::read(&body, true)?;
    let name: Option<String> = fields.optional("profile", "a string");
    if name.is_some() && !caller.is_admin() {
        return Err(ADMIN_REQUIRED);
    }
    let wanted = name.as_deref().and_then(Profile::named);
    if name.is_some() && wanted.is_none() {
        let known: Vec<_> = profile::ALL.iter().map(|profile| profile.name).collect();
        fields.refuse("profile", format!("Must be one of: {}", known.join(", ")));
    }
    fields.finish()?;
    match api.table.initialize(&id, wanted, api.config.default_profile, Timestamp::now()).await? {
        Initialized::Yes(record) => Ok((
            StatusCode::CREATED,
            Json(json!({
                "organizationId": record.id,
                "profile": record.profile.name,
                "createdAt": iso_ms(record.created_at),
                "updatedAt": iso_ms(record.updated_at),
            })),
        )),
        Initialized::OtherProfile => Err(ApiError::Conflict(
            "other_profile",
            "The organization has another profile and endpoints that use it; delete them to switch".to_owned(),
        )),
    }
}
