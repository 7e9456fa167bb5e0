//! What stands in for AWS and for the receivers: this program, started again, each in a process of its own. So none of
//! what they use counts for the function, and the function reaches them over TLS as it does in earnest.

mod cloud;
mod database;
mod receiver;
mod sqs;

use std::process::Stdio;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

pub(crate) use cloud::{ENCRYPTION_KEY, Taken, Usage};
pub(crate) use database::Stored;

/// Which of them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Cloud,
    Receiver,
}

impl Kind {
    const ALL: [(&str, Self); 2] = [("stand-in-cloud", Self::Cloud), ("stand-in-receiver", Self::Receiver)];

    /// The one that an argument of this program asks for.
    pub(crate) fn named(argument: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == argument).map(|(_, kind)| *kind)
    }

    fn argument(self) -> &'static str {
        match self {
            Self::Cloud => Self::ALL[0].0,
            Self::Receiver => Self::ALL[1].0,
        }
    }

    /// Stands in until nobody needs it any more: until standard input ends.
    pub(crate) async fn serve(self) {
        match self {
            Self::Cloud => cloud::serve(until_unneeded()).await,
            Self::Receiver => receiver::serve(until_unneeded()).await,
        }
    }
}

async fn until_unneeded() {
    let ended = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
    // Whether it has ended or was never there.
    drop(ended);
}

/// Says where a stand-in listens: the first line of its output.
fn announce(addresses: &Value) {
    println!("{addresses}");
}

/// A stand-in that was started. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct StandIn {
    _child: Child,
    /// Where it listens, by what for.
    addresses: Value,
    client: reqwest::Client,
}

impl StandIn {
    pub(crate) async fn start(kind: Kind) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut child = Command::new(program)
            .arg(kind.argument())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
        let addresses = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{kind:?} did not start: {line:?}"));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { _child: child, addresses, client }
    }

    /// Where it listens for something.
    pub(crate) fn url(&self, what: &str) -> &str {
        self.addresses[what].as_str().unwrap_or_else(|| panic!("no {what} in {}", self.addresses))
    }

    /// Has it do something that no function asks for.
    pub(crate) async fn control<T: DeserializeOwned>(&self, command: &str, arguments: &Value) -> T {
        let url = format!("{}/{command}", self.url("control"));
        let answer = self.client.post(url).body(arguments.to_string()).send().await.unwrap();
        let (status, body) = (answer.status(), answer.bytes().await.unwrap());
        assert!(status.is_success(), "{command}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    /// The same, of which nothing is to be known.
    pub(crate) async fn tell(&self, command: &str, arguments: &Value) {
        let _: Value = self.control(command, arguments).await;
    }
}

/// Nothing to say.
fn nothing() -> Value {
    json!({})
}
