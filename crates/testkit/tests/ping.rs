//! A test send: to its endpoint alone, in its profile's way.

use hookbell_testkit::organization::Organization;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::rows;
use hookbell_testkit::stack::Stack;

#[tokio::test]
async fn a_ping_goes_to_its_endpoint_alone_whatever_that_subscribes_to() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let (one, other) = (Receiver::always(&stack, 200).await, Receiver::always(&stack, 200).await);
    let endpoint = organization.endpoint(&one, &["billing.active"]).await;
    let bystander = organization.endpoint(&other, &["*"]).await;
    let answer = organization.api.post(&endpoint.path("/ping"), "").await.expect(200);
    let message = answer["webhookId"].as_str().unwrap();
    let arrival = &one.wait_for_message(message, 1).await[0];
    arrival.verify(&endpoint.secret);
    let body = arrival.json();
    assert_eq!(body["type"], "webhook.ping");
    assert_eq!(body["data"]["message"], "This is a test webhook from Slothbox.");
    assert_eq!(body["data"]["endpointId"], endpoint.id);
    endpoint.wait_for_status(message, "delivered").await;
    assert_eq!(rows::deliveries(&stack, &bystander).await, 0);
    endpoint.disable().await;
    organization.api.post(&endpoint.path("/ping"), "").await.check(409);
}

#[tokio::test]
async fn a_ping_of_a_profile_without_one_is_the_example_of_a_chosen_type() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "daytona").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["volume.created"]).await;
    let path = endpoint.path("/ping");
    let answer = organization.api.post(&path, r#"{"eventType":"snapshot.removed"}"#).await.expect(200);
    let arrival = &receiver.wait_for_message(answer["webhookId"].as_str().unwrap(), 1).await[0];
    assert_eq!(arrival.json()["event"], "snapshot.removed");
    let refused = organization.api.post(&path, r#"{"eventType":"snapshot.exploded"}"#).await.expect(400);
    assert!(refused["error"]["issues"]["fieldErrors"]["eventType"].is_array());
}
