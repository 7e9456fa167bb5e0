//! The stand-in for AWS: a table, queues and secrets behind one address, with TLS as AWS has it, and every call counted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hookbell_testkit::receiver::acceptor_of;
use hookbell_testkit::server::{Hangup, Server};
use hookbell_testkit::stack::Stack;
use http::{Request, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::database::Database;
use super::sqs::Queues;
use super::{announce, nothing};

/// What every secret holds. It seals nothing that anybody could want.
pub(crate) const ENCRYPTION_KEY: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01";

/// What was asked of AWS, and what it charges for that.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Usage {
    pub(crate) calls: BTreeMap<String, u64>,
    pub(crate) read_units: f64,
    pub(crate) write_units: f64,
    /// Requests to SQS as they are billed, those of Lambda's event source included.
    pub(crate) sqs_requests: u64,
    /// The same of whoever puts events on the queue.
    pub(crate) producer_requests: u64,
}

/// Records that were taken off a queue.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Taken {
    /// What Lambda's event source gives a function; absent where there is none.
    pub(crate) payload: Option<Value>,
}

struct Cloud {
    database: Database,
    queues: Mutex<Queues>,
    usage: Mutex<Usage>,
    /// How long every answer takes besides, milliseconds.
    latency_ms: AtomicU64,
}

pub(super) async fn serve(until: impl Future<Output = ()>) {
    let stack = Stack::load();
    let cloud = Arc::new(Cloud {
        database: Database::start(&stack.table_name).await,
        queues: Mutex::default(),
        usage: Mutex::default(),
        latency_ms: AtomicU64::new(0),
    });
    let (functions, control) = (Arc::clone(&cloud), Arc::clone(&cloud));
    let serve = move |request| Arc::clone(&functions).serve(request);
    // AWS's endpoints of these services speak HTTP/1.1.
    let encrypted = Server::start(Some(acceptor_of(&stack, &["http/1.1"])), serve.clone()).await;
    let plain = Server::start(None, serve).await;
    let control = Server::start(None, move |request| std::future::ready(control.control(&request))).await;
    announce(&json!({
        "tls": format!("https://{}", encrypted.address),
        "plain": format!("http://{}", plain.address),
        "control": format!("http://{}", control.address),
    }));
    until.await;
}

impl Cloud {
    /// A call of a function.
    async fn serve(self: Arc<Self>, request: Request<Bytes>) -> Result<Response<Bytes>, Hangup> {
        let (parts, body) = request.into_parts();
        let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).ok_or(Hangup)?;
        let (service, operation) = target.split_once('.').ok_or(Hangup)?;
        let latency = Duration::from_millis(self.latency_ms.load(Ordering::Relaxed));
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        *self.usage().calls.entry(operation.to_owned()).or_default() += 1;
        let (status, answer) = match service {
            "AmazonSQS" => {
                let request = serde_json::from_slice(&body).map_err(|_| Hangup)?;
                let (answer, billed) = self.queues().carry_out(operation, &request).ok_or(Hangup)?;
                self.usage().sqs_requests += billed;
                (200, answer.to_string().into())
            }
            "secretsmanager" => (200, json!({ "SecretString": ENCRYPTION_KEY }).to_string().into()),
            _ => {
                let answer = self.database.carry_out(target, &body).await;
                let mut usage = self.usage();
                match operation {
                    "GetItem" | "Query" | "BatchGetItem" => usage.read_units += answer.units,
                    _ => usage.write_units += answer.units,
                }
                (answer.status, answer.body)
            }
        };
        let response = Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
        response.body(answer).map_err(|_| Hangup)
    }

    /// A command of the benchmark.
    fn control(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Hangup> {
        let arguments: Value = serde_json::from_slice(request.body()).map_err(|_| Hangup)?;
        let (queue, number) = (arguments["queue"].as_str().unwrap_or_default(), arguments["number"].as_u64());
        let number = usize::try_from(number.unwrap_or_default()).map_err(|_| Hangup)?;
        let answer = match request.uri().path() {
            "/fill" => {
                let bodies = arguments["bodies"].as_array().ok_or(Hangup)?.iter().filter_map(Value::as_str);
                let billed = self.queues().fill(queue, bodies.map(str::to_owned), arguments["delayed"] == true);
                self.usage().producer_requests += billed;
                nothing()
            }
            "/hold" => {
                self.queues().holds = true;
                nothing()
            }
            "/take" => {
                let payload = self.queues().take(queue, number);
                if payload.is_some() {
                    self.count_event_source("ReceiveMessage");
                }
                json!(Taken { payload })
            }
            "/settle" => {
                let again: Vec<&str> =
                    arguments["again"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                if self.queues().settle(queue, &again) {
                    self.count_event_source("DeleteMessageBatch");
                }
                nothing()
            }
            "/hurry" => json!(self.queues().hurry(queue)),
            "/depth" => self.queues().depth(queue),
            "/empty" => {
                *self.queues() = Queues::default();
                nothing()
            }
            "/usage" => json!(std::mem::take(&mut *self.usage())),
            "/stored" => json!(self.database.stored()),
            "/multiply" => json!(self.database.multiply(arguments["partition"].as_str().ok_or(Hangup)?, number)),
            "/latency" => {
                self.latency_ms.store(number as u64, Ordering::Relaxed);
                nothing()
            }
            _ => return Err(Hangup),
        };
        Ok(Response::new(answer.to_string().into()))
    }

    /// A call that Lambda makes for the function, and the account pays for.
    fn count_event_source(&self, operation: &str) {
        let mut usage = self.usage();
        *usage.calls.entry(operation.to_owned()).or_default() += 1;
        usage.sqs_requests += 1;
    }

    fn usage(&self) -> std::sync::MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queues(&self) -> std::sync::MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
