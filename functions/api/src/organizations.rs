//! Initializing organizations.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use hookbell_aws::table::{Initialized, OrganizationRecord};
use hookbell_domain::ids::OrganizationId;
use hookbell_domain::profile::{self, Profile};
use hookbell_domain::time::iso_ms;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::{ADMIN_REQUIRED, Caller};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::openapi::words;
use crate::state::Api;

/// What may be said of an organization.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read field by field, so that every mistake is told")]
struct Initialization {
    /// Which profile it is to have.
    #[schema(schema_with = words::profile)]
    profile: Option<String>,
}

/// An organization.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Organization)]
pub(crate) struct OrganizationAnswer {
    /// Its id.
    #[schema(value_type = String, example = "org_7f3k")]
    organization_id: OrganizationId,
    #[schema(schema_with = words::profile)]
    profile: &'static str,
    /// How many endpoints it has.
    #[schema(example = 2)]
    endpoint_count: u32,
    /// When it was made.
    #[schema(format = "date-time", example = "2026-05-30T14:23:00.000Z")]
    created_at: String,
    /// When it last changed.
    #[schema(format = "date-time", example = "2026-05-30T14:23:00.000Z")]
    updated_at: String,
}

impl From<OrganizationRecord> for OrganizationAnswer {
    fn from(record: OrganizationRecord) -> Self {
        Self {
            organization_id: record.id,
            profile: record.profile.name,
            endpoint_count: record.endpoint_count,
            created_at: iso_ms(record.created_at),
            updated_at: iso_ms(record.updated_at),
        }
    }
}

/// `POST /webhooks/organizations/{organization}/initialize`: makes the organization, or finds it made. Which profile
/// it has is the admin's to say.
#[utoipa::path(
    post,
    path = "/initialize",
    tag = "Organizations",
    operation_id = "initializeOrganization",
    summary = "Initialize an organization",
    description = "Makes the organization, or finds it made: an organization has endpoints and messages from then on. \
        Its id is the caller's to choose: 1 to 100 letters, digits and `-_.:`.\n\n\
        Only the admin key may name a `profile`. Another one than the present takes its place while the organization \
        has no endpoint.",
    request_body = Option<Initialization>,
    responses(
        (status = 201, description = "The organization is there.", body = OrganizationAnswer),
        (status = 409, description = "`other_profile`: The organization has another profile and endpoints that use \
            it; delete them to switch"),
    ),
    security(("key" = ["owner"])),
)]
pub(crate) async fn initialize(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path(organization): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<OrganizationAnswer>), ApiError> {
    let id = organization
        .parse()
        .map_err(|error: hookbell_domain::ids::ParseIdError| ApiError::field("organizationId", error.to_string()))?;
    let mut fields = Fields::read(&body, true)?;
    let name: Option<String> = fields.optional("profile", "a string");
    if name.is_some() && !caller.is_admin() {
        return Err(ADMIN_REQUIRED);
    }
    let wanted = name.as_deref().and_then(Profile::named);
    if name.is_some() && wanted.is_none() {
        let known: Vec<_> = profile::ALL.iter().map(|profile| profile.name).collect();
        fields.refuse("profile", format!("Must be one of: {}", known.join(", ")));
    }
    fields.finish()?;
    match api.table.initialize(&id, wanted, api.config.default_profile, Timestamp::now()).await? {
        Initialized::Yes(record) => Ok((StatusCode::CREATED, Json(record.into()))),
        Initialized::OtherProfile => Err(ApiError::Conflict(
            "other_profile",
            "The organization has another profile and endpoints that use it; delete them to switch".to_owned(),
        )),
    }
}
