//! The link that opens the console for one organization, as its owner, for an hour.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, OriginalUri, Path, State};
use axum::http::HeaderMap;
use hookbell_aws::random;
use jiff::Timestamp;
use lambda_http::request::RequestContext;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::portal_token;
use crate::error::ApiError;
use crate::location::{Location, nowhere};
use crate::state::Api;

/// The token, and where to use it. It opens an organization, so it cannot be printed.
#[derive(Serialize, ToSchema)]
pub(crate) struct PortalAccess {
    /// A key for this API, for an hour, with an owner's rights in this organization.
    #[schema(example = "pt_EXAMPLE.EXAMPLE")]
    pub(crate) token: String,
    /// The link. The token stands behind the `#`, which browsers keep to themselves.
    #[schema(example = "https://example.com/v1/console#token=pt_EXAMPLE.EXAMPLE")]
    pub(crate) url: String,
}

/// `POST …/app-portal-access`: a token, and the console's URL with the token in its fragment, which no server is sent.
#[utoipa::path(
    post,
    path = "/app-portal-access",
    tag = "Organizations",
    operation_id = "createPortalAccess",
    summary = "Make a key for a person",
    description = "A token that is a key of this organization for an hour, with an owner's rights, and the link under \
        which the console opens with it. Hand it to one person and do not keep it.",
    responses((status = 200, description = "The link.", body = PortalAccess)),
    security(("key" = ["owner"])),
)]
pub(crate) async fn access(
    State(api): State<Arc<Api>>,
    Extension(context): Extension<RequestContext>,
    Path(organization): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Json<PortalAccess>, ApiError> {
    let location = Location::of(&api.config.public_url, &headers, &context, uri.path()).ok_or_else(nowhere)?;
    grant(&api, &organization, &location).await.map(Json)
}

/// Makes a token and its link.
pub(crate) async fn grant(api: &Api, organization: &str, location: &Location) -> Result<PortalAccess, ApiError> {
    let organization = api.organization_record(organization).await?;
    let nonce = random::bytes()?;
    let token = portal_token::make(&api.keys, &organization.id, Timestamp::now(), nonce);
    Ok(PortalAccess { url: format!("{}/console#token={token}", location.url()), token })
}
