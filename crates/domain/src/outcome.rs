//! What came of one HTTP request to an endpoint.
//!
//! A receiver's failure is data, not an error. The text of a [`Failure`] is shown to the tenant: it names what the
//! receiver did, and holds no resolver detail and no address.

use thiserror::Error;

use crate::target::TargetError;

/// How much of a response body is read; the rest costs neither memory nor time.
pub const MAX_RESPONSE_BYTES: usize = 20_000;

/// The end of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint answered within the deadline, whatever it said.
    Answered(Answer),
    /// There is no complete answer.
    Failed(Failure),
}

impl Outcome {
    /// Whether the message counts as delivered: an answer with a 2xx status.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Answered(answer) if answer.is_success())
    }
}

/// What an endpoint answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// The `retry-after` header as it came: seconds or an HTTP date, if it is either.
    pub retry_after: Option<String>,
    /// The `webhook-delivery` header as it came.
    pub webhook_delivery: Option<String>,
    /// The body, at most [`MAX_RESPONSE_BYTES`] of it.
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether the status is 2xx. Nothing else is a success, redirects included.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why there is no complete answer, in words for the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Failure {
    /// The deadline passed, anywhere between the name lookup and the last byte of the body.
    #[error("The endpoint did not answer in time.")]
    Timeout,
    /// The target may not be reached; no connection was made.
    #[error(transparent)]
    Refused(TargetError),
    /// The host name has no address at the moment.
    #[error("The host name of the URL could not be resolved.")]
    NameNotResolved,
    /// No TCP connection could be made.
    #[error("No connection to the endpoint could be made.")]
    ConnectFailed,
    /// There is no agreement on TLS, or the certificate is not trusted.
    #[error("The TLS handshake with the endpoint failed; check its certificate.")]
    TlsFailed,
    /// The connection ended before the answer was complete.
    #[error("The endpoint closed the connection before its answer was complete.")]
    ConnectionLost,
    /// What came back is not HTTP.
    #[error("The endpoint sent an answer that is not valid HTTP.")]
    InvalidResponse,
    /// The request could not be written as HTTP; the endpoint saw nothing of it.
    #[error("The request could not be built.")]
    InvalidRequest,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_for_an_owner_tells_of_the_inside() {
        use Failure as F;
        let refused = F::Refused(TargetError::NameRefused { reason: "link-local" });
        for failure in [
            F::Timeout,
            refused,
            F::NameNotResolved,
            F::ConnectFailed,
            F::TlsFailed,
            F::ConnectionLost,
            F::InvalidResponse,
            F::InvalidRequest,
        ] {
            let text = failure.to_string();
            assert!(text.ends_with('.') && !text.contains(|c: char| c.is_ascii_digit()), "{text}");
            for word in ["link-local", "rustls", "hyper", "h2", "tokio", "reqwest", "dns", "resolver", "os error", "::"]
            {
                assert!(!text.to_lowercase().contains(word), "{text}");
            }
        }
    }

    #[test]
    fn only_2xx_is_a_success() {
        for (status, expected) in
            [(199, false), (200, true), (204, true), (299, true), (300, false), (302, false), (410, false)]
        {
            let answer = Answer { status, ..Answer::default() };
            assert_eq!(Outcome::Answered(answer).is_success(), expected, "{status}");
        }
        assert!(!Outcome::Failed(Failure::Timeout).is_success());
    }
}
