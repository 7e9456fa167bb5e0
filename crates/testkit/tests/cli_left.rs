//! What was left for a person, by the operator's tool: looked at without being lost, and put back to work.
//!
//! The queues are the stack's, and other tests use them: each looks for its own, and some are in others' hands for a
//! moment.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use aws_sdk_sqs::types::QueueAttributeName;
use hookbell_aws::clients::Aws;
use hookbell_aws::queues::{DeliveryTask, Ended, EndedBecause, Queues, REASON_ATTRIBUTE, Task};
use hookbell_domain::ids::{DeliveryId, EndpointId, MessageId};
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::fresh;
use hookbell_testkit::hookbell::Hookbell;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::patience::eventually;
use hookbell_testkit::queue::Queue;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use jiff::Timestamp;
use serde_json::{Value, json};

const STARTED: &str = "environment.started";
const PAYLOAD: &str = r#"{"resource":{"type":"environment","id":"env_1","name":"my-box"}}"#;

/// Waits until a list shows what holds those words, and gives that.
async fn listed(hookbell: &Hookbell, list: &str, words: &str) -> Value {
    eventually(words, async || {
        let listed = hookbell.json(list).await;
        listed.into_iter().find(|one| one["body"].as_str().unwrap().contains(words))
    })
    .await
}

/// Runs a command until what it is about is in nobody else's hands, and gives what it says of that one.
async fn worked(hookbell: &Hookbell, command: &str) -> Value {
    eventually(command, async || match hookbell.with(&["--json"]).run(command).await {
        done if done.code == 4 || done.code == 5 => None,
        done => done.check(0).lines().pop(),
    })
    .await
}

/// A task that was parked after three times: another delivery of a message.
fn parked_task(endpoint: &Endpoint, message: &str) -> DeliveryTask {
    let now = Timestamp::now();
    DeliveryTask {
        organization_id: endpoint.organization.id.parse().unwrap(),
        endpoint_id: endpoint.id.parse().unwrap(),
        message_id: message.parse().unwrap(),
        delivery_id: DeliveryId::new(now, u128::from(u64::from_str_radix(&fresh(), 16).unwrap())),
        attempt: 1,
        manual: None,
        makes: Some(STARTED.to_owned()),
        due_at: now.as_millisecond(),
        first_due_at: None,
        revision: None,
        slot: None,
        held_since: None,
        hops: 0,
        redrives: 3,
    }
}

/// The queue on which SQS leaves what a FIFO queue could not get rid of.
async fn dead_letters_of(stack: &Stack, queue: &str) -> Queue {
    let queues = Queues::new(&Aws::local(&stack.aws_endpoint_url, &stack.region));
    Queue::at(stack, &queues.dead_letters_of(queue).await.unwrap().unwrap())
}

#[tokio::test]
async fn a_parked_delivery_goes_back_to_work_and_is_delivered() {
    let (stack, hookbell) = (Stack::load(), Hookbell::default());
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let message = organization.send(STARTED, PAYLOAD).await;
    endpoint.wait_for_status(&message, "delivered").await;

    let task = parked_task(&endpoint, &message);
    let body = serde_json::to_string(&task).unwrap();
    Queue::at(&stack, &stack.parked_queue_url).put_with(&body, &[(REASON_ATTRIBUTE, "the sender failed at it")]).await;
    // To look at it does not take it away.
    let mut left = Value::Null;
    for _ in 0..2 {
        left = listed(&hookbell, "parked list", &message).await;
    }
    assert_eq!(left["organizationId"], organization.id.as_str());
    assert_eq!(left["endpointId"], endpoint.id.as_str());
    assert_eq!(left["deliveryId"], task.delivery_id.to_string().as_str());
    assert_eq!((left["reason"].as_str(), left["queue"].as_str()), (Some("the sender failed at it"), Some("parked")));
    let id = left["id"].as_str().unwrap();
    assert_eq!(worked(&hookbell, &format!("parked show {id}")).await["body"], body.as_str());
    let asked = eventually("the question", async || {
        let done = hookbell.run(&format!("parked redrive {id}")).await;
        (done.code != 4).then_some(done)
    });
    assert!(asked.await.check(2).err.contains("Nobody is there to say yes"));
    assert_eq!(receiver.arrivals_of(&message).len(), 1);

    let line = worked(&hookbell, &format!("parked redrive {id} --yes")).await;
    assert_eq!(line, json!({ "redriven": id, "queue": "parked" }));
    receiver.wait_for_message(&message, 2).await;
}

