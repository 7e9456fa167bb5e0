//! The routes, in groups by who may call them.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{delete, get, post};

use crate::error::ApiError;
use crate::state::Api;
use crate::{
    api_keys, attempts, auth, console, deliveries, docs, endpoints, error, filters, logged, message_lists, messages,
    organization_list, organizations, ping, portal, redeliver, replays, secrets, stats, status,
};

const ENDPOINTS: &str = "/organizations/{organization}/webhooks";
const KEYS: &str = "/organizations/{organization}/api-keys";
const MESSAGES: &str = "/webhooks/organizations/{organization}";

/// All routes. API Gateway and Lambda bound a request's body to 6 MB; each route says what it takes.
pub(crate) fn router(api: Api) -> Router {
    let api = Arc::new(api);
    let with_key = readers()
        .merge(owners())
        .merge(admins())
        .fallback(async || ApiError::NotFound("No such path"))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(DefaultBodyLimit::disable())
        .layer(map_response(never_stored))
        .layer(from_fn_with_state(Arc::clone(&api), auth::authenticate));
    let open = docs::router(api.config.limits.clone());
    let calls = open.merge(with_key).layer(from_fn(error::write_bodies));
    calls.merge(console::router(&api)).layer(from_fn_with_state(Arc::clone(&api), logged::log)).with_state(api)
}

/// What is for one caller's eyes is in nobody's cache.
async fn never_stored(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What every key of the organization may read.
fn readers() -> Router<Arc<Api>> {
    let endpoints = Router::new()
        .route("/", get(endpoints::list))
        .route("/event-types", get(endpoints::event_types))
        .route("/filter/test", post(filters::test))
        .route("/{endpoint}", get(endpoints::get))
        .route("/{endpoint}/deliveries", get(deliveries::list))
        .route("/{endpoint}/deliveries/{delivery}", get(deliveries::get))
        .route("/{endpoint}/stats", get(stats::stats))
        .route("/{endpoint}/replay", get(replays::list))
        .route("/{endpoint}/replay/{replay}", get(replays::get));
    let messages = Router::new()
        .route("/initialization-status", get(status::initialization))
        .route("/messages", get(message_lists::list))
        .route("/messages/{message}", get(message_lists::get))
        .route("/messages/{message}/attempts", get(attempts::list));
    Router::new().nest(ENDPOINTS, endpoints).nest(MESSAGES, messages).route_layer(from_fn(auth::reader))
}

/// What the organization's owners may do: all changes, and whatever shows a secret.
fn owners() -> Router<Arc<Api>> {
    let endpoints = Router::new()
        .route("/", post(endpoints::create))
        .route("/{endpoint}", delete(endpoints::delete).patch(endpoints::update))
        .route("/{endpoint}/secret", get(secrets::reveal))
        .route("/{endpoint}/secret/roll", post(secrets::roll))
        .route("/{endpoint}/ping", post(ping::ping))
        .route("/{endpoint}/deliveries/{delivery}/redeliver", post(redeliver::redeliver))
        .route("/{endpoint}/replay", post(replays::begin));
    let keys =
        Router::new().route("/", get(api_keys::list).post(api_keys::create)).route("/{key}", delete(api_keys::delete));
    let messages = Router::new()
        .route("/initialize", post(organizations::initialize))
        .route("/app-portal-access", post(portal::access));
    let all = Router::new().nest(ENDPOINTS, endpoints).nest(KEYS, keys).nest(MESSAGES, messages);
    all.route_layer(from_fn(auth::owner))
}

/// What whoever runs the deployment may do, and nobody else.
fn admins() -> Router<Arc<Api>> {
    let messages = Router::new().route("/send", post(messages::send));
    Router::new()
        .nest(MESSAGES, messages)
        .route("/organizations", get(organization_list::list))
        .route("/webhooks/status", get(status::status))
        .route_layer(from_fn(auth::admin))
}
