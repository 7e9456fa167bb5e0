//! A proxy in front of AWS: counts what a function asks for and what that costs, and makes trouble where it is told.
//!
//! Requests are changed on the way (`DynamoDB` is asked what it charges), so their signatures no longer fit. The local
//! AWS asks whose key it is and not whether the signature fits; AWS itself would refuse them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use serde_json::{Value, json};

use crate::function::{Function, KillSwitch};
use crate::rounds::Rounds;
use crate::server::{Hangup, Server};

/// The proxy.
#[derive(Debug)]
pub struct AwsProxy {
    server: Server,
    state: Arc<State>,
}

/// What was asked for, and what it cost.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    calls: BTreeMap<String, u32>,
    units: BTreeMap<String, f64>,
    rounds: u64,
}

/// Which of the calls of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// That one alone, counted from 1.
    Number(u32),
    /// All of them.
    Every,
}

/// A call of a function to AWS, at which it dies.
#[derive(Debug, Clone, Copy)]
pub enum At {
    /// As it makes it: AWS never hears of it.
    Before(&'static str, u32),
    /// When it was carried out, before the function knows of it.
    After(&'static str, u32),
}

impl At {
    /// Has the function die there; its calls have to go through that proxy.
    pub fn arrange(self, proxy: &AwsProxy, function: &Function) {
        match self {
            Self::Before(operation, number) => proxy.kill_before(operation, number, function),
            Self::After(operation, number) => proxy.kill_after(operation, number, function),
        }
    }
}

/// What becomes of a call.
#[derive(Debug, Clone)]
enum Trouble {
    Refused,
    AnswerLost,
    DeathBefore(KillSwitch),
    DeathAfter(KillSwitch),
    /// Of a batch of statements the one at that place, from 0, fails with that code, and the others are carried out.
    StatementFailed(usize, &'static str),
}

#[derive(Debug)]
struct Plan {
    operation: &'static str,
    which: Which,
    seen: u32,
    trouble: Trouble,
}

/// The AWS behind a proxy.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    url: String,
    client: reqwest::Client,
}

#[derive(Debug)]
struct State {
    upstream: Upstream,
    usage: Mutex<Usage>,
    plans: Mutex<Vec<Plan>>,
    rounds: Rounds,
}

impl AwsProxy {
    /// A proxy in front of the AWS at that URL.
    pub async fn start(upstream: &str) -> Self {
        let state = Arc::new(State {
            upstream: Upstream::at(upstream),
            usage: Mutex::default(),
            plans: Mutex::default(),
            rounds: Rounds::default(),
        });
        let serving = Arc::clone(&state);
        let server = Server::start(None, move |request| Arc::clone(&serving).serve(request)).await;
        Self { server, state }
    }

    /// Its URL, for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// What was asked for since this was last called.
    #[must_use]
    pub fn take_usage(&self) -> Usage {
        let usage = std::mem::take(&mut *self.state.usage.lock().unwrap_or_else(PoisonError::into_inner));
        Usage { rounds: self.state.rounds.take(), ..usage }
    }

    /// From now on gives answers in rounds, so that [`Usage::rounds`] tells how many there were.
    pub fn answer_in_rounds(&self) {
        self.state.rounds.begin();
    }

    /// From now on refuses calls of an operation for good, as for want of a permission: the SDK does not repeat them.
    pub fn refuse(&self, operation: &'static str, which: Which) {
        self.plan(operation, which, Trouble::Refused);
    }

    /// Has that call carried out and answered with 500: the SDK will repeat it.
    pub fn lose_answer(&self, operation: &'static str, number: u32) {
        self.plan(operation, Which::Number(number), Trouble::AnswerLost);
    }

    /// Has the function die as it makes that call: AWS never hears of it.
    pub fn kill_before(&self, operation: &'static str, number: u32, function: &Function) {
        self.plan(operation, Which::Number(number), Trouble::DeathBefore(function.kill_switch()));
    }

    /// Has the function die after that call was carried out, before it knows of it.
    pub fn kill_after(&self, operation: &'static str, number: u32, function: &Function) {
        self.plan(operation, Which::Number(number), Trouble::DeathAfter(function.kill_switch()));
    }

    /// Has a statement of the next batch of them, counted from 1, fail with a code of `BatchStatementError`.
    pub fn fail_statement(&self, number: usize, code: &'static str) {
        self.plan("BatchExecuteStatement", Which::Number(1), Trouble::StatementFailed(number - 1, code));
    }

    /// From now on carries out every call again.
    pub fn relent(&self) {
        self.state.plans.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn plan(&self, operation: &'static str, which: Which, trouble: Trouble) {
        let plan = Plan { operation, which, seen: 0, trouble };
        self.state.plans.lock().unwrap_or_else(PoisonError::into_inner).push(plan);
    }
}

impl Usage {
    /// How often an operation was asked for.
    #[must_use]
    pub fn calls(&self, operation: &str) -> u32 {
        self.calls.get(operation).copied().unwrap_or(0)
    }

    /// How many calls there were, of each operation that was called at all.
    #[must_use]
    pub fn all_calls(&self) -> Vec<(&str, u32)> {
        self.calls.iter().map(|(operation, count)| (operation.as_str(), *count)).collect()
    }

    /// How often in a row the function has waited for AWS, at most, where answers are given in rounds: calls that do not
    /// wait for one another are one round.
    #[must_use]
    pub fn rounds(&self) -> u64 {
        self.rounds
    }

    /// The capacity units that an operation was charged with, read or write units by its kind.
    #[must_use]
    pub fn units(&self, operation: &str) -> f64 {
        self.units.get(operation).copied().unwrap_or(0.0)
    }
}

impl Upstream {
    /// The AWS at that URL.
    pub(crate) fn at(url: &str) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { url: url.trim_end_matches('/').to_owned(), client }
    }

    /// Has a call carried out, and gives the answer.
    pub(crate) async fn carry_out(&self, parts: Parts, body: Bytes) -> Result<Response<Bytes>, Hangup> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut headers = parts.headers;
        for name in [http::header::HOST, http::header::CONTENT_LENGTH] {
            headers.remove(name);
        }
        let request = self.client.request(parts.method, format!("{}{path}", self.url)).headers(headers);
        let answer = request.body(body).send().await.map_err(|_| Hangup)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.map_err(|_| Hangup)?;
        let mut response = Response::builder().status(status).body(body).unwrap();
        for name in ["content-type", "x-amzn-requestid", "x-amzn-errortype", "x-amz-crc32"] {
            if let Some(value) = headers.get(name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
        Ok(response)
    }
}

impl State {
    async fn serve(self: Arc<Self>, request: Request<Bytes>) -> Result<Response<Bytes>, Hangup> {
        let (parts, body) = request.into_parts();
        let operation = operation(&parts.headers, &body);
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner).calls.entry(operation.clone()).or_default() += 1;
        let round = self.rounds.enter();
        let trouble = self.trouble(&operation);
        match &trouble {
            Some(Trouble::Refused) => return Ok(failure(400, "AccessDeniedException")),
            Some(Trouble::DeathBefore(switch)) => {
                switch.press().await;
                return Err(Hangup);
            }
            Some(Trouble::DeathAfter(_) | Trouble::AnswerLost | Trouble::StatementFailed(..)) | None => {}
        }
        let mut body = ask_for_the_bill(&parts.headers, body);
        if let Some(Trouble::StatementFailed(place, _)) = trouble {
            body = changed(&body, |request| drop(request["Statements"].as_array_mut().unwrap().remove(place)));
        }
        let mut answer = self.upstream.carry_out(parts, body).await?;
        if let Some(Trouble::StatementFailed(place, code)) = trouble {
            let failed = json!({ "Error": { "Code": code, "Message": "made by the tests" } });
            let responses = |answer: &mut Value| answer["Responses"].as_array_mut().unwrap().insert(place, failed);
            let body = changed(answer.body(), responses);
            answer = Response::builder().header("content-type", "application/x-amz-json-1.0").body(body).unwrap();
        }
        self.note_bill(operation, answer.body());
        round.end().await;
        match trouble {
            Some(Trouble::DeathAfter(switch)) => {
                switch.press().await;
                return Err(Hangup);
            }
            Some(Trouble::AnswerLost) => return Ok(failure(500, "InternalServerError")),
            _ => {}
        }
        Ok(answer)
    }

    fn trouble(&self, operation: &str) -> Option<Trouble> {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = None;
        for plan in plans.iter_mut().filter(|plan| plan.operation == operation) {
            plan.seen += 1;
            if plan.which == Which::Every || plan.which == Which::Number(plan.seen) {
                found = Some(plan.trouble.clone());
            }
        }
        found
    }

    fn note_bill(&self, operation: String, answer: &[u8]) {
        let Ok(answer) = serde_json::from_slice::<Value>(answer) else { return };
        // One of them, or a list with one of each table.
        let bill = &answer["ConsumedCapacity"];
        let units: f64 = match bill.as_array() {
            Some(bills) => bills.iter().filter_map(|bill| bill["CapacityUnits"].as_f64()).sum(),
            None => bill["CapacityUnits"].as_f64().unwrap_or(0.0),
        };
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner).units.entry(operation).or_default() += units;
    }
}

/// The operation's name: after the dot of `x-amz-target`, or in the form that the older protocol sends.
pub(crate) fn operation(headers: &HeaderMap, body: &[u8]) -> String {
    if let Some(target) = headers.get("x-amz-target") {
        let target = target.to_str().unwrap();
        return target.rsplit('.').next().unwrap_or(target).to_owned();
    }
    let form = String::from_utf8_lossy(body);
    form.split('&').find_map(|field| field.strip_prefix("Action=")).unwrap_or("unknown").to_owned()
}

/// The same request to `DynamoDB`, asking what it costs.
fn ask_for_the_bill(headers: &HeaderMap, body: Bytes) -> Bytes {
    let is_dynamodb = headers.get("x-amz-target").is_some_and(|target| target.as_bytes().starts_with(b"DynamoDB_"));
    if !is_dynamodb {
        return body;
    }
    changed(&body, |request| request["ReturnConsumedCapacity"] = "TOTAL".into())
}

/// A text of JSON, changed.
fn changed(text: &[u8], change: impl FnOnce(&mut Value)) -> Bytes {
    let mut value = serde_json::from_slice(text).expect("JSON");
    change(&mut value);
    value.to_string().into()
}

/// A failure in the protocol that all the services here share.
pub(crate) fn failure(status: u16, code: &str) -> Response<Bytes> {
    let body = format!(r#"{{"__type":"{code}","message":"made by the tests"}}"#);
    let response = Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    response.body(body.into()).unwrap()
}
