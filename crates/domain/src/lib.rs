//! What hookbell decides, and nothing else: no clock, no dice, no socket, no environment.
//!
//! Everything here can be answered from its arguments. Time and randomness are passed in, so that every rule of
//! delivery (signing, retry, jitter, auto-disable, targets) is a pure function that a property test can search.

pub mod address;
mod auto_disable;
pub mod body;
mod claims;
pub mod delivery;
pub mod endpoint;
pub mod filter;
#[cfg(test)]
mod fuzz;
pub mod headers;
pub mod health;
pub mod ids;
pub mod limits;
pub mod message;
pub mod minute;
pub mod outcome;
pub mod pace;
pub mod profile;
pub mod replay;
pub mod retry;
pub mod role;
pub mod signature;
pub mod stats;
pub mod target;
pub mod time;
