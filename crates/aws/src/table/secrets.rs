//! What is kept sealed of an endpoint, and how its signing secret is replaced by a new one.

use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use hookbell_domain::endpoint::{Endpoint, EndpointSecrets};
use hookbell_domain::headers::CustomHeaders;
use hookbell_domain::ids::{EndpointId, OrganizationId};
use hookbell_domain::signature::SigningSecret;
use hookbell_domain::time::after;
use jiff::Timestamp;

use super::Table;
use super::items::{EndpointItem, SecretItem, time};
use super::keys::Key;
use crate::AwsError;
use crate::sealing::{Keys, SealError};

/// How long a replaced secret still signs beside the new one. It is for people, who have to bring the new one to their
/// receivers, so a local run does not shorten it.
const OVERLAP: Duration = Duration::from_hours(24);

/// How often replacing a secret is tried while others replace it too.
const TRIES: u32 = 8;

/// An endpoint as the table has it: its secrets are sealed.
#[derive(Debug, Clone)]
pub struct StoredEndpoint {
    /// What its owner sees.
    pub endpoint: Endpoint,
    /// Its secrets, its key pair and its custom headers.
    pub secrets: SealedSecrets,
    /// Which delivery's end disabled it, if a rule did.
    pub disabled_by: Option<String>,
}

/// What is kept sealed of an endpoint.
#[derive(Debug, Clone)]
pub struct SealedSecrets {
    /// Its secrets, the current one first; old ones with the end of their overlap.
    pub(super) signing: Vec<(Vec<u8>, Option<Timestamp>)>,
    /// Its key pair's seed.
    pub(super) key_pair: Option<Vec<u8>>,
    /// Its custom headers.
    pub(super) headers: Option<Vec<u8>>,
}

/// What asking for a new secret came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rolled {
    /// The new one is the current one; the one before still signs for so long.
    Yes {
        /// Nothing where the old ones were to end at once.
        overlap: Duration,
    },
    /// There is no such endpoint.
    NoEndpoint,
    /// More old ones than may be would still sign.
    TooMany,
    /// Others have replaced it again and again meanwhile.
    Contended,
}

impl SealedSecrets {
    /// Seals the secrets of a new endpoint.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn seal(
        keys: &Keys,
        secrets: &EndpointSecrets,
        organization: &OrganizationId,
        endpoint: EndpointId,
    ) -> Result<Self, SealError> {
        let pair = secrets.key_pair.as_ref().map(|pair| keys.seal_key_pair(pair, organization, endpoint));
        let headers = Some(&secrets.headers).filter(|headers| !headers.is_empty());
        let headers = headers.map(|headers| keys.seal_headers(headers, organization, endpoint));
        let mut signing = vec![(keys.seal(&secrets.current, organization, endpoint)?, None)];
        for (old, until) in &secrets.old {
            signing.push((keys.seal(old, organization, endpoint)?, Some(*until)));
        }
        Ok(Self { signing, key_pair: pair.transpose()?, headers: headers.transpose()? })
    }
}

impl StoredEndpoint {
    /// All that is sealed of the endpoint, for [`Keys::meet`].
    pub fn sealed(&self) -> impl Iterator<Item = &[u8]> {
        let signing = self.secrets.signing.iter().map(|(sealed, _)| sealed);
        signing.chain(&self.secrets.key_pair).chain(&self.secrets.headers).map(Vec::as_slice)
    }

    /// Opens all that is sealed of the endpoint.
    ///
    /// # Errors
    /// When some of it was sealed under another key.
    pub fn open_secrets(&self, keys: &Keys) -> Result<EndpointSecrets, SealError> {
        let (organization, id) = (&self.endpoint.organization_id, self.endpoint.id);
        let old = self.secrets.signing.iter().skip(1);
        let old =
            old.filter_map(|(sealed, until)| until.map(|until| Ok((keys.open(sealed, organization, id)?, until))));
        let pair = self.secrets.key_pair.as_ref().map(|sealed| keys.open_key_pair(sealed, organization, id));
        Ok(EndpointSecrets {
            current: self.open_current(keys)?,
            old: old.collect::<Result<_, _>>()?,
            key_pair: pair.transpose()?,
            headers: self.open_headers(keys)?,
        })
    }

    /// Opens the endpoint's current signing secret.
    ///
    /// # Errors
    /// When it was sealed under another key.
    pub fn open_current(&self, keys: &Keys) -> Result<SigningSecret, SealError> {
        let (current, _) = self.secrets.signing.first().ok_or(SealError::DoesNotOpen)?;
        keys.open(current, &self.endpoint.organization_id, self.endpoint.id)
    }

    /// Opens the endpoint's custom headers.
    ///
    /// # Errors
    /// When they were sealed under another key.
    pub fn open_headers(&self, keys: &Keys) -> Result<CustomHeaders, SealError> {
        let Some(sealed) = &self.secrets.headers else { return Ok(CustomHeaders::default()) };
        keys.open_headers(sealed, &self.endpoint.organization_id, self.endpoint.id)
    }
}

