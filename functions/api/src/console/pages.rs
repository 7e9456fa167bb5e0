//! What all pages have in common, and the pages that stand in for refusals.

use askama::Template;
use axum::body::Body;
use axum::extract::{Extension, Request};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::visit::{Place, Visit};
use crate::assets::{CONSOLE_SCRIPT, CONSOLE_STYLE, HTMX, MARK};
use crate::error::{self, ApiError};

/// What htmx sends along with each of its requests, and has a page sent elsewhere by.
const HX_REQUEST: HeaderName = HeaderName::from_static("hx-request");
const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

/// What every page has around it.
pub(super) struct Shell {
    /// The path that all of the console's begin with.
    pub(super) base: String,
    /// Whose pages these are, on pages of an organization.
    pub(super) organization: Option<String>,
    /// The path that the organization's pages begin with.
    pub(super) root: String,
    /// Which tab the page belongs to.
    pub(super) section: Section,
    /// Whether whoever looks may change things.
    pub(super) owner: bool,
    /// Whether whoever looks runs the deployment.
    pub(super) admin: bool,
    /// Whether anybody has signed in.
    pub(super) signed_in: bool,
}

/// A tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Endpoints,
    Messages,
    Keys,
    /// None of them.
    Elsewhere,
}

impl Section {
    /// Whether it is the one that templates call so.
    pub(super) fn is(self, name: &str) -> bool {
        match self {
            Self::Endpoints => name == "endpoints",
            Self::Messages => name == "messages",
            Self::Keys => name == "keys",
            Self::Elsewhere => false,
        }
    }
}

impl Shell {
    /// Around a page of an organization.
    pub(super) fn of(visit: &Visit, organization: &str, section: Section) -> Self {
        Self {
            base: visit.place.base.clone(),
            organization: Some(organization.to_owned()),
            root: visit.organization(organization),
            section,
            owner: visit.caller.is_owner(),
            admin: visit.caller.is_admin(),
            signed_in: true,
        }
    }

    /// Around a page of no organization, for somebody who has signed in.
    pub(super) fn of_all(visit: &Visit) -> Self {
        Self {
            admin: visit.caller.is_admin(),
            owner: visit.caller.is_owner(),
            signed_in: true,
            ..Self::of_nobody(&visit.place, false)
        }
    }

    /// Around a page for anybody.
    pub(super) fn of_nobody(place: &Place, signed_in: bool) -> Self {
        Self {
            base: place.base.clone(),
            organization: None,
            root: String::new(),
            section: Section::Elsewhere,
            owner: false,
            admin: false,
            signed_in,
        }
    }

    /// The address of the style sheet.
    pub(super) fn style(&self) -> String {
        format!("{}/assets/{}", self.base, CONSOLE_STYLE.name)
    }

    /// The address of our own script.
    pub(super) fn script(&self) -> String {
        format!("{}/assets/{}", self.base, CONSOLE_SCRIPT.name)
    }

    /// The address of htmx.
    pub(super) fn htmx(&self) -> String {
        format!("{}/assets/{}", self.base, HTMX.name)
    }

    /// The address of the mark.
    pub(super) fn mark(&self) -> String {
        format!("{}/assets/{}", self.base, MARK.name)
    }
}

/// What was just done, said once on the page that it leads to. An address names it and cannot say anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Notice {
    /// How the address names it.
    pub(super) name: &'static str,
    /// What the page says.
    pub(super) text: &'static str,
}

impl Notice {
    /// A redelivery is on its way.
    pub(super) const REDELIVERED: Self = Self::new("redelivered", "The message is sent once more.");

    const ALL: [Self; 9] = [
        Self::new("created", "The endpoint was created. Its signing secret is below, under Configuration."),
        Self::new("saved", "The changes were saved."),
        Self::new("enabled", "The endpoint is enabled. What it has missed can be sent once more by a replay."),
        Self::new("disabled", "The endpoint is disabled. Nothing is sent to it until it is enabled again."),
        Self::new("deleted", "The endpoint was deleted."),
        Self::new("rotated", "There is a new signing secret. For a day requests are signed with the old one too."),
        Self::new("replaced", "There is a new signing secret. The old one signs nothing any more."),
        Self::REDELIVERED,
        Self::new("revoked", "The key was revoked."),
    ];

