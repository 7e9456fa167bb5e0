//! The three binaries on their own: what they need to start, and what they make of the sample invocations.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::{BTreeMap, BTreeSet};

use hookbell_testkit::answer::Answer;
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::function::Function;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use jiff::Timestamp;
use serde_json::{Value, json};

/// What a function starts without: lists that may be empty, and what has a meaning to a library alone.
const OPTIONAL: [&str; 6] = [
    "ALLOWED_CIDRS",
    "CONSOLE_FRAME_ANCESTORS",
    "EXTRA_PORTS",
    "PUBLIC_URL",
    "AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH",
    "SSL_CERT_FILE",
];

/// Starts a function that cannot start, and gives what it says.
async fn refuses_to_start(name: &'static str, environment: &BTreeMap<String, String>) -> String {
    let (status, output) = Function::start(name, environment).await.ended().await;
    assert_eq!(status.code(), Some(1), "{output}");
    assert!(output.contains("cannot start"), "{output}");
    output
}

/// Starts a function without each of the variables that the template gives it, one after the other.
async fn check_every_variable_is_asked_for(name: &'static str, deployed: fn(&Stack) -> &str) {
    let stack = Stack::load();
    let bench = Workbench::new(&stack).await;
    let given = stack.environment_of(deployed(&stack)).await;
    assert!(given.len() > 5, "{given:?}");
    for variable in given.keys().filter(|variable| !OPTIONAL.contains(&variable.as_str())) {
        for value in [None, Some("")] {
            let mut environment = bench.environment_of(name).clone();
            environment.remove(variable);
            environment.extend(value.map(|value| (variable.clone(), value.to_owned())));
            let output = refuses_to_start(name, &environment).await;
            assert!(output.contains(&format!("environment variable {variable} is not set")), "{output}");
        }
    }
    let mut environment = bench.environment_of(name).clone();
    environment.retain(|variable, _| !OPTIONAL.contains(&variable.as_str()));
    Function::start(name, &environment).await.ready().await;
}

#[tokio::test]
async fn the_api_names_the_variable_that_it_misses() {
    check_every_variable_is_asked_for("api", |stack| &stack.api_function_name).await;
}

#[tokio::test]
async fn the_sender_names_the_variable_that_it_misses() {
    check_every_variable_is_asked_for("sender", |stack| &stack.sender_function_name).await;
}

#[tokio::test]
async fn the_dead_letter_function_names_the_variable_that_it_misses() {
    check_every_variable_is_asked_for("dlq", |stack| &stack.dlq_function_name).await;
}

#[tokio::test]
async fn a_variable_that_makes_no_sense_is_named_with_the_reason() {
    let stack = Stack::load();
    let bench = Workbench::new(&stack).await;
    for (function, variable, value) in [
        ("api", "DEFAULT_PROFILE", "acme"),
        ("api", "ENDPOINT_LIMIT", "-1"),
        ("api", "PAGE_LIMIT", "many"),
        ("api", "ALLOWED_CIDRS", "localhost"),
        ("sender", "TIME_SCALE", "2"),
        ("sender", "TIME_SCALE", "0"),
        ("sender", "CONCURRENCY", "0"),
        ("sender", "EXTRA_PORTS", "443,https"),
        ("sender", "RETENTION_DAYS", "a month"),
        ("dlq", "TIME_SCALE", "fast"),
    ] {
        let mut environment = bench.environment_of(function).clone();
        environment.insert(variable.to_owned(), value.to_owned());
        let output = refuses_to_start(function, &environment).await;
        assert!(output.contains(&format!("environment variable {variable} is invalid: ")), "{output}");
    }
}

#[tokio::test]
async fn a_function_that_cannot_read_its_key_does_not_start() {
    let stack = Stack::load();
    let bench = Workbench::new(&stack).await;
    for function in ["api", "sender"] {
        let mut environment = bench.environment_of(function).clone();
        environment.insert("ENCRYPTION_KEY_SECRET_ARN".to_owned(), "no-such-secret".to_owned());
        assert!(refuses_to_start(function, &environment).await.contains("GetSecretValue failed"));
    }
}

