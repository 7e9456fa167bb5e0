//! What a call is refused with. The status is chosen in one place, and the body's style by the path.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hookbell_aws::AwsError;
use hookbell_domain::time::iso_ms;
use jiff::Timestamp;
use serde_json::{Value, json};

/// What is wrong with each field of an input.
pub(crate) type FieldErrors = BTreeMap<String, Vec<String>>;

/// Why a call is refused.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// 400: fields are wrong.
    Validation(FieldErrors),
    /// 401: no key, or an unknown one.
    Unauthorized,
    /// 404: what is not there for this caller.
    NotFound(&'static str),
    /// 405: the path is there, the method is not.
    MethodNotAllowed,
    /// 409: it contradicts what is there.
    Conflict(String),
    /// 409, with a code that clients can tell it by.
    CodedConflict(&'static str, String),
    /// 503: our failure; the same call may go through later.
    Unavailable,
}

impl ApiError {
    /// One field is wrong.
    pub(crate) fn field(name: &str, problem: impl Into<String>) -> Self {
        Self::Validation(FieldErrors::from([(name.to_owned(), vec![problem.into()])]))
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Validation(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) | Self::CodedConflict(..) => StatusCode::CONFLICT,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn into_body(self) -> ErrorBody {
        let code = match &self {
            Self::CodedConflict(code, _) => Some(*code),
            _ => None,
        };
        let (message, issues) = match self {
            Self::Validation(fields) => ("Validation failed".to_owned(), Some(json!({ "fieldErrors": fields }))),
            Self::Unauthorized => ("Missing or unknown API key".to_owned(), None),
            Self::NotFound(message) => (message.to_owned(), None),
            Self::MethodNotAllowed => ("Method not allowed".to_owned(), None),
            Self::Conflict(message) | Self::CodedConflict(_, message) => (message, None),
            Self::Unavailable => ("Temporarily unavailable, try again".to_owned(), None),
        };
        ErrorBody { message, code, issues }
    }
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
    issues: Option<Value>,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self.into_body());
        response
    }
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
    (status, Json(body)).into_response()
}

fn by_message(body: ErrorBody) -> Value {
    json!({ "error": with_details(json!({ "message": body.message }), body.code, body.issues) })
}

/// An error with what only some have.
fn with_details(mut error: Value, code: Option<&'static str>, issues: Option<Value>) -> Value {
    if let Some(error) = error.as_object_mut() {
        error.extend(code.map(|code| ("code".to_owned(), code.into())));
        error.extend(issues.map(|issues| ("issues".to_owned(), issues)));
    }
    error
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
