//! Whether webhooks are there: at all, and for an organization.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use hookbell_domain::ids::OrganizationId;
use hookbell_domain::time::iso_ms;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::state::Api;

/// Whether this deployment sends webhooks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Status)]
pub(crate) struct StatusAnswer {
    /// Whether it does.
    #[schema(example = true)]
    enabled: bool,
}

/// How an organization's initialization stands. Every field is there: clients expect `null` where others have none.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InitializationStatus)]
pub(crate) struct InitializationAnswer {
    /// The organization's id.
    #[schema(value_type = String, example = "org_7f3k")]
    organization_id: OrganizationId,
    /// What a hosted sender would know the organization by; here that is the organization's own id.
    #[schema(value_type = String, example = "org_7f3k")]
    svix_application_id: OrganizationId,
    /// Why the last try failed, or `null`. An initialization is one write: there is none that is there and has failed.
    #[schema(required, example = json!(null))]
    last_error: Option<String>,
    /// How often it was tried again.
    #[schema(example = 0)]
    retry_count: u32,
    /// When the organization was made.
    #[schema(format = "date-time", example = "2026-05-30T14:23:00.000Z")]
    created_at: String,
    /// When it last changed.
    #[schema(format = "date-time", example = "2026-05-30T14:23:00.000Z")]
    updated_at: String,
}

/// `GET /webhooks/status`: who gets an answer gets this one.
#[utoipa::path(
    get,
    path = "/status",
    tag = "Organizations",
    operation_id = "getStatus",
    summary = "Get the deployment's status",
    description = "Whether this deployment sends webhooks. Whoever gets an answer gets this one.",
    responses((status = 200, description = "It does.", body = StatusAnswer)),
    security(("key" = ["admin"])),
)]
pub(crate) async fn status() -> Json<StatusAnswer> {
    Json(StatusAnswer { enabled: true })
}

/// `GET …/initialization-status`.
#[utoipa::path(
    get,
    path = "/initialization-status",
    tag = "Organizations",
    operation_id = "getInitializationStatus",
    summary = "Get an organization's initialization",
    description = "Whether and when the organization was initialized.",
    responses(
        (status = 200, description = "It is initialized.", body = InitializationAnswer),
        (status = 404, description = "Webhook initialization status not found"),
    ),
    security(("key" = ["member"])),
)]
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
