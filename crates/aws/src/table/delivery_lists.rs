//! The list of an endpoint's deliveries.

use hookbell_domain::delivery::{Delivery, DeliveryStatus};
use hookbell_domain::ids::{DeliveryId, EndpointId};

use super::items::DeliveryItem;
use super::listing::{Looking, Wanted};
use super::merging::Page;
use super::{Table, from_item, keys, text};
use crate::AwsError;

/// Which deliveries are looked for; all of them by default.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Those that are so far.
    pub status: Option<DeliveryStatus>,
    /// Those of messages of this type.
    pub event_type: Option<String>,
}

impl Table {
    /// Reads a page of an endpoint's deliveries.
    ///
    /// Without a filter a page is full while there are enough. With one it may be short, or empty, and yet not the
    /// last.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn list_deliveries(
        &self,
        endpoint: EndpointId,
        filter: &DeliveryFilter,
        wanted: &Wanted<DeliveryId>,
    ) -> Result<Page<DeliveryId, Delivery>, AwsError> {
        let mut looking = Looking::default();
        if let Some(status) = filter.status {
            looking.equal.push(("status", text(status.as_str())));
        }
        if let Some(event_type) = &filter.event_type {
            looking.equal.push(("type", text(event_type)));
        }
        let page = self.page(|shard| keys::delivery_shard(endpoint, shard), &looking, wanted).await?;
        page.try_map(|item| from_item::<DeliveryItem>(item)?.into_delivery())
    }
}
