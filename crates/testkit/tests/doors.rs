//! The doors by which other systems' events come: buses, topics and `CloudEvents`, on both events queues.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use hookbell_testkit::fresh;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::patience::eventually;
use hookbell_testkit::queue::{Queue, reason};
use hookbell_testkit::receiver::{Arrival, Receiver};
use hookbell_testkit::rows;
use hookbell_testkit::stack::Stack;
use http::Method;
use reqwest::Url;
use serde_json::{Value, json};

const FAILED: &str = "environment.failed";

/// What the organization's receivers are to get as `data`.
fn payload() -> Value {
    json!({ "resource": { "type": "environment", "id": "env_1", "name": "my-box" }, "reason": "Quota" })
}

/// The bodies of what has arrived, without what is a message's own.
fn datas(arrivals: &[Arrival]) -> Vec<Value> {
    arrivals.iter().map(|arrival| arrival.json()["data"].clone()).collect()
}

/// Deploys one of `infra/snippets/` and waits until it is there.
async fn deploy(stack: &Stack, snippet: &str, parameters: &[(&str, &str)]) {
    let path = format!("{}/../../infra/snippets/{snippet}.yaml", env!("CARGO_MANIFEST_DIR"));
    let name = format!("test-{snippet}-{}", fresh());
    let mut form = vec![
        ("Action".to_owned(), "CreateStack".to_owned()),
        ("StackName".to_owned(), name.clone()),
        ("TemplateBody".to_owned(), std::fs::read_to_string(path).unwrap()),
    ];
    for (position, (key, value)) in (1..).zip(parameters) {
        form.push((format!("Parameters.member.{position}.ParameterKey"), (*key).to_owned()));
        form.push((format!("Parameters.member.{position}.ParameterValue"), (*value).to_owned()));
    }
    formation(stack, &form).await;
    eventually("the snippet's stack", async || {
        let asked = [("Action".to_owned(), "DescribeStacks".to_owned()), ("StackName".to_owned(), name.clone())];
        let described = formation(stack, &asked).await;
        assert!(!described.contains("ROLLBACK") && !described.contains("FAILED"), "{described}");
        described.contains("CREATE_COMPLETE").then_some(())
    })
    .await;
}

/// Calls `CloudFormation`.
async fn formation(stack: &Stack, form: &[(String, String)]) -> String {
    let form = Url::parse_with_params("https://example.com/", form).unwrap();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    stack.call("cloudformation", Method::POST, "/", &headers, form.query().unwrap()).await
}

async fn queue_arn(stack: &Stack, url: &str) -> String {
    Queue::at(stack, url).arn().await
}

/// A new topic, and the events queue subscribed to it by the snippet.
async fn topic(stack: &Stack, prefix: &str, fifo: bool) -> String {
    let suffix = if fifo { ".fifo" } else { "" };
    let mut create = stack.sns().create_topic().name(format!("{prefix}-{}{suffix}", fresh()));
    if fifo {
        create = create.attributes("FifoTopic", "true").attributes("ContentBasedDeduplication", "true");
    }
    let topic = create.send().await.unwrap().topic_arn.unwrap();
    let queue = if fifo { &stack.events_fifo_queue_url } else { &stack.events_queue_url };
    let queue = queue_arn(stack, queue).await;
    let parameters = [("TopicArn", topic.as_str()), ("EventsQueueArn", &queue), ("Fifo", &fifo.to_string())];
    deploy(stack, "sns", &parameters).await;
    topic
}

async fn publish(stack: &Stack, topic: &str, message: &str) {
    let mut publish = stack.sns().publish().topic_arn(topic).message(message);
    if std::path::Path::new(topic).extension().is_some() {
        publish = publish.message_group_id("tests");
    }
    publish.send().await.unwrap();
}

fn cloud_event(organization: &Organization, id: &str) -> Value {
    json!({
        "specversion": "1.0",
        "type": FAILED,
        "source": "https://example.com/environments",
        "id": id,
        "time": "2026-05-30T14:23:00Z",
        "organizationid": organization.id,
        "data": payload(),
    })
}

#[tokio::test]
async fn an_event_on_a_bus_is_delivered() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let (source, name) = (format!("com.example.{}", fresh()), format!("hookbell-events-{}", fresh()));
    let queue = queue_arn(&stack, &stack.events_queue_url).await;
    deploy(&stack, "eventbridge", &[("EventsQueueArn", &queue), ("RuleName", &name), ("Sources", &source)]).await;

    let mut detail = payload();
    detail["organizationId"] = json!(organization.id);
    let entry = |source: &str, detail: &Value| json!({ "Source": source, "DetailType": FAILED, "Detail": detail.to_string(), "EventBusName": "default" });
    let entries = [entry(&source, &payload()), entry(&format!("{source}.other"), &detail), entry(&source, &detail)];
    let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "AWSEvents.PutEvents")];
    let put = json!({ "Entries": entries }).to_string();
    let put: Value = serde_json::from_str(&stack.call("events", Method::POST, "/", &headers, put).await).unwrap();
    assert_eq!(put["FailedEntryCount"], 0, "{put}");

    let arrivals = receiver.wait_for(1).await;
    arrivals[0].verify(&endpoint.secret);
    assert_eq!(datas(&arrivals), [payload()]);
    let message = organization.api.get(&organization.sending("/messages")).await.expect(200)["messages"][0].clone();
    assert_eq!(message["eventId"], put["Entries"][2]["EventId"]);
}

