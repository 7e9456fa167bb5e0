//! A function's real binary as a process, behind a stand-in for Lambda's Runtime API.
//!
//! What AWS says of that API ("Using the Lambda runtime API for custom runtimes") and what is used of it here: the
//! process asks for the next invocation, and posts its response or its error; one that ends in between has failed.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::clock::Clock;
use crate::patience::{PATIENCE, in_time};
use crate::server::{Hangup, Server};

/// What the template gives every function that the tests run for one invocation.
const TIMEOUT: Duration = Duration::from_secs(90);

/// A function's process.
#[derive(Debug)]
pub struct Function {
    name: &'static str,
    invocations: mpsc::UnboundedSender<Invocation>,
    ready: watch::Receiver<bool>,
    exited: watch::Receiver<Option<ExitStatus>>,
    kill: Arc<Notify>,
    output: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
    _server: Server,
}

/// What a process has beside its environment.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The time that it is told; the machine's, where there is none.
    pub clock: Option<Clock>,
    /// Where its lines go, rather than to the test's own output.
    pub log: Option<Arc<Mutex<File>>>,
}

/// What an invocation came to.
#[derive(Debug)]
pub enum Outcome {
    /// The function's response.
    Answered(Value),
    /// The error that the function reported.
    Failed(Value),
    /// The process ended instead.
    Died(ExitStatus),
}

/// An invocation, and where its result is waited for.
#[derive(Debug)]
struct Invocation {
    id: String,
    payload: String,
    result: oneshot::Sender<Outcome>,
}

/// The Runtime API's side of the process.
struct Desk {
    invocations: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    underway: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
    ready: watch::Sender<bool>,
    clock: Option<Clock>,
}

/// Ends a function's process by SIGKILL, from elsewhere.
#[derive(Debug, Clone)]
pub struct KillSwitch {
    kill: Arc<Notify>,
    exited: watch::Receiver<Option<ExitStatus>>,
}

impl Function {
    /// Starts the binary of that name with that environment and nothing else.
    pub async fn start(name: &'static str, environment: &BTreeMap<String, String>) -> Self {
        Self::start_in(name, environment, Surroundings::default()).await
    }

    /// The same in those surroundings.
    pub async fn start_in(
        name: &'static str,
        environment: &BTreeMap<String, String>,
        surroundings: Surroundings,
    ) -> Self {
        let Surroundings { clock, log } = surroundings;
        let (invocations, queue) = mpsc::unbounded_channel();
        let (ready_sender, ready) = watch::channel(false);
        let desk = Arc::new(Desk {
            invocations: tokio::sync::Mutex::new(queue),
            underway: Mutex::default(),
            ready: ready_sender,
            clock: clock.clone(),
        });
        let server = Server::start(None, move |request| Arc::clone(&desk).serve(request)).await;
        let mut child = Command::new(binary(name))
            .env_clear()
            .envs(lambda_environment(name, &server.address.to_string()))
            .envs(environment)
            .envs(clock.iter().flat_map(Clock::environment))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let output = Arc::new(Mutex::new(String::new()));
        let readers = vec![
            tokio::spawn(read_lines(name, child.stdout.take().unwrap(), Arc::clone(&output), log.clone())),
            tokio::spawn(read_lines(name, child.stderr.take().unwrap(), Arc::clone(&output), log)),
        ];
        let kill = Arc::new(Notify::new());
        let (tell, exited) = watch::channel(None);
        tokio::spawn(watch_over(child, Arc::clone(&kill), tell));
        Self { name, invocations, ready, exited, kill, output, readers, _server: server }
    }

    /// Waits until it has started so far that it asks for its first invocation.
    pub async fn ready(&self) {
        assert!(self.starts().await, "{} ended: {}", self.name, self.output());
    }

    /// The same; `false` where it has ended instead.
    pub async fn starts(&self) -> bool {
        let (mut ready, mut exited) = (self.ready.clone(), self.exited.clone());
        let started = async {
            tokio::select! {
                ready = ready.wait_for(|ready| *ready) => ready.is_ok(),
                _ = exited.wait_for(Option::is_some) => false,
            }
        };
        in_time(&format!("{} to start", self.name), started).await
    }

