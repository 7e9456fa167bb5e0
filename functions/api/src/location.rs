//! Where the API is for whoever sent a request: what links to it begin with.

use axum::http::HeaderMap;
use axum::http::header::HOST;
use lambda_http::request::RequestContext;

use crate::error::ApiError;

/// Where the API is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Location {
    /// Scheme and host, and a port that is not the scheme's own.
    pub(crate) origin: String,
    /// What stands before the API's own paths; empty, or with a slash before it and none behind it.
    pub(crate) prefix: String,
}

impl Location {
    /// Where a request was sent that came in under `own_path`; the deployment's own word for it, where it has one.
    ///
    /// Nothing where neither says it.
    pub(crate) fn of(public_url: &str, headers: &HeaderMap, context: &RequestContext, own_path: &str) -> Option<Self> {
        if !public_url.is_empty() {
            return Some(Self::of_url(public_url));
        }
        let RequestContext::ApiGatewayV1(context) = context else { return None };
        let header =
            |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty());
        let host = header(HOST.as_str()).or(context.domain_name.as_deref())?;
        if context.domain_name.is_none() {
            // API Gateway always names its domain. Stand-ins for it on one machine do not: they serve every API from
            // one host, by plain http, under this path.
            let (api, stage) = (context.apiid.as_deref()?, context.stage.as_deref()?);
            let prefix = format!("/restapis/{api}/{stage}/_user_request_");
            return Some(Self { origin: format!("http://{host}"), prefix });
        }
        let scheme = if header("x-forwarded-proto") == Some("http") { "http" } else { "https" };
        // Two slashes at the beginning of an address would name another host.
        let prefix = prefix(context.path.as_deref()?, own_path).filter(|prefix| !prefix.starts_with("//"))?;
        Some(Self { origin: format!("{scheme}://{host}"), prefix: prefix.to_owned() })
    }

    /// Its whole address, without a slash at the end.
    pub(crate) fn url(&self) -> String {
        format!("{}{}", self.origin, self.prefix)
    }

    fn of_url(url: &str) -> Self {
        let url = url.trim_end_matches('/');
        let host = url.find("://").map_or(0, |at| at + 3);
        let (origin, prefix) = match url.get(host..).and_then(|rest| rest.find('/')) {
            Some(slash) => url.split_at(host + slash),
            None => (url, ""),
        };
        Self { origin: origin.to_owned(), prefix: prefix.to_owned() }
    }
}

/// What is answered where neither the request nor the deployment says where the API is.
pub(crate) fn nowhere() -> ApiError {
    tracing::error!("a request does not say where it was sent; PUBLIC_URL can");
    ApiError::Unavailable
}

/// What a path has before the part of it that is our own, without slashes behind it. Escapes may stand in one and not
/// in the other, so what they stand for counts; where our own was mended by more than that, as many segments are ours as
/// it has.
fn prefix<'a>(whole: &'a str, own: &str) -> Option<&'a str> {
    let at = match whole.strip_suffix(own) {
        Some(before) => before.len(),
        None => place_of(whole, own).or_else(|| place_of_segments(whole, own))?,
    };
    whole.get(..at).map(|before| before.trim_end_matches('/'))
}

/// Where a path begins at the end of another one, if both are read without escapes.
fn place_of(whole: &str, own: &str) -> Option<usize> {
    let (whole, own): (Vec<_>, Vec<_>) = (unescaped(whole).collect(), unescaped(own).collect());
    let tail = whole.get(whole.len().checked_sub(own.len())?..)?;
    let is_own = tail.iter().map(|(_, byte)| byte).eq(own.iter().map(|(_, byte)| byte));
    tail.first().filter(|_| is_own).map(|(at, _)| *at)
}

/// Where the last segments of a path begin, as many as another one has.
fn place_of_segments(whole: &str, own: &str) -> Option<usize> {
    let last = own.matches('/').count().checked_sub(1)?;
    whole.rmatch_indices('/').nth(last).map(|(at, _)| at)
}

