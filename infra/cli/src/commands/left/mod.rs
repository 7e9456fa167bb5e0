//! What was left for a person: deliveries that are parked, events that were rejected.
//!
//! A look takes nothing off its queue. Whatever goes back to work is sent first and taken off after that, so one that
//! fails in between is there twice: an attempt is claimed, and an event with an id is one event, so that is no harm.

mod described;
mod shelf;
mod work;

use std::num::NonZeroUsize;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use hookbell_aws::queues::{Left, Queues};
use jiff::Timestamp;

use self::described::Described;
use self::shelf::Shelf;
pub(crate) use self::shelf::{Holds, shelves};
use self::work::Deed;
use super::Context;
use crate::failure::{Failure, Kind};
use crate::output::{Output, Table, foreign, note};
use crate::times::{length, shown};

/// What is asked of what was left.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List what waits, and why; nothing is taken off its queue
    List {
        /// How many of each queue to show at most
        #[arg(long, value_name = "N", default_value = "100")]
        limit: NonZeroUsize,
    },
    /// Show one with its body
    Show {
        /// Its id, or the beginning of it
        #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
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
    #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<String>,
    /// All that are there now and can be seen: of one group of a FIFO queue, ten at a time
    #[arg(long)]
    all: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Something that was left, and where it lies.
struct Found<'a> {
    shelf: &'a Shelf,
    left: Left,
}

impl Found<'_> {
    fn described(&self) -> Described<'_> {
        Described::new(self.shelf.name, &self.left)
    }
}

pub(crate) async fn run(context: &Context<'_>, holds: Holds, command: Command) -> Result<(), Failure> {
    let deployment = context.connection.deployment().await?;
    let queues = Queues::new(&context.connection.aws(&deployment).await);
    let shelves = shelves(&queues, &deployment, holds).await?;
    let output = context.output;
    match command {
        Command::List { limit } => list(output, &queues, &shelves, limit.get()).await,
        Command::Show { id } => {
            let found = choose(look_over(&queues, &shelves).await?, &[id], holds)?;
            found.iter().try_for_each(|one| show(output, one))
        }
        Command::Redrive(chosen) => work::run(output, &queues, &shelves, holds, &chosen, Deed::Redrive).await,
        Command::Delete(chosen) => work::run(output, &queues, &shelves, holds, &chosen, Deed::Delete).await,
    }
}

async fn list(output: Output, queues: &Queues, shelves: &[Shelf], limit: usize) -> Result<(), Failure> {
    let now = Timestamp::now();
    let mut table = Table::new(output, ["ID", "QUEUE", "AGE", "ORGANIZATION", "WHAT", "REASON"]);
    let mut any = false;
    for shelf in shelves {
        let found = shelf.look_over(queues, limit).await?;
        let described: Vec<_> = found.iter().map(|left| Described::new(shelf.name, left)).collect();
        described.iter().try_for_each(|one| output.record(one))?;
        let rows: Vec<_> = described.iter().map(|one| row(one, now)).collect();
        table.rows(&rows)?;
        let more = shelf.unseen(queues, found.len()).await?;
        if more > 0 {
            note(&format!("About {more} more are in {}: behind these, or in somebody's hands.", shelf.name));
        }
        any |= !rows.is_empty() || more > 0;
    }
    if !any {
        note("Nothing waits for a person.");
    }
    Ok(())
}

fn row(one: &Described<'_>, now: Timestamp) -> [String; 6] {
    let age = one.since.map(|since| length(now.duration_since(since))).unwrap_or_default();
    let organization = one.organization_id.as_deref().map(foreign::one_line).unwrap_or_default();
    [one.id.to_owned(), one.queue.to_owned(), age, organization, one.what(), why(one)]
}

/// Why it was left. SQS moves things without saying so.
fn why(one: &Described<'_>) -> String {
    foreign::one_line(one.reason.unwrap_or("SQS moved it here: it was received too often without being dealt with"))
}

fn show(output: Output, found: &Found<'_>) -> Result<(), Failure> {
    let described = found.described();
    output.record(&described)?;
    let since = described.since.map(|at| format!(" since {}", shown(at))).unwrap_or_default();
    output.line(&format!("{}  in {}{since}", described.id, described.queue))?;
    let organization = described.organization_id.as_deref().map(foreign::one_line);
    output.line(&organization.into_iter().chain([described.what()]).collect::<Vec<_>>().join("  "))?;
    output.line(&format!("reason: {}", why(&described)))?;
    output.line(&foreign::lines(&found.left.body))
}

/// All that lies on the shelves.
async fn look_over<'a>(queues: &Queues, shelves: &'a [Shelf]) -> Result<Vec<Found<'a>>, Failure> {
    let mut found = Vec::new();
    for shelf in shelves {
        let lying = shelf.look_over(queues, usize::MAX).await?;
        let more = shelf.unseen(queues, lying.len()).await?;
        if more > 0 {
            note(&format!(
                "Not all of {} could be seen: about {more} are behind others, or in somebody's hands.",
                shelf.name
            ));
        }
        found.extend(lying.into_iter().map(|left| Found { shelf, left }));
    }
    Ok(found)
}

/// Those whose ids begin as one of these texts does.
fn choose<'a>(found: Vec<Found<'a>>, beginnings: &[String], holds: Holds) -> Result<Vec<Found<'a>>, Failure> {
    let ids: Vec<_> = found.iter().map(|one| one.left.id.as_str()).collect();
    beginnings.iter().try_for_each(|beginning| check_begins_one(beginning, &ids, holds))?;
    let is_chosen = |one: &Found<'_>| beginnings.iter().any(|beginning| one.left.id.starts_with(beginning));
    Ok(found.into_iter().filter(is_chosen).collect())
}

/// Fails where a text is the beginning of none of these ids, or of several.
fn check_begins_one(beginning: &str, ids: &[&str], holds: Holds) -> Result<(), Failure> {
    if beginning.is_empty() {
        return Err(Failure::usage("An id is empty, which is the beginning of all."));
    }
    match ids.iter().filter(|id| id.starts_with(beginning)).count() {
        1 => Ok(()),
        0 => Err(Failure::new(Kind::NotFound, format!("Nothing that waits has the id {beginning}."))
            .because("it was dealt with, or is in somebody's hands for a moment")
            .try_this(format!("hookbell {} list", holds.command()))),
        several => {
            Err(Failure::usage(format!("{beginning} is the beginning of {several} ids.")).try_this("write more of it"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_may_be_cut_to_what_tells_it_from_the_others() {
        let check = |beginning: &str, expected: Result<(), Kind>| {
            let checked = check_begins_one(beginning, &["ab1", "ab2", "c"], Holds::Events);
            assert_eq!(checked.map_err(|failure| failure.kind), expected, "{beginning:?}");
        };
        check("ab1", Ok(()));
        check("c", Ok(()));
        check("ab", Err(Kind::Usage));
        check("d", Err(Kind::NotFound));
        check("ab12", Err(Kind::NotFound));
        check("", Err(Kind::Usage));
        assert!(check_begins_one("", &["only"], Holds::Deliveries).is_err());
    }
}
