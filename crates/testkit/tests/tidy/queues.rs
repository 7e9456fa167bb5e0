//! What SQS and Lambda ask of queues and of the functions that read them.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::Breaches;
use crate::template::{Resource, Template, kept, noticed};

/// Functions whose messages may come back to them.
const FEED_THEMSELVES: [&str; 2] = ["functions/sender", "functions/dlq"];

/// The most that SQS keeps a message (Amazon SQS, "Message quotas"): 14 days, in seconds.
const LONGEST_RETENTION: u64 = 14 * 24 * 60 * 60;

/// What SQS does where a queue does not say (Amazon SQS, "`CreateQueue`"), in seconds.
const DEFAULT_RETENTION: u64 = 4 * 24 * 60 * 60;
const DEFAULT_VISIBILITY: u64 = 30;

/// The most that SQS delays a message, in seconds.
const LONGEST_DELAY: u64 = 900;

/// How long Lambda lets a function run that does not say, in seconds.
const DEFAULT_TIMEOUT: u64 = 3;

/// What recording an attempt may take after its deadline.
const RECORDING: SignedDuration = SignedDuration::from_secs(10);

/// A queue that Lambda reads for a function.
struct Source<'a> {
    function: Resource<'a>,
    event: &'a str,
    properties: &'a Value,
    queue: Resource<'a>,
}

fn sources(template: &Template) -> Vec<Source<'_>> {
    let mut sources = Vec::new();
    for function in template.functions() {
        for (event, body) in function.entries("Events").filter(|(_, body)| body.get("Type") == Some(&"SQS".into())) {
            let properties = body.get("Properties").unwrap_or(&Value::Null);
            let queue = properties.get("Queue").and_then(|queue| template.referenced(queue));
            let queue = queue.unwrap_or_else(|| panic!("{}: {event} reads no queue of the template", function.name));
            sources.push(Source { function, event, properties, queue });
        }
    }
    sources
}

fn is_fifo(queue: Resource<'_>) -> bool {
    queue.property("FifoQueue") == true
}

fn retention(queue: Resource<'_>) -> u64 {
    queue.number("MessageRetentionPeriod", DEFAULT_RETENTION)
}

fn dead_letter_queue<'a>(template: &'a Template, queue: Resource<'_>) -> Option<Resource<'a>> {
    template.referenced(queue.raw_property("RedrivePolicy/deadLetterTargetArn"))
}

fn recursion(template: &Template) -> Breaches {
    let functions = FEED_THEMSELVES.map(|folder| (folder, template.function_in(folder)));
    let wrong = functions
        .iter()
        .filter(|(_, function)| !function.is_some_and(|function| function.property("RecursiveLoop") == "Allow"));
    wrong
        .map(|(folder, _)| {
            format!(
                "{folder}: its function says no `RecursiveLoop: Allow`. Its messages come back to it, and Lambda stops \
                 such a chain after some 16 turns; every chain has a bound of our own"
            )
        })
        .collect()
}

fn partial_failures(template: &Template) -> Breaches {
    let deaf = sources(template).into_iter().filter(|source| {
        let reported = source.properties.get("FunctionResponseTypes").and_then(Value::as_array);
        !reported.is_some_and(|types| types.contains(&"ReportBatchItemFailures".into()))
    });
    deaf.map(|Source { function, event, .. }| {
        format!(
            "{}: its event {event} needs `FunctionResponseTypes: [ReportBatchItemFailures]`. Without it AWS takes an \
             answer with failed records for success, and deletes them",
            function.name
        )
    })
    .collect()
}

fn visibility(template: &Template) -> Breaches {
    let mut breaches = Breaches::new();
    for Source { function, properties, queue, .. } in sources(template) {
        let window = properties.get("MaximumBatchingWindowInSeconds").map(|window| template.resolve(window));
        let window = window.and_then(Value::as_u64).unwrap_or(0);
        let needed = 6 * function.number("Timeout", DEFAULT_TIMEOUT) + window;
        let given = queue.number("VisibilityTimeout", DEFAULT_VISIBILITY);
        if given < needed {
            breaches.push(format!(
                "{}: a VisibilityTimeout of {given} s is too short for {}. Lambda asks for six times the function's \
                 timeout and the batch window: {needed} s",
                queue.name, function.name
            ));
        }
    }
    breaches
}

