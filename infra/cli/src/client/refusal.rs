//! What a call ends with when it does not end well.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::Call;
use crate::failure::{Failure, Kind};

/// Why a call has no answer.
#[derive(Debug)]
pub(crate) enum ApiFailure {
    /// No answer came.
    Unreachable {
        /// The call.
        call: String,
        /// Why not.
        cause: String,
        /// Whether the API may have had it.
        sent: bool,
    },
    /// The API refused it.
    Refused(Refusal),
    /// The answer is not what the API's description says.
    Unreadable {
        /// The call.
        call: String,
        /// What is wrong with it.
        cause: String,
    },
    /// It was not made: an id of it is none.
    NoId {
        /// The call.
        call: String,
    },
}

/// What is wrong with a call that has no id where one has to be.
const NO_ID: &str = "an id is empty, or only dots";

/// A refusal of the API.
#[derive(Debug, Default)]
pub(crate) struct Refusal {
    call: String,
    /// The HTTP status.
    pub(crate) status: u16,
    /// What the API says.
    pub(crate) message: String,
    /// What tells refusals of one status apart.
    pub(crate) code: Option<String>,
    fields: BTreeMap<String, Vec<String>>,
    retry_after: Option<Duration>,
}

/// A refusal's body, in either of the API's two styles or in API Gateway's.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    message: String,
    code: Option<String>,
    issues: Issues,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Issues {
    field_errors: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Wrapped {
    error: Body,
}

impl ApiFailure {
    pub(super) fn unreachable(call: &Call, error: &reqwest::Error) -> Self {
        let mut cause = error.source();
        let mut innermost = None;
        while let Some(inner) = cause {
            innermost = Some(inner.to_string());
            cause = inner.source();
        }
        let cause = if error.is_timeout() { Some("it did not answer in time".to_owned()) } else { innermost };
        let cause = cause.unwrap_or_else(|| error.to_string());
        let place = error.url().map(|url| format!(" at {}", url.origin().ascii_serialization())).unwrap_or_default();
        let cause = format!("the API{place} could not be reached: {cause}");
        Self::Unreachable { call: call.to_string(), cause, sent: !error.is_connect() }
    }

    pub(super) fn refused(call: &Call, status: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let wrapped = serde_json::from_slice::<Wrapped>(body).map(|wrapped| wrapped.error);
        let body = wrapped.or_else(|_| serde_json::from_slice::<Body>(body)).unwrap_or_default();
        Self::Refused(Refusal {
            call: call.to_string(),
            status,
            message: if body.message.is_empty() { format!("HTTP {status}") } else { body.message },
            code: body.code,
            fields: body.issues.field_errors,
            retry_after,
        })
    }

    /// Whether the same call may be made again: always when the API has not begun with it, else when it may be made twice.
    pub(super) fn may_repeat(&self, is_repeatable: bool) -> bool {
        match self {
            Self::Unreachable { sent, .. } => is_repeatable || !sent,
            Self::Refused(Refusal { status: 429, .. }) => true,
            Self::Refused(Refusal { status: 500 | 502 | 503 | 504, .. }) => is_repeatable,
            Self::Refused(_) | Self::Unreadable { .. } | Self::NoId { .. } => false,
        }
    }

    /// How long to wait before that: what the API says, else so long.
    pub(super) fn wait(&self, otherwise: Duration) -> Option<Duration> {
        match self {
            // A limit that does not say when it ends takes longer to do so than a fault.
            Self::Refused(refusal @ Refusal { status: 429, .. }) => refusal.retry_after.or(Some(otherwise * 5)),
            Self::Refused(_) | Self::Unreachable { .. } => Some(otherwise),
            Self::Unreadable { .. } | Self::NoId { .. } => None,
        }
    }

    /// The refusal, where it is one of that status.
    pub(crate) fn refusal(&self, status: u16) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) if refusal.status == status => Some(refusal),
            _ => None,
        }
    }

    /// Whether the key may not make this call.
    pub(crate) fn is_denied(&self) -> bool {
        self.refusal(401).or(self.refusal(403)).is_some()
    }

    /// Whether an endpoint's uid is that of another one.
    pub(crate) fn is_taken(&self) -> bool {
        self.refusal(409).is_some_and(|refusal| refusal.code.as_deref() == Some("uid_taken"))
    }

    /// What is wrong with this one call; nothing where other calls would fail of the same.
    pub(crate) fn reasons(&self) -> Option<Vec<String>> {
        match self {
            Self::Refused(Refusal { status: 401 | 403 | 429 | 502..=504, .. }) | Self::Unreachable { .. } => None,
            Self::Refused(refusal) if refusal.fields.is_empty() => Some(vec![refusal.message.clone()]),
            Self::Refused(Refusal { fields, .. }) => {
                let told = |(field, texts): (&String, &Vec<String>)| format!("{field}: {}", texts.join(" "));
                Some(fields.iter().map(told).collect())
            }
            Self::Unreadable { cause, .. } => Some(vec![format!("the answer cannot be read: {cause}")]),
            Self::NoId { .. } => Some(vec![NO_ID.to_owned()]),
        }
    }

    /// As whoever asked is told: `what` was not done.
    pub(crate) fn explained(self, what: impl Into<String>) -> Failure {
        match self {
            Self::Unreachable { call, cause, sent } => {
                let failure = Failure::failed(what, format!("{call}: {cause}"));
                failure.try_this(if sent && !call.starts_with("GET") {
                    "look whether it was done, then do it again; `hookbell status` shows whether the API answers"
                } else {
                    "look at the URL, at the stack that it is from, and at your network"
                })
            }
            Self::Unreadable { call, cause } => Failure::failed(
                what,
                format!("{call}: the answer is no answer of hookbell: {cause}"),
            )
            .try_this(
                "look whether the URL is that of hookbell's API, and whether this hookbell is as new as the deployment",
            ),
            Self::NoId { call } => Failure::usage(what).because(format!("{call}: {NO_ID}")),
            Self::Refused(refusal) => refusal.explained(what.into()),
        }
    }
}

