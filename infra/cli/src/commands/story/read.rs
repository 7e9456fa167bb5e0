//! Reading a story: the message, its attempts, and the delivery of each endpoint that could have one.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, stream};
use hookbell_domain::ids::{DeliveryId, EndpointId, MessageId};

use super::missed::{self, Missed};
use crate::client::wire::{Delivery, Endpoint, Message, MessageAttempt};
use crate::client::{ApiFailure, Client, Explain as _, Seen};
use crate::failure::Failure;

/// How many calls are made at once.
const AT_ONCE: usize = 8;

/// What is known of a message.
pub(super) struct Story {
    /// The message.
    pub(super) message: Seen<Message>,
    /// Every attempt, in order.
    pub(super) attempts: Vec<Seen<MessageAttempt>>,
    /// What became of it at each endpoint, as far as that is there still.
    pub(super) deliveries: Vec<Seen<Delivery>>,
    /// The endpoints that it did not go to.
    pub(super) missed: Vec<Missed>,
    endpoints: Vec<Seen<Endpoint>>,
}

impl Story {
    /// Where an endpoint is.
    pub(super) fn url_of(&self, endpoint: &str) -> String {
        let found = self.endpoints.iter().find(|known| known.it.endpoint_id == endpoint);
        found.map_or_else(|| "deleted since".to_owned(), |known| known.it.url.clone())
    }
}

pub(super) async fn read(client: &Client, organization: &str, message: Seen<Message>) -> Result<Story, Failure> {
    let id = message.it.id.as_str();
    let what = || format!("The story of {id} cannot be told.");
    let attempts = client.attempts(organization, id).await.explain(what)?;
    let endpoints = client.endpoints(organization).await.explain(what)?;
    let deliveries = deliveries(client, organization, id, &attempts, &endpoints).await.explain(what)?;
    let was_reached = |endpoint: &str| {
        deliveries.iter().any(|delivery| delivery.it.endpoint_id == endpoint)
            || attempts.iter().any(|attempt| attempt.it.endpoint_id == endpoint)
    };
    let mut missed = Vec::new();
    for endpoint in endpoints.iter().filter(|endpoint| !was_reached(&endpoint.it.endpoint_id)) {
        missed.push(missed::explain(client, organization, &endpoint.it, &message.it).await);
    }
    Ok(Story { message, attempts, deliveries, missed, endpoints })
}

/// The deliveries of a message: those that attempts tell of, and the first that each endpoint would have.
async fn deliveries(
    client: &Client,
    organization: &str,
    message: &str,
    attempts: &[Seen<MessageAttempt>],
    endpoints: &[Seen<Endpoint>],
) -> Result<Vec<Seen<Delivery>>, ApiFailure> {
    let mut wanted: BTreeSet<(String, String)> = BTreeSet::new();
    for attempt in attempts {
        wanted.extend(attempt.it.delivery_id().map(|id| (attempt.it.endpoint_id.clone(), id)));
    }
    if let Ok(message) = message.parse::<MessageId>() {
        for endpoint in endpoints {
            let id = endpoint.it.endpoint_id.parse::<EndpointId>().ok();
            wanted.extend(id.map(|id| (id.to_string(), DeliveryId::first(message, id).to_string())));
        }
    }
    let read = async |(endpoint, delivery): (String, String)| match client
        .delivery(organization, &endpoint, &delivery)
        .await
    {
        Err(failure) if failure.refusal(404).is_some() => Ok(None),
        found => found.map(Some),
    };
    let found: Vec<_> = stream::iter(wanted).map(read).buffered(AT_ONCE).collect().await;
    found.into_iter().filter_map(Result::transpose).collect()
}
