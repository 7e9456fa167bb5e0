//! The client libraries that two systems publish, as they are, pointed at this deployment: all that they can do works.

#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

use std::path::Path;
use std::process::Stdio;

use hookbell_testkit::fresh;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::patience::in_time;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use serde_json::{Map, Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Has a library do its work, and gives what it says.
async fn ask(client: &str, question: &Value) -> Value {
    let mut child = Command::new(Path::new(ROOT).join(".venv/bin/python"))
        .arg(Path::new(ROOT).join("infra/local/clients").join(client))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("`make test` installs it");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(question.to_string().as_bytes()).await.expect("it reads");
    drop(stdin);
    let output = in_time(client, child.wait_with_output()).await.expect("it ends");
    assert!(output.status.success(), "{client} failed; its words are above");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[tokio::test]
async fn slothboxs_own_client_manages_endpoints_and_verifies_what_they_get() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let question = json!({
        "apiUrl": stack.api_url,
        "ownerKey": organization.new_key("owner").await.1,
        "memberKey": organization.new_key("member").await.1,
        "organization": organization.id,
        "url": receiver.url(),
    });
    let said = ask("slothbox_client.py", &question).await;
    assert_eq!(said["types"].as_array().unwrap().len(), 16);
    assert_eq!(said["listed"], json!([said["created"]]));
    assert_eq!(said["got"], said["created"]);
    assert_eq!(
        (&said["created"]["status"], &said["created"]["description"]),
        (&json!("enabled"), &json!("Made by the library"))
    );
    assert_eq!(said["revealed"], true);
    assert_eq!((&said["overlap"], &said["noOverlap"]), (&json!(86_400), &json!(0)));
    assert_eq!(
        (&said["disabled"]["status"], &said["disabled"]["eventTypes"]),
        (&json!("disabled"), &json!(["member.added"]))
    );
    assert_eq!((&said["enabled"]["status"], said["enabled"].get("disabledAt")), (&json!("enabled"), None));
    let deliveries = said["deliveries"].as_array().unwrap();
    assert_eq!((deliveries.len(), &deliveries[0]), (5, &said["delivery"]));
    assert_eq!(said["redelivered"], said["delivery"]["webhookId"]);
    let kinds: Vec<&Value> = said["refusals"].as_array().unwrap().iter().map(|refusal| &refusal["kind"]).collect();
    assert_eq!(kinds, ["NotFoundError", "BadRequestError", "PermissionDeniedError", "AuthenticationError"]);
    assert_eq!(said["refusals"][2]["message"], "Owner role required");

    let arrivals = receiver.wait_for(6).await;
    let request = |headers: &http::HeaderMap, body: &str| {
        let headers: Map<String, Value> =
            headers.iter().map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap()))).collect();
        json!({ "secret": said["secret"], "headers": headers, "body": body })
    };
    let requests: Vec<Value> = arrivals.iter().map(|arrival| request(&arrival.headers, arrival.text())).collect();
    let types = ask("slothbox_client.py", &json!({ "requests": requests })).await;
    assert_eq!(types, json!(vec!["webhook.ping"; 6]));
}

#[tokio::test]
async fn daytonas_own_client_sends_and_sees_what_came_of_it() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "daytona").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let entry = organization.profile.event_type("sandbox.created").unwrap();
    let payload: Value = serde_json::from_str(entry.example).unwrap();
    let question = json!({
        "apiUrl": stack.api_url,
        "adminKey": stack.admin_key,
        "organization": organization.id,
        "eventType": entry.name,
        "payload": payload,
        "eventId": fresh(),
    });
    let said = ask("daytona_client.py", &question).await;
    assert_eq!((&said["enabled"], &said["initialize"]), (&json!(true), &json!(201)));
    assert_eq!(said["status"]["organizationId"], organization.id);
    assert!(said["status"]["svixApplicationId"].is_string() && said["status"]["lastError"].is_null());
    assert!(said["portal"]["url"].as_str().unwrap().ends_with(said["portal"]["token"].as_str().unwrap()));
    let attempts = said["attempts"].as_array().unwrap();
    assert_eq!((attempts.len(), &attempts[0]["endpointId"]), (1, &json!(endpoint.id)));
    assert_eq!(attempts[0]["msgId"], said["message"]);
    assert_eq!((&said["refusals"][0]["status"], &said["refusals"][1]["status"]), (&json!(409), &json!(404)));
    assert_eq!(said["refusals"][0]["body"]["statusCode"], 409);
    let arrival = &receiver.wait_for(1).await[0];
    arrival.verify(&endpoint.secret);
    assert_eq!(arrival.json(), payload);
}
