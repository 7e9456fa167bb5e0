//! One line in the log for each call: who called what, and what came of it.
//!
//! What is learned of a call on its way is noted on its span, by whoever learns it. All other lines of the call carry it
//! too.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use hookbell_aws::metrics::Metric;
use hookbell_domain::ids::{MessageId, OrganizationId};
use tracing::field::{Empty, display};
use tracing::{Instrument as _, Span};

use crate::auth::{Caller, Credential};
use crate::error::ApiError;
use crate::state::Api;

/// How much of a key's hash tells it from the others.
const HASH_CHARACTERS: usize = 16;

/// Writes `api.called` once a call has its answer. It says which route was taken and by whom, and no parameter of it but an
/// organization that is there.
pub(crate) async fn log(
    State(api): State<Arc<Api>>,
    path: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Response {
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let call = tracing::info_span!(
        "call",
        caller = Empty,
        role = Empty,
        key_hash = Empty,
        message_id = Empty,
        error_code = Empty,
    );
    let began = Instant::now();
    let response = next.run(request).instrument(call.clone()).await;
    let status = response.status();
    let organization = path.as_ref().ok().filter(|_| is_there(status)).and_then(organization);
    if status == StatusCode::TOO_MANY_REQUESTS {
        api.metrics.count(Metric::CallsThrottled, 1);
    }
    tracing::info!(
        parent: &call,
        %method,
        route = route.as_ref().map_or("none", MatchedPath::as_str),
        status = status.as_u16(),
        duration_ms = (began.elapsed().as_secs_f64() * 10_000.0).round() / 10.0,
        organization_id = organization.as_ref().map(display),
        "api.called"
    );
    response
}

/// The organization that a path names.
fn organization(path: &RawPathParams) -> Option<OrganizationId> {
    path.iter().find(|(name, _)| *name == "organization")?.1.parse().ok()
}

/// Whether the organization that a path names is there for the caller. Else it may be anything that somebody has typed.
fn is_there(status: StatusCode) -> bool {
    !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND | StatusCode::TOO_MANY_REQUESTS)
}

/// Notes who calls. Of a key or token that is counted also a part of its hash, by which it is known when it has no calls
/// left: then nothing else is. Of what is no key of ours nothing is noted.
pub(crate) fn note_caller(credential: &Credential, admitted: &Result<Caller, ApiError>) {
    let call = Span::current();
    if let Ok(caller) = admitted {
        call.record("caller", display(caller.name()));
        call.record("role", caller.role());
    }
    if matches!(admitted, Ok(Caller::Key { .. } | Caller::Portal { .. }) | Err(ApiError::RateLimited { .. })) {
        let hash = credential.hash.to_string();
        call.record("key_hash", hash.get(..HASH_CHARACTERS));
    }
}

/// Notes which message a call has made, or found made.
pub(crate) fn note_message(id: MessageId) {
    Span::current().record("message_id", display(id));
}

/// Notes why a call is refused.
pub(crate) fn note_refusal(code: &'static str) {
    Span::current().record("error_code", code);
}