impl Refusal {
    fn explained(self, what: String) -> Failure {
        let kind = match self.status {
            404 => Kind::NotFound,
            429 | 500.. => Kind::Failed,
            _ => Kind::Refused,
        };
        let to_do = match (self.status, self.code.as_deref()) {
            (401, _) => Some("look at --key, HOOKBELL_KEY or the stack file: the API does not know this key"),
            (403, _) => Some("use a key that may: the admin key, or an owner's of this organization"),
            (404, _) => Some("look at the ids; an organization's key sees that organization alone"),
            (409, Some("endpoint_disabled")) => Some("hookbell endpoints enable ORG ENDPOINT"),
            (409, Some("duplicate_event")) => Some("hookbell messages find ORG EVENTID"),
            (429, _) => Some("wait a minute; the admin key is not limited"),
            (500.., _) => Some("once more in a moment; `hookbell status` shows whether the API answers"),
            _ => None,
        };
        let Self { call, status, message, code, fields, .. } = self;
        let why = if fields.is_empty() { format!("{message} ({call}: {status})") } else { format!("{call}: {status}") };
        let failure = Failure::new(kind, what).because(why).with_fields(fields).with_refusal(status, code);
        match to_do {
            Some(to_do) => failure.try_this(to_do),
            None => failure,
        }
    }
}

impl fmt::Display for ApiFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { call, cause, .. } | Self::Unreadable { call, cause } => write!(f, "{call}: {cause}"),
            Self::NoId { call } => write!(f, "{call}: {NO_ID}"),
            Self::Refused(Refusal { call, message, .. }) => write!(f, "{call}: {message}"),
        }
    }
}

/// Says of a call that failed what was not done.
pub(crate) trait Explain<T> {
    /// With that sentence.
    fn explain(self, what: impl FnOnce() -> String) -> Result<T, Failure>;
}

impl<T> Explain<T> for Result<T, ApiFailure> {
    fn explain(self, what: impl FnOnce() -> String) -> Result<T, Failure> {
        self.map_err(|failure| failure.explained(what()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> ApiFailure {
        ApiFailure::refused(&Call::post(&["x"]), status, None, body.as_bytes())
    }

    #[track_caller]
    fn check(status: u16, body: &str, expected: &str) {
        assert_eq!(refused(status, body).explained("It was not done.").text(), expected);
    }

    #[test]
    fn a_refusal_is_told_in_the_api_s_own_words_whichever_style_it_has() {
        let fields = r#""issues":{"fieldErrors":{"url":["Must be https"],"eventTypes":["Unknown type: x"]}}"#;
        let told = "It was not done.\n  POST /x: 400\n  eventTypes: Unknown type: x\n  url: Must be https";
        check(400, &format!(r#"{{"error":{{"message":"Validation failed",{fields}}}}}"#), told);
        check(400, &format!(r#"{{"path":"/x","statusCode":400,"error":"Bad Request","message":"m",{fields}}}"#), told);
        check(400, r#"{"message":"Invalid request body"}"#, "It was not done.\n  Invalid request body (POST /x: 400)");
        check(400, "<html>", "It was not done.\n  HTTP 400 (POST /x: 400)");
        let disabled = r#"{"error":{"message":"The endpoint is disabled","code":"endpoint_disabled"}}"#;
        let told =
            "It was not done.\n  The endpoint is disabled (POST /x: 409)\nTry: hookbell endpoints enable ORG ENDPOINT";
        check(409, disabled, told);
    }

    #[test]
    fn what_the_api_has_not_begun_is_repeated_and_all_else_only_if_it_may_be_made_twice() {
        let cases =
            [(429, true, true), (503, false, true), (502, false, true), (409, false, false), (400, false, false)];
        for (status, always, if_repeatable) in cases {
            let failure = refused(status, "{}");
            assert_eq!((failure.may_repeat(false), failure.may_repeat(true)), (always, if_repeatable), "{status}");
        }
    }
}
