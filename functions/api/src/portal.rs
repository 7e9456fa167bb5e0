//! The link that opens the console for one organization, as its owner, for an hour.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::HeaderMap;
use axum::http::header::HOST;
use hookbell_aws::random;
use jiff::Timestamp;
use lambda_http::request::RequestContext;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::portal_token;
use crate::state::Api;

/// What the paths of this call and its like begin with: before it stands what the caller's URL has more.
const OWN_PATH: &str = "/webhooks/organizations/";

/// The token, and where to use it. It opens an organization, so it cannot be printed.
#[derive(Serialize, ToSchema)]
pub(crate) struct PortalAccess {
    /// A key for this API, for an hour, with an owner's rights in this organization.
    #[schema(example = "pt_EXAMPLE.EXAMPLE")]
    token: String,
    /// The link. The token stands behind the `#`, which browsers keep to themselves.
    #[schema(example = "https://example.com/v1/console#token=pt_EXAMPLE.EXAMPLE")]
    url: String,
}

/// `POST …/app-portal-access`: a token, and the console's URL with the token in its fragment, which no server is sent.
#[utoipa::path(
    post,
    path = "/app-portal-access",
    tag = "Organizations",
    operation_id = "createPortalAccess",
    summary = "Make a key for a person",
    description = "A token that is a key of this organization for an hour, with an owner's rights, and the link under \
        which the console will open with it. There is no console yet; the token is good for this API. Hand it to one \
        person and do not keep it.",
    responses((status = 200, description = "The link.", body = PortalAccess)),
    security(("key" = ["owner"])),
)]
pub(crate) async fn access(
    State(api): State<Arc<Api>>,
    Extension(context): Extension<RequestContext>,
    Path(organization): Path<String>,
    headers: HeaderMap,
) -> Result<Json<PortalAccess>, ApiError> {
    let organization = api.organization_record(&organization).await?;
    let nonce = random::bytes()?;
    let token = portal_token::make(&api.keys, &organization.id, Timestamp::now(), nonce);
    let base = match api.config.public_url.as_str() {
        "" => base_url(&headers, &context).ok_or_else(|| {
            tracing::error!("a request does not say where it was sent; PUBLIC_URL can");
            ApiError::Unavailable
        })?,
        public => public.trim_end_matches('/').to_owned(),
    };
    Ok(Json(PortalAccess { url: format!("{base}/console#token={token}"), token }))
}

/// Where the API is for whoever sent this request: scheme, host, and what precedes the API's own paths.
fn base_url(headers: &HeaderMap, context: &RequestContext) -> Option<String> {
    let RequestContext::ApiGatewayV1(context) = context else { return None };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty());
    let host = header(HOST.as_str()).or(context.domain_name.as_deref())?;
    if context.domain_name.is_none() {
        // API Gateway always names its domain. Stand-ins for it on one machine do not: they serve every API from one
        // host, by plain http, under this path.
        let (api, stage) = (context.apiid.as_deref()?, context.stage.as_deref()?);
        return Some(format!("http://{host}/restapis/{api}/{stage}/_user_request_"));
    }
    let scheme = if header("x-forwarded-proto") == Some("http") { "http" } else { "https" };
    let path = context.path.as_deref()?;
    let prefix = path.rfind(OWN_PATH).and_then(|at| path.get(..at))?;
    Some(format!("{scheme}://{host}{prefix}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(headers: &[(&'static str, &str)], context: &Value, expected: Option<&str>) {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let mut whole = json!({ "httpMethod": "POST", "identity": {}, "stage": "v1", "apiId": "a1b2" });
        whole.as_object_mut().unwrap().extend(context.as_object().unwrap().clone());
        let context = RequestContext::ApiGatewayV1(serde_json::from_value(whole).unwrap());
        assert_eq!(base_url(&headers, &context).as_deref(), expected);
    }

    #[test]
    fn the_link_leads_to_where_the_request_came_in() {
        let host = ("host", "a1b2.execute-api.us-east-1.amazonaws.com");
        let path = "/v1/webhooks/organizations/org_1/app-portal-access";
        let domain = "a1b2.execute-api.us-east-1.amazonaws.com";
        let context = json!({ "domainName": domain, "path": path });
        let expected = Some("https://a1b2.execute-api.us-east-1.amazonaws.com/v1");
        check(&[host, ("x-forwarded-proto", "https")], &context, expected);
        check(&[host], &context, expected);
        check(&[], &context, expected);
        let own =
            json!({ "domainName": "hooks.example.com", "path": "/webhooks/organizations/a%3Ab/app-portal-access" });
        check(&[("host", "hooks.example.com")], &own, Some("https://hooks.example.com"));
        let odd = "/webhooks/organizations/webhooks/webhooks/organizations/webhooks/app-portal-access";
        let odd = json!({ "domainName": domain, "path": odd });
        check(&[("host", "x")], &odd, Some("https://x/webhooks/organizations/webhooks"));
    }

    #[test]
    fn where_no_domain_is_named_the_link_leads_to_a_stand_in_for_api_gateway() {
        let context = json!({ "path": "/v1/webhooks/organizations/org_1/app-portal-access" });
        let expected = Some("http://127.0.0.1:4566/restapis/a1b2/v1/_user_request_");
        check(&[("host", "127.0.0.1:4566")], &context, expected);
        check(&[], &context, None);
    }
}
