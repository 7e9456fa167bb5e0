//! Enabling, disabling and deleting an endpoint.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use hookbell_domain::delivery::DeliveryStatus;

use super::endpoints::name;
use super::forms::{Body, Form};
use super::lists::{Asked, as_field};
use super::pages::{Section, Shell, see, show};
use super::visit::Visit;
use crate::auth::Caller;
use crate::endpoints::{self, find};
use crate::error::ApiError;
use crate::state::Api;

/// Whether to delete the endpoint.
#[derive(Template)]
#[template(path = "console/delete_endpoint.html")]
struct Delete {
    shell: Shell,
    here: String,
    name: String,
    url: String,
}

/// `POST …/status`: enabled or disabled, and back to where that was asked.
pub(super) async fn set_status(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Extension(caller): Extension<Caller>,
    Path((organization, endpoint)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let form = Form::read(&body);
    let status = form.text("status");
    let mut call = Body::default();
    call.set("status", status);
    let mut address = match form.text("from") {
        "list" => format!("{}/endpoints?endpoint={endpoint}&notice={status}", visit.organization(&organization)),
        _ => format!("{}?notice={status}", visit.endpoint(&organization, &endpoint)),
    };
    if let Some(since) = as_field(form.text("since")) {
        address = format!("{address}&since={since}");
    }
    endpoints::update(State(api), Extension(caller), Path((organization, endpoint)), call.into_json()).await?;
    Ok(see(&address))
}

/// The address of the form that replays what an endpoint has missed, where a page's own address says since when.
pub(super) fn missed(asked: &Asked, here: &str) -> Option<String> {
    let since = as_field(asked.get("since"))?;
    Some(format!("{here}/replay?after={since}&status={}", DeliveryStatus::Exhausted.as_str()))
}

/// `GET …/delete`.
pub(super) async fn confirm_delete(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, endpoint)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let stored = find(&api, &organization, &endpoint).await?;
    show(&Delete {
        shell: Shell::of(&visit, &organization, Section::Endpoints),
        here: visit.endpoint(&organization, &endpoint),
        name: name(&stored.endpoint).to_owned(),
        url: stored.endpoint.url,
    })
}

/// `POST …/delete`.
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, endpoint)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let address = format!("{}/endpoints?notice=deleted", visit.organization(&organization));
    endpoints::delete(State(api), Path((organization, endpoint))).await?;
    Ok(see(&address))
}
