//! Whether webhooks are there: at all, and for an organization.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use hookbell_domain::ids::OrganizationId;
use hookbell_domain::time::iso_ms;
use serde::Serialize;

use crate::error::ApiError;
use crate::state::Api;

/// Whether this deployment sends webhooks.
#[derive(Debug, Serialize)]
pub(crate) struct StatusAnswer {
    enabled: bool,
}

/// How an organization's initialisation stands. Every field is there: clients expect `null` where others have none.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InitializationAnswer {
    organization_id: OrganizationId,
    /// What a hosted sender would know the organization by; here that is the organization's own id.
    svix_application_id: OrganizationId,
    /// An initialisation is one write, so there is none that is there and has failed.
    last_error: Option<String>,
    retry_count: u32,
    created_at: String,
    updated_at: String,
}

/// `GET /webhooks/status`: who gets an answer gets this one.
pub(crate) async fn status() -> Json<StatusAnswer> {
    Json(StatusAnswer { enabled: true })
}

/// `GET …/initialization-status`.
pub(crate) async fn initialization(
    State(api): State<Arc<Api>>,
    Path(organization): Path<String>,
) -> Result<Json<InitializationAnswer>, ApiError> {
    const NOT_FOUND: ApiError = ApiError::NotFound("Webhook initialization status not found");
    let id = organization.parse().map_err(|_| NOT_FOUND)?;
    let record = api.table.organization_record(&id).await?.ok_or(NOT_FOUND)?;
    Ok(Json(InitializationAnswer {
        svix_application_id: record.id.clone(),
        organization_id: record.id,
        last_error: None,
        retry_count: 0,
        created_at: iso_ms(record.created_at),
        updated_at: iso_ms(record.updated_at),
    }))
}
