//! Where an endpoint may be: the URL a tenant gives, and what may be behind it.
//!
//! A target is judged in two halves. [`TargetUrl::parse`] decides all that the text decides, a literal address
//! included. What a host *name* resolves to is judged by [`TargetPolicy::judge`] over every address found, on the
//! way to the connection and by whoever makes it, so that nothing can change in between.

use std::fmt;
use std::net::IpAddr;

use thiserror::Error;
use url::{Host, ParseError, Url};

use crate::address::{AddressPolicy, Verdict};

/// The ports that are open on every public address.
pub const PUBLIC_PORTS: [u16; 2] = [443, 8443];

/// What the operator has opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetPolicy {
    /// Addresses beyond the public ones.
    pub addresses: AddressPolicy,
    /// Ports beyond [`PUBLIC_PORTS`].
    pub extra_ports: Vec<u16>,
}

/// Which addresses a URL may lead to; its scheme and port decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// https on an open port: public addresses and those on the allow-list.
    Public,
    /// Plain http or another port: only addresses on the allow-list.
    AllowListOnly,
}

/// Why the addresses of a host refuse it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// One of them is not public, for the named reason.
    #[error("a {0} address")]
    Address(&'static str),
    /// One of them is public, but the URL may only lead to the allow-list.
    #[error("an address that is not on the allow-list")]
    NotOnAllowList,
}

/// Why a URL is no target. The texts are for the tenant and name nothing that the tenant has not written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Longer than the limit, in characters.
    #[error("The URL is longer than {limit} characters; use a shorter one.")]
    TooLong {
        /// The limit, in characters.
        limit: usize,
    },
    /// A space, a control character or a backslash: parsers disagree on what these mean.
    #[error("The URL holds a space, a control character or a backslash; percent-encode it.")]
    ForbiddenCharacter,
    /// Not a URL at all.
    #[error("The URL is not valid; write it as https://host/path.")]
    NotAUrl,
    /// Another scheme than https.
    #[error("The URL does not use https; start it with https://.")]
    NotHttps,
    /// A user name or a password.
    #[error("The URL holds a user name or a password; remove it.")]
    UserInfo,
    /// A `#…` part, which HTTP never sends.
    #[error("The URL holds a fragment, which is never sent; remove the # and all after it.")]
    Fragment,
    /// No host.
    #[error("The URL has no host; write it as https://host/path.")]
    NoHost,
    /// A host that is neither an address nor a well-formed name.
    #[error("The host of the URL is not a valid name; use letters, digits and hyphens between single dots.")]
    InvalidHost,
    /// A port that is open only on the allow-list.
    #[error("Port {port} is not allowed; use 443 or 8443.")]
    PortNotAllowed {
        /// The port of the URL.
        port: u16,
    },
    /// The host is a literal address that is not public.
    #[error("The URL points to an address that is not public ({reason}); use a public one.")]
    AddressRefused {
        /// The verdict's name.
        reason: &'static str,
    },
    /// The host name leads to an address that is not public. The text says no more, or it would tell of the inside.
    #[error("The host name of the URL does not lead to public addresses only; point it to public ones.")]
    NameRefused {
        /// The verdict's name, for the log.
        reason: &'static str,
    },
}

impl TargetPolicy {
    /// Judges every address that a host name resolved to. One that is refused refuses them all.
    ///
    /// # Errors
    /// The first refusal, in the order of the addresses.
    pub fn judge(&self, reach: Reach, addresses: &[IpAddr]) -> Result<(), Refusal> {
        addresses.iter().try_for_each(|address| match (self.addresses.judge(*address), reach) {
            (Verdict::Allowed, _) | (Verdict::Public, Reach::Public) => Ok(()),
            (Verdict::Public, Reach::AllowListOnly) => Err(Refusal::NotOnAllowList),
            (Verdict::Refused(reason), _) => Err(Refusal::Address(reason)),
        })
    }

    fn opens_port(&self, port: u16) -> bool {
        PUBLIC_PORTS.contains(&port) || self.extra_ports.contains(&port)
    }
}

/// The URL of an endpoint, valid in all that its text decides.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TargetUrl {
    text: String,
    url: Url,
}

