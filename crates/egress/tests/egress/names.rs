//! Names that lead elsewhere from one question to the next, or to several places at once.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use hookbell_domain::outcome::{Failure, Outcome};
use hookbell_domain::target::{TargetError, TargetPolicy};
use hookbell_egress::{Egress, HeaderMap, LookUp, Post};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::receiver::{NEVER, SOON, answered, failed, read_request, target};

/// Gives its answers one after the other, the last one forever, and counts how often it was asked.
#[derive(Debug, Clone)]
struct Answers(Arc<Mutex<(Vec<Vec<IpAddr>>, usize)>>);

impl Answers {
    fn new(answers: &[&[&str]]) -> Self {
        let parse = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        Self(Arc::new(Mutex::new((answers.iter().map(parse).collect(), 0))))
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

impl LookUp for Answers {
    async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        assert_eq!(name, "hooks.example");
        let mut answers = self.0.lock().unwrap();
        answers.1 += 1;
        let next = answers.0.get(answers.1 - 1).or(answers.0.last());
        Ok(next.unwrap().clone())
    }
}

/// Never answers.
#[derive(Debug, Clone)]
struct Silent;

impl LookUp for Silent {
    async fn look_up(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        std::future::pending().await
    }
}

/// The allow-list of these tests stands for the public: one address, and not its neighbours.
fn policy() -> TargetPolicy {
    TargetPolicy { addresses: "127.0.0.1/32".parse().unwrap(), extra_ports: Vec::new() }
}

/// A receiver on the one address that may be reached, and one at the same port of an address that may not.
struct Receivers {
    inside: std::net::TcpListener,
    port: u16,
}

impl Receivers {
    async fn start() -> Self {
        // Any port that is free at both.
        let (listener, inside) = loop {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let neighbour = SocketAddr::new("127.0.0.2".parse().unwrap(), listener.local_addr().unwrap().port());
            if let Ok(inside) = std::net::TcpListener::bind(neighbour) {
                break (listener, inside);
            }
        };
        inside.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                read_request(&mut stream).await;
                let response = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                stream.write_all(response).await.unwrap();
            }
        });
        Self { inside, port }
    }

    async fn post(&self, egress: &Egress<impl LookUp>) -> Outcome {
        let target = target(&format!("http://hooks.example:{}/", self.port), &policy());
        let post = Post { target: &target, headers: HeaderMap::new(), body: "{}".into(), deadline: NEVER };
        egress.post(post).await
    }

    #[track_caller]
    fn check_inside_is_untouched(&self) {
        assert_eq!(self.inside.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}

fn egress<L: LookUp>(names: L) -> Egress<L> {
    Egress::resolving_by(names, policy(), "hookbell/test").unwrap()
}

fn refused() -> Failure {
    Failure::Refused(TargetError::NameRefused { reason: "loopback" })
}

#[tokio::test]
async fn a_name_that_turns_inside_between_attempts_is_refused_at_the_second() {
    let (receivers, names) = (Receivers::start().await, Answers::new(&[&["127.0.0.1"], &["127.0.0.2"]]));
    let egress = egress(names.clone());
    assert!(receivers.post(&egress).await.is_success());
    assert_eq!(failed(receivers.post(&egress).await), refused());
    receivers.check_inside_is_untouched();
    assert_eq!(names.asked(), 2);
}

#[tokio::test]
async fn a_name_that_turns_inside_after_it_was_judged_is_not_asked_again() {
    let (receivers, names) = (Receivers::start().await, Answers::new(&[&["127.0.0.1"], &["127.0.0.2"]]));
    assert!(receivers.post(&egress(names.clone())).await.is_success());
    receivers.check_inside_is_untouched();
    assert_eq!(names.asked(), 1, "the judged answer is the one that was connected to");
}

#[tokio::test]
async fn a_name_that_was_public_when_it_was_kept_is_judged_anew() {
    let (receivers, names) = (Receivers::start().await, Answers::new(&[&["127.0.0.1"], &["127.0.0.2"]]));
    let egress = egress(names.clone());
    let target = target(&format!("http://hooks.example:{}/", receivers.port), &policy());
    assert_eq!(egress.inspector().inspect(&target).await, Ok(()));
    assert_eq!(failed(receivers.post(&egress).await), refused());
    receivers.check_inside_is_untouched();
}

/// An alias (CNAME) is followed by whoever looks up: what counts is where it ends.
#[tokio::test]
async fn one_address_of_the_inside_among_many_refuses_the_name() {
    let receivers = Receivers::start().await;
    let many: Vec<&str> = std::iter::repeat_n("127.0.0.1", 4_000).collect();
    let last_is_inside = [many.as_slice(), &["127.0.0.2"]].concat();
    for answer in [&["127.0.0.2"][..], &["127.0.0.1", "127.0.0.2"], &["127.0.0.2", "127.0.0.1"], &last_is_inside] {
        assert_eq!(failed(receivers.post(&egress(Answers::new(&[answer]))).await), refused());
    }
    for (answer, reason) in [
        (["127.0.0.1", "::1"], "loopback"),
        (["127.0.0.1", "169.254.169.254"], "link-local"),
        (["127.0.0.1", "10.0.0.1"], "private"),
        (["127.0.0.1", "::ffff:127.0.0.1"], "IPv4-mapped"),
        (["127.0.0.1", "64:ff9b::127.0.0.1"], "loopback"),
    ] {
        let refused = Failure::Refused(TargetError::NameRefused { reason });
        assert_eq!(failed(receivers.post(&egress(Answers::new(&[&answer]))).await), refused, "{answer:?}");
    }
    receivers.check_inside_is_untouched();
    assert!(receivers.post(&egress(Answers::new(&[&many]))).await.is_success());
}

#[tokio::test]
async fn a_name_without_an_address_is_not_resolved_and_opens_nothing() {
    let (receivers, egress) = (Receivers::start().await, egress(Answers::new(&[&[]])));
    assert_eq!(failed(receivers.post(&egress).await), Failure::NameNotResolved);
    let kept = target(&format!("http://hooks.example:{}/", receivers.port), &policy());
    assert_eq!(egress.inspector().inspect(&kept).await, Err(TargetError::NotHttps));
    assert_eq!(egress.inspector().inspect(&target("https://hooks.example/", &policy())).await, Ok(()));
}

#[tokio::test]
async fn a_resolver_that_does_not_answer_ends_with_the_deadline() {
    let target = target("https://hooks.example/", &policy());
    let post = Post { target: &target, headers: HeaderMap::new(), body: "{}".into(), deadline: SOON };
    assert_eq!(failed(egress(Silent).post(post).await), Failure::Timeout);
}

#[tokio::test]
async fn a_resolver_that_does_not_answer_keeps_nobody_waiting_who_makes_an_endpoint() {
    let (egress, target) = (egress(Silent), target("https://hooks.example/", &policy()));
    let inspected = tokio::time::timeout(NEVER, egress.inspector().inspect(&target)).await;
    assert_eq!(inspected, Ok(Ok(())));
}

#[tokio::test]
async fn an_address_where_nobody_listens_gives_way_to_the_next() {
    let policy = TargetPolicy { addresses: "127.0.0.0/8".parse().unwrap(), extra_ports: Vec::new() };
    let receivers = Receivers::start().await;
    let names = Answers::new(&[&["127.0.0.3", "127.0.0.4", "127.0.0.1"]]);
    let egress = Egress::resolving_by(names.clone(), policy, "hookbell/test").unwrap();
    assert_eq!(answered(receivers.post(&egress).await).status, 200);
    assert_eq!(names.asked(), 1);
}
