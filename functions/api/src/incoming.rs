//! What comes from the gateway, made safe to read: no header and no path of a caller's may break the function.
//!
//! Scheme, host and path are put together to a URL before anything of ours sees the request, and by code that takes it
//! for granted that they make one. A path would also lead elsewhere than it says where it holds what a URL gives a
//! meaning: `?`, `#`, dots alone, control characters that are dropped. And it leads below the API only once a custom
//! domain's base path is taken off it.

use axum::http::header::HOST;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use lambda_http::aws_lambda_events::query_map::QueryMap;
use lambda_http::request::LambdaRequest;
use url::Url;

/// What the route `/{proxy+}` calls the path below it.
const BELOW_ROUTE: &str = "proxy";

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Bytes of path and parameters together, less than a URL may have here (65,534). API Gateway passes on no more than
/// some ten thousand (AWS, "Amazon API Gateway quotas").
const MOST_BYTES: usize = 32_768;

/// Mends a request so that it can be read.
pub(crate) fn mend(request: &mut LambdaRequest) {
    let LambdaRequest::ApiGatewayV1(request) = request else { return };
    for headers in [&mut request.headers, &mut request.multi_value_headers] {
        mend_headers(headers);
    }
    let below_route = request.path_parameters.get(BELOW_ROUTE).map_or("", String::as_str);
    let path = mended_path(own_path(request.path.as_deref().unwrap_or_default(), below_route));
    let parameters = request.multi_value_query_string_parameters.iter().chain(request.query_string_parameters.iter());
    let bytes: usize = parameters.map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    if path.len() + bytes > MOST_BYTES {
        request.multi_value_query_string_parameters = QueryMap::default();
        request.query_string_parameters = QueryMap::default();
        request.path = Some("/%00".to_owned());
    } else {
        request.path = Some(path);
    }
}

/// Drops a scheme that is none, and a host that makes no URL.
fn mend_headers(headers: &mut HeaderMap) {
    let is_scheme = |value: &HeaderValue| value == "https" || value == "http";
    if !headers.get(FORWARDED_PROTO).is_none_or(is_scheme) {
        headers.remove(FORWARDED_PROTO);
    }
    let is_host = |value: &HeaderValue| {
        let url = value.to_str().ok().map(|host| (host, Url::parse(&format!("https://{host}/-"))));
        let Some((host, Ok(url))) = url else { return false };
        // What is put together is read as a URL and then as a request's target: they differ in what a host may hold.
        url.path() == "/-" && !host.contains('@') && url.as_str().parse::<Uri>().is_ok()
    };
    if !headers.get(HOST).is_none_or(is_host) {
        headers.remove(HOST);
    }
}

/// The path without the base path of a custom domain's mapping. API Gateway leaves that in the path, and not in what it
/// has found below its route, where slashes at the end may be missing too. The request's context keeps it: links are
/// made from there.
fn own_path<'a>(path: &'a str, below_route: &str) -> &'a str {
    let [whole, below_route] = [path, below_route].map(|path| path.trim_end_matches('/'));
    let before = whole.strip_suffix(below_route).and_then(|before| before.strip_suffix('/')).unwrap_or_default();
    let is_base_path = !below_route.is_empty() && before.bytes().any(|byte| byte != b'/');
    if is_base_path { path.get(before.len()..).unwrap_or(path) } else { path }
}

