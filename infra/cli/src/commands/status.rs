//! Whether a deployment is well: its API, the key, and what waits in its queues.

use clap::Args;
use hookbell_aws::queues::{Depth, Queues};
use serde_json::{Value, json};

use super::Context;
use super::left::{Holds, shelves};
use crate::client::{ApiFailure, Client};
use crate::deployment::Deployment;
use crate::failure::Failure;
use crate::output::{Output, Table, Tone, note, painted};

/// The queues that are worked on by themselves, by the names of the stack's outputs.
const QUEUES: [(&str, &str); 5] = [
    ("events", "eventsQueueUrl"),
    ("events, in order", "eventsFifoQueueUrl"),
    ("deliveries", "deliveriesQueueUrl"),
    ("deliveries, in order", "deliveriesFifoQueueUrl"),
    ("deliveries that ended", "deliveriesDeadLetterQueueUrl"),
];

/// What to look at.
#[derive(Args)]
pub(crate) struct Status {
    /// Also say what the key may do in this organization
    #[arg(long, value_name = "ORG")]
    organization: Option<String>,
}

/// A queue and what it holds.
struct Line {
    name: String,
    depth: Depth,
    /// What to do about it, where that is a person's.
    command: String,
}

pub(crate) async fn run(context: &Context<'_>, status: Status) -> Result<(), Failure> {
    let (client, output) = (context.connection.client().await?, context.output);
    let description = client.description().await.map_err(|failure| failure.explained("The API does not answer."))?;
    let version = description.pointer("/info/version").and_then(Value::as_str).unwrap_or("unknown");
    let rights = rights(&client, status.organization.as_deref()).await?;
    output.line(&format!("api  {}  version {version}  {}", painted(Tone::Good, "answers"), client.url()))?;
    output.line(&format!("key  {rights}"))?;
    let queues = match queues(context).await {
        Ok(queues) => Some(queues),
        Err(failure) => {
            note(&format!("The queues are not shown: {}", failure.text()));
            None
        }
    };
    let count = |Line { name, depth: Depth { waiting, in_flight, delayed }, .. }: &Line| json!({ "queue": name, "waiting": waiting, "inFlight": in_flight, "delayed": delayed });
    // Queues that could not be looked at are not none.
    let counts: Option<Vec<_>> = queues.as_ref().map(|queues| queues.iter().map(count).collect());
    output.record(&json!({ "apiUrl": client.url(), "version": version, "key": rights, "queues": counts }))?;
    table(output, &queues.unwrap_or_default())
}

fn table(output: Output, queues: &[Line]) -> Result<(), Failure> {
    let row = |Line { name, depth: Depth { waiting, in_flight, delayed }, command }: &Line| {
        let command = if waiting + in_flight > 0 { command.as_str() } else { "" };
        let tone = if command.is_empty() { Tone::Strong } else { Tone::Bad };
        let waiting = painted(tone, &waiting.to_string());
        [name.clone(), waiting, in_flight.to_string(), delayed.to_string(), command.to_owned()]
    };
    if !queues.is_empty() {
        output.line("")?;
    }
    let rows: Vec<_> = queues.iter().map(row).collect();
    Table::new(output, ["QUEUE", "WAITING", "IN FLIGHT", "DELAYED", "LOOK AT IT"]).rows(&rows)
}

/// What the key may do: by what is refused to it.
async fn rights(client: &Client, organization: Option<&str>) -> Result<String, Failure> {
    const WHAT: &str = "It is not known what the key may do.";
    match client.status().await {
        Ok(_) => return Ok("the admin key: may do everything".to_owned()),
        Err(failure) if failure.refusal(403).is_some() => {}
        Err(failure) => return Err(failure.explained(WHAT)),
    }
    let Some(organization) = organization else {
        return Ok("an organization's key; --organization ORG says what it may do there".to_owned());
    };
    let may = |answer: Result<(), ApiFailure>| match answer {
        Ok(()) => Ok(true),
        Err(failure) if failure.refusal(403).is_some() || failure.refusal(404).is_some() => Ok(false),
        Err(failure) => Err(failure.explained(WHAT)),
    };
    if may(client.keys(organization).await.map(drop))? {
        return Ok(format!("an owner's key of {organization}: may change everything there"));
    }
    if may(client.endpoints(organization).await.map(drop))? {
        return Ok(format!("a member's key of {organization}: may read"));
    }
    Ok(format!("no key of {organization}"))
}

/// What waits, where the stack says where the queues are and AWS credentials are there.
async fn queues(context: &Context<'_>) -> Result<Vec<Line>, Failure> {
    let deployment = context.connection.deployment().await?;
    let queues = Queues::new(&context.connection.aws(&deployment).await);
    let mut lines = of_functions(&queues, &deployment).await?;
    for holds in [Holds::Deliveries, Holds::Events] {
        for shelf in shelves(&queues, &deployment, holds).await? {
            let depth = depth(&queues, &shelf.queue).await?;
            let command = format!("hookbell {} list", holds.command());
            lines.push(Line { name: format!("for a person: {}", shelf.name), depth, command });
        }
    }
    Ok(lines)
}

async fn of_functions(queues: &Queues, deployment: &Deployment) -> Result<Vec<Line>, Failure> {
    let mut lines = Vec::new();
    for (name, output) in QUEUES {
        if let Some(url) = deployment.queue(output) {
            lines.push(Line { name: name.to_owned(), depth: depth(queues, url).await?, command: String::new() });
        }
    }
    Ok(lines)
}

async fn depth(queues: &Queues, url: &str) -> Result<Depth, Failure> {
    queues.depth(url).await.map_err(|error| {
        Failure::failed("SQS does not say what the queues hold.", error).try_this("look at your AWS credentials")
    })
}
