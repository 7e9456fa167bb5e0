//! Organizations' keys, each kept as two items: one that a call finds by the key's hash, one for the list of its
//! organization. The list is a partition of its own: the fan-out reads all of the organization's.

use std::collections::HashMap;
use std::fmt;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{Delete, Put, Select, TransactWriteItem};
use hookbell_domain::ids::{KeyId, OrganizationId};
use hookbell_domain::role::Role;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::items::{KeyItem, KeyRowItem, time};
use super::keys::{Key, key_list};
use super::{Table, from_item, to_item};
use crate::AwsError;

/// A key's SHA-256: all that is kept of it. Keys are random, so nobody finds one by its hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The hash of a key as it is sent.
    #[must_use]
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key).into())
    }

    /// A hash that was made before.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A key as its organization sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id, which holds when it was made.
    pub id: KeyId,
    /// What it may do.
    pub role: Role,
    /// What its owner calls it.
    pub name: Option<String>,
    /// When it was used last, if it ever was.
    pub last_used_at: Option<Timestamp>,
}

impl Table {
    /// Puts a new key.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn create_api_key(
        &self,
        organization: &OrganizationId,
        key: &ApiKey,
        hash: KeyHash,
    ) -> Result<(), AwsError> {
        let (by_hash, row) = (Key::api_key(&hash.to_string()), Key::api_key_row(organization, key.id));
        let by_hash = to_item(KeyItem {
            pk: by_hash.pk,
            sk: by_hash.sk,
            organization: organization.to_string(),
            id: key.id.to_string(),
            role: key.role.as_str().to_owned(),
            used: None,
            // A minute that nobody calls in, so the first call begins one.
            window: 0,
            count: 0,
        })?;
        let row = to_item(KeyRowItem {
            pk: row.pk,
            sk: row.sk,
            hash: hash.to_string(),
            role: key.role.as_str().to_owned(),
            name: key.name.clone(),
        })?;
        let put = |item| {
            let put = Put::builder().table_name(&self.name).set_item(Some(item));
            let put = put.condition_expression("attribute_not_exists(PK)").build();
            put.map(|put| TransactWriteItem::builder().put(put)).map_err(AwsError::sdk("TransactWriteItems"))
        };
        self.transact([put(by_hash)?, put(row)?]).await.map_err(AwsError::sdk("TransactWriteItems"))
    }

    /// Deletes a key; `false` when the organization has none of that id. No call that begins after this is let in.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn delete_api_key(&self, organization: &OrganizationId, id: KeyId) -> Result<bool, AwsError> {
        let row: Option<KeyRowItem> = self.get(Key::api_key_row(organization, id), true).await?;
        let Some(row) = row else { return Ok(false) };
        let delete = |key: Key| {
            let delete = Delete::builder().table_name(&self.name).set_key(Some(key.into_item()));
            let delete = delete.condition_expression("attribute_exists(PK)").build();
            delete
                .map(|delete| TransactWriteItem::builder().delete(delete))
                .map_err(AwsError::sdk("TransactWriteItems"))
        };
        self.changed([delete(Key::api_key(&row.hash))?, delete(Key::api_key_row(organization, id))?]).await
    }

    /// How many keys an organization has.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn count_api_keys(&self, organization: &OrganizationId) -> Result<usize, AwsError> {
        let answer = self.query_api_keys(organization).select(Select::Count).send().await;
        Ok(usize::try_from(answer.map_err(AwsError::sdk("Query"))?.count).unwrap_or(0))
    }

    /// An organization's keys, oldest first; sees every key whose making was answered.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn api_keys(&self, organization: &OrganizationId) -> Result<Vec<ApiKey>, AwsError> {
        let answer = self.query_api_keys(organization).send().await.map_err(AwsError::sdk("Query"))?;
        let rows = answer.items.unwrap_or_default().into_iter().map(from_item);
        let rows: Vec<KeyRowItem> = rows.collect::<Result<_, _>>()?;
        let keys: Vec<KeyItem> = self.get_all(rows.iter().map(|row| Key::api_key(&row.hash)).collect(), false).await?;
        let used: HashMap<String, i64> = keys.into_iter().filter_map(|key| Some((key.id, key.used?))).collect();
        rows.into_iter()
            .map(|row| {
                let last_used_at = used.get(&row.sk).copied().map(time);
                Ok(ApiKey { id: row.id()?, role: row.role()?, name: row.name, last_used_at })
            })
            .collect()
    }

    /// All rows at once: an organization's keys are far less than the megabyte that one answer holds.
    fn query_api_keys(&self, organization: &OrganizationId) -> QueryFluentBuilder {
        self.query(key_list(organization)).consistent_read(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_written_in_hexadecimal() {
        // FIPS 180-4, the example "abc".
        let hash = KeyHash::of("abc").to_string();
        assert_eq!(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