/// The path with everything escaped that a URL would take for something else. Dots alone become what no id is.
fn mended_path(path: &str) -> String {
    let mut mended = String::with_capacity(path.len());
    for (place, segment) in path.split('/').enumerate() {
        if place > 0 {
            mended.push('/');
        }
        if matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..") {
            mended.push_str("%00");
            continue;
        }
        for character in segment.chars() {
            if character.is_ascii_graphic() && !matches!(character, '?' | '#' | '\\') {
                mended.push(character);
            } else {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    mended.push('%');
                    let digits = [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16));
                    mended.extend(digits.into_iter().flatten().map(|digit| digit.to_ascii_uppercase()));
                }
            }
        }
    }
    mended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_where_it_says() {
        for (path, expected) in [
            ("/organizations/org_1/webhooks", "/organizations/org_1/webhooks"),
            ("/a%2Fb/c:d", "/a%2Fb/c:d"),
            ("/a\nb/?limit=1", "/a%0Ab/%3Flimit=1"),
            ("/a b#c\\d", "/a%20b%23c%5Cd"),
            ("/a/../b/%2e%2E/./c", "/a/%00/b/%00/%00/c"),
            ("/...é", "/...%C3%A9"),
            ("", ""),
        ] {
            assert_eq!(mended_path(path), expected, "{path}");
        }
    }

    #[test]
    fn the_base_path_of_a_domain_is_no_part_of_the_path() {
        for (path, below_route, expected) in [
            ("/v1/organizations/org_1/webhooks", "organizations/org_1/webhooks", "/organizations/org_1/webhooks"),
            ("/eu/hooks/docs", "docs", "/docs"),
            ("/v1/console/console", "console/console", "/console/console"),
            ("/v1/a%2Fb/c:d", "a%2Fb/c:d", "/a%2Fb/c:d"),
            ("/v1/../docs", "../docs", "/../docs"),
            ("/v1/docs/", "docs", "/docs/"),
            ("/v1/docs/", "docs/", "/docs/"),
            // Nothing is in front.
            ("/docs", "docs", "/docs"),
            ("/docs/docs", "docs/docs", "/docs/docs"),
            ("//docs", "docs", "//docs"),
            ("docs", "docs", "docs"),
            // What is below the route is not said, or is something else.
            ("/v1/docs", "", "/v1/docs"),
            ("/v1/docs/", "", "/v1/docs/"),
            ("/v1/docs/", "/", "/v1/docs/"),
            ("/v1/xdocs", "docs", "/v1/xdocs"),
            ("/v1/a:b", "a%3Ab", "/v1/a:b"),
            ("/v1/é", "docs", "/v1/é"),
            ("", "docs", ""),
        ] {
            assert_eq!(own_path(path, below_route), expected, "{path} and {below_route}");
        }
    }

    #[test]
    fn a_request_is_routed_by_its_own_path_and_its_context_stays_as_it_came() {
        let request = serde_json::json!({
            "httpMethod": "GET",
            "path": "/v1/organizations/a b/./webhooks",
            "pathParameters": { "proxy": "organizations/a b/./webhooks" },
            "requestContext": { "httpMethod": "GET", "identity": {}, "path": "/v1/organizations/a b/./webhooks" },
        });
        let mut request = LambdaRequest::ApiGatewayV1(serde_json::from_value(request).unwrap());
        mend(&mut request);
        let LambdaRequest::ApiGatewayV1(request) = request else { panic!("{request:?}") };
        assert_eq!(request.path.as_deref(), Some("/organizations/a%20b/%00/webhooks"));
        assert_eq!(request.request_context.path.as_deref(), Some("/v1/organizations/a b/./webhooks"));
    }

    #[track_caller]
    fn check(name: HeaderName, value: &str, stays: bool) {
        let mut headers = HeaderMap::from_iter([(name.clone(), value.parse().unwrap())]);
        mend_headers(&mut headers);
        assert_eq!(headers.contains_key(name), stays, "{value:?}");
    }

    #[test]
    fn a_scheme_or_host_that_is_none_is_dropped() {
        for (value, stays) in [("https", true), ("http", true), ("1", false), ("ht tp", false), ("", false)] {
            check(FORWARDED_PROTO, value, stays);
        }
        for (value, stays) in [
            ("127.0.0.1:4566", true),
            ("a1.execute-api.us-east-1.amazonaws.com", true),
            ("[::1]:80", true),
            ("[", false),
            ("a b", false),
            ("x:99999", false),
            ("a@b", false),
            ("a/b", false),
            ("a?b", false),
            ("a{b", false),
            ("a`b", false),
            ("a\"b", false),
            ("", false),
        ] {
            check(HOST, value, stays);
        }
    }
}
