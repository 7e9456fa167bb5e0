//! An authority of certificates, and receivers under it.
//!
//! The client trusts what the system trusts, and offers no hole for tests. Where a test needs its certificate
//! trusted, it runs itself again in a process whose `SSL_CERT_FILE` names the authority.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::server::TlsStream;

use crate::receiver::start;

/// An authority, and the means to serve under it.
pub(crate) struct Authority(Issuer<'static, KeyPair>);

impl Authority {
    /// Makes one, and gives its certificate in PEM.
    pub(crate) fn new() -> (Self, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        (Self(Issuer::new(params, key)), certificate.pem())
    }

    /// Starts a receiver with a certificate for `name`, and gives its port.
    pub(crate) async fn serve<F>(
        &self,
        name: &str,
        alpn: &[&str],
        serve: impl Fn(TlsStream<TcpStream>) -> F + Copy + Send + Sync + 'static,
    ) -> u16
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.serve_in(name, None, alpn, serve).await
    }

    /// The same with a certificate that is good from one year to another.
    pub(crate) async fn serve_in<F>(
        &self,
        name: &str,
        years: Option<(i32, i32)>,
        alpn: &[&str],
        serve: impl Fn(TlsStream<TcpStream>) -> F + Copy + Send + Sync + 'static,
    ) -> u16
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        if let Some((from, to)) = years {
            (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
        }
        let certificate = params.signed_by(&key, &self.0).unwrap();
        listen(&certificate, &key, alpn, serve).await
    }

    /// Starts a receiver whose certificate no authority has signed, and gives its port.
    pub(crate) async fn serve_itself<F>(
        name: &str,
        serve: impl Fn(TlsStream<TcpStream>) -> F + Copy + Send + Sync + 'static,
    ) -> u16
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
        listen(&certificate, &key, &[], serve).await
    }
}

async fn listen<F>(
    certificate: &Certificate,
    key: &KeyPair,
    alpn: &[&str],
    serve: impl Fn(TlsStream<TcpStream>) -> F + Copy + Send + Sync + 'static,
) -> u16
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let address = start(move |stream| {
        let accepting = acceptor.accept(stream);
        async move {
            // A client that refuses the certificate ends it here.
            if let Ok(stream) = accepting.await {
                serve(stream).await;
            }
        }
    })
    .await;
    address.port()
}

/// Runs the test of this path in a process that trusts the authority which `body` gets.
pub(crate) fn trusted<F: Future<Output = ()>>(test: &str, body: impl FnOnce(Authority) -> F) {
    const CHILD: &str = "HOOKBELL_TEST_TRUSTED";
    if let Some(path) = std::env::var_os(CHILD) {
        let (authority, pem) = Authority::new();
        std::fs::write(path, pem).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        return runtime.block_on(body(authority));
    }
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!(
        "{}.{}.pem",
        test.replace("::", "."),
        std::process::id()
    ));
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(CHILD, &path)
        .env("SSL_CERT_FILE", &path)
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    std::fs::remove_file(&path).unwrap();
    let output = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && output.contains("1 passed"), "{output}");
}