impl fmt::Display for TargetUrl {
    /// The text as it was given.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TargetUrl {
    /// Reads a URL of at most `max_length` characters and refuses all that its text alone refuses.
    ///
    /// A literal address is judged here in full, however it is written. A name is only checked for its form, but
    /// where the allow-list is empty no name can make plain http or an unopened port right, so these end here too.
    ///
    /// # Errors
    /// What is wrong with the URL, in words for the tenant.
    pub fn parse(text: &str, max_length: usize, policy: &TargetPolicy) -> Result<Self, TargetError> {
        if text.chars().count() > max_length {
            return Err(TargetError::TooLong { limit: max_length });
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(TargetError::ForbiddenCharacter);
        }
        check_scheme(text)?;
        let url = Url::parse(text).map_err(|error| match error {
            ParseError::EmptyHost => TargetError::NoHost,
            ParseError::IdnaError
            | ParseError::InvalidDomainCharacter
            | ParseError::InvalidIpv4Address
            | ParseError::InvalidIpv6Address => TargetError::InvalidHost,
            _ => TargetError::NotAUrl,
        })?;
        // `https://@host` has userinfo too, an empty one, which the parsed URL no longer shows.
        if authority(text).contains('@') {
            return Err(TargetError::UserInfo);
        }
        if url.fragment().is_some() {
            return Err(TargetError::Fragment);
        }
        if let Some(Host::Domain(name)) = url.host() {
            check_name(name)?;
        }
        let target = Self { text: text.to_owned(), url };
        target.judge_text(policy)?;
        Ok(target)
    }

    /// Decides what the text decides under `policy`, and says which addresses a host name may resolve to.
    ///
    /// [`TargetUrl::parse`] asks the same. It is asked again before every request, since the URL may have been
    /// accepted under another policy.
    ///
    /// # Errors
    /// A literal address that is not open to this URL, or a scheme or port that no address can make right.
    pub fn judge_text(&self, policy: &TargetPolicy) -> Result<Reach, TargetError> {
        let reach = self.reach(policy);
        match self.literal_address() {
            Some(address) => policy.judge(reach, &[address]).map_err(|refusal| self.explain(refusal))?,
            None if reach == Reach::AllowListOnly && policy.addresses.is_empty() => {
                return Err(self.explain(Refusal::NotOnAllowList));
            }
            None => {}
        }
        Ok(reach)
    }

    /// Judges what the host name of this URL resolved to; no address is no refusal.
    ///
    /// # Errors
    /// The first refusal among the addresses, in words for the tenant.
    pub fn judge_resolved(&self, addresses: &[IpAddr], policy: &TargetPolicy) -> Result<(), TargetError> {
        policy.judge(self.reach(policy), addresses).map_err(|refusal| self.explain(refusal))
    }

    /// Puts a refusal of this URL's addresses into words for the tenant.
    #[must_use]
    pub fn explain(&self, refusal: Refusal) -> TargetError {
        match refusal {
            Refusal::Address(reason) if self.literal_address().is_some() => TargetError::AddressRefused { reason },
            Refusal::Address(reason) => TargetError::NameRefused { reason },
            Refusal::NotOnAllowList if self.url.scheme() != "https" => TargetError::NotHttps,
            Refusal::NotOnAllowList => TargetError::PortNotAllowed { port: self.port() },
        }
    }

    /// The URL as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL as it is requested.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The port of the request, given or by scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// The host, where it is a name and has to be resolved.
    #[must_use]
    pub fn host_name(&self) -> Option<&str> {
        self.url.domain()
    }

    fn literal_address(&self) -> Option<IpAddr> {
        match self.url.host()? {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
        }
    }

    fn reach(&self, policy: &TargetPolicy) -> Reach {
        if self.url.scheme() == "https" && policy.opens_port(self.port()) {
            Reach::Public
        } else {
            Reach::AllowListOnly
        }
    }
}

/// The WHATWG parser takes `https:host`, `https:/host` and `https:////host` for `https://host`. Only what reads as
/// what it means is accepted.
fn check_scheme(text: &str) -> Result<(), TargetError> {
    let (scheme, rest) = text.split_once(':').ok_or(TargetError::NotAUrl)?;
    if !["https", "http"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err(if rest.starts_with("//") { TargetError::NotHttps } else { TargetError::NotAUrl });
    }
    let rest = rest.strip_prefix("//").ok_or(TargetError::NotAUrl)?;
    if rest.starts_with('/') { Err(TargetError::NoHost) } else { Ok(()) }
}

/// What stands between `//` and the path, in a text that [`check_scheme`] has passed.
fn authority(text: &str) -> &str {
    let rest = text.split_once("//").map_or(text, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

/// RFC 1123, section 2.1, with the underscore that the DNS itself allows. No dot at the end: it would dodge the
/// search list, but fails in certificates.
fn check_name(name: &str) -> Result<(), TargetError> {
    let well_formed = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    if name.len() <= 253 && name.split('.').all(well_formed) { Ok(()) } else { Err(TargetError::InvalidHost) }
}

#[cfg(test)]
mod tests;
