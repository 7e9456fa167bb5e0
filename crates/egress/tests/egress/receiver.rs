//! Receivers made of a plain socket and a few lines, so that they can break every rule of HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use hookbell_domain::outcome::{Answer, Failure, Outcome};
use hookbell_domain::target::{TargetPolicy, TargetUrl};
use hookbell_egress::{Egress, HeaderMap, Post};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream};

/// Long enough never to be met on a slow machine.
pub(crate) const NEVER: Duration = Duration::from_mins(1);
/// Short enough to be waited for.
pub(crate) const SOON: Duration = Duration::from_millis(300);

pub(crate) fn loopback_policy() -> TargetPolicy {
    TargetPolicy { addresses: "127.0.0.0/8,::1/128".parse().unwrap(), extra_ports: Vec::new() }
}

pub(crate) fn egress(policy: TargetPolicy) -> Egress {
    Egress::new(policy, "hookbell/test").unwrap()
}

pub(crate) fn target(url: &str, policy: &TargetPolicy) -> TargetUrl {
    TargetUrl::parse(url, 2_048, policy).unwrap()
}

/// Sends `body` to a URL of the loopback.
pub(crate) async fn post(url: &str, headers: HeaderMap, body: &'static [u8], deadline: Duration) -> Outcome {
    let target = target(url, &loopback_policy());
    let post = Post { target: &target, headers, body: body.into(), deadline };
    egress(loopback_policy()).post(post).await
}

/// Starts a receiver that gives each of its connections to `serve`, and says where it listens.
pub(crate) async fn start<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// Reads one request whole and gives its text.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text.into_owned();
            }
        }
        if stream.read_buf(&mut request).await.unwrap() == 0 {
            return String::from_utf8_lossy(&request).into_owned();
        }
    }
}

#[track_caller]
pub(crate) fn answered(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Answered(answer) => answer,
        Outcome::Failed(failure) => panic!("no answer: {failure:?}"),
    }
}

#[track_caller]
pub(crate) fn failed(outcome: Outcome) -> Failure {
    match outcome {
        Outcome::Failed(failure) => failure,
        Outcome::Answered(answer) => panic!("answered {}", answer.status),
    }
}
