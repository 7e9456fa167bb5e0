//! An organization's endpoints: create, list, get, update, delete, and the catalogue they choose from.

mod input;

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hookbell_aws::random;
use hookbell_aws::table::{CreateEndpoint, StoredEndpoint};
use hookbell_domain::endpoint::{Disabled, Endpoint, Health};
use hookbell_domain::ids::EndpointId;
use hookbell_domain::signature::SigningSecret;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::state::{Api, parse_organization};
use crate::view::EndpointView;

/// `GET …/event-types`: the organization's catalogue.
pub(crate) async fn event_types(
    State(api): State<Arc<Api>>,
    Path(organization): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let organization = api.organization_record(&organization).await?;
    let types = organization.profile.event_types.iter();
    let types: Vec<_> = types.map(|entry| json!({ "type": entry.name, "description": entry.description })).collect();
    Ok(Json(json!({ "eventTypes": types })))
}

/// `POST …/`: a new endpoint and its secret.
pub(crate) async fn create(
    State(api): State<Arc<Api>>,
    Path(organization): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let organization = api.organization_record(&organization).await?;
    let input = input::read_new(&api, organization.profile, &body).await?;
    let now = Timestamp::now();
    let endpoint = Endpoint {
        id: EndpointId::new(now, random::id().map_err(|_| ApiError::Unavailable)?),
        organization_id: organization.id.clone(),
        url: input.url,
        description: input.description,
        event_types: input.event_types,
        ordered: input.ordered,
        disabled: None,
        health: Health::default(),
        created_at: now,
        updated_at: now,
    };
    let secret = SigningSecret::new(random::bytes().map_err(|_| ApiError::Unavailable)?);
    let sealed = api.keys.seal(&secret, &organization.id, endpoint.id).map_err(|error| {
        tracing::error!(%error, "a secret was not sealed");
        ApiError::Unavailable
    })?;
    let limit = api.config.limits.endpoints_per_organization;
    match api.table.create_endpoint(&organization, &endpoint, sealed, limit).await? {
        CreateEndpoint::Created => {
            let body = json!({ "endpoint": EndpointView::from(&endpoint), "secret": secret.reveal() });
            Ok((StatusCode::CREATED, Json(body)))
        }
        CreateEndpoint::LimitReached => Err(ApiError::Conflict(format!(
            "The organization has reached its limit of {limit} endpoints; delete one to add another"
        ))),
    }
}

/// `GET …/`: all endpoints, oldest first.
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Path(organization): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let organization = api.organization(&organization).await?;
    let endpoints: Vec<_> = organization.endpoints.iter().map(|stored| EndpointView::from(&stored.endpoint)).collect();
    Ok(Json(json!({ "endpoints": endpoints })))
}

/// `GET …/{endpoint}`.
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    Path((organization, endpoint)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let stored = find(&api, &organization, &endpoint).await?;
    Ok(Json(json!({ "endpoint": EndpointView::from(&stored.endpoint) })))
}

/// `PATCH …/{endpoint}`: changes what is named, and answers with the whole.
pub(crate) async fn update(
    State(api): State<Arc<Api>>,
    Path((organization, endpoint)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let organization = api.organization(&organization).await?;
    let id = parse_endpoint(&endpoint)?;
    let found = organization.endpoints.into_iter().find(|stored| stored.endpoint.id == id);
    let mut endpoint = found.ok_or(NOT_FOUND)?.endpoint;
    let change = input::read_change(&api, organization.record.profile, &body).await?;
    let now = Timestamp::now();
    if !api.table.change_endpoint(&organization.record.id, id, &change, now).await? {
        return Err(NOT_FOUND);
    }
    endpoint.url = change.url.unwrap_or(endpoint.url);
    if let Some(description) = change.description {
        endpoint.description = Some(description).filter(|text| !text.is_empty());
    }
    endpoint.event_types = change.event_types.unwrap_or(endpoint.event_types);
    endpoint.ordered = change.ordered.unwrap_or(endpoint.ordered);
    match change.enabled {
        Some(true) => (endpoint.disabled, endpoint.health) = (None, Health::default()),
        Some(false) => endpoint.disabled = endpoint.disabled.or(Some(Disabled { reason: None, at: now })),
        None => {}
    }
    endpoint.updated_at = now;
    Ok(Json(json!({ "endpoint": EndpointView::from(&endpoint) })))
}

/// `DELETE …/{endpoint}`.
pub(crate) async fn delete(
    State(api): State<Arc<Api>>,
    Path((organization, endpoint)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let (organization, endpoint) = (parse_organization(&organization)?, parse_endpoint(&endpoint)?);
    if api.table.delete_endpoint(&organization, endpoint).await? { Ok(StatusCode::NO_CONTENT) } else { Err(NOT_FOUND) }
}

const NOT_FOUND: ApiError = ApiError::NotFound("Endpoint not found");

/// An endpoint's id from a path: what cannot be one is no endpoint.
pub(crate) fn parse_endpoint(id: &str) -> Result<EndpointId, ApiError> {
    id.parse().map_err(|_| NOT_FOUND)
}

/// The endpoint of an organization.
pub(crate) async fn find(api: &Api, organization: &str, endpoint: &str) -> Result<StoredEndpoint, ApiError> {
    let (organization, endpoint) = (parse_organization(organization)?, parse_endpoint(endpoint)?);
    api.table.endpoint(&organization, endpoint).await?.ok_or(NOT_FOUND)
}
