//! One deadline covers everything, from the name lookup to the last byte.

use hookbell_domain::outcome::Failure;
use hookbell_egress::HeaderMap;
use tokio::io::AsyncWriteExt;

use crate::receiver::{SOON, failed, post, read_request, start};

#[track_caller]
fn check(outcome: hookbell_domain::outcome::Outcome) {
    assert_eq!(failed(outcome), Failure::Timeout);
}

#[tokio::test]
async fn a_receiver_that_never_accepts_is_a_timeout() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    check(post(&format!("http://{address}/"), HeaderMap::new(), b"{}", SOON).await);
}

#[tokio::test]
async fn a_tls_handshake_that_is_never_answered_is_a_timeout() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    check(post(&format!("https://{address}/"), HeaderMap::new(), b"{}", SOON).await);
}

#[tokio::test]
async fn a_receiver_that_never_answers_is_a_timeout() {
    let address = start(|mut stream| async move {
        read_request(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    check(post(&format!("http://{address}/"), HeaderMap::new(), b"{}", SOON).await);
}

#[tokio::test]
async fn headers_that_never_end_are_a_timeout() {
    drip("HTTP/1.1 200 OK\r\na: ").await;
}

#[tokio::test]
async fn a_body_of_single_bytes_does_not_stretch_the_deadline() {
    drip("HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n").await;
}

#[tokio::test]
async fn a_body_without_a_length_does_not_stretch_the_deadline() {
    drip("HTTP/1.1 200 OK\r\n\r\n").await;
}

/// Posts to a receiver that writes `start` at once and goes on with a byte at a time, for as long as it is heard.
async fn drip(response: &'static str) {
    let address = start(move |mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(response.as_bytes()).await.unwrap();
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(SOON / 20).await;
        }
    })
    .await;
    check(post(&format!("http://{address}/"), HeaderMap::new(), b"{}", SOON).await);
}
