//! Telling the failures of the HTTP client apart, by the types in its error chain and never by their texts.

use std::error::Error;
use std::io::{self, ErrorKind};

use hookbell_domain::outcome::Failure;
use hookbell_domain::target::TargetUrl;

use crate::resolver::ResolveError;

/// Says what the receiver did wrong. The cause goes to the debug log, without the URL.
pub(crate) fn classify(error: reqwest::Error, target: &TargetUrl) -> Failure {
    let error = error.without_url();
    tracing::debug!(error = &error as &(dyn Error + 'static), "no complete answer");
    match find::<ResolveError>(&error) {
        Some(ResolveError::NotResolved(_)) => return Failure::NameNotResolved,
        Some(ResolveError::Refused(refusal)) => return Failure::Refused(target.explain(*refusal)),
        None => {}
    }
    if error.is_builder() {
        Failure::InvalidRequest
    } else if error.is_timeout() || has_io_kind(&error, &[ErrorKind::TimedOut]) {
        Failure::Timeout
    } else if find::<rustls::Error>(&error).is_some() {
        Failure::TlsFailed
    } else if error.is_connect() {
        classify_connecting(&error)
    } else {
        classify_exchange(&error)
    }
}

/// Whether the other side ended the stream where more of it was due.
pub(crate) fn is_unexpected_eof(error: &reqwest::Error) -> bool {
    has_io_kind(error, &[ErrorKind::UnexpectedEof])
}

fn classify_connecting(error: &reqwest::Error) -> Failure {
    if is_unexpected_eof(error) {
        // TCP connects or does not: an end of stream comes from the handshake above it.
        Failure::TlsFailed
    } else if find::<hyper::Error>(error).is_some() {
        classify_exchange(error)
    } else if has_io_kind(error, &[ErrorKind::ConnectionReset, ErrorKind::BrokenPipe]) {
        Failure::ConnectionLost
    } else {
        Failure::ConnectFailed
    }
}

fn classify_exchange(error: &reqwest::Error) -> Failure {
    let http = find::<hyper::Error>(error);
    let not_http = http.is_some_and(hyper::Error::is_parse)
        || find::<h2::Error>(error).is_some_and(h2::Error::is_library)
        || has_io_kind(error, &[ErrorKind::InvalidData, ErrorKind::InvalidInput]);
    if not_http {
        Failure::InvalidResponse
    } else if http.is_some_and(hyper::Error::is_user) {
        Failure::InvalidRequest
    } else {
        Failure::ConnectionLost
    }
}

fn has_io_kind(error: &reqwest::Error, kinds: &[ErrorKind]) -> bool {
    causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|cause| kinds.contains(&cause.kind()))
}

fn find<E: Error + 'static>(error: &reqwest::Error) -> Option<&E> {
    causes(error).find_map(|cause| cause.downcast_ref::<E>())
}

/// The error and all its causes. An [`io::Error`] around another error leaves that one out of its own `source`.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(Some(error as &(dyn Error + 'static)), |&cause| {
        match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => cause.source(),
        }
    })
}
