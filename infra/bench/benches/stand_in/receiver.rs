//! The receiver: answers as the address asks for, over TLS, and counts what comes in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hookbell_testkit::receiver::acceptor_of;
use hookbell_testkit::server::{Hangup, Server};
use hookbell_testkit::stack::Stack;
use http::{Request, Response};
use serde_json::{Value, json};

use super::announce;

/// More than is read of an answer, and more than a function should ever hold of it.
const FLOOD: usize = 1_000_000;

/// What an address asks for: `/<milliseconds>/<percent that fail>/<kind of answer>/…`.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    latency: Duration,
    failing_percent: u64,
    floods: bool,
}

impl Wanted {
    fn of(path: &str) -> Option<Self> {
        let mut parts = path.trim_start_matches('/').split('/');
        let latency = Duration::from_millis(parts.next()?.parse().ok()?);
        let failing_percent = parts.next()?.parse().ok()?;
        Some(Self { latency, failing_percent, floods: parts.next() == Some("flood") })
    }

    /// The answer to the request of that number.
    async fn answer(self, number: u64) -> Response<Bytes> {
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
        // Spread evenly, and the same in every run.
        let fails = (number + 1) * self.failing_percent / 100 > number * self.failing_percent / 100;
        let body = if self.floods { Bytes::from(vec![b'x'; FLOOD]) } else { Bytes::from_static(b"ok") };
        Response::builder().status(if fails { 500 } else { 200 }).body(body).unwrap()
    }
}

pub(super) async fn serve(until: impl Future<Output = ()>) {
    let stack = Stack::load();
    let (seen, recovered) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let serve = {
        let (seen, recovered) = (Arc::clone(&seen), Arc::clone(&recovered));
        move |request: Request<Bytes>| {
            let (number, wanted) = (seen.fetch_add(1, Ordering::Relaxed), Wanted::of(request.uri().path()));
            let is_well = recovered.load(Ordering::Relaxed);
            async move {
                let wanted = wanted.ok_or(Hangup)?;
                let failing_percent = if is_well { 0 } else { wanted.failing_percent };
                Ok(Wanted { failing_percent, ..wanted }.answer(number).await)
            }
        }
    };
    let plain = Server::start(None, serve.clone()).await;
    let http1 = Arc::new(Server::start(Some(acceptor_of(&stack, &["http/1.1"])), serve.clone()).await);
    let http2 = Arc::new(Server::start(Some(acceptor_of(&stack, &["h2"])), serve).await);
    let (first, second) = (Arc::clone(&http1), Arc::clone(&http2));
    let control = Server::start(None, move |request: Request<Bytes>| {
        match request.uri().path() {
            "/recover" => recovered.store(true, Ordering::Relaxed),
            "/relapse" => recovered.store(false, Ordering::Relaxed),
            _ => {}
        }
        let bytes = first.received_bytes() + second.received_bytes();
        let counted: Value = json!({ "requests": seen.load(Ordering::Relaxed), "receivedBytes": bytes });
        async move { Ok(Response::new(counted.to_string().into())) }
    })
    .await;
    announce(&json!({
        "h1": format!("https://{}", http1.address),
        "h2": format!("https://{}", http2.address),
        "plain": format!("http://{}", plain.address),
        "control": format!("http://{}", control.address),
    }));
    until.await;
}
