//! Who is calling. The deployment's admin key may do everything.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest, Sha256};

use crate::error::ApiError;
use crate::state::Api;

/// The admin key, as its SHA-256: comparing hashes tells nothing of how much of a guess was right.
pub(crate) struct AdminKey([u8; 32]);

impl AdminKey {
    /// The key that clients send for a generated secret: `sk_` and the secret.
    pub(crate) fn of_secret(secret: &str) -> Self {
        Self(Sha256::digest(format!("sk_{secret}")).into())
    }

    fn is(&self, key: &str) -> bool {
        self.0 == <[u8; 32]>::from(Sha256::digest(key))
    }
}

/// Lets a request pass that carries the admin key.
pub(crate) async fn authenticate(
    State(api): State<Arc<Api>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    match key(request.headers()) {
        Some(key) if api.admin_key.is(key) => Ok(next.run(request).await),
        _ => Err(ApiError::Unauthorized),
    }
}

/// The key of a request: the value of `Authorization`, as it is or after `Bearer` in any case.
fn key(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    match value.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => Some(key.trim()),
        _ => Some(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        assert_eq!(key(&headers), expected);
    }

    #[test]
    fn a_key_comes_raw_or_after_bearer_in_any_case() {
        check("sk_abc", Some("sk_abc"));
        check("Bearer sk_abc", Some("sk_abc"));
        check("bEARER   sk_abc", Some("sk_abc"));
        check("Basic sk_abc", Some("Basic sk_abc"));
        assert_eq!(key(&HeaderMap::new()), None);
    }

    #[test]
    fn only_the_whole_key_is_the_admin_key() {
        let admin = AdminKey::of_secret("abc");
        assert!(admin.is("sk_abc"));
        for guess in ["abc", "sk_ab", "sk_abcd", "", "sk_"] {
            assert!(!admin.is(guess), "{guess}");
        }
    }
}
