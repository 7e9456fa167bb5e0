//! An endpoint's signing secret: shown when asked for, replaced by a new one.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use hookbell_aws::table::StoredEndpoint;

use super::endpoint;
use super::endpoints::name;
use super::forms::{Body, Form, Problems};
use super::lists::Asked;
use super::pages::{Section, Shell, is_partial, see, show, show_wrong};
use super::visit::Visit;
use crate::endpoints::find;
use crate::error::ApiError;
use crate::secrets::{self, roll};
use crate::state::Api;

/// The secret's place on the endpoint's page. What it shows is for one pair of eyes, so it cannot be printed.
#[derive(Template)]
#[template(path = "console/secret.html")]
pub(super) struct Secret {
    shown: Option<String>,
}

impl Secret {
    /// Not shown.
    pub(super) const MASKED: Self = Self { shown: None };

    /// Shown.
    pub(super) fn shown(api: &Api, stored: &StoredEndpoint) -> Result<Self, ApiError> {
        Ok(Self { shown: Some(secrets::current(api, stored)?) })
    }

    /// Whether it is.
    pub(super) fn is_shown(&self) -> bool {
        self.shown.is_some()
    }
}

/// `POST …/secret`: the secret in its place, or, without scripts, the whole page with it.
pub(super) async fn reveal(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, endpoint)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if !is_partial(&headers) {
        let page = endpoint::show_with(&api, &visit, (&organization, &endpoint), Asked::default(), true);
        return Box::pin(page).await;
    }
    let stored = find(&api, &organization, &endpoint).await?;
    show(&Secret::shown(&api, &stored)?)
}

/// Whether to replace the secret.
#[derive(Template)]
#[template(path = "console/rotate.html")]
struct Rotate {
    shell: Shell,
    here: String,
    name: String,
    problem: Option<String>,
}

/// `GET …/rotate`.
pub(super) async fn confirm(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, endpoint)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    show(&ask(&api, &visit, &organization, &endpoint, None).await?)
}

/// `POST …/rotate`: a new secret; the old one signs on for a day, or ends at once.
pub(super) async fn rotate(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, endpoint)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let expires_old = Form::read(&body).ticked("expireOld");
    let mut call = Body::default();
    call.set("expireOld", expires_old);
    let path = Path((organization.clone(), endpoint.clone()));
    match roll(State(Arc::clone(&api)), path, call.into_json()).await {
        Ok(_) => {
            let notice = if expires_old { "replaced" } else { "rotated" };
            Ok(see(&format!("{}?notice={notice}", visit.endpoint(&organization, &endpoint))))
        }
        Err(refused) => {
            let problem = match refused {
                // The call's own words name a field that the page calls otherwise.
                ApiError::Conflict("secret_limit", _) => {
                    let limit = api.config.limits.old_secrets;
                    Some(format!("{limit} old secrets still sign requests. Wait until one expires, or revoke them now"))
                }
                other => Problems::of(other)?.whole,
            };
            show_wrong(&ask(&api, &visit, &organization, &endpoint, problem).await?)
        }
    }
}

async fn ask(
    api: &Api,
    visit: &Visit,
    organization: &str,
    endpoint: &str,
    problem: Option<String>,
) -> Result<Rotate, ApiError> {
    let stored = find(api, organization, endpoint).await?;
    Ok(Rotate {
        shell: Shell::of(visit, organization, Section::Endpoints),
        here: visit.endpoint(organization, endpoint),
        name: name(&stored.endpoint).to_owned(),
        problem,
    })
}
