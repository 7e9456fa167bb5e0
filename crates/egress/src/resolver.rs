//! Name resolution that returns only judged addresses.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hookbell_domain::target::{Reach, Refusal, TargetPolicy};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;

/// Why a name yields no address to connect to. It travels through the error chain of the HTTP client.
#[derive(Debug, Error)]
pub(crate) enum ResolveError {
    #[error("the name could not be resolved")]
    NotResolved(#[source] io::Error),
    #[error("the name resolves to {0}")]
    Refused(Refusal),
}

/// How host names are looked up. Whatever it answers is judged before anything is connected to.
pub trait LookUp: fmt::Debug + Clone + Send + Sync + 'static {
    /// Finds the addresses of a host name.
    ///
    /// # Errors
    /// When the name has none at the moment, or nobody can say.
    fn look_up(&self, name: &str) -> impl Future<Output = io::Result<Vec<IpAddr>>> + Send;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl LookUp for SystemResolver {
    async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// The resolver inside an HTTP client: all addresses of a name, or none of them.
#[derive(Debug)]
pub(crate) struct JudgingResolver<L> {
    pub(crate) names: L,
    pub(crate) policy: Arc<TargetPolicy>,
    pub(crate) reach: Reach,
}

impl<L: LookUp> Resolve for JudgingResolver<L> {
    fn resolve(&self, name: Name) -> Resolving {
        let (names, policy, reach) = (self.names.clone(), Arc::clone(&self.policy), self.reach);
        Box::pin(async move {
            let addresses = look_up(&names, name.as_str()).await?;
            policy.judge(reach, &addresses).map_err(ResolveError::Refused)?;
            // Port 0 stands for the port of the URL.
            let addresses = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

/// Finds the addresses of a host name; there is at least one.
pub(crate) async fn look_up(names: &impl LookUp, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
    let addresses = names.look_up(name).await.map_err(ResolveError::NotResolved)?;
    if addresses.is_empty() {
        return Err(ResolveError::NotResolved(io::Error::from(io::ErrorKind::NotFound)));
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Resolves a name under the allow-list of the loopback. A literal address stands for a name that leads there.
    async fn check(reach: Reach, name: &str, expected: Result<&str, Refusal>) {
        let addresses = "127.0.0.0/8".parse().unwrap();
        let policy = Arc::new(TargetPolicy { addresses, ..TargetPolicy::default() });
        let resolved = JudgingResolver { names: SystemResolver, policy, reach }.resolve(name.parse().unwrap()).await;
        let found = resolved.map(|addresses| addresses.map(|address| address.to_string()).collect::<Vec<_>>());
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, [expected], "{name}"),
            (Err(error), Err(expected)) => match error.downcast_ref() {
                Some(ResolveError::Refused(refusal)) => assert_eq!(*refusal, expected, "{name}"),
                other => panic!("{name}: {other:?}"),
            },
            (found, _) => panic!("{name}: {found:?}"),
        }
    }

    #[tokio::test]
    async fn a_public_address_is_passed_where_public_addresses_are() {
        check(Reach::Public, "8.8.8.8", Ok("8.8.8.8:0")).await;
        check(Reach::AllowListOnly, "8.8.8.8", Err(Refusal::NotOnAllowList)).await;
    }

    #[tokio::test]
    async fn the_allow_list_is_passed_everywhere() {
        check(Reach::Public, "127.0.0.1", Ok("127.0.0.1:0")).await;
        check(Reach::AllowListOnly, "127.9.9.9", Ok("127.9.9.9:0")).await;
    }

    #[tokio::test]
    async fn a_refused_address_is_passed_nowhere() {
        for reach in [Reach::Public, Reach::AllowListOnly] {
            check(reach, "10.0.0.1", Err(Refusal::Address("private"))).await;
        }
    }
}
