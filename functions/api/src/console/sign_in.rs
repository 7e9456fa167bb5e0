//! Signing in by a key or by a portal link, signing out, and where either leads.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Extension, Path, Query, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use url::Url;

use super::forms::Form;
use super::pages::{Shell, see, show};
use super::session;
use super::visit::{Place, Visit};
use crate::auth::{Caller, Credential, admit_caller};
use crate::error::ApiError;
use crate::logged;
use crate::state::Api;

/// Where a key or the token of a link goes in.
#[derive(Template)]
#[template(path = "console/sign_in.html")]
struct Page {
    shell: Shell,
    next: String,
    problem: Option<&'static str>,
}

/// Whether to leave one organization's console for another's. It holds the token of the link, so it cannot be printed.
#[derive(Template)]
#[template(path = "console/switch.html")]
struct Switch {
    shell: Shell,
    /// Of the session that there is.
    from: String,
    /// Of the link.
    to: String,
    token: String,
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
    let next = query.get("next").filter(|next| is_below(&place, next)).cloned().unwrap_or_default();
    show(&Page { shell: Shell::of_nobody(&place, false), next, problem: None })
}

/// `POST /sign-in`: a session for whoever shows a key or a token that is good.
pub(super) async fn sign_in(
    State(api): State<Arc<Api>>,
    Extension(place): Extension<Place>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let form = Form::read(&body);
    let now = Timestamp::now();
    let next = Some(form.text("next")).filter(|next| is_below(&place, next)).unwrap_or_default();
    let credential = Credential::read(&api, form.text("key"), now).await?;
    let admitted = match &credential {
        Some(credential) => {
            let admitted = admit_caller(&api, credential, now).await;
            logged::note_caller(credential, &admitted);
            admitted
        }
        None => Err(ApiError::Unauthorized),
    };
    let caller = match admitted {
        Ok(caller) => caller,
        Err(ApiError::Unauthorized) => {
            let problem = Some("That key or link isn't valid. It may be incomplete, revoked or expired.");
            let page = show(&Page { shell: Shell::of_nobody(&place, false), next: next.to_owned(), problem })?;
            return Ok((StatusCode::UNAUTHORIZED, page).into_response());
        }
        Err(other) => return Err(other),
    };
    // A link was followed, and whoever made it need not be who follows it: what is entered in one's own console must not
    // end up in another's because of that.
    if form.ticked("link")
        && let Some(present) = session::credential(&api, &headers, &place, now).await?
        && let Ok(present) = admit_caller(&api, &present, now).await
        && present.organization() != caller.organization()
    {
        let [from, to] = [&present, &caller].map(|caller| caller.organization().unwrap_or("all").to_owned());
        let shell = Shell::of_nobody(&place, true);
        return show(&Switch { shell, from, to, token: form.text("key").to_owned() });
    }
    let to = if next.is_empty() { home(&place, &caller) } else { format!("{}{next}", place.base) };
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

/// Whether an address that is asked for is one of the console's once it is put behind the console's own, as browsers read
/// it: dots may lead upwards.
fn is_below(place: &Place, next: &str) -> bool {
    let address = format!("{}{}{next}", place.location.origin, place.base);
    let path = Url::parse(&address).map(|url| url.path().to_owned()).unwrap_or_default();
    next.starts_with('/') && path.strip_prefix(&place.base).is_some_and(|rest| rest.starts_with('/'))
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