#[tokio::test]
async fn a_parked_end_of_a_delivery_goes_back_to_where_ends_are_dealt_with() {
    let (stack, hookbell) = (Stack::load(), Hookbell::default());
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let now = Timestamp::now();
    let ended = Ended {
        organization_id: organization.id.parse().unwrap(),
        endpoint_id: endpoint.id.parse().unwrap(),
        delivery_id: DeliveryId::new(now, u128::from(u64::from_str_radix(&fresh(), 16).unwrap())),
        ended_because: EndedBecause::Gone,
        endpoint_as_of: None,
        ended_at: now.as_millisecond(),
    };
    Queue::at(&stack, &stack.parked_queue_url).put(&serde_json::to_string(&ended).unwrap()).await;
    let left = listed(&hookbell, "parked list", &endpoint.id).await;
    assert_eq!(left["deliveryId"], ended.delivery_id.to_string().as_str());
    let id = left["id"].as_str().unwrap();
    let line = worked(&hookbell, &format!("parked redrive {id} --yes")).await;
    assert_eq!(line, json!({ "redriven": id, "queue": "parked" }));
    // Its receiver was gone.
    endpoint.wait_until_disabled().await;
}

#[tokio::test]
async fn all_leaves_what_cannot_go_back_and_says_that_more_stood_behind() {
    let stack = Stack::load();
    let (parked, plain) = (Queue::create(&stack, "parked", None).await, Queue::create(&stack, "plain", None).await);
    let ended = Queue::create(&stack, "ended", None).await;
    let (ordered, left) = (Queue::create_fifo(&stack, "ordered").await, Queue::create_fifo(&stack, "left").await);
    let policy = json!({ "deadLetterTargetArn": left.arn().await, "maxReceiveCount": 3 });
    ordered.set(QueueAttributeName::RedrivePolicy, policy.to_string()).await;
    let outputs = json!({
        "apiUrl": stack.api_url, "adminKey": stack.admin_key, "awsEndpointUrl": stack.aws_endpoint_url,
        "region": stack.region, "parkedQueueUrl": parked.url, "deliveriesQueueUrl": plain.url,
        "deliveriesDeadLetterQueueUrl": ended.url, "deliveriesFifoQueueUrl": ordered.url,
    });
    let file = std::env::temp_dir().join(format!("hookbell-stack-{}.json", fresh()));
    std::fs::write(&file, outputs.to_string()).unwrap();
    let hookbell = Hookbell::default().with(&["--stack", file.to_str().unwrap()]);

    let now = Timestamp::now();
    let endpoint = EndpointId::new(now, 1).to_string();
    let task = |number: u128| {
        let (message, delivery) = (MessageId::new(now, number).to_string(), DeliveryId::new(now, number).to_string());
        json!({
            "organizationId": "org_1", "endpointId": endpoint, "messageId": message, "deliveryId": delivery,
            "attempt": 1, "dueAt": 0,
        })
    };
    for number in 0..12 {
        left.put_in_group(&endpoint, &task(number).to_string()).await;
    }
    parked.put(&task(12).to_string()).await;
    parked.put("no task").await;
    let first = hookbell.run("parked redrive --all --yes").await.check(5);
    assert!(first.err.contains("is no delivery") && first.err.contains("the same command once more"), "{}", first.err);
    assert_eq!((plain.len().await, ordered.len().await), (1, 10));
    let second = hookbell.run("parked redrive --all --yes").await.check(5);
    assert!(second.err.contains("1 cannot go back to work"), "{}", second.err);
    assert_eq!((parked.len().await, left.len().await, ordered.len().await), (1, 0, 12));
    assert!(hookbell.out("parked delete --all --yes").await.contains("1 of 1"));
    assert!(parked.is_empty().await);
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn an_empty_id_is_none() {
    let hookbell = Hookbell::default();
    for command in ["parked delete --yes", "parked redrive --yes", "rejected show"] {
        let refused = hookbell.run_with(command, &[""]).await.check(2);
        assert!(refused.err.contains("value is required"), "{}", refused.err);
    }
}

#[tokio::test]
async fn a_stuck_delivery_of_an_ordered_endpoint_goes_back_into_its_line() {
    let (stack, hookbell) = (Stack::load(), Hookbell::default());
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint_with(&receiver, &["*"], json!({ "ordered": true })).await;
    let message = organization.send(STARTED, PAYLOAD).await;
    endpoint.wait_for_status(&message, "delivered").await;
    let body = serde_json::to_string(&Task::Delivery(parked_task(&endpoint, &message))).unwrap();
    dead_letters_of(&stack, &stack.deliveries_fifo_queue_url).await.put(&body).await;
    let left = listed(&hookbell, "parked list", &message).await;
    assert_eq!((left["queue"].as_str(), left["reason"].as_str()), (Some("ordered"), None));
    worked(&hookbell, &format!("parked redrive {} --yes", left["id"].as_str().unwrap())).await;
    receiver.wait_for_message(&message, 2).await;
}

#[tokio::test]
async fn a_rejected_event_goes_back_to_its_queue_as_it_was() {
    let (stack, hookbell) = (Stack::load(), Hookbell::default());
    let organization = Organization::unheard_of(&stack, "slothbox");
    organization.produce(STARTED, PAYLOAD, "").await;
    let left = listed(&hookbell, "rejected list", &organization.id).await;
    assert!(left["reason"].as_str().unwrap().contains("is not initialized"), "{left}");
    assert_eq!((left["eventType"].as_str(), left["queue"].as_str()), (Some(STARTED), Some("events")));

    organization.initialize(&json!({ "profile": "slothbox" })).await.check(201);
    let receiver = Receiver::always(&stack, 200).await;
    organization.endpoint(&receiver, &["*"]).await;
    worked(&hookbell, &format!("rejected redrive {} --yes", left["id"].as_str().unwrap())).await;
    assert!(receiver.wait_for(1).await[0].text().contains("my-box"));

    let dead_letters = dead_letters_of(&stack, &stack.events_fifo_queue_url).await;
    let environment = fresh();
    let payload = format!(r#"{{"resource":{{"id":"{environment}"}}}}"#);
    dead_letters.put(&organization.record(STARTED, &payload, "")).await;
    let left = listed(&hookbell, "rejected list", &environment).await;
    assert_eq!(left["queue"].as_str(), Some("events-fifo"));
    worked(&hookbell, &format!("rejected redrive {} --yes", left["id"].as_str().unwrap())).await;
    assert!(receiver.wait_for(2).await[1].text().contains(&environment));
}

#[tokio::test]
async fn what_is_no_delivery_does_not_go_back_and_can_be_taken_off() {
    let (stack, hookbell) = (Stack::load(), Hookbell::default());
    let body = format!("no task {}", fresh());
    Queue::at(&stack, &stack.parked_queue_url).put(&body).await;
    let left = listed(&hookbell, "parked list", &body).await;
    let id = left["id"].as_str().unwrap();
    let refused = eventually("the refusal", async || {
        let done = hookbell.run(&format!("parked redrive {id} --yes")).await;
        (done.code != 4).then_some(done)
    });
    assert!(refused.await.check(3).err.contains(&format!("hookbell parked delete {id}")));
    let line = worked(&hookbell, &format!("parked delete {id} --yes")).await;
    assert_eq!(line, json!({ "deleted": id, "queue": "parked" }));
}
