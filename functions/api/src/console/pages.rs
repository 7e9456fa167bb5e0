//! What all pages have in common, and the pages that stand in for refusals.

use askama::Template;
use axum::body::Body;
use axum::extract::{Extension, Request};
use axum::http::header::{CONTENT_TYPE, LOCATION, REFERER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::visit::{Place, Visit};
use crate::assets::{CONSOLE_SCRIPT, CONSOLE_STYLE, HTMX, MARK};
use crate::error::{self, ApiError};

/// What htmx sends along with each of its requests, and has a page sent elsewhere by.
const HX_REQUEST: HeaderName = HeaderName::from_static("hx-request");
const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");
/// The address of the page that htmx asks from.
const HX_CURRENT_URL: HeaderName = HeaderName::from_static("hx-current-url");

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
    pub(super) const REDELIVERED: Self = Self::new("redelivered", "Redelivery queued.");

    const ALL: [Self; 9] = [
        Self::new("created", "Endpoint created. Find its signing secret under Configuration."),
        Self::new("saved", "Changes saved."),
        Self::new("enabled", "Endpoint enabled."),
        Self::new("disabled", "Endpoint disabled. No messages will be sent to it until you enable it."),
        Self::new("deleted", "Endpoint deleted."),
        Self::new("rotated", "Secret rotated. Requests are also signed with the old secret for the next 24 hours."),
        Self::new("replaced", "Secret rotated. The old secret no longer works."),
        Self::REDELIVERED,
        Self::new("revoked", "Key revoked."),
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
    let seen = [HX_CURRENT_URL, REFERER].iter().find_map(|name| request.headers().get(name)?.to_str().ok());
    let seen = seen.map(str::to_owned);
    let signed_in = super::session::has_one(request.headers(), &place);
    let mut response = next.run(request).await;
    let status = response.status();
    let Some(message) = error::take_refusal(&mut response) else { return response };
    if status == StatusCode::UNAUTHORIZED {
        let here = match uri.path_and_query() {
            Some(whole) if !partial && method == Method::GET => whole.as_str().strip_prefix(super::PATH),
            // Not the part or the change that was asked for, but the page that it was asked for on.
            _ => seen.as_deref().and_then(|url| url.strip_prefix(&place.location.origin)?.strip_prefix(&place.base)),
        };
        return to_sign_in(&place, here.unwrap_or_default(), partial);
    }
    let (title, to_do) = match status {
        StatusCode::NOT_FOUND => ("Not found", "It may have been deleted, or the link may be wrong."),
        StatusCode::FORBIDDEN => ("Not allowed", "Go back, or sign in with a key that has access."),
        StatusCode::TOO_MANY_REQUESTS => ("Too many requests", "Wait a moment, then reload."),
        StatusCode::CONFLICT => ("Couldn't complete that", "Nothing was changed. Go back, reload and try again."),
        status if status.is_server_error() => {
            ("Something went wrong", "The problem is on our side. Wait a moment, then reload.")
        }
        _ if method == Method::GET => ("Couldn't show this page", "Check the address, or go back."),
        _ => ("Couldn't complete that", "Nothing was changed. Go back, reload and try again."),
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
