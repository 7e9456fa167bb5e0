//! A function whose clock is set back: what it has read it takes for no newer than it is.

use hookbell_testkit::answer::Answer;
use hookbell_testkit::clock::Clock;
use hookbell_testkit::function::{Function, Surroundings};
use hookbell_testkit::organization::Organization;
use hookbell_testkit::receiver::{Arrival, Receiver};
use hookbell_testkit::rows;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use serde_json::json;

const STARTED: &str = "environment.started";
const HOUR_MS: i64 = 3_600_000;

/// A bench whose senders remember what they have read for as long as deployed ones do.
async fn bench(stack: &Stack) -> Workbench {
    Workbench::new(stack).await.with("TIME_SCALE", "1")
}

async fn sender(bench: &Workbench, clock: &Clock) -> Function {
    let surroundings = Surroundings { clock: Some(clock.clone()), log: None };
    let sender = Function::start_in("sender", bench.environment_of("sender"), surroundings).await;
    sender.ready().await;
    sender
}

#[tokio::test]
async fn a_process_is_told_the_time_of_its_clock() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    organization.endpoint(&receiver, &["*"]).await;
    let bench = bench(&stack).await;
    let clock = Clock::shifted_by(0);
    let sender = sender(&bench, &clock).await;
    for shift in [0, -HOUR_MS, HOUR_MS] {
        clock.set(shift);
        bench.deliver_example(&sender, &organization).await;
        let signed_at = receiver.arrivals().last().map_or(0, Arrival::signed_at);
        let behind = jiff::Timestamp::now().as_second() - signed_at;
        assert!((behind + shift / 1_000).abs() < 600, "{behind} s behind with a shift of {shift} ms");
    }
}

#[tokio::test]
async fn an_endpoint_that_was_disabled_gets_nothing_after_the_clock_was_set_back() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let bench = bench(&stack).await;
    let clock = Clock::shifted_by(0);
    let sender = sender(&bench, &clock).await;
    bench.deliver_example(&sender, &organization).await;
    endpoint.disable().await;
    clock.set(-HOUR_MS);
    bench.deliver_example(&sender, &organization).await;
    assert_eq!(receiver.arrivals().len(), 1);
    assert_eq!(rows::deliveries(&stack, &endpoint).await, 2);
}

#[tokio::test]
async fn an_endpoint_that_was_made_since_keeps_its_retries_after_the_clock_was_set_back() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let bench = bench(&stack).await;
    let clock = Clock::shifted_by(0);
    let (old, api) = (sender(&bench, &clock).await, bench.function("api").await);
    // An event by the API: what is read for it sees every write until then, and is known to.
    let event = json!({ "eventType": STARTED, "payload": {} }).to_string();
    bench.call(&api, "POST", &organization.sending("/send"), &event).await;
    bench.events.feed(&old).await;

    let receiver = Receiver::start(&stack, |_, seen| Answer::status(if seen == 1 { 500 } else { 200 })).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let new = bench.function("sender").await;
    bench.deliver_example(&new, &organization).await;
    let message = receiver.arrivals()[0].message_id().to_owned();
    let failed = endpoint.wait_for_status(&message, "failed").await;
    // As if the retry's time had come.
    let task = json!({
        "organizationId": organization.id,
        "endpointId": endpoint.id,
        "messageId": message,
        "deliveryId": failed["deliveryId"],
        "attempt": 2,
        "dueAt": 0,
    });
    clock.set(-HOUR_MS);
    bench.deliveries.put(&task.to_string()).await;
    bench.deliveries.feed(&old).await;
    assert_eq!(receiver.arrivals().len(), 2);
    endpoint.wait_for_status(&message, "delivered").await;
}
