//! An endpoint, and what the API says of it and of its deliveries.

use serde_json::{Value, json};

use crate::api::{Reply, keys};
use crate::organization::Organization;
use crate::patience::eventually;

/// An endpoint of a test's organization.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its id.
    pub id: String,
    /// Its signing secret.
    pub secret: String,
    /// Whose it is.
    pub organization: Organization,
}

impl Endpoint {
    /// A path of the API below the endpoint's own.
    #[must_use]
    pub fn path(&self, rest: &str) -> String {
        self.organization.managing(&format!("/{}{rest}", self.id))
    }

    /// It as the API shows it.
    pub async fn get(&self) -> Value {
        self.organization.api.get(&self.path("")).await.expect(200)["endpoint"].clone()
    }

    /// Changes it, and gives it as it is then.
    pub async fn patch(&self, change: Value) -> Value {
        self.organization.api.patch(&self.path(""), &change).await.expect(200)["endpoint"].clone()
    }

    /// Its current secret, as the API shows it again.
    pub async fn reveal(&self) -> String {
        let shown = self.organization.api.get(&self.path("/secret")).await.expect(200);
        assert_eq!(keys(&shown), ["secret"]);
        shown["secret"].as_str().expect("a text").to_owned()
    }

    /// Asks for a new secret.
    pub async fn roll(&self, body: &Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.organization.api.post(&self.path("/secret/roll"), body).await
    }

    /// Disables it as its owner does.
    pub async fn disable(&self) {
        self.patch(json!({ "status": "disabled" })).await;
    }

    /// Waits until it is as the condition says.
    pub async fn wait_until(&self, what: &str, condition: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("{} to be {what}", self.id), async || Some(self.get().await).filter(&condition)).await
    }

    /// Waits until it is disabled.
    pub async fn wait_until_disabled(&self) -> Value {
        self.wait_until("disabled", |endpoint| endpoint["status"] == "disabled").await
    }

    /// Waits until it has so many exhausted deliveries in a row.
    pub async fn wait_for_failures(&self, count: u64) -> Value {
        self.wait_until("failing", |endpoint| endpoint["consecutiveFailures"] == count).await
    }

    /// Its deliveries, newest first: one page, as large as pages get.
    pub async fn deliveries(&self) -> Vec<Value> {
        let reply = self.organization.api.get(&self.path("/deliveries?limit=100")).await.expect(200);
        reply["deliveries"].as_array().expect("a list").clone()
    }

    /// Its deliveries of a message.
    pub async fn deliveries_of(&self, message: &str) -> Vec<Value> {
        let mut deliveries = self.deliveries().await;
        deliveries.retain(|delivery| delivery["webhookId"] == message);
        deliveries
    }

    /// Waits until its one delivery of a message is as the condition says.
    pub async fn wait_for_delivery(&self, message: &str, what: &str, condition: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("the delivery of {message} to be {what}"), async || {
            let mut found = self.deliveries_of(message).await;
            assert!(found.len() < 2, "more than one delivery: {found:?}");
            found.pop().filter(&condition)
        })
        .await
    }

    /// Waits until its one delivery of a message has that status.
    pub async fn wait_for_status(&self, message: &str, status: &str) -> Value {
        self.wait_for_delivery(message, status, |delivery| delivery["status"] == status).await
    }
}
