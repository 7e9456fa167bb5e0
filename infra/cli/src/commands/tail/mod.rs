//! Deliveries as they happen: the newest of each endpoint, looked at again and again, and those that go on.

mod watch;

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use self::watch::Watch;
use super::Context;
use super::deliveries::{answer, outcome};
use crate::client::Seen;
use crate::client::wire::Delivery;
use crate::failure::Failure;
use crate::output::{Output, note};
use crate::times::{from_now, shown};

/// What to look at.
#[derive(Args)]
pub(crate) struct Tail {
    /// The organization's id
    #[arg(value_name = "ORG")]
    organization: String,
    /// Only this endpoint
    #[arg(long, value_name = "ENDPOINT")]
    endpoint: Option<String>,
    /// Only attempts that failed, and deliveries that ended without success
    #[arg(long)]
    failed: bool,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    interval: f64,
}

pub(crate) async fn run(context: &Context<'_>, tail: Tail) -> Result<(), Failure> {
    tokio::select! {
        biased;
        // This is how it ends, at whatever it is.
        Ok(()) = tokio::signal::ctrl_c() => Ok(()),
        ended = forever(context, tail) => ended,
    }
}

async fn forever(context: &Context<'_>, tail: Tail) -> Result<(), Failure> {
    let interval = Duration::try_from_secs_f64(tail.interval.max(0.2))
        .map_err(|error| Failure::usage("--interval is no number of seconds.").because(error))?;
    let client = context.connection.client().await?;
    let mut watch = Watch::new(&client, &tail.organization, tail.endpoint.as_deref());
    let count = watch.begin().await?;
    note(&format!("Watching {count} endpoint(s) of {}. Ctrl-C ends it.", tail.organization));
    // Told once, until something else is the trouble or it is over.
    let mut trouble = String::new();
    loop {
        tokio::time::sleep(interval).await;
        match watch.look().await {
            Ok(news) => {
                trouble.clear();
                let mut wanted = news.iter().filter(|delivery| !tail.failed || went_wrong(&delivery.it));
                wanted.try_for_each(|delivery| line(context.output, delivery))?;
            }
            // It goes on: whoever watches wants to see the end of the trouble.
            Err(failure) if failure.text() != trouble => {
                trouble = failure.text();
                note(&trouble);
            }
            Err(_) => {}
        }
    }
}

fn went_wrong(delivery: &Delivery) -> bool {
    delivery.skipped.is_some() || matches!(delivery.status.as_str(), "failed" | "exhausted")
}

fn line(output: Output, delivery: &Seen<Delivery>) -> Result<(), Failure> {
    output.raw(&delivery.raw)?;
    let it = &delivery.it;
    let attempt = it
        .attempts
        .last()
        .map(|attempt| format!("attempt {}  {}  {} ms", attempt.attempt_no, answer(attempt), attempt.latency_ms));
    let next = it.next_at().map(|at| format!("next {}", from_now(at, Timestamp::now())));
    let parts = [Some(shown(it.updated_at)), Some(outcome(it)), Some(it.event_type.clone()), attempt, next];
    let ids = format!("{} {} {}", it.webhook_id, it.endpoint_id, it.delivery_id);
    output.line(&parts.into_iter().flatten().chain([ids]).collect::<Vec<_>>().join("  "))
}
