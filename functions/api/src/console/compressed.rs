//! Pages as browsers take them: rows repeat themselves, so a page of a hundred weighs a tenth when it is compressed.

use std::io::Write as _;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::assets::takes_gzip;
use crate::error::ApiError;

/// Bytes below which compressing saves no packet on the way.
const LEAST: usize = 1024;

/// Compresses what is looked at. Answers to a form are left alone: they may show a secret beside what somebody else has
/// written, and how well that compresses would say something about it.
pub(super) async fn compress(request: Request, next: Next) -> Response {
    let wanted = request.method() == Method::GET && takes_gzip(request.headers().get(ACCEPT_ENCODING));
    let response = next.run(request).await;
    let is_page = response.headers().get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    if !is_page {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts.headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    if !wanted {
        return Response::from_parts(parts, body);
    }
    let Ok(page) = to_bytes(body, usize::MAX).await else { return ApiError::Unavailable.into_response() };
    let packed = Some(&page).filter(|page| page.len() >= LEAST).and_then(|page| gzip(page));
    let Some(packed) = packed else { return Response::from_parts(parts, page.into()) };
    parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(packed))
}

fn gzip(page: &[u8]) -> Option<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::with_capacity(page.len() / 4), Compression::fast());
    packed.write_all(page).ok()?;
    packed.finish().ok()
}
