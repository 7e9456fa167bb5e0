//! How the HTTP client is set up.

use std::sync::Arc;
use std::time::Duration;

use hookbell_domain::target::{Reach, TargetPolicy};
use reqwest::redirect;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};

use crate::EgressError;
use crate::resolver::{JudgingResolver, LookUp};

/// Shared by the addresses of a host: with two of them, a dead first one costs half of this and not the attempt.
/// No deadline that ships is longer, so the connection as a whole is bounded by the deadline alone.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Below the five seconds after which common servers close an idle connection, so that a request is not written
/// into one that is just being closed. A frozen function finds all its idle connections expired.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// Connections kept per host: as many as a few batches to one host have open at once, so that the next batch finds them.
/// A handshake costs more CPU than all the rest of a delivery.
const IDLE_PER_HOST: usize = 32;

/// Bounds the headers of an HTTP/2 answer, in bytes. HTTP/1 is bounded by the client's own limit of 100 headers.
const MAX_HEADER_LIST: u32 = 16 * 1024;

/// Bounds what an HTTP/2 endpoint may send of a body ahead of our reading it, in bytes.
const STREAM_WINDOW: u32 = 64 * 1024;

/// How endpoints are spoken to over TLS: 1.2 and 1.3, by the host's root certificates, HTTP/2 where they have it.
///
/// Reading the certificates is a part of every cold start, so it is done once for all clients.
pub(crate) fn tls() -> Result<ClientConfig, EgressError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // A bundle may hold certificates that are none to rustls; the others count.
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let causes: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        return Err(EgressError::NoRoots(causes.join("; ")));
    }
    let mut tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // RFC 9113, section 3.2, and the order in which we would have them.
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

/// Builds a client that connects to no address of a host name before all of them are judged for `reach`.
///
/// Nothing is repeated but what the protocol says was not processed: a request that a closing connection never took.
pub(crate) fn build(
    names: impl LookUp,
    policy: Arc<TargetPolicy>,
    reach: Reach,
    user_agent: &str,
    tls: ClientConfig,
) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(JudgingResolver { names, policy, reach })
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .https_only(reach == Reach::Public)
        .user_agent(user_agent)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .tcp_nodelay(true)
        .http2_max_header_list_size(MAX_HEADER_LIST)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .build()
}