fn fifo_batch_windows(template: &Template) -> Breaches {
    let waiting = sources(template)
        .into_iter()
        .filter(|source| is_fifo(source.queue) && source.properties.get("MaximumBatchingWindowInSeconds").is_some());
    waiting
        .map(|Source { function, event, .. }| {
            format!("{}: its event {event} reads a FIFO queue, for which Lambda takes no batch window", function.name)
        })
        .collect()
}

fn sender_timeout(template: &Template, longest_attempt: SignedDuration) -> Breaches {
    let timeout =
        template.function_in("functions/sender").map_or(0, |sender| sender.number("Timeout", DEFAULT_TIMEOUT));
    let needed = longest_attempt + RECORDING;
    if i64::try_from(timeout).is_ok_and(|timeout| timeout >= needed.as_secs()) {
        return Breaches::new();
    }
    vec![format!(
        "functions/sender: a Timeout of {timeout} s is too short. The longest attempt_deadline in events/ and the \
         recording of an attempt take {needed:#}"
    )]
}

fn redrive(template: &Template) -> Breaches {
    let mut breaches = Breaches::new();
    let dead_letter_queues: Vec<&str> = (template.resources("AWS::SQS::Queue").into_iter())
        .filter_map(|queue| dead_letter_queue(template, queue))
        .map(|queue| queue.name)
        .collect();
    for Source { queue, .. } in sources(template) {
        let Some(dead) = dead_letter_queue(template, queue) else {
            breaches.push(format!("{}: give it a RedrivePolicy, or a poisonous record stays for ever", queue.name));
            continue;
        };
        if is_fifo(dead) != is_fifo(queue) {
            breaches.push(format!("{}: it and its dead-letter queue {} must both be FIFO", queue.name, dead.name));
        }
        if retention(dead) != LONGEST_RETENTION {
            breaches.push(format!("{}: a dead-letter queue keeps messages 14 days: {LONGEST_RETENTION}", dead.name));
        }
        // A message keeps its age when it is redriven, except by a FIFO queue. After a dead-letter queue nothing longer is
        // left to give.
        if !is_fifo(queue) && retention(dead) <= retention(queue) && !dead_letter_queues.contains(&queue.name) {
            breaches.push(format!("{}: it must keep messages for less time than {} does", queue.name, dead.name));
        }
    }
    breaches
}

fn fifo_throughput(template: &Template) -> Breaches {
    let sources = sources(template).into_iter().map(|source| source.queue);
    let slow = sources.filter(|queue| {
        is_fifo(*queue)
            && (queue.property("DeduplicationScope") != "messageGroup"
                || queue.property("FifoThroughputLimit") != "perMessageGroupId")
    });
    slow.map(|queue| {
        format!(
            "{}: without `DeduplicationScope: messageGroup` and `FifoThroughputLimit: perMessageGroupId` a FIFO queue \
             takes 300 requests a second, all groups together",
            queue.name
        )
    })
    .collect()
}

fn delays(template: &Template) -> Breaches {
    let mut breaches = Breaches::new();
    for queue in template.resources("AWS::SQS::Queue") {
        let delay = queue.number("DelaySeconds", 0);
        if is_fifo(queue) && delay != 0 {
            breaches.push(format!("{}: take its DelaySeconds away; it would hold up every group", queue.name));
        }
        if delay > LONGEST_DELAY {
            breaches.push(format!("{}: SQS delays by at most {LONGEST_DELAY} s, not {delay}", queue.name));
        }
    }
    breaches
}

