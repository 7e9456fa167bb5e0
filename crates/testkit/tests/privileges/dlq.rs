//! All that the dead-letter function does.

use hookbell_testkit::function::Function;
use serde_json::json;

use crate::fixture::{Fixture, deal_with, record};

const DEAD_LETTERS: &str = "arn:aws:sqs:us-east-1:123456789012:dead-letters";

/// Gives it a record of each kind.
pub(crate) async fn everything(fixture: &Fixture, dlq: &Function) -> Result<(), String> {
    let party = fixture.party().await;
    let (message, delivery) = (&fixture.delivery["webhookId"], &fixture.delivery["deliveryId"]);
    for because in ["exhausted", "gone"] {
        let ended = json!({
            "organizationId": party.organization.id,
            "endpointId": party.failing,
            "deliveryId": delivery,
            "endedBecause": because,
            // Not before the endpoint was made, whose clock is another's.
            "endedAt": jiff::Timestamp::now().as_millisecond() + 60_000,
        });
        deal_with(dlq, because, &record(&ended.to_string(), DEAD_LETTERS)).await?;
    }
    let (message, delivery) = (message.as_str().unwrap_or_default(), delivery.as_str().unwrap_or_default());
    for endpoint in [&party.failing, &party.ordered] {
        let task = party.task(endpoint, message, delivery, 2);
        deal_with(dlq, "what the sender failed at", &record(&task, DEAD_LETTERS)).await?;
    }
    deal_with(dlq, "no dead letter", &record("no dead letter", DEAD_LETTERS)).await
}
