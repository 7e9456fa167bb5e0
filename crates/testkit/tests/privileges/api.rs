//! All that the API does.

use hookbell_testkit::fresh;
use hookbell_testkit::function::Function;
use hookbell_testkit::gateway::{self, Place};
use serde_json::{Value, json};

use crate::fixture::{Fixture, STARTED};

struct Caller<'a> {
    api: &'a Function,
    key: String,
}

impl Caller<'_> {
    /// A call that has to be answered with that status; its body.
    async fn call(&self, method: &str, path: &str, body: &Value, status: u16) -> Result<Value, String> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("authorization", self.key.as_str()), ("content-type", "application/json")];
        let answer = self.api.invoke(&gateway::request(Place::Stage, method, path, &headers, &body)).await.answered();
        let reply = gateway::reply(&answer);
        if reply.status == status { Ok(reply.json()) } else { Err(format!("{method} {path}: {}", reply.status)) }
    }
}

/// Calls it in every way that asks something else of AWS.
pub(crate) async fn everything(fixture: &Fixture, api: &Function) -> Result<(), String> {
    let admin = Caller { api, key: fixture.stack.admin_key.clone() };
    let organization = format!("org_{}", fresh());
    let (sending, managing) =
        (format!("/webhooks/organizations/{organization}"), format!("/organizations/{organization}/webhooks"));
    admin.call("POST", &format!("{sending}/initialize"), &Value::Null, 201).await?;
    let wanted = json!({ "url": "https://127.0.0.1/hook", "eventTypes": ["*"], "ordered": true });
    let made = admin.call("POST", &managing, &wanted, 201).await?;
    let endpoint = format!("{managing}/{}", made["endpoint"]["endpointId"].as_str().unwrap_or_default());
    admin.call("GET", &managing, &Value::Null, 200).await?;
    admin.call("PATCH", &endpoint, &json!({ "description": "another" }), 200).await?;

    // To an organization with an ordered endpoint, and to one without.
    let event = json!({ "eventType": STARTED, "payload": {}, "eventId": fresh() });
    admin.call("POST", &format!("{sending}/send"), &event, 200).await?;
    admin.call("POST", &fixture.organization.sending("/send"), &event, 200).await?;
    admin.call("DELETE", &endpoint, &Value::Null, 204).await?;

    let keys = format!("/organizations/{organization}/api-keys");
    let key = admin.call("POST", &keys, &json!({ "role": "owner" }), 201).await?;
    let owner = Caller { api, key: key["key"].as_str().unwrap_or_default().to_owned() };
    owner.call("GET", &managing, &Value::Null, 200).await?;
    owner.call("GET", &keys, &Value::Null, 200).await?;

    let message = fixture.delivery["webhookId"].as_str().unwrap_or_default();
    admin
        .call("GET", &fixture.organization.sending(&format!("/messages/{message}/attempts")), &Value::Null, 200)
        .await?;
    for (endpoint, delivery) in [(&fixture.good, &fixture.delivery), (&fixture.line, &fixture.delivery_in_line)] {
        let delivery = format!("/deliveries/{}", delivery["deliveryId"].as_str().unwrap_or_default());
        admin.call("GET", &endpoint.path(&delivery), &Value::Null, 200).await?;
        admin.call("POST", &endpoint.path(&format!("{delivery}/redeliver")), &Value::Null, 200).await?;
    }
    Ok(())
}
