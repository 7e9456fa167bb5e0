//! The console: pages for people, over the same use cases that the HTTP API has.
//!
//! The invariant: nothing happens here that no call of the API does. A form is another spelling of a call's body; who may
//! call what is told by the same three groups. Pages hold no secret but the one that was just asked for, no code and no
//! style of their own, and nothing from elsewhere.

mod attempts;
mod compressed;
mod deliveries;
mod endpoint;
mod endpoint_actions;
mod endpoint_form;
mod endpoint_values;
mod endpoints;
mod event_types;
mod facts;
mod filter_trial;
mod forms;
mod history;
mod keys;
mod lists;
mod messages;
mod numbers;
mod organizations;
mod pages;
mod protection;
mod replays;
mod secrets;
mod session;
mod show;
mod sign_in;
mod tests_sent;
mod verify;
mod visit;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path};
use axum::http::HeaderMap;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};

use crate::assets::{self, CONSOLE_SCRIPT, CONSOLE_STYLE, HTMX, MARK};
use crate::auth;
use crate::error::ApiError;
use crate::state::Api;

/// Where the console begins, below the API's own address.
const PATH: &str = "/console";

/// Bytes of a form: more than the longest that is taken.
const MOST_BYTES: usize = 128 * 1024;

const ORGANIZATION: &str = "/organizations/{organization}";
const ENDPOINT: &str = "/organizations/{organization}/endpoints/{endpoint}";

/// All of the console's routes.
pub(crate) fn router(api: &Arc<Api>) -> Router<Arc<Api>> {
    let signed_in = readers().merge(owners()).merge(admins()).route("/", get(sign_in::landing));
    let signed_in = signed_in.route_layer(from_fn_with_state(Arc::clone(api), session::require));
    let open = Router::new()
        .route("/sign-in", get(sign_in::page).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/assets/{asset}", get(asset));
    let all = signed_in
        .merge(open)
        .fallback(async || ApiError::NotFound("This page doesn't exist"))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed);
    Router::new()
        .nest(PATH, all)
        .route(&format!("{PATH}/"), get(sign_in::without_slash))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(from_fn(protection::check_origin))
        .layer(from_fn(pages::show_refusals))
        .layer(from_fn(compressed::compress))
        .layer(from_fn_with_state(Arc::clone(api), visit::locate))
        .layer(from_fn_with_state(Arc::clone(api), protection::add_headers))
}

/// What every key of the organization may look at.
fn readers() -> Router<Arc<Api>> {
    let organization = Router::new()
        .route("/", get(sign_in::organization))
        .route("/endpoints", get(endpoints::list))
        .route("/messages", get(messages::list))
        .route("/messages/{message}", get(messages::page))
        .route("/messages/{message}/attempts", get(attempts::list));
    let endpoint = Router::new()
        .route("/", get(endpoint::page))
        .route("/deliveries/{delivery}", get(deliveries::page))
        .route("/replay", get(replays::page))
        .route("/test/{message}", get(tests_sent::watch));
    let all = Router::new().nest(ORGANIZATION, organization).nest(ENDPOINT, endpoint);
    all.route_layer(from_fn(visit::check_ids)).route_layer(from_fn(auth::reader))
}

/// What the organization's owners may do: all changes, and whatever shows a secret.
fn owners() -> Router<Arc<Api>> {
    let organization = Router::new()
        .route("/endpoints", post(endpoint_form::create))
        .route("/endpoints/new", get(endpoint_form::new))
        .route("/endpoints/filter", post(filter_trial::answer))
        .route("/keys", get(keys::list).post(keys::create))
        .route("/keys/link", get(keys::list).post(keys::link))
        .route("/keys/{key}/delete", get(keys::confirm).post(keys::delete));
    let endpoint = Router::new()
        .route("/edit", get(endpoint_form::edit).post(endpoint_form::update))
        .route("/status", post(endpoint_actions::set_status))
        .route("/delete", get(endpoint_actions::confirm_delete).post(endpoint_actions::delete))
        .route("/secret", get(endpoint::page).post(secrets::reveal))
        .route("/rotate", get(secrets::confirm).post(secrets::rotate))
        .route("/test", post(tests_sent::send))
        .route("/deliveries/{delivery}/redeliver", post(deliveries::redeliver))
        .route("/replay", post(replays::begin));
    let all = Router::new().nest(ORGANIZATION, organization).nest(ENDPOINT, endpoint);
    all.route_layer(from_fn(visit::check_ids)).route_layer(from_fn(auth::owner))
}

/// What whoever runs the deployment may do, and nobody else.
fn admins() -> Router<Arc<Api>> {
    Router::new()
        .route("/organizations", get(organizations::list).post(organizations::initialize))
        .route_layer(from_fn(auth::admin))
}

async fn asset(Path((name,)): Path<(String,)>, headers: HeaderMap) -> Result<Response, ApiError> {
    assets::serve(&[CONSOLE_STYLE, CONSOLE_SCRIPT, HTMX, MARK], &name, &headers)
}
