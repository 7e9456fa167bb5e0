//! An organization's endpoints: create, list, get, update, delete, and the catalogue they choose from.

mod input;
mod options;

pub(crate) use input::read_secret;
pub(crate) use options::read_filter;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hookbell_aws::random;
use hookbell_aws::table::{ChangedEndpoint, CreateEndpoint, Organization, SealedSecrets, StoredEndpoint};
use hookbell_domain::endpoint::{Disabled, Endpoint, EndpointOptions, EndpointSecrets, Health};
use hookbell_domain::ids::{EndpointId, EndpointUid, OrganizationId};
use hookbell_domain::signature::{SigningKeyPair, SigningSecret};
use jiff::Timestamp;

use crate::auth::Caller;
use crate::error::ApiError;
use crate::state::{Api, parse_organization, sealing_failed};
use crate::view::{EndpointAnswer, EndpointView, EndpointsAnswer, EventTypeView, EventTypesAnswer, NewEndpointAnswer};

/// How often a change is tried while others change the endpoint too.
const CHANGE_TRIES: u32 = 8;

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
#[utoipa::path(
    post,
    path = "",
    tag = "Endpoints",
    operation_id = "createEndpoint",
    summary = "Create an endpoint",
    description = "An endpoint gets the messages of its event types from now on. Its URL is an https one on a public \
        address, and answers each request with a status of 2xx. An organization has at most {endpoint-limit}.",
    request_body = input::NewEndpointBody,
    responses(
        (status = 201, description = "The endpoint, and its signing secret.", body = NewEndpointAnswer),
        (status = 409, description = "`endpoint_limit`: The organization has reached its limit of {endpoint-limit} \
            endpoints; delete one to add another\n\n\
            `uid_taken`: Another endpoint of the organization has the uid ep_2Xq7Yc0\n\n\
            `changed_meanwhile`: The organization was changed at the same time; try again"),
    ),
    security(("key" = ["owner"])),
)]
pub(crate) async fn create(
    State(api): State<Arc<Api>>,
    Path(organization): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let (endpoint, secrets) = make(&api, &organization, &body).await?;
    let view = EndpointView::new(&endpoint, secrets.headers, true);
    let answer = NewEndpointAnswer { endpoint: view, secret: secrets.current.reveal() };
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// Makes the endpoint that a body describes.
pub(crate) async fn make(api: &Api, organization: &str, body: &[u8]) -> Result<(Endpoint, EndpointSecrets), ApiError> {
    let organization = api.organization_record(organization).await?;
    let input = input::read_new(api, organization.profile, body).await?;
    let now = Timestamp::now();
    let key_pair = if input.options.v1a { Some(options::new_key_pair()?) } else { None };
    let endpoint = Endpoint {
        id: EndpointId::new(now, random::id()?),
        organization_id: organization.id.clone(),
        uid: input.uid,
        url: input.url,
        description: input.description,
        event_types: input.event_types,
        ordered: input.ordered,
        options: EndpointOptions {
            v1a: key_pair.as_ref().map(SigningKeyPair::public_key),
            svix_headers: input.options.svix_headers,
            rate_limit: input.options.rate_limit,
            filter: input.options.filter,
        },
        disabled: input.disabled.then_some(Disabled { reason: None, at: now }),
        health: Health::default(),
        created_at: now,
        updated_at: now,
    };
    let current = match input.secret {
        Some(secret) => secret,
        None => SigningSecret::new(random::bytes()?),
    };
    let secrets = EndpointSecrets { current, old: Vec::new(), key_pair, headers: input.options.headers };
    let sealed = SealedSecrets::seal(&api.keys, &secrets, &organization.id, endpoint.id).map_err(sealing_failed)?;
    let limit = api.config.limits.endpoints_per_organization;
    match api.table.create_endpoint(&organization, &endpoint, sealed, limit).await? {
        CreateEndpoint::Created => Ok((endpoint, secrets)),
        CreateEndpoint::Refused => Err(refusal(api, &organization.id, limit).await?),
        CreateEndpoint::UidTaken(uid) => Err(uid_taken(&uid)),
    }
}

/// `GET …/`: all endpoints, oldest first.
#[utoipa::path(
    get,
    path = "",
    tag = "Endpoints",
    operation_id = "listEndpoints",
    summary = "List endpoints",
    description = "All endpoints of the organization, oldest first. Only owners see the values of their headers.",
    responses((status = 200, description = "The endpoints.", body = EndpointsAnswer)),
    security(("key" = ["member"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path(organization): Path<String>,
) -> Result<Response, ApiError> {
    let organization = api.organization(&organization).await?;
    let endpoints =
        organization.endpoints.iter().map(|stored| view(&api, &caller, stored)).collect::<Result<_, _>>()?;
    Ok(Json(EndpointsAnswer { endpoints }).into_response())
}

/// `GET …/{endpoint}`.
#[utoipa::path(
    get,
    path = "/{endpoint}",
    tag = "Endpoints",
    operation_id = "getEndpoint",
    summary = "Get an endpoint",
    description = "One endpoint. Only owners see the values of its headers.",
    responses((status = 200, description = "The endpoint.", body = EndpointAnswer)),
    security(("key" = ["member"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path((organization, endpoint)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let stored = find(&api, &organization, &endpoint).await?;
    Ok(Json(EndpointAnswer { endpoint: view(&api, &caller, &stored)? }).into_response())
}

/// `PATCH …/{endpoint}`: changes what is named, and answers with the whole.
#[utoipa::path(
    patch,
    path = "/{endpoint}",
    tag = "Endpoints",
    operation_id = "updateEndpoint",
    summary = "Change an endpoint",
    description = "Changes what is named, and leaves the rest. To enable an endpoint that was disabled is to begin \
        anew: its failures are forgotten.",
    request_body = input::EndpointChangeBody,
    responses(
        (status = 200, description = "The endpoint as it is now.", body = EndpointAnswer),
        (status = 409, description = "`uid_taken`: Another endpoint of the organization has the uid ep_2Xq7Yc0\n\n\
            `changed_meanwhile`: The endpoint was changed by others at the same time; try again"),
    ),
    security(("key" = ["owner"])),
)]
pub(crate) async fn update(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path((organization, endpoint)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, ApiError> {
    for tries in 0..CHANGE_TRIES {
        if tries > 0 {
            // Whoever came first is past by then; a wait of one's own keeps the others apart.
            let ms = u64::from(random::bytes::<1>().map_or(0, |[byte]| byte)) % (20 << tries);
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        let mut found = api.organization(&organization).await?;
        let at = position_in(&found, &endpoint)?;
        let stored = found.endpoints.swap_remove(at);
        let change =
            input::read_change(&api, found.record.profile, &found.record.id, stored.endpoint.id, &body).await?;
        match api.table.change_endpoint(stored, &change, Timestamp::now()).await? {
            ChangedEndpoint::Yes(stored) => {
                return Ok(Json(EndpointAnswer { endpoint: view(&api, &caller, &stored)? }).into_response());
            }
            ChangedEndpoint::Stale => {}
            ChangedEndpoint::UidTaken(uid) => return Err(uid_taken(&uid)),
        }
    }
    let message = "The endpoint was changed by others at the same time; try again".to_owned();
    Err(ApiError::Conflict("changed_meanwhile", message))
}

/// `DELETE …/{endpoint}`.
#[utoipa::path(
    delete,
    path = "/{endpoint}",
    tag = "Endpoints",
    operation_id = "deleteEndpoint",
    summary = "Delete an endpoint",
    description = "Deletes an endpoint. It gets nothing more, and its deliveries can no longer be listed; the \
        attempts of messages still show them.",
    responses((status = 204, description = "It is deleted.")),
    security(("key" = ["owner"])),
)]
pub(crate) async fn delete(
    State(api): State<Arc<Api>>,
    Path((organization, endpoint)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let (organization, endpoint) = (parse_organization(&organization)?, parse_endpoint(&endpoint)?);
    if api.table.delete_endpoint(&organization, endpoint).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(NO_ENDPOINT)
    }
}

/// Why an endpoint was not made or changed: its uid is that of another one.
fn uid_taken(uid: &EndpointUid) -> ApiError {
    ApiError::Conflict("uid_taken", format!("Another endpoint of the organization has the uid {uid}"))
}

/// Why an endpoint was not made: the limit, or a change of profile at the same moment.
async fn refusal(api: &Api, organization: &OrganizationId, limit: u32) -> Result<ApiError, ApiError> {
    let organization = api.table.organization_record(organization).await?;
    Ok(if organization.is_some_and(|organization| organization.endpoint_count < limit) {
        let message = "The organization was changed at the same time; try again".to_owned();
        ApiError::Conflict("changed_meanwhile", message)
    } else {
        let message = format!("The organization has reached its limit of {limit} endpoints; delete one to add another");
        ApiError::Conflict("endpoint_limit", message)
    })
}

/// An endpoint as the caller may see it.
fn view<'a>(api: &Api, caller: &Caller, stored: &'a StoredEndpoint) -> Result<EndpointView<'a>, ApiError> {
    let headers = stored.open_headers(&api.keys).map_err(sealing_failed)?;
    Ok(EndpointView::new(&stored.endpoint, headers, caller.is_owner()))
}

/// What is answered for an endpoint that is not there.
pub(crate) const NO_ENDPOINT: ApiError = ApiError::NotFound("Endpoint not found");

/// An endpoint's id from a path: what cannot be one is no endpoint.
pub(crate) fn parse_endpoint(id: &str) -> Result<EndpointId, ApiError> {
    id.parse().map_err(|_| NO_ENDPOINT)
}

/// The endpoint of an organization that was read with its endpoints.
pub(crate) fn find_in<'a>(organization: &'a Organization, id: &str) -> Result<&'a Endpoint, ApiError> {
    let at = position_in(organization, id)?;
    organization.endpoints.get(at).map(|stored| &stored.endpoint).ok_or(NO_ENDPOINT)
}

fn position_in(organization: &Organization, id: &str) -> Result<usize, ApiError> {
    let id = parse_endpoint(id)?;
    organization.endpoints.iter().position(|stored| stored.endpoint.id == id).ok_or(NO_ENDPOINT)
}

/// The endpoint of an organization.
pub(crate) async fn find(api: &Api, organization: &str, endpoint: &str) -> Result<StoredEndpoint, ApiError> {
    let (organization, endpoint) = (parse_organization(organization)?, parse_endpoint(endpoint)?);
    let found = api.table.endpoint(&organization, endpoint).await?.ok_or(NO_ENDPOINT)?;
    api.keys.meet(found.sealed()).await?;
    Ok(found)
}
