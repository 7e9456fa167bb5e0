//! Which deliveries a message got after its first ones: what leads from a message to them.

use hookbell_domain::delivery::Delivery;
use hookbell_domain::ids::{DeliveryId, EndpointId, MessageId, OrganizationId};
use hookbell_domain::message::Message;
use serde::{Deserialize, Serialize};

use super::items::DeliveryItem;
use super::keys::{self, Key};
use super::{Table, from_item, to_item, unreadable};
use crate::AwsError;

/// How many redeliveries of a message are shown, the latest: a list of attempts has no pages.
const SHOWN: i32 = 200;

/// A delivery that was asked for after a message's first ones.
#[derive(Debug, Clone)]
pub struct Redelivery {
    /// Whose.
    pub organization_id: OrganizationId,
    /// What.
    pub message_id: MessageId,
    /// Where to.
    pub endpoint_id: EndpointId,
    /// Which delivery.
    pub delivery_id: DeliveryId,
}

/// A redelivery: `RDL#org#msg_…` / `dlv_…`.
#[derive(Debug, Serialize, Deserialize)]
struct RedeliveryItem {
    #[serde(rename = "PK")]
    pk: String,
    #[serde(rename = "SK")]
    sk: String,
    #[serde(rename = "to")]
    endpoint: String,
    #[serde(rename = "expiresAt")]
    expires_at: i64,
}

impl Table {
    /// Notes redeliveries on their messages, 25 to a request. Noting one twice changes nothing.
    ///
    /// # Errors
    /// When DynamoDB fails; then some may have been noted.
    pub async fn note_redeliveries(&self, redeliveries: &[Redelivery]) -> Result<(), AwsError> {
        let item = |redelivery: &Redelivery| {
            let Redelivery { organization_id, message_id, endpoint_id, delivery_id } = redelivery;
            let key = Key::redelivery(organization_id, *message_id, *delivery_id);
            let expires_at = self.expires_at(delivery_id.created_at());
            to_item(RedeliveryItem { pk: key.pk, sk: key.sk, endpoint: endpoint_id.to_string(), expires_at })
        };
        self.put_all(redeliveries.iter().map(item).collect::<Result<_, _>>()?).await
    }

    /// Reads which redeliveries a message had, the latest 200. It can be asked beside the message itself.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn redeliveries(
        &self,
        organization: &OrganizationId,
        message: MessageId,
    ) -> Result<Vec<(EndpointId, DeliveryId)>, AwsError> {
        let answer = self
            .query(keys::redeliveries(organization, message))
            .scan_index_forward(false)
            .limit(SHOWN)
            .send()
            .await
            .map_err(AwsError::sdk("Query"))?;
        let ids = |item| {
            let item: RedeliveryItem = from_item(item)?;
            let endpoint = item.endpoint.parse().map_err(unreadable)?;
            let delivery = item.sk.parse().map_err(unreadable)?;
            Ok((endpoint, delivery))
        };
        answer.items.unwrap_or_default().into_iter().map(ids).collect()
    }

    /// Reads the deliveries of a message: its first ones, and those redeliveries; in no order.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn deliveries_of(
        &self,
        message: &Message,
        redeliveries: Vec<(EndpointId, DeliveryId)>,
    ) -> Result<Vec<Delivery>, AwsError> {
        let first = message.endpoint_ids.iter().map(|&id| (id, DeliveryId::first(message.id, id)));
        let wanted = first.chain(redeliveries).map(|(endpoint, delivery)| Key::delivery(endpoint, delivery));
        let items: Vec<DeliveryItem> = self.get_all(wanted.collect(), false).await?;
        items.into_iter().map(DeliveryItem::into_delivery).collect()
    }
}
