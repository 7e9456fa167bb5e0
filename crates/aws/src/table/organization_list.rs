//! The list of all organizations, for whoever runs the deployment.
//!
//! An organization's own items are in a partition that nobody finds who does not know its id. So each has an entry in
//! the list's one partition as well, put whenever it is initialized. An entry is an id and nothing else: what there is
//! to say of an organization stands in one place, and no change of it is written twice.

use std::collections::HashMap;

use hookbell_domain::ids::OrganizationId;
use serde::Deserialize;

use super::items::OrganizationItem;
use super::keys::{self, Key};
use super::organizations::{OrganizationRecord, record};
use super::{Item, Table, sort_key, text};
use crate::AwsError;

/// A part of the list of organizations.
#[derive(Debug, Clone, Default)]
pub struct OrganizationPage {
    /// By id, each byte of it counting.
    pub organizations: Vec<OrganizationRecord>,
    /// What is left out of them because it cannot be read, and why: for the log.
    pub unreadable: Vec<(OrganizationId, AwsError)>,
    /// Behind which id the list goes on; absent at its end. Not always the last organization's: some are left out.
    pub next: Option<OrganizationId>,
}

/// An organization's own item with its key, which says whose it is.
#[derive(Debug, Deserialize)]
struct KeyedItem {
    #[serde(rename = "PK")]
    pk: String,
    #[serde(flatten)]
    item: OrganizationItem,
}

/// Where a reading of the list begins.
#[derive(Debug, PartialEq, Eq)]
enum Start<'a> {
    /// At the first entry that begins as it should.
    First,
    /// Behind this one.
    Behind(&'a OrganizationId),
    /// Nowhere: there is nothing to read.
    Nowhere,
}

impl<'a> Start<'a> {
    /// DynamoDB refuses to read behind a key that does not begin as it should, and what is too long for a key.
    fn of(prefix: &str, behind: Option<&'a OrganizationId>) -> Self {
        // Whatever an id begins with is an id itself.
        let is_beginning = prefix.is_empty() || prefix.parse::<OrganizationId>().is_ok();
        match behind {
            _ if !is_beginning => Self::Nowhere,
            Some(id) if id.as_str().starts_with(prefix) => Self::Behind(id),
            Some(id) if id.as_str() > prefix => Self::Nowhere,
            _ => Self::First,
        }
    }
}

impl Table {
    /// Puts an organization into the list. Can be repeated, and then changes nothing.
    pub(super) async fn list_organization(&self, id: &OrganizationId) -> Result<(), AwsError> {
        let entry = Key::organization_entry(id).into_item();
        let put = self.client.put_item().table_name(&self.name).set_item(Some(entry));
        put.send().await.map(|_| ()).map_err(AwsError::sdk("PutItem"))
    }

