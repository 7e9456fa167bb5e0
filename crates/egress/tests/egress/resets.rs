//! Connections that are cut, at each stage of an attempt.

use hookbell_domain::outcome::Failure;
use hookbell_egress::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::authority;
use crate::receiver::{NEVER, failed, post, read_request, start};

/// Closes with a reset, whatever is still on its way.
fn reset(stream: TcpStream) {
    stream.set_zero_linger().unwrap();
    drop(stream);
}

#[track_caller]
fn check(stage: &str, outcome: hookbell_domain::outcome::Outcome, expected: &[Failure]) {
    let failure = failed(outcome);
    assert!(expected.contains(&failure), "{stage}: {failure:?}");
}

/// Resets a plain connection after the request and what was written of an answer.
async fn reset_after(written: &'static str) -> hookbell_domain::outcome::Outcome {
    let address = start(move |mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(written.as_bytes()).await.unwrap();
        reset(stream);
    })
    .await;
    post(&format!("http://{address}/"), HeaderMap::new(), b"{}", NEVER).await
}

#[tokio::test]
async fn a_reset_before_the_request_is_a_lost_connection() {
    let address = start(|stream| async move { reset(stream) }).await;
    let outcome = post(&format!("http://{address}/"), HeaderMap::new(), b"{}", NEVER).await;
    check("at once", outcome, &[Failure::ConnectionLost]);
    let address = start(|mut stream| async move {
        let mut some = [0; 10];
        stream.read_exact(&mut some).await.unwrap();
        reset(stream);
    })
    .await;
    let outcome = post(&format!("http://{address}/"), HeaderMap::new(), b"{}", NEVER).await;
    check("amid the request", outcome, &[Failure::ConnectionLost]);
}

#[tokio::test]
async fn a_reset_before_the_answer_is_complete_is_a_lost_connection() {
    for written in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\ncontent-le",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        // No length is stated, yet a reset is no end.
        "HTTP/1.1 200 OK\r\n\r\nhello",
    ] {
        check(written, reset_after(written).await, &[Failure::ConnectionLost]);
    }
}

#[tokio::test]
async fn a_reset_amid_the_handshake_is_a_failure_to_connect() {
    for bytes in [0, 1, 5, 60] {
        let address = start(move |mut stream| async move {
            let mut some = vec![0; bytes];
            stream.read_exact(&mut some).await.unwrap();
            reset(stream);
        })
        .await;
        let outcome = post(&format!("https://{address}/"), HeaderMap::new(), b"{}", NEVER).await;
        check(&format!("{bytes} bytes into it"), outcome, &[Failure::ConnectionLost, Failure::TlsFailed]);
    }
}

#[test]
fn a_reset_within_tls_is_a_lost_connection() {
    authority::trusted("resets::a_reset_within_tls_is_a_lost_connection", async |authority| {
        for (stage, alpn, serve) in [
            ("before the request", "http/1.1", 0),
            ("after the request", "http/1.1", 1),
            ("before the request", "h2", 0),
            ("after the request", "h2", 1),
        ] {
            let port = if serve == 0 {
                authority.serve("localhost", &[alpn], reset_at_once).await
            } else {
                authority.serve("localhost", &[alpn], reset_when_asked).await
            };
            let outcome = post(&format!("https://localhost:{port}/"), HeaderMap::new(), b"{}", NEVER).await;
            check(&format!("{alpn}: {stage}"), outcome, &[Failure::ConnectionLost]);
        }
    });
}

async fn reset_at_once(stream: TlsStream<TcpStream>) {
    reset(stream.into_inner().0);
}

async fn reset_when_asked(mut stream: TlsStream<TcpStream>) {
    let mut some = [0; 24];
    stream.read_exact(&mut some).await.unwrap();
    reset(stream.into_inner().0);
}
