//! The one way out: every request to a tenant's URL is made here, and it goes to a judged address or nowhere.
//!
//! **The invariant:** no connection is made to an address that the [`TargetPolicy`] has not passed in the very
//! lookup that the connection comes from. What holds it up:
//!
//! - the resolver of the HTTP client is ours and returns addresses only after judging all of them, so there is no
//!   second lookup that could answer differently;
//! - a literal address, which no resolver sees, is judged before every request;
//! - plain http and unopened ports go through a client of their own, whose resolver passes only the allow-list;
//! - redirects are not followed, and no proxy, cookie or decompression is taken up from anywhere.
//!
//! A kept-alive connection is used again without a lookup: it leads to the address that was judged when it was made.
//!
//! Test sends and real deliveries take the same path. What a receiver does wrong is an
//! [`Outcome`](hookbell_domain::outcome::Outcome), never an error.

mod answer;
mod client;
mod failure;
mod post;
mod resolver;

use std::sync::Arc;
use std::time::Duration;

use hookbell_domain::target::{Reach, Refusal, TargetError, TargetPolicy, TargetUrl};
pub use post::Post;
/// The header types of [`Post`].
pub use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
pub use resolver::{LookUp, SystemResolver};
use thiserror::Error;

/// How long [`Inspector::inspect`] waits for a name: a person is waiting for the answer.
const INSPECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Judges targets before they are kept. It connects to nothing, and needs no HTTP client.
#[derive(Debug, Clone)]
pub struct Inspector<L = SystemResolver> {
    names: L,
    policy: Arc<TargetPolicy>,
}

/// The HTTP client for endpoints. One serves a whole process; cloning is cheap and shares the connections.
#[derive(Debug, Clone)]
pub struct Egress<L = SystemResolver> {
    inspector: Inspector<L>,
    public: reqwest::Client,
    /// Present only where the operator has opened something.
    allow_list_only: Option<reqwest::Client>,
}

/// The HTTP client could not be set up.
#[derive(Debug, Error)]
pub enum EgressError {
    /// The host has no root certificates, as where `SSL_CERT_FILE` names no file of them.
    #[error("there are no root certificates to verify endpoints with: {0}")]
    NoRoots(String),
    /// TLS does not work here.
    #[error("TLS could not be set up")]
    Tls(#[from] rustls::Error),
    /// The client does not take its settings.
    #[error("the HTTP client for endpoints could not be set up")]
    Client(#[from] reqwest::Error),
}

impl Inspector {
    /// Judges by that policy.
    #[must_use]
    pub fn new(policy: TargetPolicy) -> Self {
        Self { names: SystemResolver, policy: Arc::new(policy) }
    }
}

impl<L: LookUp> Inspector<L> {
    /// Judges a target before it is kept: its text, and what its name resolves to at the moment.
    ///
    /// A name that does not resolve, or not within three seconds, is accepted: the endpoint may not be up yet, and
    /// every attempt judges anew. Where only the allow-list would make the URL right, it is refused instead.
    ///
    /// # Errors
    /// Why the target may not be reached, in words for the tenant.
    pub async fn inspect(&self, target: &TargetUrl) -> Result<(), TargetError> {
        let reach = target.judge_text(&self.policy)?;
        let Some(name) = target.host_name() else { return Ok(()) };
        match (tokio::time::timeout(INSPECT_TIMEOUT, resolver::look_up(&self.names, name)).await, reach) {
            (Ok(Ok(addresses)), _) => target.judge_resolved(&addresses, &self.policy),
            (Ok(Err(_)) | Err(_), Reach::Public) => Ok(()),
            (Ok(Err(_)) | Err(_), Reach::AllowListOnly) => Err(target.explain(Refusal::NotOnAllowList)),
        }
    }
}

impl Egress {
    /// Sets up a client that reaches what `policy` opens, and calls itself `user_agent`.
    ///
    /// # Errors
    /// When TLS cannot be set up, or `user_agent` is not a header value.
    pub fn new(policy: TargetPolicy, user_agent: &str) -> Result<Self, EgressError> {
        Self::resolving_by(SystemResolver, policy, user_agent)
    }
}

impl<L: LookUp> Egress<L> {
    /// The same, with names looked up in another way than the system's.
    ///
    /// # Errors
    /// As [`Egress::new`].
    pub fn resolving_by(names: L, policy: TargetPolicy, user_agent: &str) -> Result<Self, EgressError> {
        let (policy, tls) = (Arc::new(policy), client::tls()?);
        let build = |reach| client::build(names.clone(), Arc::clone(&policy), reach, user_agent, tls.clone());
        let public = build(Reach::Public)?;
        let allow_list_only = if policy.addresses.is_empty() { None } else { Some(build(Reach::AllowListOnly)?) };
        Ok(Self { inspector: Inspector { names, policy }, public, allow_list_only })
    }

    /// What judges targets as this client will.
    pub fn inspector(&self) -> &Inspector<L> {
        &self.inspector
    }
}
