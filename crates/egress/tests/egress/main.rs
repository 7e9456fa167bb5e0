//! The one way out, tried on real sockets of the loopback.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the receivers here are tests as much as their callers")]

mod answers;
mod deadline;
mod receiver;
mod refusals;
mod tls;