/// The longest `attempt_deadline` of the profiles.
fn longest_attempt() -> SignedDuration {
    let profiles = crate::folders_in("events").into_iter().map(|folder| format!("events/{folder}/profile.toml"));
    let profiles = profiles.filter(|path| std::path::Path::new(crate::ROOT).join(path).exists());
    let deadlines = profiles.map(|path| {
        let profile: toml::Table = crate::read(&path).parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        let deadline = profile.get("retry").and_then(|retry| retry.get("attempt_deadline"));
        let deadline = deadline.and_then(toml::Value::as_str).and_then(|text| text.parse::<SignedDuration>().ok());
        deadline.unwrap_or_else(|| panic!("{path}: [retry] has no attempt_deadline that is a duration"))
    });
    deadlines.max().expect("a profile in events/")
}

#[test]
fn functions_that_feed_themselves_are_allowed_to() {
    kept(recursion);
    noticed(recursion, "/Resources/SenderFunction/Properties/RecursiveLoop", json!("Terminate"), "functions/sender");
    noticed(recursion, "/Resources/DlqFunction/Properties/RecursiveLoop", json!(null), "functions/dlq");
}

#[test]
fn every_queue_event_reports_the_records_that_failed() {
    kept(partial_failures);
    let types = "/Resources/DlqFunction/Properties/Events/DeadLetters/Properties/FunctionResponseTypes";
    noticed(partial_failures, types, json!([]), "DeadLetters");
}

#[test]
fn a_record_stays_invisible_for_six_runs_of_its_function() {
    kept(visibility);
    noticed(visibility, "/Parameters/VisibilityTimeout/Default", json!(539), "EventsFifoQueue");
    noticed(visibility, "/Parameters/BatchWindow/Default", json!(1), "EventsQueue");
    noticed(visibility, "/Resources/DlqFunction/Properties/Timeout", json!(91), "DeliveriesDeadLetterQueue");
}

#[test]
fn a_fifo_queue_has_no_batch_window() {
    kept(fifo_batch_windows);
    let queue = "/Resources/SenderFunction/Properties/Events/Events/Properties/Queue";
    noticed(fifo_batch_windows, queue, json!({ "Fn::GetAtt": ["EventsFifoQueue", "Arn"] }), "its event Events");
}

#[test]
fn the_sender_outlives_the_longest_attempt() {
    kept(|template| sender_timeout(template, longest_attempt()));
    let short = |template: &Template| sender_timeout(template, SignedDuration::from_secs(20));
    noticed(short, "/Resources/SenderFunction/Properties/Timeout", json!(29), "functions/sender");
}

#[test]
fn every_queue_that_is_read_has_a_dead_letter_queue_of_its_kind_that_keeps_longer() {
    kept(redrive);
    let events = "/Resources/EventsQueue/Properties";
    noticed(redrive, &format!("{events}/RedrivePolicy"), json!(null), "EventsQueue: give it");
    let fifo = json!({ "Fn::GetAtt": ["EventsFifoDeadLetterQueue", "Arn"] });
    noticed(redrive, &format!("{events}/RedrivePolicy/deadLetterTargetArn"), fifo, "must both be FIFO");
    noticed(redrive, &format!("{events}/MessageRetentionPeriod"), json!(1_209_600), "EventsQueue: it must keep");
    let parked = "/Resources/ParkedQueue/Properties/MessageRetentionPeriod";
    noticed(redrive, parked, json!(345_600), "ParkedQueue");
}

#[test]
fn fifo_queues_have_their_throughput_per_group() {
    kept(fifo_throughput);
    let queue = "/Resources/EventsFifoQueue/Properties";
    noticed(fifo_throughput, &format!("{queue}/DeduplicationScope"), json!("queue"), "EventsFifoQueue");
    noticed(fifo_throughput, &format!("{queue}/FifoThroughputLimit"), json!(null), "EventsFifoQueue");
}

#[test]
fn no_queue_delays_longer_than_sqs_can_and_no_fifo_queue_at_all() {
    kept(delays);
    let queue = |fifo, delay| json!({ "FifoQueue": fifo, "DelaySeconds": delay });
    noticed(delays, "/Resources/EventsFifoQueue/Properties", queue(true, 1), "EventsFifoQueue");
    noticed(delays, "/Resources/EventsQueue/Properties", queue(false, 901), "not 901");
}
