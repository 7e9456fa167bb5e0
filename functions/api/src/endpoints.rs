//! An organization's endpoints: create, list, get, update, delete, and the catalogue they choose from.

mod input;

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hookbell_aws::random;
use hookbell_aws::table::{CreateEndpoint, Organization, StoredEndpoint};
use hookbell_domain::endpoint::{Disabled, Endpoint, Health};
use hookbell_domain::ids::{EndpointId, OrganizationId};
use hookbell_domain::signature::SigningSecret;
use jiff::Timestamp;

use crate::error::ApiError;
use crate::state::{Api, parse_organization};
use crate::view::{EndpointAnswer, EndpointView, EndpointsAnswer, EventTypeView, EventTypesAnswer};

/// `GET …/event-types`: the organization's catalogue.
#[utoipa::path(
    get,
    path = "/event-types",
    tag = "Endpoints",
    operation_id = "listEventTypes",
    summary = "List event types",
    description = "The catalogue of the organization's profile: what its endpoints can subscribe to.",
    responses((status = 200, description = "The types, by name.", body = EventTypesAnswer)),
    security(("key" = ["member"])),
)]
pub(crate) async fn event_types(
    State(api): State<Arc<Api>>,
    Path(organization): Path<String>,
) -> Result<Json<EventTypesAnswer>, ApiError> {
    let organization = api.organization_record(&organization).await?;
    let types = organization.profile.event_types.iter();
    let views = types.map(|entry| EventTypeView { name: entry.name, description: entry.description });
    Ok(Json(EventTypesAnswer { event_types: views.collect() }))
}

/// `POST …/`: a new endpoint and its secret.
pub(crate) async fn create(
    State(api): State<Arc<Api>>,
    Path(organization): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
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
            let answer = EndpointAnswer { endpoint: EndpointView::from(&endpoint), secret: Some(secret.reveal()) };
            Ok((StatusCode::CREATED, Json(answer)).into_response())
        }
        CreateEndpoint::Refused => Err(refusal(&api, &organization.id, limit).await?),
    }
}

/// `GET …/`: all endpoints, oldest first.
pub(crate) async fn list(State(api): State<Arc<Api>>, Path(organization): Path<String>) -> Result<Response, ApiError> {
    let organization = api.organization(&organization).await?;
    let endpoints = organization.endpoints.iter().map(|stored| EndpointView::from(&stored.endpoint)).collect();
    Ok(Json(EndpointsAnswer { endpoints }).into_response())
}

/// `GET …/{endpoint}`.
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    Path((organization, endpoint)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let stored = find(&api, &organization, &endpoint).await?;
    Ok(Json(EndpointAnswer { endpoint: EndpointView::from(&stored.endpoint), secret: None }).into_response())
}

/// `PATCH …/{endpoint}`: changes what is named, and answers with the whole.
pub(crate) async fn update(
    State(api): State<Arc<Api>>,
    Path((organization, endpoint)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let organization = api.organization(&organization).await?;
    let mut endpoint = find_in(&organization, &endpoint)?.clone();
    let id = endpoint.id;
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
    Ok(Json(EndpointAnswer { endpoint: EndpointView::from(&endpoint), secret: None }).into_response())
}

/// `DELETE …/{endpoint}`.
pub(crate) async fn delete(
    State(api): State<Arc<Api>>,
    Path((organization, endpoint)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let (organization, endpoint) = (parse_organization(&organization)?, parse_endpoint(&endpoint)?);
    if api.table.delete_endpoint(&organization, endpoint).await? { Ok(StatusCode::NO_CONTENT) } else { Err(NOT_FOUND) }
}

/// Why an endpoint was not made: the limit, or a change of profile at the same moment.
async fn refusal(api: &Api, organization: &OrganizationId, limit: u32) -> Result<ApiError, ApiError> {
    let organization = api.table.organization_record(organization).await?;
    Ok(ApiError::Conflict(if organization.is_some_and(|organization| organization.endpoint_count < limit) {
        "The organization was changed at the same time; try again".to_owned()
    } else {
        format!("The organization has reached its limit of {limit} endpoints; delete one to add another")
    }))
}

const NOT_FOUND: ApiError = ApiError::NotFound("Endpoint not found");

/// An endpoint's id from a path: what cannot be one is no endpoint.
pub(crate) fn parse_endpoint(id: &str) -> Result<EndpointId, ApiError> {
    id.parse().map_err(|_| NOT_FOUND)
}

/// The endpoint of an organization that was read with its endpoints.
pub(crate) fn find_in<'a>(organization: &'a Organization, id: &str) -> Result<&'a Endpoint, ApiError> {
    let id = parse_endpoint(id)?;
    let found = organization.endpoints.iter().find(|stored| stored.endpoint.id == id);
    found.map(|stored| &stored.endpoint).ok_or(NOT_FOUND)
}

/// The endpoint of an organization.
async fn find(api: &Api, organization: &str, endpoint: &str) -> Result<StoredEndpoint, ApiError> {
    let (organization, endpoint) = (parse_organization(organization)?, parse_endpoint(endpoint)?);
    api.table.endpoint(&organization, endpoint).await?.ok_or(NOT_FOUND)
}
