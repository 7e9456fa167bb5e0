//! The one way out, tried on real sockets of the loopback.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the receivers here are tests as much as their callers")]

mod answers;
mod authority;
mod deadline;
mod floods;
mod hostile;
mod inside;
mod memory;
mod names;
mod receiver;
mod refusals;
mod resets;
mod tls;
