//! The console's routes, of one organization with one of each thing.

use serde_json::Value;

use crate::endpoint::Endpoint;

/// The ids of one of each thing.
#[derive(Debug, Clone)]
pub struct ConsolePaths {
    /// The organization.
    pub organization: String,
    /// An endpoint of it.
    pub endpoint: String,
    /// A delivery to that.
    pub delivery: String,
    /// Its message.
    pub message: String,
    /// A key of the organization.
    pub key: String,
}

impl ConsolePaths {
    /// Those of a delivery, as the API shows it, and a key.
    #[must_use]
    pub fn of(endpoint: &Endpoint, delivery: &Value, key: &str) -> Self {
        let text = |name: &str| delivery[name].as_str().expect("a text").to_owned();
        Self {
            organization: endpoint.organization.id.clone(),
            endpoint: endpoint.id.clone(),
            delivery: text("deliveryId"),
            message: text("webhookId"),
            key: key.to_owned(),
        }
    }

    /// A path below the organization's.
    #[must_use]
    pub fn organization(&self, rest: &str) -> String {
        format!("/organizations/{}{rest}", self.organization)
    }

    /// A path below the endpoint's.
    #[must_use]
    pub fn endpoint(&self, rest: &str) -> String {
        self.organization(&format!("/endpoints/{}{rest}", self.endpoint))
    }

    /// The pages for everybody of the organization.
    #[must_use]
    pub fn readers(&self) -> Vec<String> {
        vec![
            self.organization("/endpoints"),
            self.organization("/messages"),
            self.organization(&format!("/messages/{}", self.message)),
            self.organization(&format!("/messages/{}/attempts", self.message)),
            self.endpoint(""),
            self.endpoint(&format!("/deliveries/{}", self.delivery)),
            self.endpoint("/replay"),
            self.endpoint(&format!("/test/{}", self.message)),
        ]
    }

    /// The pages for its owners.
    #[must_use]
    pub fn owners(&self) -> Vec<String> {
        vec![
            self.organization("/endpoints/new"),
            self.organization("/keys"),
            self.organization(&format!("/keys/{}/delete", self.key)),
            self.endpoint("/edit"),
            self.endpoint("/delete"),
            self.endpoint("/rotate"),
        ]
    }

    /// What forms are sent to, by owners.
    #[must_use]
    pub fn changes(&self) -> Vec<String> {
        vec![
            self.organization("/endpoints"),
            self.organization("/endpoints/filter"),
            self.organization("/keys"),
            self.organization("/keys/link"),
            self.organization(&format!("/keys/{}/delete", self.key)),
            self.endpoint("/edit"),
            self.endpoint("/status"),
            self.endpoint("/delete"),
            self.endpoint("/secret"),
            self.endpoint("/rotate"),
            self.endpoint("/test"),
            self.endpoint(&format!("/deliveries/{}/redeliver", self.delivery)),
            self.endpoint("/replay"),
        ]
    }
}