    const fn new(name: &'static str, text: &'static str) -> Self {
        Self { name, text }
    }

    /// The one of that name, if there is one.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.name == name)
    }
}

/// A page, as an answer.
pub(super) fn show(page: &impl Template) -> Result<Response, ApiError> {
    let html = page.render().map_err(|error| {
        tracing::error!(%error, "a page was not rendered");
        ApiError::Unavailable
    })?;
    Ok(([(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response())
}

/// A page that says what is wrong with a form.
pub(super) fn show_wrong(page: &impl Template) -> Result<Response, ApiError> {
    Ok((StatusCode::BAD_REQUEST, show(page)?).into_response())
}

/// Leads elsewhere, to be got from there.
pub(super) fn see(address: &str) -> Response {
    match HeaderValue::try_from(address) {
        Ok(address) => (StatusCode::SEE_OTHER, [(LOCATION, address)]).into_response(),
        Err(error) => {
            tracing::error!(%error, "an address is no header's value");
            ApiError::Unavailable.into_response()
        }
    }
}

/// Whether htmx asks, for a part of a page.
pub(super) fn is_partial(headers: &HeaderMap) -> bool {
    headers.contains_key(HX_REQUEST)
}

/// A page that says why there is no other.
#[derive(Template)]
#[template(path = "console/refusal.html")]
struct Refusal {
    shell: Shell,
    status: u16,
    title: &'static str,
    message: String,
    to_do: &'static str,
}

/// Puts a page into a refusal. Whoever has to sign in is led to where that is done.
pub(super) async fn show_refusals(Extension(place): Extension<Place>, request: Request, next: Next) -> Response {
    let (partial, method, uri) = (is_partial(request.headers()), request.method().clone(), request.uri().clone());
    let signed_in = super::session::has_one(request.headers(), &place);
    let mut response = next.run(request).await;
    let status = response.status();
    let Some(message) = error::take_refusal(&mut response) else { return response };
    if status == StatusCode::UNAUTHORIZED {
        let path = uri.path_and_query().map_or("", |whole| whole.as_str());
        let here = path.strip_prefix(super::PATH).filter(|_| method == Method::GET && !partial).unwrap_or_default();
        return to_sign_in(&place, here, partial);
    }
    let (title, to_do) = match status {
        StatusCode::NOT_FOUND => ("Not found", "It may have been deleted, or the link may be wrong."),
        StatusCode::FORBIDDEN => ("Not allowed", "Sign in with a key that may do this, or go back."),
        StatusCode::TOO_MANY_REQUESTS => {
            ("Too many calls", "This key is used for more than it may. Wait, then reload.")
        }
        StatusCode::CONFLICT => ("Not done", "Nothing was changed. Go back and look at how things are now."),
        status if status.is_server_error() => ("Something failed here", "Nothing is lost. Try again in a moment."),
        _ => ("Not done", "Nothing was changed. Go back and correct it."),
    };
    let page = Refusal { shell: Shell::of_nobody(&place, signed_in), status: status.as_u16(), title, message, to_do };
    match show(&page) {
        Ok(page) => {
            let (parts, body) = page.into_parts();
            response.headers_mut().extend(parts.headers);
            *response.body_mut() = body;
            response
        }
        Err(_) => Response::builder().status(status).body(Body::empty()).unwrap_or_default(),
    }
}

/// Leads to where one signs in, and from there back to `here`.
fn to_sign_in(place: &Place, here: &str, partial: bool) -> Response {
    let mut address = format!("{}/sign-in", place.base);
    if !here.is_empty() {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", here).finish();
        address = format!("{address}?{query}");
    }
    if !partial {
        return see(&address);
    }
    match HeaderValue::try_from(address) {
        Ok(address) => (StatusCode::UNAUTHORIZED, [(HX_REDIRECT, address)]).into_response(),
        Err(_) => StatusCode::UNAUTHORIZED.into_response(),
    }
}
