//! A proxy in front of the HTTP API: counts the calls of a client, and lets one die in the middle of its work.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response};
use tokio::sync::watch;

use crate::patience::in_time;
use crate::proxy::Upstream;
use crate::server::{Hangup, Server};
use crate::stack::Stack;

/// The proxy.
#[derive(Debug)]
pub struct ApiProxy {
    server: Server,
    path: String,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    upstream: Upstream,
    /// After so many writes none is answered.
    silent_from: Mutex<Option<u64>>,
    reads: watch::Sender<u64>,
    /// Those that were carried out.
    writes: watch::Sender<u64>,
}

impl ApiProxy {
    /// A proxy in front of a stack's API.
    pub async fn start(stack: &Stack) -> Self {
        let path = stack.api_url.strip_prefix(&stack.aws_endpoint_url).expect("the API is a part of it").to_owned();
        let state = Arc::new(State {
            upstream: Upstream::at(&stack.aws_endpoint_url),
            silent_from: Mutex::default(),
            reads: watch::Sender::new(0),
            writes: watch::Sender::new(0),
        });
        let serving = Arc::clone(&state);
        let server = Server::start(None, move |request| Arc::clone(&serving).serve(request)).await;
        Self { server, path, state }
    }

    /// Its URL, in place of the API's.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{}", self.server.address, self.path)
    }

    /// How many calls have read, and how many have written, since this was last called.
    #[must_use]
    pub fn take(&self) -> (u64, u64) {
        (self.state.reads.send_replace(0), self.state.writes.send_replace(0))
    }

    /// From that write on carries out what it is asked, and answers no write.
    pub fn fall_silent(&self, from: u64) {
        *self.state.silent_from.lock().unwrap_or_else(PoisonError::into_inner) = Some(from);
    }

    /// Answers again.
    pub fn relent(&self) {
        *self.state.silent_from.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Waits until so many writes were carried out.
    pub async fn wait_for_writes(&self, count: u64) {
        let mut writes = self.state.writes.subscribe();
        in_time("writes", writes.wait_for(|writes| *writes >= count)).await.expect("it is still there");
    }
}

impl State {
    async fn serve(self: Arc<Self>, request: Request<Bytes>) -> Result<Response<Bytes>, Hangup> {
        let (parts, body) = request.into_parts();
        let reads = parts.method == Method::GET;
        let answer = self.upstream.carry_out(parts, body).await?;
        if reads {
            self.reads.send_modify(|reads| *reads += 1);
            return Ok(answer);
        }
        let mut writes = 0;
        self.writes.send_modify(|count| {
            *count += 1;
            writes = *count;
        });
        let silent_from = *self.silent_from.lock().unwrap_or_else(PoisonError::into_inner);
        if silent_from.is_some_and(|from| writes >= from) {
            std::future::pending::<()>().await;
        }
        Ok(answer)
    }
}
