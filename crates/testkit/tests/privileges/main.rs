//! No function may do more than it does: each permission is taken away once, and something fails.
//!
//! The permissions are those of the deployed roles, so one that is added and not needed fails here. The real binaries
//! run with keys of the local AWS that are denied one of them, and do all that the function does ([`api`], [`sender`],
//! [`dlq`]). Where a function has come to do more, its file here has to have it do that too.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

mod api;
mod dlq;
mod fixture;
mod sender;

use std::collections::BTreeMap;
use std::sync::Arc;

use fixture::Fixture;
use hookbell_testkit::function::Function;
use hookbell_testkit::iam::{Permission, event_sources, identity, permissions_of};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How many instances run at once.
const AT_ONCE: usize = 4;

/// What Lambda does with a role for a queue that invokes its function (AWS, "Using Lambda with Amazon SQS").
const EVENT_SOURCE: [&str; 3] = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"];

/// What Lambda does with it for the function's log.
const LOG: [&str; 2] = ["logs:CreateLogStream", "logs:PutLogEvents"];

/// Whether it is Lambda that needs it, and not the function: its log, and the queues that invoke it.
async fn is_for_lambda(fixture: &Fixture, function_name: &str, permission: &Permission) -> bool {
    let action = permission.action.as_str();
    if LOG.contains(&action) {
        let configuration = fixture.stack.configuration_of(function_name).await;
        let group = configuration["LoggingConfig"]["LogGroup"].as_str().expect("a log group");
        return permission.resource.ends_with(&format!(":log-group:{group}:*"));
    }
    EVENT_SOURCE.contains(&action) && event_sources(&fixture.stack, function_name).await.contains(&permission.resource)
}

/// Has a function do all that it does, as somebody who is denied some of its permissions; gives what goes wrong.
async fn trouble(
    fixture: &Fixture,
    name: &'static str,
    permissions: &[Permission],
    denied: &[Permission],
) -> Option<String> {
    let mut environment = fixture.environment(name).await;
    environment.extend(identity(&fixture.stack, permissions, denied).await);
    let function = Function::start(name, &environment).await;
    if !function.starts().await {
        return Some("it does not start".to_owned());
    }
    let trouble = match name {
        "api" => api::everything(fixture, &function).await,
        "sender" => sender::everything(fixture, &function).await,
        "dlq" => dlq::everything(fixture, &function).await,
        other => panic!("{other} is no function"),
    };
    // What a function goes on without, it tells.
    let told = || function.output().lines().find(|line| line.contains("AccessDenied")).map(str::to_owned);
    trouble.err().or_else(told)
}

/// What of a role's permissions is one of the template's: on AWS the one for a message is also that for a batch, which
/// the local AWS asks for by a name of its own.
fn together(permissions: Vec<Permission>) -> Vec<Vec<Permission>> {
    let mut groups = BTreeMap::<(String, String), Vec<Permission>>::new();
    for permission in permissions {
        let action = permission.action.strip_suffix("Batch").unwrap_or(&permission.action);
        // It does not ask for the table of a statement.
        let key = match action {
            "dynamodb:BatchExecuteStatement" | "dynamodb:PartiQLInsert" => ("dynamodb:PartiQLInsert", ""),
            action => (action, permission.resource.as_str()),
        };
        let key = (key.0.to_owned(), key.1.to_owned());
        groups.entry(key).or_default().push(permission);
    }
    groups.into_values().collect()
}

async fn check(name: &'static str) {
    let fixture = Arc::new(Fixture::new().await);
    let function_name = fixture.function_name(name);
    let all = Arc::new(permissions_of(&fixture.stack, &function_name).await);
    assert_eq!(trouble(&fixture, name, &all, &[]).await, None, "{name} with all its permissions");
    let mut mine = Vec::new();
    for permission in all.iter() {
        if !is_for_lambda(&fixture, &function_name, permission).await {
            mine.push(permission.clone());
        }
    }
    let (mut experiments, places) = (JoinSet::new(), Arc::new(Semaphore::new(AT_ONCE)));
    for denied in together(mine) {
        let (fixture, all, places) = (Arc::clone(&fixture), Arc::clone(&all), Arc::clone(&places));
        experiments.spawn(async move {
            let _place = places.acquire().await.unwrap();
            let trouble = trouble(&fixture, name, &all, &denied).await;
            (denied, trouble)
        });
    }
    assert!(!experiments.is_empty());
    let mut superfluous = Vec::new();
    while let Some(experiment) = experiments.join_next().await {
        match experiment.unwrap() {
            (denied, None) => superfluous.push(denied[0].to_string()),
            (denied, Some(trouble)) => println!("{name} without {}: {trouble}", denied[0]),
        }
    }
    assert!(superfluous.is_empty(), "nothing fails where {name} lacks {superfluous:?}");
}

#[tokio::test]
async fn the_api_may_do_nothing_that_it_does_not_do() {
    check("api").await;
}

#[tokio::test]
async fn the_sender_may_do_nothing_that_it_does_not_do() {
    check("sender").await;
}

#[tokio::test]
async fn the_dead_letter_function_may_do_nothing_that_it_does_not_do() {
    check("dlq").await;
}
