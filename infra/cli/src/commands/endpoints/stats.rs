//! An endpoint's deliveries in numbers.

use clap::Args;

use super::Which;
use crate::client::wire::Counts;
use crate::client::{Client, Explain as _};
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::Table;
use crate::times::shown;

/// Which numbers.
#[derive(Args)]
pub(crate) struct Ask {
    #[command(flatten)]
    which: Which,
    /// How many hours are counted, the present one included: 1 to 168
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=168))]
    hours: u16,
}

pub(super) async fn run(context: &Context<'_>, client: &Client, ask: Ask) -> Result<(), Failure> {
    let (output, endpoint) = (context.output, &ask.which.endpoint);
    let stats = client.stats(&ask.which.organization, endpoint, ask.hours).await;
    let stats = stats.explain(|| format!("The deliveries of {endpoint} could not be counted."))?;
    output.raw(&stats.raw)?;
    let it = stats.it;
    let hours = it.hours.iter().filter(|hour| total(&hour.counts) > 0);
    let mut rows: Vec<_> = hours.map(|hour| row(shown(hour.hour), &hour.counts)).collect();
    rows.push(row("all".to_owned(), &it.total));
    Table::new(output, ["HOUR", "DELIVERED", "FAILED", "PENDING", "SENDING", "SKIPPED"]).rows(&rows)?;
    if let Some(latency) = &it.latency {
        output.line(&format!(
            "Half of the attempts took {} ms at most, 19 of 20 {} ms.",
            latency.p50_ms, latency.p95_ms
        ))?;
    }
    if !it.complete {
        output.line(&format!("There are very many: only those since {} are counted.", shown(it.since)))?;
    }
    Ok(())
}

fn total(counts: &Counts) -> u64 {
    counts.success + counts.fail + counts.pending + counts.sending + counts.skipped
}

fn row(name: String, counts: &Counts) -> [String; 6] {
    let Counts { success, fail, pending, sending, skipped } = counts;
    [name, success.to_string(), fail.to_string(), pending.to_string(), sending.to_string(), skipped.to_string()]
}