#[tokio::test]
async fn what_a_topic_publishes_is_delivered_in_every_shape() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    organization.endpoint(&receiver, &["*"]).await;
    let unnamed = topic(&stack, "unnamed", false).await;
    publish(&stack, &unnamed, &organization.record(FAILED, &payload().to_string(), "")).await;

    let mut sent = 0;
    for fifo in [false, true] {
        let named = topic(&stack, "hookbell-events", fifo).await;
        let mut detail = payload();
        detail["organizationId"] = json!(organization.id);
        let event_id = fresh();
        let bridge = json!({ "detail-type": FAILED, "id": event_id, "detail": detail });
        for message in [
            organization.record(FAILED, &payload().to_string(), &format!(r#","n":"{event_id}""#)),
            bridge.to_string(),
            cloud_event(&organization, &event_id).to_string(),
        ] {
            publish(&stack, &named, &message).await;
            sent += 1;
            let arrivals = receiver.wait_for(sent).await;
            assert_eq!(datas(&arrivals).last(), Some(&payload()));
        }
    }
    // A topic that EventSources does not name has no leave, so what it published first never comes.
    assert_eq!(rows::messages(&stack, &organization).await, sent);
}

#[tokio::test]
async fn an_event_that_comes_twice_is_delivered_once_whichever_queue_it_takes() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let notification = json!({
        "Type": "Notification",
        "MessageId": format!("22b80b92-{}", fresh()),
        "TopicArn": "arn:aws:sns:us-east-1:123456789012:environments",
        "Message": organization.record(FAILED, &payload().to_string(), ""),
        "Timestamp": "2026-05-30T14:23:01.000Z",
    });
    for (number, event) in (1..).zip([notification, cloud_event(&organization, "an id / of theirs")]) {
        let (standard, fifo) =
            (Queue::at(&stack, &stack.events_queue_url), Queue::at(&stack, &stack.events_fifo_queue_url));
        standard.put(&event.to_string()).await;
        let arrivals = receiver.wait_for(number).await;
        let message = arrivals.last().unwrap().header("webhook-id").to_owned();
        endpoint.wait_for_status(&message, "delivered").await;
        fifo.put(&event.to_string()).await;
    }
    // What comes after them in the same group shows that they have been dealt with.
    let after = Queue::at(&stack, &stack.events_fifo_queue_url);
    after.put(&cloud_event(&organization, "the last").to_string()).await;
    let arrivals = receiver.wait_for(3).await;
    assert_eq!(datas(&arrivals), vec![payload(); 3]);
    assert_eq!(rows::messages(&stack, &organization).await, 3);
}

#[tokio::test]
async fn a_flat_organization_gets_the_data_as_it_is() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "daytona").await;
    let receiver = Receiver::always(&stack, 200).await;
    organization.endpoint(&receiver, &["*"]).await;
    let flat = format!(
        r#"{{"event":"snapshot.removed","timestamp":"2026-05-30T14:23:00.000Z","id":"s1","name":"n","organizationId":"{}","removedAt":"2026-05-30T14:23:00.000Z"}}"#,
        organization.id
    );
    let notification = json!({
        "Type": "Notification", "MessageId": fresh(), "TopicArn": "arn:aws:sns:us-east-1:123456789012:snapshots",
        "Message": flat,
    });
    let cloud = format!(
        r#"{{"specversion":"1.0","type":"snapshot.removed","source":"/s","id":"1","organizationid":"{}","data":{flat}}}"#,
        organization.id
    );
    let events = Queue::at(&stack, &stack.events_queue_url);
    for (number, body) in (1..).zip([notification.to_string(), cloud]) {
        events.put(&body).await;
        assert_eq!(receiver.wait_for(number).await.last().unwrap().text(), flat);
    }
}

#[tokio::test]
async fn what_no_door_understands_is_put_aside_from_either_queue_and_the_rest_goes_on() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    organization.endpoint(&receiver, &["*"]).await;
    let mut nameless = cloud_event(&organization, &fresh());
    nameless.as_object_mut().unwrap().remove("organizationid").expect("it has one");
    let inner = json!({ "Type": "Notification", "TopicArn": "arn", "Message": "{}", "MessageId": fresh() }).to_string();
    let nested = json!({ "Type": "Notification", "TopicArn": "arn", "Message": inner });
    let put_aside = Queue::at(&stack, &stack.events_dead_letter_queue_url);
    for (number, url) in (1..).zip([&stack.events_queue_url, &stack.events_fifo_queue_url]) {
        let queue = Queue::at(&stack, url);
        for (body, words) in [
            (format!("{nameless}{}", " ".repeat(number)), "organizationid: is missing"),
            (format!("{nested}{}", " ".repeat(number)), "Message: is a notification itself"),
        ] {
            queue.put(&body).await;
            let found = put_aside.find("what is put aside", 1, |message| message.body() == Some(&body)).await;
            assert!(reason(&found[0]).contains(words), "{}", reason(&found[0]));
        }
        queue.put(&cloud_event(&organization, &fresh()).to_string()).await;
        receiver.wait_for(number).await;
    }
}