/// A sample invocation, with what stands for another deployment's things replaced.
fn sample(function: &str, file: &str, replaced: &[(&str, &str)]) -> Value {
    let path = format!("{}/../../events/invocations/{function}/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let mut text = std::fs::read_to_string(path).unwrap();
    for (from, to) in replaced {
        text = text.replace(from, to);
    }
    serde_json::from_str(&text).unwrap()
}

/// Fails unless a function's folder of samples holds just these.
#[track_caller]
fn check_all_samples<'a>(function: &str, tried: impl Iterator<Item = &'a str>) {
    let folder = format!("{}/../../events/invocations/{function}", env!("CARGO_MANIFEST_DIR"));
    let names = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.collect::<BTreeSet<_>>(), tried.map(|name| format!("{name}.json")).collect());
}

#[tokio::test]
async fn the_api_answers_the_sample_invocations() {
    let stack = Stack::load();
    let organization = Organization::unheard_of(&stack, "slothbox");
    let bench = Workbench::new(&stack).await;
    let api = bench.function("api").await;
    let replaced =
        [("org_demo", organization.id.as_str()), ("sk_0123456789abcdefghijklmnopqrstuv", stack.admin_key.as_str())];
    let cases = [
        ("without-key", 401, "Missing or unknown API key"),
        ("list-endpoints", 404, "Organization not found"),
        ("initialize", 201, r#""profile":"slothbox""#),
        ("create-endpoint", 201, r#""description":"Billing""#),
        ("create-endpoint-inside", 400, "link-local"),
        ("list-endpoints", 200, r#""url":"https://8.8.8.8/webhooks""#),
        ("send", 200, r#"{"id":"msg_"#),
        ("send", 409, "evt-3001"),
        ("send-unknown-type", 400, "environment.exploded"),
        ("send-broken-json", 400, "Must be a JSON object"),
        ("unknown-path", 404, "No such path"),
    ];
    for (file, status, words) in cases {
        let answer = api.invoke(&sample("api", file, &replaced)).await.answered();
        assert_eq!(answer["statusCode"], status, "{file}: {answer}");
        assert!(answer["body"].as_str().unwrap().contains(words), "{file}: {answer}");
    }
    check_all_samples("api", cases.into_iter().map(|(file, ..)| file));
    assert_eq!(bench.events.len().await, 1);
}

/// What lies on a bench's queues and has come to a receiver, after an invocation.
#[derive(Debug, PartialEq)]
struct Effects {
    requests: usize,
    rejected: usize,
    waiting: usize,
    parked: usize,
}

/// Gives the sender a sample of which nothing comes again, and gives what it did.
async fn try_sample(file: &str) -> Effects {
    let stack = Stack::load();
    let organization = Organization::new(&stack, if file == "daytona-flat" { "daytona" } else { "slothbox" }).await;
    let receiver = Receiver::start(&stack, |_, seen| Answer::status(if seen == 1 { 500 } else { 200 })).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let bench = Workbench::new(&stack).await;
    let sender = bench.function("sender").await;
    let mut replaced = vec![
        ("org_demo".to_owned(), organization.id.clone()),
        ("org123".to_owned(), organization.id.clone()),
        ("arn:aws:sqs:us-east-1:123456789012:hookbell-deliveries".to_owned(), bench.deliveries.arn().await),
    ];
    if file == "delivery-due" || file == "delivery-not-due" {
        replaced.extend(stand_ins(&bench, &sender, &endpoint).await);
    }
    let before = receiver.arrivals().len();
    let replaced: Vec<(&str, &str)> = replaced.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let answer = sender.invoke(&sample("sender", file, &replaced)).await.answered();
    assert_eq!(answer, json!({ "batchItemFailures": [] }), "{file}");
    Effects {
        requests: receiver.arrivals().len() - before,
        rejected: bench.events_dead_letters.len().await,
        waiting: bench.deliveries.len().await,
        parked: bench.parked.len().await,
    }
}

/// The ids of a delivery that waits for its second attempt, each with the one that it replaces in a sample.
async fn stand_ins(bench: &Workbench, sender: &Function, endpoint: &Endpoint) -> Vec<(String, String)> {
    let organization = &endpoint.organization;
    let entry = &organization.profile.event_types[0];
    bench.events.put(&organization.record(entry.name, entry.example, "")).await;
    bench.events.feed(sender).await;
    let waiting = bench.deliveries.find("the waiting delivery", 1, |_| true).await;
    let waiting: Value = serde_json::from_str(waiting[0].body().unwrap()).unwrap();
    [
        ("endpointId", "whe_01KSX3V5H2M8Q4R6T0W1Y3Z5B7"),
        ("messageId", "msg_01KSX3WCK8D2F4G6H0J1N3P5Q7"),
        ("deliveryId", "dlv_01KSX3WCK89A1B3C5D7E0F2G4H"),
    ]
    .map(|(key, in_sample)| (in_sample.to_owned(), waiting[key].as_str().unwrap().to_owned()))
    .to_vec()
}

#[tokio::test]
async fn the_sender_deals_with_the_sample_invocations() {
    // Of each: requests to the endpoint, records rejected, deliveries waiting for another attempt, records parked.
    let cases = [
        ("own-shape", [1, 0, 1, 0]),
        ("eventbridge", [1, 0, 1, 0]),
        ("daytona-flat", [1, 0, 1, 0]),
        ("cloudevents", [1, 0, 1, 0]),
        ("cloudevents-base64", [1, 0, 1, 0]),
        ("sns", [1, 0, 1, 0]),
        ("sns-eventbridge", [1, 0, 1, 0]),
        ("sns-cloudevents", [1, 0, 1, 0]),
        ("sns-in-sns", [0, 1, 0, 0]),
        ("fifo-own-shape", [1, 0, 1, 0]),
        ("fifo-sns", [1, 0, 1, 0]),
        ("batch-with-a-broken-record", [2, 1, 2, 0]),
        ("repeated", [1, 0, 1, 0]),
        ("wrong-mark", [0, 1, 0, 0]),
        ("delivery-due", [1, 0, 0, 0]),
        ("delivery-not-due", [0, 0, 1, 0]),
        ("delivery-of-a-deleted-endpoint", [0, 0, 0, 0]),
        ("not-a-delivery", [0, 0, 0, 1]),
    ];
    let tries = cases.map(|(file, expected)| async move {
        let [requests, rejected, waiting, parked] = expected;
        assert_eq!(try_sample(file).await, Effects { requests, rejected, waiting, parked }, "{file}");
    });
    futures_util::future::join_all(tries).await;
    check_all_samples("sender", cases.into_iter().map(|(file, _)| file));
}

#[tokio::test]
async fn the_dead_letter_function_deals_with_the_sample_invocations() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 500).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let bench = Workbench::new(&stack).await;
    let (sender, dlq) = (bench.function("sender").await, bench.function("dlq").await);
    let mut replaced = stand_ins(&bench, &sender, &endpoint).await;
    replaced.push(("org_demo".to_owned(), organization.id.clone()));
    replaced.push(("1780184000000".to_owned(), Timestamp::now().as_millisecond().to_string()));
    let replaced: Vec<(&str, &str)> = replaced.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    // Of each: deliveries brought back, records parked, exhausted deliveries counted, and the endpoint's status.
    let cases = [
        ("redriven", 1, 0, 0, "enabled"),
        ("redriven-too-often", 0, 1, 0, "enabled"),
        ("not-a-dead-letter", 0, 1, 0, "enabled"),
        ("exhausted", 0, 0, 1, "enabled"),
        ("gone", 0, 0, 1, "disabled"),
    ];
    for (file, brought_back, parked, counted, status) in cases {
        let (waiting, put_aside) = (bench.deliveries.len().await, bench.parked.len().await);
        let answer = dlq.invoke(&sample("dlq", file, &replaced)).await.answered();
        assert_eq!(answer, json!({ "batchItemFailures": [] }), "{file}");
        assert_eq!(bench.deliveries.len().await - waiting, brought_back, "{file}");
        assert_eq!(bench.parked.len().await - put_aside, parked, "{file}");
        let shown = endpoint.get().await;
        assert_eq!((&shown["consecutiveFailures"], &shown["status"]), (&json!(counted), &json!(status)), "{file}");
    }
    check_all_samples("dlq", cases.into_iter().map(|(file, ..)| file));
}
