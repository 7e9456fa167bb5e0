//! The routes.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

use crate::error::ApiError;
use crate::state::Api;
use crate::{auth, deliveries, docs, endpoints, error, messages, organizations, ping};

/// All routes, behind the key but for what anybody may read. API Gateway and Lambda bound a request's body to 6 MB; each route says what it takes.
pub(crate) fn router(api: Api) -> Router {
    let api = Arc::new(api);
    let management = Router::new()
        .route("/", get(endpoints::list).post(endpoints::create))
        .route("/event-types", get(endpoints::event_types))
        .route("/{endpoint}", get(endpoints::get).patch(endpoints::update).delete(endpoints::delete))
        .route("/{endpoint}/ping", post(ping::ping))
        .route("/{endpoint}/deliveries", get(deliveries::list))
        .route("/{endpoint}/deliveries/{delivery}", get(deliveries::get));
    let sending = Router::new()
        .route("/initialize", post(organizations::initialize))
        .route("/send", post(messages::send))
        .route("/messages/{message}/attempts", get(messages::attempts));
    Router::new()
        .nest("/organizations/{organization}/webhooks", management)
        .nest("/webhooks/organizations/{organization}", sending)
        .fallback(async || ApiError::NotFound("No such path"))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(Arc::clone(&api), auth::authenticate))
        .merge(docs::router(api.config.limits.clone()))
        .layer(from_fn(error::write_bodies))
        .with_state(api)
}
