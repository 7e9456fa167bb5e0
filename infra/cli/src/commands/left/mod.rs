//! What was left for a person: deliveries that are parked, events that were rejected.
//!
//! A look takes nothing off its queue. Whatever goes back to work is sent first and taken off after that, so one that
//! fails in between is there twice: an attempt is claimed, and an event with an id is one event, so that is no harm.

mod described;
mod shelf;

use std::collections::BTreeSet;

use clap::{Args, Subcommand};
use hookbell_aws::queues::{Left, Queues};
use jiff::Timestamp;

use self::described::Described;
use self::shelf::Shelf;
pub(crate) use self::shelf::{Holds, shelves};
use super::Context;
use crate::failure::{Failure, Kind};
use crate::output::{Progress, Table, confirm, note};
use crate::times::{length, shown};

/// What is asked of what was left.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List what waits, and why; nothing is taken off its queue
    List {
        /// How many of each queue to show at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Show one with its body
    Show {
        /// Its id, or the beginning of it
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Put it back to work
    Redrive(Chosen),
    /// Take it off its queue for good
    Delete(Chosen),
}

/// Which of them.
#[derive(Args)]
pub(crate) struct Chosen {
    /// Their ids, or the beginnings of them
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<String>,
    /// All that are there now
    #[arg(long)]
    all: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// What is done with what was chosen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    Redrive,
    Delete,
}

pub(crate) async fn run(context: &Context<'_>, holds: Holds, command: Command) -> Result<(), Failure> {
    let deployment = context.connection.deployment().await?;
    let queues = Queues::new(&context.connection.aws(&deployment).await);
    let shelves = shelves(&queues, &deployment, holds).await?;
    match command {
        Command::List { limit } => list(context, &queues, &shelves, limit).await,
        Command::Show { id } => show(context, &queues, &shelves, &id).await,
        Command::Redrive(chosen) => work(context, &queues, &shelves, chosen, Deed::Redrive).await,
        Command::Delete(chosen) => work(context, &queues, &shelves, chosen, Deed::Delete).await,
    }
}

async fn list(context: &Context<'_>, queues: &Queues, shelves: &[Shelf], limit: usize) -> Result<(), Failure> {
    let now = Timestamp::now();
    let mut table = Table::new(context.output, ["ID", "QUEUE", "AGE", "ORGANIZATION", "WHAT", "REASON"]);
    let mut any = false;
    for shelf in shelves {
        let found = shelf.look_over(queues, limit).await?;
        let described: Vec<_> = found.iter().map(|left| Described::new(shelf.name, left)).collect();
        described.iter().try_for_each(|one| context.output.record(one))?;
        let rows: Vec<_> = described.iter().map(|one| row(one, now)).collect();
        table.rows(&rows)?;
        any |= !rows.is_empty();
        let held = queues.depth(&shelf.queue).await.map(|depth| depth.waiting + depth.in_flight).unwrap_or_default();
        if held > found.len() as u64 {
            note(&format!(
                "About {} more are in {}: behind these, or in somebody's hands.",
                held - found.len() as u64,
                shelf.name
            ));
        }
    }
    if !any {
        note("Nothing waits for a person.");
    }
    Ok(())
}

fn row(one: &Described<'_>, now: Timestamp) -> [String; 6] {
    let age = one.since.map(|since| length(now.duration_since(since))).unwrap_or_default();
    let reason = one.reason.unwrap_or("SQS moved it here: it was received too often without being dealt with");
    [
        one.id.to_owned(),
        one.queue.to_owned(),
        age,
        one.organization_id.clone().unwrap_or_default(),
        one.what(),
        reason.escape_debug().to_string(),
    ]
}

async fn show(context: &Context<'_>, queues: &Queues, shelves: &[Shelf], id: &str) -> Result<(), Failure> {
    let wanted = [id.to_owned()];
    let mut found = Vec::new();
    for shelf in shelves {
        let lying = shelf.look_over(queues, usize::MAX).await?;
        found.extend(matching(&wanted, lying)?.into_iter().map(|left| (shelf.name, left)));
    }
    let [(name, left)] = found.as_slice() else { return Err(missing(&wanted)) };
    let (output, described) = (context.output, Described::new(name, left));
    output.record(&described)?;
    output.line(&format!(
        "{}  in {name}{}",
        left.id,
        left.since.map(|at| format!(" since {}", shown(at))).unwrap_or_default()
    ))?;
    output.line(&format!("{}  {}", described.organization_id.clone().unwrap_or_default(), described.what()))?;
    output.line(&format!("reason: {}", row(&described, Timestamp::now())[5]))?;
    output.line(&left.body)
}

/// Those whose ids begin as one of these texts does.
///
/// # Errors
/// When one of these is the beginning of several.
fn matching(wanted: &[String], lying: Vec<Left>) -> Result<Vec<Left>, Failure> {
    for beginning in wanted {
        let count = lying.iter().filter(|left| left.id.starts_with(beginning.as_str())).count();
        if count > 1 {
            return Err(
                Failure::usage(format!("{beginning} is the beginning of {count} ids.")).try_this("write more of it")
            );
        }
    }
    let is_wanted = |left: &Left| wanted.iter().any(|beginning| left.id.starts_with(beginning.as_str()));
    Ok(lying.into_iter().filter(is_wanted).collect())
}

fn missing(ids: &[String]) -> Failure {
    Failure::new(Kind::NotFound, format!("There is no such thing: {}.", ids.join(", ")))
        .because("it was dealt with, or is in somebody's hands for a moment")
        .try_this("list them")
}

/// Looks at what was chosen, asks, and does it.
async fn work(
    context: &Context<'_>,
    queues: &Queues,
    shelves: &[Shelf],
    chosen: Chosen,
    deed: Deed,
) -> Result<(), Failure> {
    let mut lying = Vec::new();
    for shelf in shelves {
        let found = shelf.look_over(queues, usize::MAX).await?;
        let found = if chosen.all { found } else { matching(&chosen.ids, found)? };
        lying.push((shelf, found));
    }
    let count: usize = lying.iter().map(|(_, found)| found.len()).sum();
    let unknown =
        |id: &&String| !lying.iter().flat_map(|(_, found)| found).any(|left| left.id.starts_with(id.as_str()));
    let missed: Vec<String> = chosen.ids.iter().filter(unknown).cloned().collect();
    if !missed.is_empty() {
        return Err(missing(&missed));
    }
    if deed == Deed::Redrive {
        for (shelf, found) in &lying {
            found.iter().try_for_each(|left| shelf.check(left))?;
        }
    }
    if count == 0 {
        note("Nothing waits for a person.");
        return Ok(());
    }
    let now = Timestamp::now();
    for (shelf, found) in &lying {
        for left in found {
            let [id, queue, age, organization, what, reason] = row(&Described::new(shelf.name, left), now);
            note(&format!("{id}  {queue}  {age}  {organization}  {what}  {reason}"));
        }
    }
    let question = match deed {
        Deed::Redrive => format!("Put {count} back to work?"),
        Deed::Delete => format!("Take {count} off for good? What they hold is lost."),
    };
    confirm(&question, chosen.yes)?;
    let progress = Progress::of(Some(count as u64));
    let mut done = 0;
    for (shelf, found) in lying {
        let mut wanted: BTreeSet<String> = found.into_iter().map(|left| left.id).collect();
        done += work_off(context, queues, shelf, &mut wanted, deed, &progress).await?;
    }
    drop(progress);
    let word = if deed == Deed::Redrive { "went back to work" } else { "were taken off" };
    context.output.line(&format!("{done} of {count} {word}."))?;
    if done == count {
        Ok(())
    } else {
        Err(Failure::new(Kind::Unwell, "Some were not there any more.").try_this("list them"))
    }
}

/// Receives what is wanted of a shelf once more, longer this time, and deals with each as it comes.
async fn work_off(
    context: &Context<'_>,
    queues: &Queues,
    shelf: &Shelf,
    wanted: &mut BTreeSet<String>,
    deed: Deed,
    progress: &Progress,
) -> Result<usize, Failure> {
    let mut done = 0;
    let mut others = Vec::new();
    while !wanted.is_empty() {
        let found = shelf.take(queues).await?;
        if found.is_empty() {
            break;
        }
        for left in found {
            if !wanted.remove(&left.id) {
                others.push(left);
                continue;
            }
            match deed {
                Deed::Redrive => shelf.send_back(queues, &left).await?,
                Deed::Delete => shelf.remove(queues, &left).await?,
            }
            done += 1;
            progress.at(done as u64, "");
            let word = if deed == Deed::Redrive { "redriven" } else { "deleted" };
            context.output.record(&serde_json::json!({ word: left.id, "queue": shelf.name }))?;
        }
    }
    shelf.put_down(queues, &others).await;
    Ok(done)
}
