//! What is sealed at rest and what is marked as our own, by keys derived from the deployment's encryption key.
//!
//! Both begin with the name of their key, so that the key can be replaced while what was made under it is still about.

mod key;
mod ring;

use hmac::Mac;
use hookbell_domain::headers::CustomHeaders;
use hookbell_domain::ids::{EndpointId, OrganizationId};
use hookbell_domain::signature::{SigningKeyPair, SigningSecret};

use key::ID_BYTES;
pub use ring::Keys;
use ring::named_key;

/// Bytes of a mark: its key's name, and an HMAC-SHA256.
pub const MARK_BYTES: usize = ID_BYTES + 32;

/// What a mark is put on; each has a key of its own, so that none is good for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marked {
    /// An event that our API accepted, on its way through a queue.
    AcceptedEvent,
    /// Where the next page of a list begins.
    Cursor,
    /// A link into an organization's portal.
    PortalToken,
    /// A session of the console.
    Session,
}

/// What is sealed of an endpoint. It is part of the seal, so that none opens as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sealed {
    Secret,
    KeyPair,
    Headers,
}

/// A secret that could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The encryption key of the deployment is too short to derive keys from.
    #[error("the encryption key is shorter than 32 characters")]
    KeyTooShort,
    /// The operating system gave no random bytes.
    #[error("no random bytes to be had")]
    NoRandomness,
    /// Sealed under another key, or for another endpoint, or damaged.
    #[error("a sealed secret does not open: it was sealed under another key or for another endpoint")]
    DoesNotOpen,
}

impl Keys {
    /// Seals a signing secret for its endpoint.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn seal(
        &self,
        secret: &SigningSecret,
        organization: &OrganizationId,
        endpoint: EndpointId,
    ) -> Result<Vec<u8>, SealError> {
        self.seal_bytes(secret.as_bytes(), &associated_data(Sealed::Secret, organization, endpoint))
    }

    /// Opens what [`Keys::seal`] sealed for the same organization and endpoint.
    ///
    /// # Errors
    /// When it was sealed under another key or for another endpoint.
    pub fn open(
        &self,
        sealed: &[u8],
        organization: &OrganizationId,
        endpoint: EndpointId,
    ) -> Result<SigningSecret, SealError> {
        let secret = self.open_bytes(sealed, &associated_data(Sealed::Secret, organization, endpoint))?;
        SigningSecret::from_bytes(secret).ok_or(SealError::DoesNotOpen)
    }

    /// Seals the seed of a key pair for its endpoint.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn seal_key_pair(
        &self,
        pair: &SigningKeyPair,
        organization: &OrganizationId,
        endpoint: EndpointId,
    ) -> Result<Vec<u8>, SealError> {
        self.seal_bytes(pair.seed(), &associated_data(Sealed::KeyPair, organization, endpoint))
    }

    /// Opens what [`Keys::seal_key_pair`] sealed for the same organization and endpoint.
    ///
    /// # Errors
    /// When it was sealed under another key or for another endpoint.
    pub fn open_key_pair(
        &self,
        sealed: &[u8],
        organization: &OrganizationId,
        endpoint: EndpointId,
    ) -> Result<SigningKeyPair, SealError> {
        let seed = self.open_bytes(sealed, &associated_data(Sealed::KeyPair, organization, endpoint))?;
        SigningKeyPair::from_seed(&seed).map_err(|_| SealError::DoesNotOpen)
    }

    /// Seals the custom headers of an endpoint, as a JSON list of names with values: these are often credentials.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn seal_headers(
        &self,
        headers: &CustomHeaders,
        organization: &OrganizationId,
        endpoint: EndpointId,
    ) -> Result<Vec<u8>, SealError> {
        let pairs: Vec<(&str, &str)> = headers.iter().collect();
        // A list of texts can be written as JSON, always.
        let json = serde_json::to_vec(&pairs).map_err(|_| SealError::NoRandomness)?;
        self.seal_bytes(&json, &associated_data(Sealed::Headers, organization, endpoint))
    }

    /// Opens what [`Keys::seal_headers`] sealed for the same organization and endpoint.
    ///
    /// # Errors
    /// When they were sealed under another key or for another endpoint.
    pub fn open_headers(
        &self,
        sealed: &[u8],
        organization: &OrganizationId,
        endpoint: EndpointId,
    ) -> Result<CustomHeaders, SealError> {
        let json = self.open_bytes(sealed, &associated_data(Sealed::Headers, organization, endpoint))?;
        serde_json::from_slice(&json).map(CustomHeaders::from_kept).map_err(|_| SealError::DoesNotOpen)
    }

    fn seal_bytes(&self, bytes: &[u8], aad: &str) -> Result<Vec<u8>, SealError> {
        self.current().seal(bytes, aad)
    }

    fn open_bytes(&self, sealed: &[u8], aad: &str) -> Result<Vec<u8>, SealError> {
        let (id, sealed) = named_key(sealed).ok_or(SealError::DoesNotOpen)?;
        self.key(id).ok_or(SealError::DoesNotOpen)?.open(sealed, aad)
    }

    /// The mark that shows data to be our own: the current key's name, and HMAC-SHA256 (RFC 2104) over the data.
    #[must_use]
    pub fn mark(&self, kind: Marked, data: &[u8]) -> [u8; MARK_BYTES] {
        let key = self.current();
        let mac = key.marking(kind).chain_update(data).finalize().into_bytes();
        let mut mark = [0; MARK_BYTES];
        for (to, from) in mark.iter_mut().zip(key.id.iter().chain(&mac)) {
            *to = *from;
        }
        mark
    }

    /// Whether a mark is that of the data. Takes the same time wherever they differ.
    #[must_use]
    pub fn is_marked(&self, kind: Marked, data: &[u8], mark: &[u8]) -> bool {
        self.verify(mark, |key, mac| key.marking(kind).chain_update(data).verify_slice(mac).is_ok())
    }

    /// Whether that is how the mark of the data begins: for where a whole one would be too long.
    #[must_use]
    pub fn begins_mark<const N: usize>(&self, kind: Marked, data: &[u8], beginning: &[u8; N]) -> bool {
        const { assert!(N > ID_BYTES) };
        self.verify(beginning, |key, mac| key.marking(kind).chain_update(data).verify_truncated_left(mac).is_ok())
    }

    fn verify(&self, mark: &[u8], fits: impl FnOnce(&key::Key, &[u8]) -> bool) -> bool {
        named_key(mark).and_then(|(id, mac)| Some(fits(&*self.key(id)?, mac))).unwrap_or(false)
    }
}