/// The bytes that a path stands for, each with its place (RFC 3986, section 2.1, "Percent-Encoding"). A `%` that begins
/// no escape stands for itself.
fn unescaped(path: &str) -> impl Iterator<Item = (usize, u8)> {
    let digit = |at: usize| path.as_bytes().get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut rest = path.bytes().enumerate();
    std::iter::from_fn(move || {
        let (at, byte) = rest.next()?;
        let escape = digit(at + 1).zip(digit(at + 2)).filter(|_| byte == b'%');
        let Some((high, low)) = escape else { return Some((at, byte)) };
        rest.nth(1);
        u8::try_from(high * 16 + low).ok().map(|byte| (at, byte))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(headers: &[(&'static str, &str)], context: &Value, own_path: &str, expected: Option<&str>) {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let mut whole = json!({ "httpMethod": "POST", "identity": {}, "stage": "v1", "apiId": "a1b2" });
        whole.as_object_mut().unwrap().extend(context.as_object().unwrap().clone());
        let context = RequestContext::ApiGatewayV1(serde_json::from_value(whole).unwrap());
        let found = Location::of("", &headers, &context, own_path);
        assert_eq!(found.map(|location| location.url()).as_deref(), expected);
    }

    const OWN: &str = "/webhooks/organizations/org_1/app-portal-access";

    #[test]
    fn links_lead_to_where_the_request_came_in() {
        let host = ("host", "a1b2.execute-api.us-east-1.amazonaws.com");
        let domain = "a1b2.execute-api.us-east-1.amazonaws.com";
        let context = json!({ "domainName": domain, "path": format!("/v1{OWN}") });
        let expected = Some("https://a1b2.execute-api.us-east-1.amazonaws.com/v1");
        check(&[host, ("x-forwarded-proto", "https")], &context, OWN, expected);
        check(&[host], &context, OWN, expected);
        check(&[], &context, OWN, expected);
        let console = json!({ "domainName": domain, "path": "/v1/console" });
        check(&[host], &console, "/console", expected);
        let odd = "/webhooks/organizations/webhooks/webhooks/organizations/webhooks/app-portal-access";
        let odd = json!({ "domainName": domain, "path": odd });
        let own = "/webhooks/organizations/webhooks/app-portal-access";
        check(&[("host", "x")], &odd, own, Some("https://x/webhooks/organizations/webhooks"));
    }

    #[test]
    fn a_domain_of_ones_own_has_no_stage_and_may_have_a_path_of_its_own() {
        let host = [("host", "hooks.example.com")];
        let escaped = "/webhooks/organizations/a%3Ab/app-portal-access";
        let context = json!({ "domainName": "hooks.example.com", "path": escaped });
        let own = "/webhooks/organizations/a:b/app-portal-access";
        check(&host, &context, own, Some("https://hooks.example.com"));
        let context = json!({ "domainName": "hooks.example.com", "path": format!("/eu/hooks{escaped}") });
        check(&host, &context, own, Some("https://hooks.example.com/eu/hooks"));
        let console = json!({ "domainName": "hooks.example.com", "path": "/console" });
        check(&host, &console, "/console", Some("https://hooks.example.com"));
    }

    #[track_caller]
    fn check_prefix(whole: &str, own: &str, expected: &str) {
        assert_eq!(prefix(whole, own), Some(expected), "{whole} and {own}");
    }

    #[test]
    fn escapes_may_stand_in_one_path_and_not_in_the_other() {
        for before in ["", "/v1", "/eu/hooks", "/console"] {
            for (whole, own) in [
                ("/console/a%2Fb/c", "/console/a%2Fb/c"),
                ("/console/a/b/c", "/console/a%2Fb/c"),
                ("/console/a%2fb/c", "/console/a%2Fb/c"),
                ("/console/a%2Fb/c", "/console/a/b/c"),
                ("/console/a%252Fb", "/console/a%252Fb"),
                ("/console/a%2Fb", "/console/a%252Fb"),
                ("/console/é", "/console/%C3%A9"),
                ("/console/100%", "/console/100%25"),
                // What is mended by more than escapes.
                ("/console/../c", "/console/%00/c"),
                ("/console/a%2F..%2Fb/./c", "/console/a%2F..%2Fb/%00/c"),
            ] {
                check_prefix(&format!("{before}{whole}"), own, before);
            }
        }
    }

    #[test]
    fn no_slash_stands_at_the_end_of_a_prefix() {
        // API Gateway drops slashes between a stage and a path from the one and leaves them in the other.
        for (whole, expected) in
            [("/v1//console", "/v1"), ("//console", ""), ("///console", ""), ("/v1/console", "/v1")]
        {
            check_prefix(whole, "/console", expected);
        }
        check_prefix("/v1/console/", "/console/", "/v1");
        check_prefix("/v1//console/a/b", "/console/a%2Fb", "/v1");
        check_prefix("//console/../b", "/console/%00/b", "");
    }

    #[test]
    fn where_no_domain_is_named_links_lead_to_a_stand_in_for_api_gateway() {
        let context = json!({ "path": format!("/v1{OWN}") });
        let expected = Some("http://127.0.0.1:4566/restapis/a1b2/v1/_user_request_");
        check(&[("host", "127.0.0.1:4566")], &context, OWN, expected);
        check(&[], &context, OWN, None);
    }

    #[test]
    fn a_deployment_may_say_itself_where_it_is() {
        let context = RequestContext::ApiGatewayV1(
            serde_json::from_value(json!({ "httpMethod": "GET", "identity": {} })).unwrap(),
        );
        for (url, origin, prefix) in [
            ("https://hooks.example.com", "https://hooks.example.com", ""),
            ("https://hooks.example.com/", "https://hooks.example.com", ""),
            ("https://example.com:8443/a/b/", "https://example.com:8443", "/a/b"),
        ] {
            let found = Location::of(url, &HeaderMap::new(), &context, OWN).unwrap();
            assert_eq!((found.origin.as_str(), found.prefix.as_str()), (origin, prefix));
        }
    }
}
