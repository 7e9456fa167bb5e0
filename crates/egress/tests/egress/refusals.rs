//! What may not be reached sees no connection.

use hookbell_domain::outcome::Failure;
use hookbell_domain::target::{TargetError, TargetPolicy, TargetUrl};
use hookbell_egress::{HeaderMap, Post};

use crate::receiver::{NEVER, egress, failed, loopback_policy, target};

fn deployed() -> TargetPolicy {
    TargetPolicy::default()
}

fn open_to(networks: &str) -> TargetPolicy {
    TargetPolicy { addresses: networks.parse().unwrap(), extra_ports: Vec::new() }
}

/// Sends under `policy` to a URL that another policy has let through, with `PORT` in it standing for a listener's,
/// and sees that nothing connects.
async fn check(url: &str, policy: TargetPolicy, expected: TargetError) {
    check_at(url, |_| policy, expected).await;
}

async fn check_at(url: &str, policy: impl FnOnce(u16) -> TargetPolicy, expected: TargetError) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let bound = listener.local_addr().unwrap();
    let target = target(&url.replace("PORT", &bound.port().to_string()), &open_to("0.0.0.0/0,::/0"));

    let egress = egress(policy(bound.port()));
    assert_eq!(egress.inspector().inspect(&target).await.as_ref(), Err(&expected), "{url}");
    let post = Post { target: &target, headers: HeaderMap::new(), body: "{}".into(), deadline: NEVER };
    assert_eq!(failed(egress.post(post).await), Failure::Refused(expected), "{url}");
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "{url}");
}

#[tokio::test]
async fn a_literal_loopback_address_is_refused() {
    let loopback = TargetError::AddressRefused { reason: "loopback" };
    check("https://127.0.0.1:PORT/", deployed(), loopback.clone()).await;
    check("http://127.0.0.1:PORT/", deployed(), loopback.clone()).await;
    check("http://2130706433:PORT/", deployed(), loopback.clone()).await;
    check("http://127.0.0.1:PORT/", open_to("10.0.0.0/8"), loopback).await;
}

#[tokio::test]
async fn a_name_that_resolves_to_the_loopback_is_refused() {
    let open_port = |port| TargetPolicy { extra_ports: vec![port], ..deployed() };
    check_at("https://localhost:PORT/", open_port, TargetError::NameRefused { reason: "loopback" }).await;
}

#[tokio::test]
async fn http_and_other_ports_are_refused_to_a_name_that_is_not_on_the_allow_list() {
    let elsewhere = || open_to("10.0.0.0/8");
    let loopback = TargetError::NameRefused { reason: "loopback" };
    check("http://localhost:PORT/", elsewhere(), loopback.clone()).await;
    check("https://localhost:PORT/", elsewhere(), loopback).await;
    check("http://localhost:PORT/", deployed(), TargetError::NotHttps).await;
}

#[tokio::test]
async fn http_and_other_ports_are_refused_to_a_public_address() {
    check("http://8.8.8.8/", loopback_policy(), TargetError::NotHttps).await;
    check("http://8.8.8.8:443/", deployed(), TargetError::NotHttps).await;
    check("https://8.8.8.8:444/", loopback_policy(), TargetError::PortNotAllowed { port: 444 }).await;
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_accepted_at_first() {
    let egress = egress(deployed());
    assert_eq!(egress.inspector().inspect(&target("https://nothing.invalid/", &deployed())).await, Ok(()));
}

#[tokio::test]
async fn a_name_that_does_not_resolve_does_not_open_http() {
    let egress = egress(loopback_policy());
    let target = target("http://nothing.invalid/", &loopback_policy());
    assert_eq!(egress.inspector().inspect(&target).await, Err(TargetError::NotHttps));
}

#[tokio::test]
async fn the_allow_list_is_open_to_inspection() {
    let egress = egress(loopback_policy());
    for url in ["http://localhost:3000/", "http://127.0.0.1:3000/", "https://[::1]:3000/"] {
        let target = TargetUrl::parse(url, 2_048, &loopback_policy()).unwrap();
        assert_eq!(egress.inspector().inspect(&target).await, Ok(()), "{url}");
    }
}
