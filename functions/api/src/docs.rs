//! What anybody may read: the API's description, for programs and for people.
//!
//! Both are made when they are first asked for and kept, so that a start costs nothing. No key is asked for, so nothing
//! here may depend on who asks.

mod page;
mod schema;

use std::sync::{Arc, OnceLock};

use askama::Template as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hookbell_domain::limits::Limits;

use crate::assets::{self, REFERENCE_STYLE};
use crate::error::ApiError;
use crate::openapi::describe;

/// No script, no picture, nothing from elsewhere.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A deployment's documents, once they have been asked for.
struct Documents {
    limits: Limits,
    description: OnceLock<Bytes>,
    page: OnceLock<Bytes>,
}

/// The routes that ask for no key.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(limits: Limits) -> Router<S> {
    Router::new()
        .route("/openapi.json", get(description))
        .route("/docs", get(page))
        .route("/docs/{asset}", get(asset))
        .with_state(Arc::new(Documents { limits, description: OnceLock::new(), page: OnceLock::new() }))
}

async fn description(State(documents): State<Arc<Documents>>) -> Result<Response, ApiError> {
    let body = once(&documents.description, || Ok(describe(&documents.limits)?.to_string()))?;
    Ok(([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "public, max-age=300")], body).into_response())
}

async fn page(State(documents): State<Arc<Documents>>) -> Result<Response, ApiError> {
    let body = once(&documents.page, || render(&documents.limits))?;
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "public, max-age=300"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, body).into_response())
}

/// The style sheet.
async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    assets::serve(&[REFERENCE_STYLE], &name, &headers)
}

fn render(limits: &Limits) -> Result<String, ApiError> {
    page::Page::of(&describe(limits)?, REFERENCE_STYLE.name).render().map_err(|error| {
        tracing::error!(%error, "the reference was not rendered");
        ApiError::Unavailable
    })
}

/// What is kept there, made now if it is not.
fn once(kept: &OnceLock<Bytes>, make: impl FnOnce() -> Result<String, ApiError>) -> Result<Bytes, ApiError> {
    if let Some(kept) = kept.get() {
        return Ok(kept.clone());
    }
    let document = make()?.into();
    Ok(kept.get_or_init(|| document).clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi::{operations, tests::LIMITS};

    #[test]
    fn the_page_has_every_operation_and_its_style_and_no_script() {
        let page = render(&LIMITS).unwrap();
        for (path, _, operation) in operations(&describe(&LIMITS).unwrap()) {
            let id = operation["operationId"].as_str().unwrap();
            assert!(page.contains(&format!("<article id=\"{id}\">")), "{id}");
            assert!(page.replace("<wbr>", "").contains(&format!("<code>{path}</code>")), "{path}");
        }
        assert!(page.contains(&format!("href=\"docs/{}\"", REFERENCE_STYLE.name)));
        for barred in ["<script", "<style", "style=", "src=", "http-equiv", "://"] {
            assert!(!page.replace("https://example.com", "").contains(barred), "{barred}");
        }
    }

    #[test]
    fn a_document_is_made_once() {
        let kept = OnceLock::new();
        assert!(once(&kept, || Err(ApiError::Unavailable)).is_err());
        assert_eq!(once(&kept, || Ok("first".to_owned())).unwrap(), "first");
        assert_eq!(once(&kept, || Ok("second".to_owned())).unwrap(), "first");
    }
}
