//! Where the console is for whoever asks for a page, and who that is.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use lambda_http::request::RequestContext;

use super::PATH;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::location::{Location, nowhere};
use crate::state::Api;

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
) -> Result<Response, ApiError> {
    let path = request.uri().path();
    let location = Location::of(&api.config.public_url, request.headers(), &context, path).ok_or_else(nowhere)?;
    let base = format!("{}{PATH}", location.prefix);
    request.extensions_mut().insert(Place { location, base });
    Ok(next.run(request).await)
}
