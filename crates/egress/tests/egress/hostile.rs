//! Receivers that answer too much, too slowly, or no HTTP/1: each attempt ends, soon and cheaply.

use std::time::Duration;

use hookbell_domain::outcome::{Failure, MAX_RESPONSE_BYTES, Outcome};
use hookbell_egress::{Egress, HeaderMap, Post};
use tokio::io::AsyncWriteExt;

use crate::memory::{MOST, measured};
use crate::receiver::{NEVER, SOON, egress, loopback_policy, read_request, start, target};
use crate::{authority, receiver};

/// What a receiver writes after a request: something once, and something again and again for as long as it is heard.
#[derive(Clone, Copy)]
struct Answer {
    name: &'static str,
    once: &'static str,
    again: &'static [u8],
    pause: Duration,
    /// What comes of it. Where nothing but the deadline ends it, that is short.
    expected: Expected,
}

#[derive(Clone, Copy)]
enum Expected {
    /// An answer of that status with as much of the body as is kept.
    Cut(u16),
    /// An answer of that status with that body.
    Whole(u16, &'static str),
    /// None, for what the receiver has done.
    Failure(fn() -> Failure),
    /// None, and nothing wrong but the time that it takes.
    Timeout,
}

const X: &[u8] = &[b'x'; 8_192];
const CHUNK: &[u8] =
    b"10\r\nxxxxxxxxxxxxxxxx\r\n10\r\nxxxxxxxxxxxxxxxx\r\n10\r\nxxxxxxxxxxxxxxxx\r\n10\r\nxxxxxxxxxxxxxxxx\r\n";
const HEADERS: &[u8] =
    b"a: b\r\nc: d\r\ne: f\r\ng: h\r\ni: j\r\nk: l\r\nm: n\r\no: p\r\nq: r\r\ns: t\r\nu: v\r\nw: x\r\n";
const CONTINUES: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";
const HINTS: &[u8] = b"HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\nlink: </b>; rel=preload\r\n\r\n";
/// What a decompressor would make a thousand times as much of.
const BOMB: &[u8] = &[0; 8_192];

const fn answer(name: &'static str, once: &'static str, again: &'static [u8], expected: Expected) -> Answer {
    Answer { name, once, again, pause: Duration::ZERO, expected }
}

const fn slow(name: &'static str, once: &'static str, again: &'static [u8]) -> Answer {
    Answer { name, once, again, pause: Duration::from_millis(20), expected: Expected::Timeout }
}

const INVALID: Expected = Expected::Failure(|| Failure::InvalidResponse);
const LOST: Expected = Expected::Failure(|| Failure::ConnectionLost);

const ANSWERS: [Answer; 25] = [
    answer("an endless body", "HTTP/1.1 200 OK\r\n\r\n", X, Expected::Cut(200)),
    answer("ten gigabytes", "HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n", X, Expected::Cut(200)),
    answer(
        "an endless body of chunks",
        "HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n",
        CHUNK,
        Expected::Cut(500),
    ),
    answer("a bomb", "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n\x1f", BOMB, Expected::Cut(200)),
    answer("headers without end", "HTTP/1.1 200 OK\r\n", HEADERS, INVALID),
    answer("a header without end", "HTTP/1.1 200 OK\r\na: ", X, INVALID),
    answer("a header's name without end", "HTTP/1.1 200 OK\r\n", X, INVALID),
    answer("a status line without end", "HTTP/1.1 200 ", X, INVALID),
    answer("no status line", "", X, INVALID),
    answer("empty lines without end", "", b"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n", INVALID),
    answer("zeros without end", "", BOMB, INVALID),
    answer("continue without end", "", CONTINUES, Expected::Timeout),
    answer("early hints without end", "", HINTS, Expected::Timeout),
    answer("trailers without end", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", HEADERS, INVALID),
    answer("a chunk's extension without end", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;", X, INVALID),
    answer(
        "a chunk's size without end",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        b"0000000000000000",
        Expected::Timeout,
    ),
    answer(
        "a chunk of any size",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\n",
        X,
        INVALID,
    ),
    answer("two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!", b"", INVALID),
    answer(
        "more than its length",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        X,
        Expected::Whole(200, "hello"),
    ),
    answer("less than its length", "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello", b"", LOST),
    answer("an answer before its time", "HTTP/1.1 204 No Content\r\n\r\n", X, Expected::Whole(204, "")),
    slow("a body byte by byte", "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", b"x"),
    slow("headers byte by byte", "HTTP/1.1 200 OK\r\na: ", b"b"),
    slow("continue now and then", "", b"HTTP/1.1 100 Continue\r\n\r\n"),
    slow("empty chunks' first byte", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1", b";"),
];

#[track_caller]
fn check(answer: &Answer, outcome: &Outcome) {
    let name = answer.name;
    match (answer.expected, outcome) {
        (Expected::Cut(status), Outcome::Answered(found)) => {
            assert_eq!((found.status, found.body.len()), (status, MAX_RESPONSE_BYTES), "{name}");
        }
        (Expected::Whole(status, body), Outcome::Answered(found)) => {
            assert_eq!((found.status, found.body.as_slice()), (status, body.as_bytes()), "{name}");
        }
        (Expected::Failure(failure), Outcome::Failed(found)) => assert_eq!(*found, failure(), "{name}"),
        (Expected::Timeout, Outcome::Failed(Failure::Timeout)) => {}
        (_, outcome) => panic!("{name}: {outcome:?}"),
    }
}

async fn serve(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin, answer: Answer) {
    read_request(&mut stream).await;
    let mut heard = stream.write_all(answer.once.as_bytes()).await.is_ok();
    while heard && !answer.again.is_empty() {
        heard = stream.write_all(answer.again).await.is_ok();
        if answer.pause > Duration::ZERO {
            tokio::time::sleep(answer.pause).await;
        }
    }
}

async fn attempt(egress: &Egress, url: &str, deadline: Duration) -> Outcome {
    let target = target(url, &loopback_policy());
    let post = Post { target: &target, headers: HeaderMap::new(), body: "{}".into(), deadline };
    egress.post(post).await
}

/// Comes first, so that what is made once for a process is there before what is measured.
const USUAL: Answer =
    answer("the usual", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", b"", Expected::Whole(200, "ok"));

#[test]
fn every_hostile_answer_ends_soon_and_cheaply() {
    authority::trusted("hostile::every_hostile_answer_ends_soon_and_cheaply", async |authority| {
        let egress = egress(loopback_policy());
        for answer in [USUAL].into_iter().chain(ANSWERS) {
            let deadline = if matches!(answer.expected, Expected::Timeout) { SOON } else { NEVER };
            let address = start(move |stream| serve(stream, answer)).await;
            let url = format!("http://{address}/");
            check(&answer, &measured(answer.name, MOST, attempt(&egress, &url, deadline)).await);
        }
        let port = authority.serve("localhost", &["http/1.1"], tls_endless).await;
        let url = format!("https://localhost:{port}/");
        let endless = answer("an endless body within TLS", "", b"", Expected::Cut(200));
        check(&endless, &measured(endless.name, MOST, attempt(&egress, &url, NEVER)).await);
    });
}

async fn tls_endless(stream: tokio_rustls::server::TlsStream<tokio::net::TcpStream>) {
    serve(stream, ANSWERS[0]).await;
}

/// Bytes behind an answer belong to nothing: they are not what the next request is answered by.
#[tokio::test]
async fn an_answer_to_nothing_is_no_answer_to_the_next_request() {
    let address = start(|mut stream| async move {
        while !read_request(&mut stream).await.is_empty() {
            let twice = "HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\nnoHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            if stream.write_all(twice.as_bytes()).await.is_err() {
                break;
            }
        }
    })
    .await;
    let egress = egress(loopback_policy());
    for _ in 0..3 {
        let outcome = attempt(&egress, &format!("http://{address}/"), NEVER).await;
        assert_eq!(receiver::answered(outcome).status, 500);
    }
}
