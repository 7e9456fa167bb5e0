//! Sealing anew what is sealed under a key that is no longer the current one.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use hookbell_domain::ids::{EndpointId, OrganizationId};

use super::items::{EndpointItem, SecretItem};
use super::keys::Key;
use super::{Table, update_if};
use crate::AwsError;
use crate::sealing::{Keys, SealError};

/// Organizations read at a time.
const PAGE: usize = 100;

/// What sealing an endpoint's secrets anew came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resealed {
    /// They are sealed under the current key now.
    Yes,
    /// They were before, or there is no such endpoint.
    NotNeeded,
    /// They were changed at the same moment: to be looked at once more.
    Changed,
}

/// Why it could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ResealError {
    /// The table, or the secret, could not be read or written.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// All others were sealed anew, but this organization cannot be read.
    #[error("{organization}: {source}")]
    Unreadable {
        /// Which.
        organization: OrganizationId,
        /// What is wrong.
        source: AwsError,
    },
    /// Something was sealed under a key that is neither the current nor the previous one.
    #[error("endpoint {endpoint} of {organization}: {source}")]
    Seal {
        /// Whose it is.
        organization: OrganizationId,
        /// Of which endpoint.
        endpoint: EndpointId,
        /// What is wrong.
        source: SealError,
    },
}

/// What a sweep over the whole table came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Endpoints that were looked at.
    pub endpoints: usize,
    /// Those of them whose secrets were sealed anew.
    pub resealed: usize,
}

impl Table {
    /// Seals all that is sealed in the table under the current key; what is already stays as it is. It can run beside
    /// everything else, and again. Nobody who reads an endpoint sees a difference.
    ///
    /// # Errors
    /// When DynamoDB or Secrets Manager fails, or something opens under no key; in the end also when an organization could
    /// not be read. What was done until then stays done.
    pub async fn reseal_all(&self, keys: &Keys) -> Result<Swept, ResealError> {
        let (mut behind, mut swept, mut unreadable) = (None, Swept::default(), None);
        loop {
            let page = self.list_organizations("", behind.as_ref(), PAGE).await?;
            for record in page.organizations {
                let organization = self.organization(&record.id, true).await?;
                for stored in organization.into_iter().flat_map(|organization| organization.endpoints) {
                    let resealed = loop {
                        match self.reseal(keys, &record.id, stored.endpoint.id).await? {
                            Resealed::Changed => {}
                            Resealed::NotNeeded => break 0,
                            Resealed::Yes => break 1,
                        }
                    };
                    swept.endpoints += 1;
                    swept.resealed += resealed;
                }
            }
            unreadable = unreadable.or(page.unreadable.into_iter().next());
            behind = page.next;
            if behind.is_none() {
                break;
            }
        }
        match unreadable {
            Some((organization, source)) => Err(ResealError::Unreadable { organization, source }),
            None => Ok(swept),
        }
    }

    async fn reseal(
        &self,
        keys: &Keys,
        organization: &OrganizationId,
        endpoint: EndpointId,
    ) -> Result<Resealed, ResealError> {
        let unsealed = |source| ResealError::Seal { organization: organization.clone(), endpoint, source };
        let key = || Key::endpoint(organization, endpoint);
        let Some(item) = self.get::<EndpointItem>(key(), true).await? else { return Ok(Resealed::NotNeeded) };
        let pair = item.key_pair.as_ref().map(|pair| &pair.sealed);
        let sealed = || item.secrets.iter().map(|secret| &secret.sealed).chain(pair).chain(&item.headers);
        keys.meet(sealed().map(Vec::as_slice)).await?;
        if sealed().all(|sealed| keys.is_sealed_anew(sealed)) {
            return Ok(Resealed::NotNeeded);
        }
        let secrets = item.secrets.iter().map(|secret| {
            let opened = keys.open(&secret.sealed, organization, endpoint)?;
            Ok(SecretItem { sealed: keys.seal(&opened, organization, endpoint)?, until: secret.until })
        });
        let secrets = secrets.collect::<Result<Vec<_>, SealError>>().map_err(unsealed)?;
        let mut condition = "secrets = :secrets".to_owned();
        let mut change = "SET secrets = :anew".to_owned();
        let mut update = self.update(key());
        update = update.expression_attribute_values(":secrets", list(&item.secrets)?);
        update = update.expression_attribute_values(":anew", list(&secrets)?);
        if let Some(pair) = pair {
            let opened = keys.open_key_pair(pair, organization, endpoint).map_err(unsealed)?;
            condition.push_str(" AND keyPair.sealed = :pair");
            change.push_str(", keyPair.sealed = :pairAnew");
            update = update.expression_attribute_values(":pair", bytes(pair));
            let anew = keys.seal_key_pair(&opened, organization, endpoint).map_err(unsealed)?;
            update = update.expression_attribute_values(":pairAnew", bytes(&anew));
        }
        if let Some(headers) = &item.headers {
            let opened = keys.open_headers(headers, organization, endpoint).map_err(unsealed)?;
            condition.push_str(" AND headers = :headers");
            change.push_str(", headers = :headersAnew");
            update = update.expression_attribute_values(":headers", bytes(headers));
            let anew = keys.seal_headers(&opened, organization, endpoint).map_err(unsealed)?;
            update = update.expression_attribute_values(":headersAnew", bytes(&anew));
        }
        // Whoever changes them meanwhile seals by the key that he knows, and wins.
        let written = update_if(update.condition_expression(condition).update_expression(change)).await?;
        Ok(if written.is_some() { Resealed::Yes } else { Resealed::Changed })
    }
}

fn list(secrets: &[SecretItem]) -> Result<AttributeValue, AwsError> {
    serde_dynamo::to_attribute_value(secrets).map_err(|error| AwsError::unreadable("writing an item", error))
}

fn bytes(sealed: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(sealed))
}