    /// Whether its process has not ended.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.exited.borrow().is_none()
    }

    /// Invokes it.
    pub async fn invoke(&self, payload: &Value) -> Outcome {
        let outcome = self.invoke_within(PATIENCE, payload).await;
        outcome.unwrap_or_else(|| panic!("waited {PATIENCE:?} in vain for {} to answer", self.name))
    }

    /// The same, without a result where it has none after that time.
    pub async fn invoke_within(&self, limit: Duration, payload: &Value) -> Option<Outcome> {
        let (result, answered) = oneshot::channel();
        let invocation = Invocation { id: crate::fresh(), payload: payload.to_string(), result };
        self.invocations.send(invocation).expect("the stand-in for Lambda is there");
        let mut exited = self.exited.clone();
        let outcome = async {
            tokio::select! {
                biased;
                Ok(outcome) = answered => outcome,
                exited = exited.wait_for(Option::is_some) => Outcome::Died(exited.unwrap().unwrap()),
            }
        };
        timeout(limit, outcome).await.ok()
    }

    /// What ends its process.
    #[must_use]
    pub fn kill_switch(&self) -> KillSwitch {
        KillSwitch { kill: Arc::clone(&self.kill), exited: self.exited.clone() }
    }

    /// Waits until it has ended by itself; gives how, and all that it wrote.
    pub async fn ended(mut self) -> (ExitStatus, String) {
        let ended = in_time("the process to end", self.exited.wait_for(Option::is_some)).await;
        let status = ended.unwrap().unwrap();
        for reader in std::mem::take(&mut self.readers) {
            reader.await.unwrap();
        }
        (status, self.output())
    }

    /// What it has written so far, to standard output and standard error.
    #[must_use]
    pub fn output(&self) -> String {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Outcome {
    /// The response of an invocation that has to have one.
    #[track_caller]
    #[must_use]
    pub fn answered(self) -> Value {
        match self {
            Self::Answered(answer) => answer,
            other => panic!("no response: {other:?}"),
        }
    }
}

impl KillSwitch {
    /// Kills the process, and waits until it is dead.
    pub async fn press(&self) {
        self.kill.notify_one();
        in_time("the process to die", self.exited.clone().wait_for(Option::is_some)).await.unwrap();
    }
}

impl Desk {
    async fn serve(self: Arc<Self>, request: Request<Bytes>) -> Result<Response<Bytes>, Hangup> {
        let path = request.uri().path().strip_prefix("/2018-06-01/runtime/").ok_or(Hangup)?.to_owned();
        let path: Vec<&str> = path.split('/').collect();
        match (request.method(), path.as_slice()) {
            (&Method::GET, ["invocation", "next"]) => self.next().await,
            (&Method::POST, ["invocation", id, kind @ ("response" | "error")]) => {
                let body = serde_json::from_slice(request.body()).map_err(|_| Hangup)?;
                let outcome = if *kind == "response" { Outcome::Answered(body) } else { Outcome::Failed(body) };
                let waiting = self.underway.lock().unwrap_or_else(PoisonError::into_inner).remove(*id);
                // Whoever invoked may have given up waiting.
                drop(waiting.map(|waiting| waiting.send(outcome)));
                Ok(accepted())
            }
            (&Method::POST, ["init", "error"]) => Ok(accepted()),
            _ => Err(Hangup),
        }
    }

    async fn next(&self) -> Result<Response<Bytes>, Hangup> {
        self.ready.send_replace(true);
        let invocation = self.invocations.lock().await.recv().await.ok_or(Hangup)?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        // By the clock of the machine that the process runs on.
        let deadline = self.clock.as_ref().map_or(now, |clock| clock.shifted(now)) + TIMEOUT;
        let response = Response::builder()
            .header("lambda-runtime-aws-request-id", &invocation.id)
            .header("lambda-runtime-deadline-ms", deadline.as_millis().to_string())
            .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:tests")
            .header("content-type", "application/json")
            .body(Bytes::from(invocation.payload))
            .unwrap();
        self.underway.lock().unwrap_or_else(PoisonError::into_inner).insert(invocation.id, invocation.result);
        Ok(response)
    }
}

fn accepted() -> Response<Bytes> {
    Response::builder().status(202).body(Bytes::new()).unwrap()
}

/// Waits for the end of a process, and brings it about when asked to.
async fn watch_over(mut child: Child, kill: Arc<Notify>, tell: watch::Sender<Option<ExitStatus>>) {
    let status = tokio::select! {
        status = child.wait() => status,
        () = kill.notified() => {
            child.kill().await.unwrap();
            child.wait().await
        }
        // Nobody is interested any more; dropping the child kills it.
        () = tell.closed() => return,
    };
    tell.send_replace(Some(status.unwrap()));
}

async fn read_lines(
    name: &str,
    stream: impl AsyncRead + Unpin,
    output: Arc<Mutex<String>>,
    log: Option<Arc<Mutex<File>>>,
) {
    let mut lines = BufReader::new(stream).lines();
    let mut kept = kept_log(name);
    while let Ok(Some(line)) = lines.next_line().await {
        match &log {
            Some(log) => writeln!(log.lock().unwrap_or_else(PoisonError::into_inner), "{name}: {line}").unwrap(),
            // The test harness shows this where the test fails.
            None => println!("{name}: {line}"),
        }
        if let Some(kept) = &mut kept {
            writeln!(kept, "{line}").unwrap();
        }
        let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
        output.push_str(&line);
        output.push('\n');
    }
}

/// Where what a function writes is kept beyond its test, if it is to be: in the folder `HOOKBELL_FUNCTION_LOGS`.
fn kept_log(name: &str) -> Option<std::fs::File> {
    let file =
        PathBuf::from(std::env::var_os("HOOKBELL_FUNCTION_LOGS")?).join(format!("{name}.{}.log", crate::fresh()));
    Some(std::fs::File::create(file).unwrap())
}

/// What Lambda itself sets for every function.
fn lambda_environment(name: &str, address: &str) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("AWS_LAMBDA_RUNTIME_API", address.to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", name.to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "tests".to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
    ])
}

/// Where a function's binary is: in the folder `HOOKBELL_BINARIES`; else as `sam build` has left it to be deployed; else
/// as `cargo build` has.
fn binary(name: &str) -> PathBuf {
    let target = target();
    let places = match std::env::var_os("HOOKBELL_BINARIES").map(PathBuf::from) {
        Some(folder) => vec![folder.join(name)],
        None => vec![target.join("lambda").join(name).join("bootstrap"), target.join("debug").join(name)],
    };
    let found = places.iter().find(|place| place.is_file());
    found.cloned().unwrap_or_else(|| {
        panic!("no binary of {name} in {places:?}: `sam build` or `cargo build --workspace` makes it")
    })
}

/// The folder of what was built, in which the running test lies.
pub(crate) fn target() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    // target/debug/deps/<test>
    test.ancestors().nth(3).expect("a test lies in target/<profile>/deps").to_owned()
}
