//! The list of all organizations, for whoever runs the deployment.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use hookbell_aws::AwsError;
use hookbell_aws::table::OrganizationPage;
use hookbell_domain::ids::OrganizationId;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::error::ApiError;
use crate::lists::{Parameters, write_organization_cursor};
use crate::organizations::OrganizationAnswer;
use crate::state::Api;

/// What may be asked of the list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read one by one, so that every mistake is told")]
struct OrganizationParameters {
    /// Entries of the page, from 1 to {page-limit}. What is beyond counts as the nearest of these, what is no number
    /// as 50. A page may be shorter although there are more.
    #[param(example = 20, default = 50)]
    limit: Option<i64>,
    /// Where the page begins: the `cursor` of the page before it, unchanged. The `prefix` has to be as it was for that
    /// page.
    #[param(example = "b3JnXzdmM2vPX094V5T9Kg")]
    cursor: Option<String>,
    /// Only those whose ids begin so.
    #[param(example = "org_", max_length = 100, pattern = "^[A-Za-z0-9_.:-]*$")]
    prefix: Option<String>,
}

/// An answer that holds a page of organizations.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrganizationPage)]
pub(crate) struct OrganizationsAnswer {
    /// By their ids, each character's code counting.
    organizations: Vec<OrganizationAnswer>,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "b3JnXzdmM2vPX094V5T9Kg")]
    cursor: Option<String>,
}

/// `GET /organizations?limit&cursor&prefix`: by their ids.
#[utoipa::path(
    get,
    path = "",
    tag = "Organizations",
    operation_id = "listOrganizations",
    summary = "List organizations",
    description = "All organizations that were initialized, by their ids, page by page. One whose profile the deployment \
        no longer has is left out.",
    params(OrganizationParameters),
    responses((status = 200, description = "A page of organizations.", body = OrganizationsAnswer)),
    security(("key" = ["admin"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<OrganizationsAnswer>, ApiError> {
    let mut query = Parameters::new(query);
    query.meet_key(&api.keys).await?;
    let limit = query.limit(api.config.limits.page_size);
    let (behind, prefix) = (query.behind_organization(&api.keys), query.id_prefix());
    query.finish()?;
    let page = read(&api, &prefix, behind.as_ref(), limit).await?;
    let cursor = page.next.map(|next| write_organization_cursor(&api.keys, &next));
    Ok(Json(OrganizationsAnswer { organizations: page.organizations.into_iter().map(Into::into).collect(), cursor }))
}

/// Reads a page of the list. An organization that cannot be read is left out, and the log says why.
pub(crate) async fn read(
    api: &Api,
    prefix: &str,
    behind: Option<&OrganizationId>,
    limit: usize,
) -> Result<OrganizationPage, AwsError> {
    let page = api.table.list_organizations(prefix, behind, limit).await?;
    for (organization_id, error) in &page.unreadable {
        tracing::warn!(%organization_id, %error, "an organization is left out of the list");
    }
    Ok(page)
}
