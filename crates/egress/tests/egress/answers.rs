//! What comes back is kept, cut or refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hookbell_domain::outcome::{Failure, MAX_RESPONSE_BYTES, Outcome};
use hookbell_egress::{HeaderMap, HeaderName, HeaderValue, Post};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use crate::receiver::{NEVER, answered, egress, failed, loopback_policy, post, read_request, start, target};

/// Posts to a receiver that reads the request, writes `response` and closes.
async fn answer_with(response: impl Into<Vec<u8>>) -> Outcome {
    let response: Arc<[u8]> = response.into().into();
    let address = start(move |mut stream| {
        let response = Arc::clone(&response);
        async move {
            read_request(&mut stream).await;
            stream.write_all(&response).await.unwrap();
        }
    })
    .await;
    post(&format!("http://{address}/"), HeaderMap::new(), b"{}", NEVER).await
}

#[tokio::test]
async fn the_request_arrives_as_it_was_given() {
    let (sender, mut requests) = mpsc::unbounded_channel();
    let address = start(move |mut stream| {
        let sender = sender.clone();
        async move {
            sender.send(read_request(&mut stream).await).unwrap();
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        }
    })
    .await;
    let headers = HeaderMap::from_iter([
        (HeaderName::from_static("content-type"), HeaderValue::from_static("application/json")),
        (HeaderName::from_static("webhook-id"), HeaderValue::from_static("msg_1")),
    ]);
    let outcome = post(&format!("http://{address}/hook?a=b"), headers, b"{ \"a\": 1 }", NEVER).await;
    assert!(outcome.is_success());

    let request = requests.recv().await.unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<_> = head.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "POST /hook?a=b HTTP/1.1",
            "accept: */*",
            "content-length: 10",
            "content-type: application/json",
            &format!("host: {address}"),
            "user-agent: hookbell/test",
            "webhook-id: msg_1",
        ]
    );
    assert_eq!(body, "{ \"a\": 1 }");
}

#[tokio::test]
async fn status_headers_and_body_are_kept() {
    let response = "HTTP/1.1 200 OK\r\nretry-after: 30\r\nwebhook-delivery: disable\r\ncontent-length: 5\r\n\r\nhello";
    let answer = answered(answer_with(response).await);
    assert!(answer.is_success());
    assert_eq!(answer.status, 200);
    assert_eq!(answer.retry_after.as_deref(), Some("30"));
    assert_eq!(answer.webhook_delivery.as_deref(), Some("disable"));
    assert_eq!(answer.body, b"hello");
}

#[tokio::test]
async fn a_name_is_resolved_and_reached() {
    let address = start(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    })
    .await;
    let url = format!("http://localhost:{}/", address.port());
    assert_eq!(answered(post(&url, HeaderMap::new(), b"", NEVER).await).status, 200);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    let address = start(move |mut stream| {
        counter.fetch_add(1, Ordering::SeqCst);
        async move {
            read_request(&mut stream).await;
            let response = "HTTP/1.1 307 Temporary Redirect\r\nlocation: /other\r\nconnection: close\r\n\r\n";
            stream.write_all(response.as_bytes()).await.unwrap();
        }
    })
    .await;
    let answer = answered(post(&format!("http://{address}/"), HeaderMap::new(), b"{}", NEVER).await);
    assert_eq!(answer.status, 307);
    assert!(!answer.is_success());
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_endless_body_ends_at_the_limit() {
    let address = start(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        while stream.write_all(&[b'x'; 4_096]).await.is_ok() {}
    })
    .await;
    let answer = answered(post(&format!("http://{address}/"), HeaderMap::new(), b"{}", NEVER).await);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, b"x".repeat(MAX_RESPONSE_BYTES));
}

#[tokio::test]
async fn a_compressed_body_stays_as_it_is() {
    let response = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8b\x08";
    assert_eq!(answered(answer_with(*response).await).body, b"\x1f\x8b\x08");
}

#[tokio::test]
async fn a_body_without_a_length_ends_with_the_connection() {
    let answer = answered(answer_with("HTTP/1.0 200 OK\r\n\r\nhello").await);
    assert_eq!(answer.body, b"hello");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_lost_connection() {
    for response in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-le",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
    ] {
        assert_eq!(failed(answer_with(response).await), Failure::ConnectionLost, "{response:?}");
    }
}

#[tokio::test]
async fn a_reset_is_a_lost_connection() {
    let address = start(|stream| async move {
        // Closing with unread data in the buffer makes the kernel send a reset.
        stream.readable().await.unwrap();
    })
    .await;
    let outcome = post(&format!("http://{address}/"), HeaderMap::new(), b"{}", NEVER).await;
    assert_eq!(failed(outcome), Failure::ConnectionLost);
}

#[tokio::test]
async fn what_is_not_http_is_an_invalid_response() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(200));
    let large = format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "b".repeat(1_000_000));
    for response in [
        "SSH-2.0-OpenSSH_9.9\r\n",
        "hello\r\n\r\n",
        "HTTP/1.1 999999 What\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnot hex\r\n",
        &many,
        &large,
    ] {
        let start: String = response.chars().take(60).collect();
        assert_eq!(failed(answer_with(response).await), Failure::InvalidResponse, "{start:?}");
    }
}

#[tokio::test]
async fn nobody_listening_is_a_failed_connection() {
    let address = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let outcome = post(&format!("http://{address}/"), HeaderMap::new(), b"{}", NEVER).await;
    assert_eq!(failed(outcome), Failure::ConnectFailed);
}

#[tokio::test]
async fn a_name_without_an_address_is_not_resolved() {
    let outcome = post("https://nothing.invalid/", HeaderMap::new(), b"{}", NEVER).await;
    assert_eq!(failed(outcome), Failure::NameNotResolved);
}

#[tokio::test]
async fn the_headers_of_the_connection_are_not_the_callers_to_set() {
    for name in ["host", "content-length", "transfer-encoding", "connection"] {
        let headers = HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static("1"))]);
        let outcome = post("http://127.0.0.1:1/", headers, b"{}", NEVER).await;
        assert_eq!(failed(outcome), Failure::InvalidRequest, "{name}");
    }
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    let address = start(move |mut stream| {
        counter.fetch_add(1, Ordering::SeqCst);
        async move {
            while !read_request(&mut stream).await.is_empty() {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            }
        }
    })
    .await;
    let (egress, policy) = (egress(loopback_policy()), loopback_policy());
    let target = target(&format!("http://localhost:{}/", address.port()), &policy);
    for _ in 0..3 {
        let post = Post { target: &target, headers: HeaderMap::new(), body: "{}".into(), deadline: NEVER };
        assert_eq!(answered(egress.post(post).await).body, b"ok");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}
