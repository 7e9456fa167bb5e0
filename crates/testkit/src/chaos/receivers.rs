//! The receivers of a run: real HTTPS servers that note every request, and answer as the seed says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use tokio::time::sleep;

use super::dice::Dice;
use super::tally::names_in;
use crate::receiver::acceptor;
use crate::server::{Hangup, Server};
use crate::stack::Stack;

/// How many servers share the endpoints.
const SERVERS: usize = 8;

/// How an endpoint's receiver answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Always with 2xx.
    Good,
    /// Now and then with an error, late, or not at all.
    Flaky,
    /// Always with 500.
    Dead,
}

/// A request that has come.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// When it was signed, unix seconds.
    pub(crate) signed_at: i64,
    /// What it was answered with, unless its connection was dropped.
    pub(crate) status: Option<u16>,
    body: Bytes,
}

/// All requests, by endpoint and message.
#[derive(Debug)]
pub(crate) struct Ledger {
    dice: Dice,
    kinds: Vec<Kind>,
    secrets: Mutex<BTreeMap<usize, String>>,
    seen: Mutex<BTreeMap<(usize, String), Vec<Seen>>>,
    violations: Mutex<Vec<String>>,
}

/// The servers and their ledger.
#[derive(Debug)]
pub(crate) struct Receivers {
    servers: Vec<Server>,
    pub(crate) ledger: Arc<Ledger>,
}

impl Receivers {
    /// Receivers for so many endpoints: one in 40 is dead, five in 40 are flaky.
    pub(crate) async fn start(stack: &Stack, dice: Dice, endpoints: usize) -> Self {
        let kind = |number| match number % 40 {
            17 => Kind::Dead,
            3 | 11 | 19 | 26 | 38 => Kind::Flaky,
            _ => Kind::Good,
        };
        let ledger = Arc::new(Ledger {
            dice,
            kinds: (0..endpoints).map(kind).collect(),
            secrets: Mutex::default(),
            seen: Mutex::default(),
            violations: Mutex::default(),
        });
        let mut servers = Vec::new();
        for _ in 0..SERVERS {
            let ledger = Arc::clone(&ledger);
            let serve = move |request| Arc::clone(&ledger).serve(request);
            servers.push(Server::start(Some(acceptor(stack)), serve).await);
        }
        Self { servers, ledger }
    }

    /// Where an endpoint is.
    pub(crate) fn url(&self, endpoint: usize) -> String {
        format!("https://{}/{endpoint}", self.servers[endpoint % SERVERS].address)
    }
}

impl Ledger {
    pub(crate) fn kind(&self, endpoint: usize) -> Kind {
        self.kinds[endpoint]
    }

    /// Tells what an endpoint's requests are signed with.
    pub(crate) fn know(&self, endpoint: usize, secret: String) {
        lock(&self.secrets).insert(endpoint, secret);
    }

    /// The requests that an endpoint had of a message.
    pub(crate) fn of(&self, endpoint: usize, message: &str) -> Vec<Seen> {
        lock(&self.seen).get(&(endpoint, message.to_owned())).cloned().unwrap_or_default()
    }

    /// Every endpoint and message that there was a request of.
    pub(crate) fn all(&self) -> Vec<(usize, String)> {
        lock(&self.seen).keys().cloned().collect()
    }

    /// How many requests there were.
    pub(crate) fn requests(&self) -> usize {
        lock(&self.seen).values().map(Vec::len).sum()
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        lock(&self.violations).clone()
    }

    async fn serve(self: Arc<Self>, request: Request<Bytes>) -> Result<Response<Bytes>, Hangup> {
        let (parts, body) = request.into_parts();
        let endpoint: usize = parts.uri.path().trim_start_matches('/').parse().map_err(|_| Hangup)?;
        let message = header(&parts.headers, "webhook-id").to_owned();
        if let Err(error) = self.verify(endpoint, &body, &parts.headers) {
            lock(&self.violations).push(format!("a request of {message} to endpoint {endpoint}: {error}"));
        }
        let number = self.of(endpoint, &message).len();
        let name = format!("answer {endpoint} {}", names_in(std::str::from_utf8(&body).unwrap_or_default()).join(" "));
        let (status, wait) = self.answer(endpoint, &name, number as u64);
        let signed_at = header(&parts.headers, "webhook-timestamp").parse().map_err(|_| Hangup)?;
        self.note(endpoint, &message, Seen { signed_at, status, body });
        sleep(wait).await;
        let status = status.ok_or(Hangup)?;
        Ok(Response::builder().status(status).body(Bytes::new()).expect("a response"))
    }

    fn note(&self, endpoint: usize, message: &str, request: Seen) {
        let mut seen = lock(&self.seen);
        let all = seen.entry((endpoint, message.to_owned())).or_default();
        if all.first().is_some_and(|first| first.body != request.body) {
            lock(&self.violations).push(format!("{message} came to endpoint {endpoint} with two bodies"));
        }
        all.push(request);
    }

    fn answer(&self, endpoint: usize, name: &str, number: u64) -> (Option<u16>, Duration) {
        let roll = self.dice.roll(name, number);
        match self.kinds[endpoint] {
            Kind::Good => (Some(if roll < 0.5 { 200 } else { 204 }), Duration::ZERO),
            Kind::Dead => (Some(500), Duration::ZERO),
            Kind::Flaky if roll < 0.1 => (Some(500), Duration::ZERO),
            Kind::Flaky if roll < 0.15 => (Some(429), Duration::ZERO),
            Kind::Flaky if roll < 0.2 => (Some(503), Duration::from_millis(100)),
            Kind::Flaky if roll < 0.25 => (None, Duration::from_millis(20)),
            Kind::Flaky if roll < 0.35 => (Some(200), Duration::from_millis(200)),
            Kind::Flaky => (Some(200), Duration::ZERO),
        }
    }

    fn verify(&self, endpoint: usize, body: &[u8], headers: &HeaderMap) -> Result<(), String> {
        let secret = lock(&self.secrets).get(&endpoint).cloned().ok_or("its endpoint is not made yet")?;
        let webhook = standardwebhooks::Webhook::new(&secret).map_err(|error| error.to_string())?;
        webhook.verify(body, headers).map_err(|error| error.to_string())
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap_or_default())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
