//! All that the sender does.

use hookbell_domain::ids::DeliveryId;
use hookbell_testkit::fresh;
use hookbell_testkit::function::Function;
use hookbell_testkit::queue::handed_out;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::fixture::{Fixture, PAYLOAD, STARTED, deal_with, record};

const EVENTS: &str = "arn:aws:sqs:us-east-1:123456789012:events";

/// Gives it a record of each kind.
pub(crate) async fn everything(fixture: &Fixture, sender: &Function) -> Result<(), String> {
    let party = fixture.party().await;
    let environment = fixture.environment("sender").await;
    let (deliveries, lines) = (&environment["DELIVERIES_QUEUE_ARN"], &environment["DELIVERIES_FIFO_QUEUE_ARN"]);

    // One endpoint fails, one is gone, and one wants everything in order.
    let body = party.organization.record(STARTED, PAYLOAD, &format!(r#","id":"{}""#, fresh()));
    let (id, now) = (fresh(), Timestamp::now().as_millisecond());
    deal_with(sender, "an event", &handed_out(&id, &body, now, 1, EVENTS)).await?;
    deal_with(sender, "an event that comes again", &handed_out(&id, &body, now, 2, EVENTS)).await?;
    deal_with(sender, "no event", &record("no event", EVENTS)).await?;

    let delivery = &fixture.delivery;
    let (message, delivery) = (&delivery["webhookId"], &delivery["deliveryId"]);
    let (message, delivery) = (message.as_str().unwrap_or_default(), delivery.as_str().unwrap_or_default());
    let again = json!({
        "organizationId": fixture.organization.id,
        "endpointId": fixture.good.id,
        "messageId": message,
        "deliveryId": DeliveryId::new(Timestamp::now(), u128::from_str_radix(&fresh(), 16).unwrap()).to_string(),
        "attempt": 1,
        "makes": STARTED,
        "dueAt": 0,
    });
    deal_with(sender, "a redelivery", &record(&again.to_string(), deliveries)).await?;
    let task = party.task(&party.failing, message, delivery, 2);
    deal_with(sender, "a waiting attempt", &record(&task, deliveries)).await?;
    deal_with(sender, "no attempt", &record("no attempt", deliveries)).await?;
    wait_in_line(sender, &record(&party.task_due_at(&party.ordered, message, delivery, 1, now + 3_600_000), lines))
        .await
}

/// Gives it the head of a line that is not due. That it may not keep it back, it only logs: the head comes again later.
async fn wait_in_line(sender: &Function, head: &Value) -> Result<(), String> {
    let answer = sender.invoke(head).await.answered();
    if answer["batchItemFailures"].as_array().is_none_or(Vec::is_empty) {
        return Err(format!("a head that waits: {answer}"));
    }
    let denied = "not authorized to perform: sqs:ChangeMessageVisibility";
    if sender.output().contains(denied) { Err(denied.to_owned()) } else { Ok(()) }
}
