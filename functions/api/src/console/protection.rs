//! What keeps other sites away from the console: where changes may come from, and what browsers may do with a page.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use url::Url;

use super::visit::Place;
use crate::error::ApiError;
use crate::state::Api;

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// Whoever may put a page into a frame, where the deployment names nobody.
const NOBODY: &str = "'none'";

/// Refuses a change that no page of ours has asked for. The session's cookie is `SameSite=Strict`, so browsers do not
/// send it along from other sites; this is the second lock, and the one that a page of the same site meets.
pub(super) async fn check_origin(Extension(place): Extension<Place>, request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if changes && !is_own(request.headers().get(ORIGIN), &place.location.origin) {
        return ApiError::Forbidden("This request didn't come from the console").into_response();
    }
    next.run(request).await
}

fn is_own(origin: Option<&HeaderValue>, own: &str) -> bool {
    let origin = origin.and_then(|value| Url::parse(value.to_str().ok()?).ok());
    let own = Url::parse(own).ok();
    // An origin that is none in particular ("null") equals no other.
    origin.zip(own).is_some_and(|(origin, own)| origin.origin().is_tuple() && origin.origin() == own.origin())
}

/// Says what browsers may do with a page: run and load what is ours alone, keep no copy, tell nobody its address.
pub(super) async fn add_headers(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let ancestors = match api.config.frame_ancestors.as_str() {
        "" => NOBODY,
        named => named,
    };
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
    );
    // The template lets no text pass that would not be a header's value; without a policy nothing may be shown.
    let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // With "no-referrer" browsers would send no origin with a form either.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if ancestors == NOBODY {
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(origin: &'static str, own: &str, expected: bool) {
        assert_eq!(is_own(Some(&HeaderValue::from_static(origin)), own), expected, "{origin} at {own}");
    }

    #[test]
    fn a_change_comes_from_the_consoles_own_origin() {
        assert!(!is_own(None, "https://example.com"));
        check("https://example.com", "https://example.com", true);
        check("https://example.com", "https://example.com:443", true);
        check("https://example.com", "https://EXAMPLE.com", true);
        check("http://127.0.0.1:4566", "http://127.0.0.1:4566", true);
        check("http://example.com", "https://example.com", false);
        check("https://example.com:8443", "https://example.com", false);
        check("https://evil.example.com", "https://example.com", false);
        check("https://example.com.evil.com", "https://example.com", false);
        check("null", "https://example.com", false);
        check("null", "null", false);
        check("", "https://example.com", false);
    }
}
