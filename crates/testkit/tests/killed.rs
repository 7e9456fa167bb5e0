//! The deployed sender is killed at work. A file of its own, for it would kill the work of other tests too.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use hookbell_testkit::answer::{Answer, Gate};
use hookbell_testkit::organization::Organization;
use hookbell_testkit::receiver::{Arrival, Receiver};
use hookbell_testkit::rows;
use hookbell_testkit::stack::Stack;
use serde_json::json;

const STARTED: &str = "environment.started";
const PAYLOAD: &str = r#"{"resource":{"type":"environment","id":"env_1","name":"my-box"}}"#;

/// The processes of that stack's sender: those that run with its name and its AWS in their environment.
fn senders(stack: &Stack) -> Vec<String> {
    let wanted = [
        format!("AWS_LAMBDA_FUNCTION_NAME={}", stack.sender_function_name),
        format!("AWS_ENDPOINT_URL={}", stack.aws_endpoint_url),
    ];
    let is_sender = |process: &PathBuf| {
        // Other users' processes cannot be read, and some end while they are looked at.
        let environment = std::fs::read(process.join("environ")).unwrap_or_default();
        let environment = String::from_utf8_lossy(&environment).into_owned();
        wanted.iter().all(|wanted| environment.split('\0').any(|variable| variable == wanted))
    };
    let processes = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let processes = processes.filter(|path| path.join("environ").exists()).filter(is_sender);
    processes.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_a_killed_sender_was_at_is_done_by_the_next_one() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let never = Gate::closed();
    let (held, first_time) = (never.clone(), AtomicUsize::new(0));
    // The first requests get no answer, so their sender is at work until it is killed.
    let receiver = Receiver::start(&stack, move |_, seen| {
        if seen == 1 && first_time.fetch_add(1, Ordering::Relaxed) < 3 {
            return Answer::status(200).behind(&held);
        }
        Answer::status(200)
    })
    .await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let by_rest = organization.send(STARTED, PAYLOAD).await;
    for _ in 0..2 {
        organization.produce(STARTED, PAYLOAD, "").await;
    }
    // In line the first one alone has had its turn.
    let in_order = Organization::new(&stack, "slothbox").await;
    let (never, first_time) = (Gate::closed(), AtomicUsize::new(0));
    let line = Receiver::start(&stack, move |_, _| match first_time.fetch_add(1, Ordering::Relaxed) {
        0 => Answer::status(200).behind(&never),
        _ => Answer::status(200),
    })
    .await;
    in_order.endpoint_with(&line, &["*"], json!({ "ordered": true })).await;
    let mut sent = Vec::new();
    for _ in 0..4 {
        sent.push(in_order.send(STARTED, PAYLOAD).await);
    }
    line.wait_for(1).await;
    let first = receiver.wait_for(3).await;
    let senders = senders(&stack);
    assert!(!senders.is_empty(), "no process of {}", stack.sender_function_name);
    let kill = format!("kill -KILL {}", senders.join(" "));
    // The shell's own: not every system has a program for it.
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());

    assert!(first.iter().any(|arrival| arrival.message_id() == by_rest));
    for arrival in &first {
        let again = receiver.wait_for_message(arrival.message_id(), 2).await;
        again[1].verify(&endpoint.secret);
        assert_eq!(again[1].body, arrival.body);
        endpoint.wait_for_status(arrival.message_id(), "delivered").await;
    }
    assert_eq!(rows::messages(&stack, &organization).await, 3);
    assert_eq!(rows::deliveries(&stack, &endpoint).await, 3);
    assert_eq!(endpoint.get().await["consecutiveFailures"], 0);
    let arrivals = line.wait_for(5).await;
    let expected: Vec<&str> = [&sent[0]].into_iter().chain(&sent).map(String::as_str).collect();
    assert_eq!(arrivals.iter().map(Arrival::message_id).collect::<Vec<_>>(), expected);
}
