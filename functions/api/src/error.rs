//! What a call is refused with. The status is chosen in one place, and the body's style by the path.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hookbell_aws::AwsError;
use hookbell_aws::random::NoRandomness;
use hookbell_domain::time::iso_ms;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::logged;

/// What is wrong with each field of an input.
pub(crate) type FieldErrors = BTreeMap<String, Vec<String>>;

/// What a call beyond its key's limit is refused with.
const RATE_LIMITED: &str = "rate_limited";

/// Why a call is refused.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// 400: fields are wrong.
    Validation(FieldErrors),
    /// 401: no key, or an unknown one.
    Unauthorized,
    /// 403: a known key that may not do this.
    Forbidden(&'static str),
    /// 404: what is not there for this caller.
    NotFound(&'static str),
    /// 405: the path is there, the method is not.
    MethodNotAllowed,
    /// 409: it contradicts what is there. A code for programs, and a sentence.
    Conflict(&'static str, String),
    /// 429: the key's calls of the minute are used up.
    RateLimited {
        /// How many a minute has.
        limit: u32,
        /// Whole seconds until the next minute.
        seconds: u64,
    },
    /// 503: our failure; the same call may go through later.
    Unavailable,
}

impl ApiError {
    /// One field is wrong.
    pub(crate) fn field(name: &str, problem: impl Into<String>) -> Self {
        Self::Validation(FieldErrors::from([(name.to_owned(), vec![problem.into()])]))
    }

    /// The endpoint is disabled, and what was asked for would send to it.
    pub(crate) fn disabled(to_do: &str) -> Self {
        Self::Conflict("endpoint_disabled", format!("The endpoint is disabled; enable it to {to_do}"))
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Validation(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(..) => StatusCode::CONFLICT,
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What it is called in the log.
    fn code(&self) -> &'static str {
        match self {
            Self::Validation(_) => "invalid",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::NotFound(_) => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Conflict(code, _) => code,
            Self::RateLimited { .. } => RATE_LIMITED,
            Self::Unavailable => "unavailable",
        }
    }

    fn into_body(self) -> ErrorBody {
        let (mut code, mut issues) = (None, None);
        let message = match self {
            Self::Validation(fields) => {
                issues = Some(bounded(fields));
                "Validation failed".to_owned()
            }
            Self::Unauthorized => "Missing or unknown API key".to_owned(),
            Self::Forbidden(message) | Self::NotFound(message) => message.to_owned(),
            Self::MethodNotAllowed => "Method not allowed".to_owned(),
            Self::Conflict(kind, message) => {
                code = Some(kind);
                message
            }
            Self::RateLimited { limit, seconds } => {
                code = Some(RATE_LIMITED);
                format!("Over the limit of {limit} calls a minute; try again in {seconds} s")
            }
            Self::Unavailable => "Temporarily unavailable, try again".to_owned(),
        };
        ErrorBody { message, code, issues }
    }
}

/// A failure of the operating system's, logged here once.
impl From<NoRandomness> for ApiError {
    fn from(error: NoRandomness) -> Self {
        tracing::error!(%error, "a call failed");
        Self::Unavailable
    }
}

/// The first of the wrong fields, and the beginnings of what is said of them: both may quote the caller.
pub(crate) fn bounded(fields: FieldErrors) -> FieldErrors {
    const FIELDS: usize = 50;
    const PROBLEMS: usize = 20;
    const CHARACTERS: usize = 500;
    let cut = |text: String| match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    };
    let field =
        |(name, problems): (String, Vec<String>)| (cut(name), problems.into_iter().take(PROBLEMS).map(cut).collect());
    fields.into_iter().take(FIELDS).map(field).collect()
}

/// A failure of AWS, logged here once: callers need not know more than that it is ours.
impl From<AwsError> for ApiError {
    fn from(error: AwsError) -> Self {
        tracing::error!(%error, "a call failed");
        Self::Unavailable
    }
}

/// What is written into a refusal's body once its path is known.
#[derive(Debug, Clone)]
struct ErrorBody {
    message: String,
    code: Option<&'static str>,
    issues: Option<FieldErrors>,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        logged::note_refusal(self.code());
        let mut response = self.status().into_response();
        if let Self::RateLimited { seconds, .. } = self {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(self.into_body());
        response
    }
}

/// Takes the sentences out of a refusal that is to be said in other words than JSON; nothing of what is no refusal.
pub(crate) fn take_refusal(response: &mut Response) -> Option<String> {
    let status = response.status();
    if let Some(ErrorBody { message, issues, .. }) = response.extensions_mut().remove::<ErrorBody>() {
        let fields = issues.unwrap_or_default().into_iter();
        let problems = fields.map(|(name, problems)| format!(" {name}: {}.", problems.join("; ")));
        return Some(problems.fold(message + ".", |message, problem| message + &problem));
    }
    // A refusal of the framework's, as of a path that is no UTF-8.
    let is_page = response.headers().get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    let refused = (status.is_client_error() || status.is_server_error()) && !is_page;
    refused.then(|| format!("{}.", status.canonical_reason().unwrap_or_default()))
}

/// Writes the bodies of refusals: one style under `/webhooks/`, the other everywhere else.
pub(crate) async fn write_bodies(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let status = response.status();
    let body = match response.extensions_mut().remove::<ErrorBody>() {
        Some(body) => body,
        // A refusal of the framework's, as of a path that is no UTF-8.
        None if status.is_client_error() || status.is_server_error() => {
            ErrorBody { message: status.canonical_reason().unwrap_or_default().to_owned(), code: None, issues: None }
        }
        None => return response,
    };
    let body = if path.starts_with("/webhooks/") { by_status(&path, status, body) } else { by_message(body) };
    let wait = response.headers_mut().remove(RETRY_AFTER).map(|wait| [(RETRY_AFTER, wait)]);
    (status, wait, Json(body)).into_response()
}

fn by_message(body: ErrorBody) -> Value {
    json!({ "error": with_details(json!({ "message": body.message }), body.code, body.issues) })
}

fn by_status(path: &str, status: StatusCode, body: ErrorBody) -> Value {
    let error = json!({
        "path": path,
        "timestamp": iso_ms(Timestamp::now()),
        "statusCode": status.as_u16(),
        "error": status.canonical_reason().unwrap_or_default(),
        "message": body.message,
    });
    with_details(error, body.code, body.issues)
}

/// With what only some refusals have.
fn with_details(mut error: Value, code: Option<&str>, issues: Option<FieldErrors>) -> Value {
    if let Some(error) = error.as_object_mut() {
        error.extend(code.map(|code| ("code".to_owned(), code.into())));
        error.extend(issues.map(|fields| ("issues".to_owned(), json!({ "fieldErrors": fields }))));
    }
    error
}
