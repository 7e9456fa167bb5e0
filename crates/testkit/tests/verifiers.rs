//! What stock libraries say of the requests: they accept each as it came, and refuse it with one byte changed.

#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a panic is how a test fails")]

use std::path::Path;
use std::process::Stdio;

use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::receiver::{Arrival, Receiver};
use hookbell_testkit::stack::Stack;
use serde_json::{Map, Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The headers by which libraries of Standard Webhooks go.
const WEBHOOK: &str = "webhook-";

/// The names that Svix's libraries look for first.
const SVIX: &str = "svix-";

/// A library, and the headers that it is given.
#[derive(Debug, Clone, Copy)]
enum Library {
    Rust,
    Python(&'static str, &'static str),
    JavaScript,
}

const STOCK: [Library; 3] = [Library::Rust, Library::Python("standardwebhooks", WEBHOOK), Library::JavaScript];

impl Library {
    fn prefix(self) -> &'static str {
        match self {
            Self::Python(_, prefix) => prefix,
            Self::Rust | Self::JavaScript => WEBHOOK,
        }
    }

    /// What it says against each request, null where it accepts it.
    async fn verdicts(self, requests: &[Request]) -> Vec<Value> {
        let venv = Path::new(ROOT).join(".venv");
        let verifiers = Path::new(ROOT).join("infra/local/verifiers");
        let mut command = match self {
            Self::Rust => return requests.iter().map(Request::verdict).collect(),
            Self::Python(module, _) => {
                let mut command = Command::new(venv.join("bin/python"));
                command.arg(verifiers.join("verify.py")).arg(module);
                command
            }
            Self::JavaScript => {
                let mut command = Command::new(venv.join("bin/node"));
                command.arg(verifiers.join("verify.cjs")).env("NODE_PATH", venv.join("verifiers/node_modules"));
                command
            }
        };
        let input: Vec<Value> = requests.iter().map(Request::json).collect();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("`make test` installs it");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(json!(input).to_string().as_bytes()).await.expect("it reads");
        drop(stdin);
        let output = child.wait_with_output().await.expect("it ends");
        assert!(output.status.success(), "{self:?}");
        serde_json::from_slice(&output.stdout).expect("a list")
    }
}

/// A request as a library is given it.
#[derive(Debug, Clone)]
struct Request {
    secret: String,
    headers: Map<String, Value>,
    body: String,
}

impl Request {
    /// One that has arrived, with those of its headers that begin so.
    fn of(arrival: &Arrival, prefix: &str, secret: &str) -> Self {
        let headers = arrival.headers.iter().filter(|(name, _)| name.as_str().starts_with(prefix));
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().expect("text").into())).collect();
        Self { secret: secret.to_owned(), headers, body: arrival.text().to_owned() }
    }

    /// With another text in one of its headers.
    fn with(&self, header: &str, change: impl Fn(&str) -> String) -> Self {
        let mut changed = self.clone();
        let value = changed.headers.get_mut(header).unwrap_or_else(|| panic!("no {header} in {self:?}"));
        *value = change(value.as_str().expect("text")).into();
        changed
    }

    fn json(&self) -> Value {
        json!({ "secret": self.secret, "headers": self.headers, "body": self.body })
    }

    /// What the library of Rust says.
    fn verdict(&self) -> Value {
        let headers = self.headers.iter().map(|(name, value)| {
            (name.parse().expect("a name"), value.as_str().and_then(|value| value.parse().ok()).expect("a value"))
        });
        let headers: http::HeaderMap = headers.collect();
        let webhook = standardwebhooks::Webhook::new(&self.secret).expect("a secret");
        webhook.verify(self.body.as_bytes(), &headers).map_or_else(|error| error.to_string().into(), |()| Value::Null)
    }

    /// The request with one byte changed, each time of another part; of each of its signatures, where there are more.
    fn tampered(&self, prefix: &str) -> [(&'static str, Self); 4] {
        let body = Self { body: flipped(&self.body, self.body.len() / 2), ..self.clone() };
        let last = |text: &str| flipped(text, text.len() - 1);
        let signatures = |text: &str| {
            let tokens = text.split(' ').map(|token| flipped(token, token.find(',').map_or(0, |comma| comma + 1)));
            tokens.collect::<Vec<_>>().join(" ")
        };
        [
            ("body", body),
            ("id", self.with(&format!("{prefix}id"), last)),
            ("timestamp", self.with(&format!("{prefix}timestamp"), last)),
            ("signature", self.with(&format!("{prefix}signature"), signatures)),
        ]
    }
}

