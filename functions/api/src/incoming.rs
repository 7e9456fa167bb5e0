//! What comes from the gateway, made safe to read: no header and no path of a caller's may break the function.
//!
//! Scheme, host and path are put together to a URL before anything of ours sees the request, and by code that takes it
//! for granted that they make one. A path would also lead elsewhere than it says where it holds what a URL gives a
//! meaning: `?`, `#`, dots alone, control characters that are dropped.

use axum::http::header::HOST;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use lambda_http::aws_lambda_events::query_map::QueryMap;
use lambda_http::request::LambdaRequest;
use url::Url;

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
    let path = mended_path(request.path.as_deref().unwrap_or_default());
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
