//! The list of an organization's endpoints.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::response::Response;
use hookbell_domain::endpoint::Endpoint;
use hookbell_domain::ids::EndpointId;
use jiff::Timestamp;

use super::endpoint_actions::missed;
use super::lists::Asked;
use super::pages::{Notice, Section, Shell, show};
use super::show::{Badge, Moment, field_time};
use super::visit::Visit;
use crate::error::ApiError;
use crate::state::Api;

/// The list.
#[derive(Template)]
#[template(path = "console/endpoints.html")]
struct Page {
    shell: Shell,
    notice: Option<Notice>,
    /// Where what an endpoint has missed is replayed, if it was just enabled.
    missed: Option<String>,
    asked: Asked,
    /// Whether there is any, whatever is looked for.
    any: bool,
    rows: Vec<Row>,
}

/// One endpoint.
struct Row {
    address: String,
    name: String,
    url: String,
    enabled: bool,
    /// Since when it is disabled, as a field for dates has it; empty if it is not.
    disabled_since: String,
    status: Badge,
    created: Moment,
}

/// `GET …/endpoints?q`: all of them, the newest first, or those that a text is found in.
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path(organization): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    let (found, now) = (api.organization(&organization).await?, Timestamp::now());
    let asked = Asked::read(query);
    let looked_for = asked.get("q").to_lowercase();
    let endpoints = || found.endpoints.iter().rev().map(|stored| &stored.endpoint);
    let rows = endpoints().filter(|endpoint| has(endpoint, &looked_for)).map(|endpoint| Row {
        address: visit.endpoint(&organization, &endpoint.id.to_string()),
        name: name(endpoint).to_owned(),
        url: endpoint.url.clone(),
        enabled: endpoint.is_enabled(),
        disabled_since: endpoint.disabled.as_ref().map(|disabled| field_time(disabled.at)).unwrap_or_default(),
        status: Badge::of_endpoint(endpoint, now),
        created: Moment::new(endpoint.created_at, now),
    });
    let enabled = asked.get("endpoint").parse::<EndpointId>().ok();
    show(&Page {
        shell: Shell::of(&visit, &organization, Section::Endpoints),
        notice: Notice::named(asked.get("notice")),
        missed: enabled.and_then(|id| missed(&asked, &visit.endpoint(&organization, &id.to_string()))),
        any: endpoints().next().is_some(),
        rows: rows.collect(),
        asked,
    })
}

/// What an endpoint is called.
pub(super) fn name(endpoint: &Endpoint) -> &str {
    endpoint.description.as_deref().unwrap_or("Unnamed Endpoint")
}

/// Whether a text, in small letters, is found in an endpoint's name, URL or id.
fn has(endpoint: &Endpoint, text: &str) -> bool {
    [name(endpoint), &endpoint.url, &endpoint.id.to_string()].iter().any(|place| place.to_lowercase().contains(text))
}
