//! TLS against a receiver with a certificate of our own making.

use hookbell_domain::outcome::{Failure, MAX_RESPONSE_BYTES, Outcome};
use hookbell_egress::HeaderMap;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::authority::{self, Authority};
use crate::receiver::{NEVER, answered, failed, post, read_request, start};

async fn post_to(host: &str, port: u16) -> Outcome {
    post(&format!("https://{host}:{port}/"), HeaderMap::new(), b"{}", NEVER).await
}

async fn hello(mut stream: TlsStream<TcpStream>) {
    read_request(&mut stream).await;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await.unwrap();
}

fn trusted<F: Future<Output = ()>>(test: &str, body: impl FnOnce(Authority) -> F) {
    authority::trusted(&format!("tls::{test}"), body);
}

#[test]
fn a_trusted_receiver_is_reached() {
    trusted("a_trusted_receiver_is_reached", async |authority| {
        let port = authority.serve("localhost", &["http/1.1"], hello).await;
        assert_eq!(answered(post_to("localhost", port).await).body, b"hello");
        let port = authority.serve("127.0.0.1", &[], hello).await;
        assert_eq!(answered(post_to("127.0.0.1", port).await).body, b"hello");
    });
}

#[test]
fn http2_is_spoken_where_the_receiver_offers_it() {
    trusted("http2_is_spoken_where_the_receiver_offers_it", async |authority| {
        let port = authority.serve("localhost", &["h2", "http/1.1"], http2_without_end).await;
        let answer = answered(post_to("localhost", port).await);
        assert_eq!(answer.status, 201);
        assert_eq!(answer.body, b"x".repeat(MAX_RESPONSE_BYTES));
    });
}

/// Answers with a body longer than what is read, and never ends it.
async fn http2_without_end(stream: TlsStream<TcpStream>) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((_, mut respond))) = connection.accept().await {
        let head = http::Response::builder().status(201).body(()).unwrap();
        let mut body = respond.send_response(head, false).unwrap();
        body.send_data(vec![b'x'; 60_000].into(), false).unwrap();
        tokio::spawn(async move { std::future::poll_fn(|context| body.poll_reset(context)).await });
    }
}

#[test]
fn an_http2_stream_that_is_reset_is_a_lost_connection() {
    trusted("an_http2_stream_that_is_reset_is_a_lost_connection", async |authority| {
        let port = authority.serve("localhost", &["h2"], http2_reset).await;
        assert_eq!(failed(post_to("localhost", port).await), Failure::ConnectionLost);
    });
}

async fn http2_reset(stream: TlsStream<TcpStream>) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((_, mut respond))) = connection.accept().await {
        respond.send_reset(h2::Reason::INTERNAL_ERROR);
    }
}

#[test]
fn http2_headers_over_the_limit_are_an_invalid_response() {
    trusted("http2_headers_over_the_limit_are_an_invalid_response", async |authority| {
        let port = authority.serve("localhost", &["h2"], http2_with_large_headers).await;
        assert_eq!(failed(post_to("localhost", port).await), Failure::InvalidResponse);
    });
}

async fn http2_with_large_headers(stream: TlsStream<TcpStream>) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((_, mut respond))) = connection.accept().await {
        let head = http::Response::builder().header("a", "b".repeat(20_000)).body(()).unwrap();
        respond.send_response(head, true).unwrap();
    }
}

/// Reads until the client is gone: closing earlier could reset what was written.
async fn drain(mut stream: impl AsyncRead + Unpin) {
    let mut rest = [0; 4_096];
    while matches!(stream.read(&mut rest).await, Ok(1..)) {}
}

#[test]
fn a_certificate_for_another_name_is_a_tls_failure() {
    trusted("a_certificate_for_another_name_is_a_tls_failure", async |authority| {
        let port = authority.serve("example.com", &[], hello).await;
        assert_eq!(failed(post_to("localhost", port).await), Failure::TlsFailed);
        assert_eq!(failed(post_to("127.0.0.1", port).await), Failure::TlsFailed);
    });
}

#[test]
fn a_certificate_that_is_over_or_not_yet_is_a_tls_failure() {
    trusted("a_certificate_that_is_over_or_not_yet_is_a_tls_failure", async |authority| {
        for years in [(1999, 2020), (2090, 2099)] {
            let port = authority.serve_in("localhost", Some(years), &[], hello).await;
            assert_eq!(failed(post_to("localhost", port).await), Failure::TlsFailed, "{years:?}");
        }
    });
}

#[tokio::test]
async fn a_certificate_that_vouches_for_itself_is_a_tls_failure() {
    let port = Authority::serve_itself("localhost", hello).await;
    assert_eq!(failed(post_to("localhost", port).await), Failure::TlsFailed);
}

#[test]
fn a_body_without_a_length_may_end_without_the_closing_message_of_tls() {
    trusted("a_body_without_a_length_may_end_without_the_closing_message_of_tls", async |authority| {
        let port = authority.serve("localhost", &[], end_without_a_length).await;
        assert_eq!(answered(post_to("localhost", port).await).body, b"hello");
    });
}

async fn end_without_a_length(stream: TlsStream<TcpStream>) {
    end_abruptly(stream, "HTTP/1.1 200 OK\r\n\r\nhello").await;
}

#[test]
fn a_body_with_a_length_may_not() {
    trusted("a_body_with_a_length_may_not", async |authority| {
        let port = authority.serve("localhost", &[], end_within_the_length).await;
        assert_eq!(failed(post_to("localhost", port).await), Failure::ConnectionLost);
    });
}

async fn end_within_the_length(stream: TlsStream<TcpStream>) {
    end_abruptly(stream, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello").await;
}

/// Answers, and closes TCP without a word of TLS.
async fn end_abruptly(mut stream: TlsStream<TcpStream>, response: &str) {
    read_request(&mut stream).await;
    stream.write_all(response.as_bytes()).await.unwrap();
    let (mut tcp, _) = stream.into_inner();
    tcp.shutdown().await.unwrap();
    drain(tcp).await;
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_a_tls_failure() {
    let (authority, _) = Authority::new();
    let port = authority.serve("localhost", &[], hello).await;
    assert_eq!(failed(post_to("localhost", port).await), Failure::TlsFailed);
}

#[tokio::test]
async fn a_receiver_without_tls_is_a_tls_failure() {
    let plain = start(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        drain(stream).await;
    })
    .await;
    assert_eq!(failed(post_to("127.0.0.1", plain.port()).await), Failure::TlsFailed);
}

#[tokio::test]
async fn a_handshake_that_breaks_off_is_a_tls_failure() {
    let closing = start(|mut stream| async move {
        stream.shutdown().await.unwrap();
        drain(stream).await;
    })
    .await;
    assert_eq!(failed(post_to("127.0.0.1", closing.port()).await), Failure::TlsFailed);
}
