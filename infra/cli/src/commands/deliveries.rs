//! Deliveries: one message on its way to one endpoint.

use clap::Subcommand;
use jiff::Timestamp;

use super::Context;
use super::endpoints::Which;
use super::lists::{self, Limit};
use super::messages::Filters;
use crate::client::wire::{Attempt, Delivery};
use crate::client::{Explain as _, Range, Seen};
use crate::failure::Failure;
use crate::output::{Output, foreign, note, status};
use crate::times::{from_now, shown};

/// What a delivery may be.
pub(crate) const STATUSES: [&str; 4] = ["pending", "delivered", "failed", "exhausted"];

/// What is asked of deliveries.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List an endpoint's deliveries, newest first
    List {
        #[command(flatten)]
        which: Which,
        /// Of that status
        #[arg(long, value_parser = STATUSES)]
        status: Option<String>,
        #[command(flatten)]
        filters: Filters,
        #[command(flatten)]
        limit: Limit,
    },
    /// Show a delivery, with every attempt and its payload
    Show {
        #[command(flatten)]
        which: Which,
        /// The delivery's id: dlv_…
        #[arg(value_name = "DELIVERY")]
        delivery: String,
    },
    /// Send a delivery once more
    Redeliver {
        #[command(flatten)]
        which: Which,
        /// The delivery's id: dlv_…
        #[arg(value_name = "DELIVERY")]
        delivery: String,
    },
}

pub(crate) async fn run(context: &Context<'_>, command: Command) -> Result<(), Failure> {
    let (client, output) = (context.connection.client().await?, context.output);
    match command {
        Command::List { which, status: wanted, filters, limit } => {
            let range = Range { status: wanted, ..filters.range() };
            let pages = client.deliveries(&which.organization, &which.endpoint, &range, limit.entries());
            let head = ["CREATED", "DELIVERY", "MESSAGE", "TYPE", "STATUS", "ATTEMPTS", "LAST ANSWER", "NEXT"];
            lists::show(context, "deliveries", pages, head, |it| {
                let last = it.attempts.last().map(answer).unwrap_or_default();
                let next = it.next_at().map(|at| from_now(at, Timestamp::now())).unwrap_or_default();
                let (id, message, event_type) = (it.delivery_id.clone(), it.webhook_id.clone(), it.event_type.clone());
                [shown(it.created_at), id, message, event_type, outcome(it), it.attempt_count.to_string(), last, next]
            })
            .await
        }
        Command::Show { which, delivery } => {
            let found = client.delivery(&which.organization, &which.endpoint, &delivery).await;
            one(output, &found.explain(|| format!("The delivery {delivery} could not be shown."))?)
        }
        Command::Redeliver { which, delivery } => {
            let sent = client.redeliver(&which.organization, &which.endpoint, &delivery).await;
            let message = sent.explain(|| format!("The delivery {delivery} was not sent once more."))?.id;
            output.record(&serde_json::json!({ "webhookId": message }))?;
            output.line(&format!("{message} is on its way once more."))?;
            note(&format!("What comes of it: hookbell messages story {} {message}", which.organization));
            Ok(())
        }
    }
}

/// What became of a delivery, in a word: why it was ended without an attempt, where it was.
pub(super) fn outcome(delivery: &Delivery) -> String {
    if delivery.skipped.is_some() { status("skipped") } else { status(&delivery.status) }
}

/// What came back: an HTTP status, or what went wrong.
pub(super) fn answer(attempt: &Attempt) -> String {
    match (attempt.http_status, &attempt.error) {
        (Some(status), _) => status.to_string(),
        (None, Some(error)) => error.clone(),
        (None, None) => "no answer".to_owned(),
    }
}

fn one(output: Output, delivery: &Seen<Delivery>) -> Result<(), Failure> {
    output.raw(&delivery.raw)?;
    let it = &delivery.it;
    let ids = format!("{}  {}  to {}  {}", it.delivery_id, it.webhook_id, it.endpoint_id, it.event_type);
    output.line(&ids)?;
    output.line(&format!("{}, last changed {}", outcome(it), shown(it.updated_at)))?;
    if let Some(skipped) = &it.skipped {
        output.line(&format!("No further attempt was made: {skipped}"))?;
    }
    for attempt in &it.attempts {
        let (number, at, took) = (attempt.attempt_no, shown(attempt.at), attempt.latency_ms);
        output.line(&format!("  attempt {number}  {at}  {}  {took} ms", answer(attempt)))?;
    }
    if let Some(at) = it.next_at() {
        output.line(&format!("  next      {}  {}", shown(at), from_now(at, Timestamp::now())))?;
    }
    if let Some(snippet) = it.response_snippet.as_ref().filter(|snippet| !snippet.is_empty()) {
        output.line(&format!("Latest answer: {snippet}"))?;
    }
    if it.payload.is_empty() {
        return output.line("Its payload is kept no more.");
    }
    output.line(&foreign::lines(&it.payload))
}
