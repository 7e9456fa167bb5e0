//! Where the console is for whoever asks for a page, and who that is.

use std::sync::Arc;

use axum::extract::{Extension, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use hookbell_domain::ids::{DeliveryId, EndpointId, KeyId, MessageId, OrganizationId};
use lambda_http::request::RequestContext;

use super::PATH;
use crate::api_keys::NO_KEY;
use crate::auth::Caller;
use crate::deliveries::NO_DELIVERY;
use crate::endpoints::NO_ENDPOINT;
use crate::error::ApiError;
use crate::location::{Location, nowhere};
use crate::message_lists::NO_MESSAGE;
use crate::state::{Api, NO_ORGANIZATION};

/// Where the console is: an extension of every request for one of its pages.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Where the API is.
    pub(super) location: Location,
    /// The path that all of the console's begin with, as browsers see it.
    pub(super) base: String,
}

/// A request by somebody who has signed in: an extension of every such request.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    /// Where the console is.
    pub(super) place: Place,
    /// Who has signed in.
    pub(super) caller: Caller,
}

impl Visit {
    /// The path that an organization's pages begin with.
    pub(super) fn organization(&self, id: &str) -> String {
        format!("{}/organizations/{id}", self.place.base)
    }

    /// The path that an endpoint's pages begin with.
    pub(super) fn endpoint(&self, organization: &str, endpoint: &str) -> String {
        format!("{}/endpoints/{endpoint}", self.organization(organization))
    }
}

/// Finds out where the console is.
pub(super) async fn locate(
    State(api): State<Arc<Api>>,
    Extension(context): Extension<RequestContext>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let Some(location) = Location::of(&api.config.public_url, request.headers(), &context, path) else {
        // Without it there is no page either: it could not name its style.
        let refused = nowhere().into_response();
        return (refused.status(), "The console can't tell its own address. Set PublicUrl.").into_response();
    };
    let base = format!("{}{PATH}", location.prefix);
    request.extensions_mut().insert(Place { location, base });
    next.run(request).await
}

/// Lets those pass whose path has ids where ids belong: pages put them into addresses, and a confirmation that names
/// something else than what it does would be a trap.
pub(super) async fn check_ids(path: RawPathParams, request: Request, next: Next) -> Result<Response, ApiError> {
    for (name, id) in &path {
        let (is_one, otherwise) = match name {
            "organization" => (id.parse::<OrganizationId>().is_ok(), NO_ORGANIZATION),
            "endpoint" => (id.parse::<EndpointId>().is_ok(), NO_ENDPOINT),
            "message" => (id.parse::<MessageId>().is_ok(), NO_MESSAGE),
            "delivery" => (id.parse::<DeliveryId>().is_ok(), NO_DELIVERY),
            "key" => (id.parse::<KeyId>().is_ok(), NO_KEY),
            _ => continue,
        };
        if !is_one {
            return Err(otherwise);
        }
    }
    Ok(next.run(request).await)
}