/// The text with the byte there changed to another letter or digit.
fn flipped(text: &str, at: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let byte = bytes.get_mut(at).expect("a byte");
    *byte = if *byte == b'1' { b'2' } else { b'1' };
    String::from_utf8(bytes).expect("it was ASCII there")
}

/// Those libraries accept an arrival for each of the secrets, and refuse it tampered with and for another secret.
async fn check(libraries: &[Library], arrival: &Arrival, secrets: &[&str]) {
    let foreign = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    for library in libraries {
        let prefix = library.prefix();
        let genuine: Vec<Request> = secrets.iter().map(|secret| Request::of(arrival, prefix, secret)).collect();
        let accepted = library.verdicts(&genuine).await;
        assert!(accepted.iter().all(Value::is_null), "{library:?} refuses: {accepted:?} {arrival:?}");
        let tampered: Vec<(&str, Request)> = genuine.iter().flat_map(|request| request.tampered(prefix)).collect();
        let (parts, mut requests): (Vec<&str>, Vec<Request>) = tampered.into_iter().unzip();
        requests.push(Request::of(arrival, prefix, foreign));
        let verdicts = library.verdicts(&requests).await;
        for (part, verdict) in parts.iter().chain(&["secret"]).zip(&verdicts) {
            assert!(verdict.is_string(), "{library:?} accepts a changed {part}");
        }
        assert_eq!(verdicts.len(), requests.len());
    }
}

async fn arrival_at(organization: &Organization, receiver: &Receiver) -> Arrival {
    let message = organization.send_example().await;
    receiver.wait_for_message(&message, 1).await.remove(0)
}

async fn roll(endpoint: &Endpoint) -> String {
    let reply = endpoint.organization.api.post(&endpoint.path("/secret/roll"), "").await.expect(200);
    reply["secret"].as_str().expect("a secret").to_owned()
}

#[tokio::test]
async fn stock_libraries_verify_both_kinds_of_bodies() {
    let stack = Stack::load();
    for profile in ["slothbox", "daytona"] {
        let organization = Organization::new(&stack, profile).await;
        let receiver = Receiver::always(&stack, 200).await;
        let endpoint = organization.endpoint(&receiver, &["*"]).await;
        check(&STOCK, &arrival_at(&organization, &receiver).await, &[&endpoint.secret]).await;
    }
}

#[tokio::test]
async fn stock_libraries_verify_with_either_secret_while_they_overlap() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let rolled = roll(&endpoint).await;
    let arrival = arrival_at(&organization, &receiver).await;
    assert_eq!(arrival.header("webhook-signature").split(' ').count(), 2);
    check(&STOCK, &arrival, &[&rolled, &endpoint.secret]).await;
}

#[tokio::test]
async fn svix_and_stock_libraries_verify_an_endpoint_with_every_switch_on() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "daytona").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    endpoint.patch(json!({ "svixHeaders": true, "v1a": true })).await;
    let arrival = arrival_at(&organization, &receiver).await;
    assert!(arrival.header("webhook-signature").contains("v1a,"), "a token that they pass over");
    let svix = Library::Python("svix", SVIX);
    check(&[svix, STOCK[0], STOCK[1], STOCK[2]], &arrival, &[&endpoint.secret]).await;
    let rolled = roll(&endpoint).await;
    check(&[svix], &arrival_at(&organization, &receiver).await, &[&rolled, &endpoint.secret]).await;
}
