//! What the outer ring of tests is made of: the real binaries, a real HTTPS receiver, an independent verifier.
//!
//! Everything is against a deployed stack, described by the file that `HOOKBELL_STACK` names. Two ways lead to it:
//!
//! - through its doors, as producers, receivers and people do: [`organization::Organization`], [`queue::Queue`],
//!   [`receiver::Receiver`], [`console::Console`];
//! - beside it: [`workbench::Workbench`] runs the same binaries as processes of the test, with queues of their own,
//!   behind a stand-in for Lambda ([`function::Function`]) and a proxy in front of AWS ([`proxy::AwsProxy`]) that
//!   counts what they ask for and can kill them at a chosen call.
//!
//! The invariant: no test shares an organization, a queue or a receiver with another, so all of them run at once, on
//! a stack that is used for other things too. Whatever waits does so for an event, with [`patience::PATIENCE`] as the
//! end of it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

pub mod answer;
pub mod apart;
pub mod api;
pub mod api_proxy;
pub mod chaos;
pub mod clock;
pub mod console;
pub mod console_paths;
pub mod endpoint;
pub mod function;
pub mod gateway;
pub mod history;
pub mod hookbell;
pub mod html;
pub mod iam;
pub mod organization;
pub mod owners;
pub mod patience;
pub mod payload;
pub mod proxy;
pub mod queue;
pub mod receiver;
pub mod recording;
mod rounds;
pub mod rows;
pub mod server;
pub mod slothbox;
pub mod stack;
pub mod svix;
pub mod told;
pub mod workbench;

/// A text that no other test has: 16 hexadecimal digits.
#[must_use]
pub fn fresh() -> String {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the operating system has random bytes");
    format!("{:016x}", u64::from_le_bytes(bytes))
}