    /// Reads `limit` entries whose ids begin with `prefix`, in the order of their ids and behind `behind`, and gives their
    /// organizations; sees every initialization that has been answered. One request for the ids, and one for each hundred
    /// of their organizations.
    ///
    /// Left out is an entry without an organization behind it (its initialization has failed halfway), and an
    /// organization whose profile is not in this build, for which no call can do anything: one of them must not hide all
    /// others. So a page may be short, or empty, and yet not the last.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn list_organizations(
        &self,
        prefix: &str,
        behind: Option<&OrganizationId>,
        limit: usize,
    ) -> Result<OrganizationPage, AwsError> {
        let start = match Start::of(prefix, behind) {
            Start::First => None,
            Start::Behind(id) => Some(id),
            Start::Nowhere => return Ok(OrganizationPage::default()),
        };
        let (ids, next) = self.organization_ids(prefix, start, limit.max(1)).await?;
        let items: Vec<KeyedItem> = self.get_all(ids.iter().map(Key::organization).collect(), true).await?;
        let items: HashMap<String, OrganizationItem> = items.into_iter().map(|keyed| (keyed.pk, keyed.item)).collect();
        let mut page = OrganizationPage { next, ..OrganizationPage::default() };
        for id in ids {
            let Some(item) = items.get(&Key::organization(&id).pk) else { continue };
            match record(&id, item) {
                Ok(record) => page.organizations.push(record),
                Err(error) => page.unreadable.push((id, error)),
            }
        }
        Ok(page)
    }

    /// The next ids of the list, and behind which of them it goes on, if it does.
    async fn organization_ids(
        &self,
        prefix: &str,
        behind: Option<&OrganizationId>,
        limit: usize,
    ) -> Result<(Vec<OrganizationId>, Option<OrganizationId>), AwsError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .expression_attribute_values(":pk", text(keys::ORGANIZATIONS))
            .set_exclusive_start_key(behind.map(|id| Key::organization_entry(id).into_item()))
            // One more says whether there are more.
            .limit(i32::try_from(limit.saturating_add(1)).unwrap_or(i32::MAX))
            .consistent_read(true);
        // DynamoDB takes no empty text for the beginning of a key.
        let query = if prefix.is_empty() {
            query.key_condition_expression("PK = :pk")
        } else {
            query
                .key_condition_expression("PK = :pk AND begins_with(SK, :prefix)")
                .expression_attribute_values(":prefix", text(prefix))
        };
        let answer = query.send().await.map_err(AwsError::sdk("Query"))?;
        let mut ids = answer.items.unwrap_or_default().iter().map(id).collect::<Result<Vec<_>, _>>()?;
        let more = ids.len() > limit || answer.last_evaluated_key.is_some();
        ids.truncate(limit);
        let next = ids.last().filter(|_| more).cloned();
        Ok((ids, next))
    }
}

/// Whose entry that is.
fn id(entry: &Item) -> Result<OrganizationId, AwsError> {
    sort_key(entry).parse().map_err(|error| AwsError::unreadable("reading the list of organizations", error))
}

#[cfg(test)]
mod tests {
    use super::super::{from_item, number};
    use super::*;

    #[track_caller]
    fn check(prefix: &str, behind: Option<&str>, expected: &str) {
        let behind = behind.map(|id| id.parse::<OrganizationId>().unwrap());
        let expected = match expected {
            "first" => Start::First,
            "nowhere" => Start::Nowhere,
            _ => Start::Behind(behind.as_ref().unwrap()),
        };
        assert_eq!(Start::of(prefix, behind.as_ref()), expected, "{prefix:?} behind {behind:?}");
    }

    #[test]
    fn a_reading_begins_where_dynamodb_lets_it() {
        check("", None, "first");
        check("", Some("org_1"), "behind");
        check("org_", None, "first");
        check("org_", Some("org_1"), "behind");
        check("org_1", Some("org_1"), "behind");
        check("org_1", Some("org_"), "first");
        check("org_1", Some("ORG_2"), "first");
        check("org_1", Some("org_2"), "nowhere");
        check("org_1", Some("p"), "nowhere");
    }

    #[test]
    fn nothing_begins_with_what_can_be_in_no_id() {
        for prefix in ["é", "a b", "a#", &"x".repeat(101)] {
            check(prefix, None, "nowhere");
            check(prefix, Some("org_1"), "nowhere");
        }
        check(&"x".repeat(100), None, "first");
    }

    #[test]
    fn an_organizations_item_is_read_with_its_key() {
        let mut item = Key::organization(&"org_1".parse().unwrap()).into_item();
        item.insert("profile".to_owned(), text("gone"));
        for attribute in ["revision", "endpointCount", "createdAt", "updatedAt"] {
            item.insert(attribute.to_owned(), number(7));
        }
        let KeyedItem { pk, item } = from_item(item).unwrap();
        assert_eq!((pk.as_str(), item.profile.as_str(), item.endpoint_count), ("ORG#org_1", "gone", 7));
        assert!(record(&"org_1".parse().unwrap(), &item).is_err(), "its profile is not in this build");
    }
}