impl Table {
    /// Puts a new secret before an endpoint's present ones. The one that was current signs on for a day, or, with
    /// `expire_old`, none of them does. Raises the organization's revision.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn roll_secret(
        &self,
        organization: &OrganizationId,
        endpoint: EndpointId,
        sealed: &[u8],
        expire_old: bool,
        limit: usize,
        now: Timestamp,
    ) -> Result<Rolled, AwsError> {
        for _ in 0..TRIES {
            let item: Option<EndpointItem> = self.get(Key::endpoint(organization, endpoint), true).await?;
            let Some(EndpointItem { secrets, .. }) = item else { return Ok(Rolled::NoEndpoint) };
            let Some(current) = secrets.first().map(|current| current.sealed.clone()) else {
                return Err(AwsError::unreadable("reading an endpoint", "it has no secret"));
            };
            let overlap = if expire_old { Duration::ZERO } else { OVERLAP };
            let secrets = rolled(secrets, sealed, overlap, now);
            if secrets.len() > limit + 1 {
                return Ok(Rolled::TooMany);
            }
            let secrets = serde_dynamo::to_attribute_value(&secrets)
                .map_err(|error| AwsError::unreadable("writing an item", error))?;
            // What was sealed is not sealed alike twice, so the current secret stands for the whole list as it was read.
            let update = Update::builder()
                .table_name(&self.name)
                .set_key(Some(Key::endpoint(organization, endpoint).into_item()))
                .condition_expression("secrets[0].sealed = :current")
                .update_expression("SET secrets = :secrets")
                .expression_attribute_values(":current", AttributeValue::B(Blob::new(current)))
                .expression_attribute_values(":secrets", secrets)
                .build()
                .map_err(AwsError::sdk("TransactWriteItems"))?;
            let revision =
                self.organization_change(organization, 0, 0).build().map_err(AwsError::sdk("TransactWriteItems"))?;
            let writes = [TransactWriteItem::builder().update(update), TransactWriteItem::builder().update(revision)];
            if self.changed(writes).await? {
                return Ok(Rolled::Yes { overlap });
            }
        }
        Ok(Rolled::Contended)
    }
}

/// The secrets with a new one before them: those stay whose overlap is not over at `now`.
fn rolled(secrets: Vec<SecretItem>, sealed: &[u8], overlap: Duration, now: Timestamp) -> Vec<SecretItem> {
    let end = after(now, overlap).as_millisecond();
    let old =
        secrets.into_iter().map(|secret| SecretItem { until: Some(secret.until.unwrap_or(end).min(end)), ..secret });
    let old = old.filter(|secret| secret.until.is_some_and(|until| time(until) > now));
    std::iter::once(SecretItem { sealed: sealed.to_vec(), until: None }).chain(old).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Secrets by one byte each, with the second in which their overlap ends.
    #[track_caller]
    fn check(secrets: &[(u8, Option<i64>)], overlap: u64, now: i64, expected: &[(u8, Option<i64>)]) {
        let item = |&(byte, until): &(u8, Option<i64>)| SecretItem {
            sealed: vec![byte],
            until: until.map(|until| at(until).as_millisecond()),
        };
        let secrets = secrets.iter().map(item).collect();
        let rolled = rolled(secrets, &[9], Duration::from_secs(overlap), at(now));
        let found: Vec<_> = rolled.iter().map(|s| (s.sealed[0], s.until.map(|until| until / 1_000))).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_new_secret_comes_first_and_the_one_before_it_ends_with_the_overlap() {
        check(&[(1, None)], 100, 50, &[(9, None), (1, Some(150))]);
        check(&[(2, None), (1, Some(60))], 100, 50, &[(9, None), (2, Some(150)), (1, Some(60))]);
    }

    #[test]
    fn secrets_whose_overlap_is_over_are_dropped() {
        check(&[(3, None), (2, Some(50)), (1, Some(49))], 100, 50, &[(9, None), (3, Some(150))]);
    }

    #[test]
    fn without_an_overlap_no_old_secret_stays() {
        check(&[(2, None), (1, Some(60))], 0, 50, &[(9, None)]);
    }

    #[test]
    fn what_is_sealed_of_an_endpoint_opens_again() {
        use hookbell_domain::endpoint::{EndpointOptions, Health};
        use hookbell_domain::signature::SigningKeyPair;

        let keys = Keys::derive("0123456789abcdefghijklmnopqrstuvwxyzABCD").unwrap();
        let (organization, id) = ("org_1".parse().unwrap(), EndpointId::new(at(0), 1));
        let secrets = EndpointSecrets {
            current: SigningSecret::new([1; 32]),
            old: vec![(SigningSecret::new([2; 32]), at(5))],
            key_pair: Some(SigningKeyPair::from_seed(&[3; 32]).unwrap()),
            headers: CustomHeaders::from_kept(vec![("x".to_owned(), "y".to_owned())]),
        };
        let sealed = SealedSecrets::seal(&keys, &secrets, &organization, id).unwrap();
        let endpoint = Endpoint {
            id,
            organization_id: organization,
            uid: None,
            url: "https://example.com/".to_owned(),
            description: None,
            event_types: Vec::new(),
            ordered: false,
            options: EndpointOptions::default(),
            disabled: None,
            health: Health::default(),
            created_at: at(0),
            updated_at: at(0),
        };
        let mut stored = StoredEndpoint { endpoint, secrets: sealed, disabled_by: None };
        assert_eq!(stored.open_secrets(&keys).unwrap(), secrets);
        assert_eq!(stored.open_current(&keys).unwrap(), secrets.current);
        stored.secrets.headers = stored.secrets.key_pair.clone();
        assert!(stored.open_headers(&keys).is_err() && stored.open_secrets(&keys).is_err());
    }
}