/// What something sealed is bound to. Ids hold no `#`, so no two of these are alike.
fn associated_data(what: Sealed, organization: &OrganizationId, endpoint: EndpointId) -> String {
    match what {
        Sealed::Secret => format!("{organization}#{endpoint}"),
        Sealed::KeyPair => format!("{organization}#{endpoint}#key pair"),
        Sealed::Headers => format!("{organization}#{endpoint}#headers"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const KEY: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCD";

    fn endpoint(n: u128) -> EndpointId {
        EndpointId::new(Timestamp::UNIX_EPOCH, n)
    }

    #[test]
    fn a_sealed_secret_opens_only_with_its_key_and_for_its_endpoint() {
        let keys = Keys::derive(KEY).unwrap();
        let (org, other): (OrganizationId, OrganizationId) = ("org_1".parse().unwrap(), "org_2".parse().unwrap());
        let secret = SigningSecret::new([9; 32]);
        let sealed = keys.seal(&secret, &org, endpoint(1)).unwrap();
        assert_eq!(keys.open(&sealed, &org, endpoint(1)).unwrap(), secret);
        assert!(keys.open(&sealed, &other, endpoint(1)).is_err());
        assert!(keys.open(&sealed, &org, endpoint(2)).is_err());
        assert!(keys.open(&sealed[1..], &org, endpoint(1)).is_err());
        assert!(keys.open(&[], &org, endpoint(1)).is_err());
        let others = Keys::derive(&KEY.to_uppercase()).unwrap();
        assert!(others.open(&sealed, &org, endpoint(1)).is_err());
        assert_ne!(sealed, keys.seal(&secret, &org, endpoint(1)).unwrap(), "a nonce is used once");
    }

    #[test]
    fn what_is_sealed_as_one_thing_does_not_open_as_another() {
        let keys = Keys::derive(KEY).unwrap();
        let (org, id): (OrganizationId, _) = ("org_1".parse().unwrap(), endpoint(1));
        let pair = SigningKeyPair::from_seed(&[9; 32]).unwrap();
        let headers = CustomHeaders::from_kept(vec![("X-Key".to_owned(), "Bearer \"1\"".to_owned())]);
        let secret = keys.seal(&SigningSecret::new([9; 32]), &org, id).unwrap();
        let sealed_pair = keys.seal_key_pair(&pair, &org, id).unwrap();
        let sealed_headers = keys.seal_headers(&headers, &org, id).unwrap();
        assert_eq!(keys.open_key_pair(&sealed_pair, &org, id).unwrap(), pair);
        assert_eq!(keys.open_headers(&sealed_headers, &org, id).unwrap(), headers);
        for other in [&secret, &sealed_headers] {
            assert!(keys.open_key_pair(other, &org, id).is_err());
        }
        for other in [&secret, &sealed_pair] {
            assert!(keys.open_headers(other, &org, id).is_err());
        }
        assert!(keys.open(&sealed_pair, &org, id).is_err());
        assert!(keys.open_key_pair(&sealed_pair, &org, endpoint(2)).is_err());
        assert!(keys.open_headers(&sealed_headers, &org, endpoint(2)).is_err());
    }

    #[test]
    fn a_mark_fits_one_text_one_kind_and_one_key() {
        let keys = Keys::derive(KEY).unwrap();
        let mark = keys.mark(Marked::AcceptedEvent, b"a record");
        assert!(keys.is_marked(Marked::AcceptedEvent, b"a record", &mark));
        assert!(!keys.is_marked(Marked::AcceptedEvent, b"another", &mark));
        assert!(!keys.is_marked(Marked::AcceptedEvent, b"a record", &mark[..35]));
        assert!(!keys.is_marked(Marked::Cursor, b"a record", &mark));
        assert!(!keys.is_marked(Marked::PortalToken, b"a record", &mark));
        let other = Keys::derive(&KEY.to_uppercase()).unwrap();
        assert!(!other.is_marked(Marked::AcceptedEvent, b"a record", &mark));
    }

    #[test]
    fn a_short_key_is_refused() {
        assert!(matches!(Keys::derive("short"), Err(SealError::KeyTooShort)));
    }
}
