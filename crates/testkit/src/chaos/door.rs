//! A function's way to AWS: one instance's own, so that it can be killed at a chosen call.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::faults::{Fault, Faults, HANGS};
use super::kills::Trap;
use crate::proxy::{Upstream, failure, operation};
use crate::server::{Hangup, Server};

/// The way of one instance.
#[derive(Debug)]
pub(crate) struct Door {
    server: Server,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    upstream: Upstream,
    faults: Arc<Faults>,
    /// Whether Secrets Manager gives this instance nothing.
    no_secrets: bool,
    trap: Mutex<Option<Trap>>,
}

impl Door {
    pub(crate) async fn open(upstream: Upstream, faults: Arc<Faults>, no_secrets: bool) -> Self {
        let shared = Arc::new(Shared { upstream, faults, no_secrets, trap: Mutex::default() });
        let serving = Arc::clone(&shared);
        let server = Server::start(None, move |request| Arc::clone(&serving).serve(request)).await;
        Self { server, shared }
    }

    /// Its URL, for `AWS_ENDPOINT_URL`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Sets a trap that the instance's calls lead into.
    pub(crate) fn set(&self, trap: Trap) {
        *self.shared.trap.lock().unwrap_or_else(PoisonError::into_inner) = Some(trap);
    }

    /// Whether one is still set.
    pub(crate) fn is_trapped(&self) -> bool {
        self.shared.trap.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

impl Shared {
    async fn serve(self: Arc<Self>, request: Request<Bytes>) -> Result<Response<Bytes>, Hangup> {
        let (parts, body) = request.into_parts();
        let operation = operation(&parts.headers, &body);
        let trap = self.sprung();
        if let Some(trap) = trap.as_ref().filter(|trap| !trap.after) {
            trap.switch.press().await;
            return Err(Hangup);
        }
        if self.no_secrets && operation == "GetSecretValue" {
            self.faults.note("GetSecretValue 503 throughout a cold start");
            return Ok(failure(503, "ServiceUnavailable"));
        }
        let fault = self.faults.decide(service(&parts.headers), &operation);
        let answer = self.answer(fault, &operation, parts, body).await;
        if let Some(trap) = trap {
            trap.switch.press().await;
            return Err(Hangup);
        }
        answer
    }

    /// The trap, where this call is the one that springs it.
    fn sprung(&self) -> Option<Trap> {
        let mut trap = self.trap.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = trap.as_mut()?;
        waiting.calls = waiting.calls.saturating_sub(1);
        if waiting.calls == 0 { trap.take() } else { None }
    }

    async fn answer(
        &self,
        fault: Option<Fault>,
        operation: &str,
        parts: Parts,
        body: Bytes,
    ) -> Result<Response<Bytes>, Hangup> {
        match fault {
            None => self.upstream.carry_out(parts, body).await,
            Some(Fault::Answered(status, code)) => Ok(failure(status, code)),
            Some(Fault::ResetBefore) => Err(Hangup),
            Some(Fault::ResetAfter) => {
                self.upstream.carry_out(parts, body).await?;
                Err(Hangup)
            }
            Some(Fault::AnswerLost) => {
                self.upstream.carry_out(parts, body).await?;
                Ok(failure(500, "InternalServerError"))
            }
            Some(Fault::Slow(time)) => {
                sleep(time).await;
                self.upstream.carry_out(parts, body).await
            }
            Some(Fault::HangsBefore) => {
                sleep(HANGS).await;
                Err(Hangup)
            }
            Some(Fault::HangsAfter) => {
                self.upstream.carry_out(parts, body).await?;
                sleep(HANGS).await;
                Err(Hangup)
            }
            Some(Fault::Partial(part)) => self.in_part(part, operation, parts, body).await,
        }
    }

    /// Has a part of a batch carried out, and says of the rest what AWS says of it.
    async fn in_part(&self, part: u64, operation: &str, parts: Parts, body: Bytes) -> Result<Response<Bytes>, Hangup> {
        let mut request: Value = serde_json::from_slice(&body).map_err(|_| Hangup)?;
        let (list, at_least) = match operation {
            "SendMessageBatch" => (request.pointer_mut("/Entries"), 0),
            // DynamoDB carries out one at least, or refuses them all.
            _ => (request["RequestItems"].as_object_mut().and_then(|tables| tables.values_mut().next()), 1),
        };
        let list = list.map(|list| if list.is_array() { list } else { &mut list["Keys"] });
        let Some(list) = list.and_then(Value::as_array_mut) else { return Err(Hangup) };
        let kept = usize::try_from(part).map_err(|_| Hangup)?.checked_rem(list.len()).unwrap_or(0).max(at_least);
        let rest = list.split_off(kept.min(list.len()));
        let mut left = request.clone();
        let answer =
            if kept == 0 { None } else { Some(self.upstream.carry_out(parts, request.to_string().into()).await?) };
        let Some(answer) = &answer else {
            return Ok(told(&mut json!({ "Successful": [] }), operation, &mut left, rest));
        };
        if !answer.status().is_success() {
            return Ok(answer.clone());
        }
        let mut whole: Value = serde_json::from_slice(answer.body()).map_err(|_| Hangup)?;
        Ok(told(&mut whole, operation, &mut left, rest))
    }
}

/// The answer to a batch of which that rest was left.
fn told(answer: &mut Value, operation: &str, request: &mut Value, rest: Vec<Value>) -> Response<Bytes> {
    if operation == "SendMessageBatch" {
        let failed = rest.iter().map(|entry| {
            json!({ "Id": entry["Id"], "SenderFault": false, "Code": "InternalError", "Message": "made by the tests" })
        });
        answer["Failed"] = failed.collect();
    } else if !rest.is_empty() {
        let tables = request["RequestItems"].as_object_mut().expect("tables");
        let table = tables.values_mut().next().expect("a table");
        let list = if table.is_array() { table } else { &mut table["Keys"] };
        *list = rest.into();
        let name = if operation == "BatchGetItem" { "UnprocessedKeys" } else { "UnprocessedItems" };
        answer[name] = request["RequestItems"].clone();
    }
    let response = Response::builder().header("content-type", "application/x-amz-json-1.0");
    response.body(answer.to_string().into()).expect("an answer")
}

fn service(headers: &HeaderMap) -> &'static str {
    let target = headers.get("x-amz-target").map_or("", |target| target.to_str().unwrap_or_default());
    match target.split(['_', '.']).next() {
        Some("DynamoDB") => "DynamoDB",
        Some("AmazonSQS") => "SQS",
        Some("secretsmanager") => "Secrets Manager",
        _ => "SNS",
    }
}
