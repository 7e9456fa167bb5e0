//! A receiver: a real HTTPS server that records what comes and answers as the test wants.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use ed25519_dalek::{Signature, VerifyingKey};
use http::{HeaderMap, Request};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use crate::answer::Answer;
use crate::patience::in_time;
use crate::server::Server;
use crate::stack::Stack;

/// A receiver of webhooks, on a port of its own.
#[derive(Debug)]
pub struct Receiver {
    server: Server,
    arrivals: watch::Receiver<Vec<Arrival>>,
}

/// A request that has arrived.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The path and the query of its URL.
    pub path: String,
    /// Its method.
    pub method: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, to the byte.
    pub body: Bytes,
    /// When it was here whole.
    pub at: Instant,
}

impl Receiver {
    /// A receiver whose answer depends on the request, and on how often its message has come, this time included.
    pub async fn start(stack: &Stack, answer: impl Fn(&Arrival, usize) -> Answer + Send + Sync + 'static) -> Self {
        let (record, arrivals) = watch::channel(Vec::new());
        let (record, answer) = (Arc::new(record), Arc::new(answer));
        let server = Server::start(Some(acceptor(stack)), move |request| {
            let (record, answer) = (Arc::clone(&record), Arc::clone(&answer));
            async move {
                let arrival = Arrival::of(request);
                let mut seen = 0;
                record.send_modify(|arrivals: &mut Vec<Arrival>| {
                    arrivals.push(arrival.clone());
                    seen = arrivals.iter().filter(|other| other.message_id() == arrival.message_id()).count();
                });
                Ok(answer(&arrival, seen).give().await)
            }
        });
        Self { server: server.await, arrivals }
    }

    /// A receiver that always answers that status.
    pub async fn always(stack: &Stack, status: u16) -> Self {
        Self::start(stack, move |_, _| Answer::status(status)).await
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}/hook", self.server.address)
    }

    /// Its host and port.
    #[must_use]
    pub fn authority(&self) -> String {
        self.server.address.to_string()
    }

    /// What has come so far.
    #[must_use]
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.arrivals.borrow().clone()
    }

    /// The requests of a message that have come so far.
    #[must_use]
    pub fn arrivals_of(&self, message: &str) -> Vec<Arrival> {
        of(&self.arrivals.borrow(), message)
    }

    /// Waits until so many requests have come, and gives them all.
    pub async fn wait_for(&self, count: usize) -> Vec<Arrival> {
        let mut arrivals = self.arrivals.clone();
        let what = format!("{count} requests");
        in_time(&what, arrivals.wait_for(|arrivals| arrivals.len() >= count)).await.unwrap().clone()
    }

    /// Waits until so many requests of a message have come, and gives them all.
    pub async fn wait_for_message(&self, message: &str, count: usize) -> Vec<Arrival> {
        let mut arrivals = self.arrivals.clone();
        let what = format!("{count} requests of {message}");
        let seen = in_time(&what, arrivals.wait_for(|arrivals| of(arrivals, message).len() >= count)).await;
        of(&seen.unwrap(), message)
    }
}

fn of(arrivals: &[Arrival], message: &str) -> Vec<Arrival> {
    arrivals.iter().filter(|arrival| arrival.message_id() == message).cloned().collect()
}

impl Arrival {
    fn of(request: Request<Bytes>) -> Self {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
        Self { path, method: parts.method.to_string(), headers: parts.headers, body, at: Instant::now() }
    }

    /// A header's text, empty when it is absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The message's id.
    #[must_use]
    pub fn message_id(&self) -> &str {
        self.header("webhook-id")
    }

    /// When the attempt was signed, unix seconds.
    #[must_use]
    pub fn signed_at(&self) -> i64 {
        self.header("webhook-timestamp").parse().expect("webhook-timestamp is a number")
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Fails unless the independent implementation of Standard Webhooks accepts the request for that secret.
    #[track_caller]
    pub fn verify(&self, secret: &str) {
        let webhook = standardwebhooks::Webhook::new(secret).unwrap();
        webhook.verify(&self.body, &self.headers).unwrap_or_else(|error| panic!("{error}: {self:?}"));
    }

    /// Whether that implementation accepts the request for that secret.
    #[must_use]
    pub fn is_signed_with(&self, secret: &str) -> bool {
        standardwebhooks::Webhook::new(secret).unwrap().verify(&self.body, &self.headers).is_ok()
    }

    /// Fails unless that implementation makes the request's first token with that secret, whenever it was signed.
    #[track_caller]
    pub fn verify_at_its_time(&self, secret: &str) {
        let webhook = standardwebhooks::Webhook::new(secret).unwrap();
        let signature = webhook.sign(self.message_id(), self.signed_at(), &self.body).unwrap();
        assert_eq!(self.tokens()[0], signature, "{self:?}");
    }

    /// The tokens of its signature, in their order.
    #[must_use]
    pub fn tokens(&self) -> Vec<&str> {
        self.header("webhook-signature").split(' ').collect()
    }

    /// The same request with one token alone.
    #[must_use]
    pub fn with_token(&self, number: usize) -> Self {
        let mut arrival = self.clone();
        arrival.headers.insert("webhook-signature", self.tokens()[number].parse().unwrap());
        arrival
    }

    /// Fails unless its last token is a signature that the public key verifies, by an independent implementation.
    #[track_caller]
    pub fn verify_with_public_key(&self, public_key: &str) {
        let key = STANDARD.decode(public_key.strip_prefix("whpk_").expect("a public key")).unwrap();
        let key = VerifyingKey::from_bytes(&key.try_into().expect("32 bytes")).unwrap();
        let token = *self.tokens().last().expect("a token");
        let signature = STANDARD.decode(token.strip_prefix("v1a,").expect("an asymmetric token")).unwrap();
        // Standard Webhooks, "Signature scheme": over `id.timestamp.body`.
        let head = format!("{}.{}.", self.message_id(), self.signed_at());
        let signed = [head.as_bytes(), &self.body].concat();
        key.verify_strict(&signed, &Signature::from_slice(&signature).unwrap()).unwrap();
    }
}

/// What receivers of this machine speak TLS with.
pub(crate) fn acceptor(stack: &Stack) -> TlsAcceptor {
    acceptor_of(stack, &["h2", "http/1.1"])
}

/// The same, with those protocols to choose from (their names in ALPN).
#[must_use]
pub fn acceptor_of(stack: &Stack, protocols: &[&str]) -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(&stack.server_certificate).unwrap().collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(&stack.server_key).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}
