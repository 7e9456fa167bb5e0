//! Where hookbell keeps and queues things. The only crate that names a table, a queue, an attribute or an SDK type.
//!
//! Nothing here decides: each function is one request (or one batch) to AWS, its conditions spelled out, its outcome
//! an enum wherever a condition may fail. Time comes in as an argument.

pub mod clients;
pub mod environment;
pub mod logging;
pub mod metrics;
pub mod owners;
pub mod queues;
pub mod random;
pub mod sealing;
pub mod secrets;
#[cfg(feature = "operator")]
pub mod stack_outputs;
pub mod table;

/// A request to AWS that failed after the SDK's own retries, or an answer that cannot be read.
///
/// Callers do one thing with it: leave the record for a later try, or answer 503. The cause is for the log.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{operation} failed: {cause}")]
pub struct AwsError {
    operation: &'static str,
    cause: String,
}

impl AwsError {
    /// For a failure of the SDK: its whole chain of causes in one line.
    pub(crate) fn sdk<E: std::error::Error>(operation: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self { operation, cause: chain(&error) }
    }

    /// For an answer that is not what was written.
    #[must_use]
    pub fn unreadable(operation: &'static str, cause: impl std::fmt::Display) -> Self {
        Self { operation, cause: cause.to_string() }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
