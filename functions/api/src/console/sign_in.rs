//! Signing in by a key or by a portal link, signing out, and where either leads.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;

use super::forms::Form;
use super::pages::{Shell, see, show};
use super::session;
use super::visit::{Place, Visit};
use crate::auth::{Caller, Credential, admit_caller};
use crate::error::ApiError;
use crate::state::Api;

/// Where a key or the token of a link goes in.
#[derive(Template)]
#[template(path = "console/sign_in.html")]
struct Page {
    shell: Shell,
    next: String,
    problem: Option<&'static str>,
}

/// `GET /`: what there is for whoever has signed in.
pub(super) async fn landing(Extension(visit): Extension<Visit>) -> Response {
    see(&home(&visit.place, &visit.caller))
}

/// `GET /console/`: the console without the slash.
pub(super) async fn without_slash(Extension(place): Extension<Place>) -> Response {
    see(&place.base)
}

/// `GET /organizations/{organization}`: its endpoints.
pub(super) async fn organization(Extension(visit): Extension<Visit>, Path(organization): Path<String>) -> Response {
    see(&format!("{}/endpoints", visit.organization(&organization)))
}

/// `GET /sign-in?next`.
pub(super) async fn page(
    Extension(place): Extension<Place>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    let next = query.get("next").cloned().unwrap_or_default();
    show(&Page { shell: Shell::of_nobody(&place, false), next, problem: None })
}

/// `POST /sign-in`: a session for whoever shows a key or a token that is good.
pub(super) async fn sign_in(
    State(api): State<Arc<Api>>,
    Extension(place): Extension<Place>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let form = Form::read(&body);
    let (now, next) = (Timestamp::now(), form.text("next"));
    let credential = Credential::read(&api, form.text("key"), now);
    let admitted = match &credential {
        Some(credential) => admit_caller(&api, credential, now).await,
        None => Err(ApiError::Unauthorized),
    };
    let caller = match admitted {
        Ok(caller) => caller,
        Err(ApiError::Unauthorized) => {
            let problem = Some("This is no key, or it is not known (any more), or the link is over.");
            let page = show(&Page { shell: Shell::of_nobody(&place, false), next: next.to_owned(), problem })?;
            return Ok((StatusCode::UNAUTHORIZED, page).into_response());
        }
        Err(other) => return Err(other),
    };
    // The address that was asked for is one of ours: it is put behind our own, whatever it says.
    let to = if next.starts_with('/') { format!("{}{next}", place.base) } else { home(&place, &caller) };
    let mut response = see(&to);
    let cookie = credential.and_then(|credential| session::begin(&api.keys, &credential, &place, now));
    response.headers_mut().insert(SET_COOKIE, cookie.ok_or(ApiError::Unavailable)?);
    Ok(response)
}

/// `POST /sign-out`.
pub(super) async fn sign_out(Extension(place): Extension<Place>) -> Result<Response, ApiError> {
    let mut response = see(&format!("{}/sign-in", place.base));
    response.headers_mut().insert(SET_COOKIE, session::end(&place).ok_or(ApiError::Unavailable)?);
    Ok(response)
}

/// Where somebody begins.
fn home(place: &Place, caller: &Caller) -> String {
    match caller {
        Caller::Admin => format!("{}/organizations", place.base),
        Caller::Key { organization, .. } | Caller::Portal { organization } => {
            format!("{}/organizations/{organization}/endpoints", place.base)
        }
    }
}
