//! Putting what was left back to work, or taking it off for good.

use std::collections::BTreeSet;

use hookbell_aws::queues::{Left, Queues};
use jiff::Timestamp;

use super::shelf::{Holds, Shelf};
use super::{Chosen, Found, choose, look_over, row};
use crate::failure::{Failure, Kind};
use crate::output::{Output, Progress, confirm, note};

/// What is done with what was chosen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Redrive,
    Delete,
}

impl Deed {
    fn question(self, count: usize) -> String {
        match self {
            Self::Redrive => format!("Put {count} back to work?"),
            Self::Delete => format!("Take {count} off for good? What they hold is lost."),
        }
    }

    /// What it is called when it is done: for programs of one, for people of some.
    fn done(self) -> (&'static str, &'static str) {
        match self {
            Self::Redrive => ("redriven", "went back to work"),
            Self::Delete => ("deleted", "taken off"),
        }
    }
}

/// Looks at what was chosen, asks, and does it.
pub(super) async fn run(
    output: Output,
    queues: &Queues,
    shelves: &[Shelf],
    holds: Holds,
    chosen: &Chosen,
    deed: Deed,
) -> Result<(), Failure> {
    let found = look_over(queues, shelves).await?;
    let found = if chosen.all { found } else { choose(found, &chosen.ids, holds)? };
    if found.is_empty() {
        note("Nothing waits for a person.");
        return Ok(());
    }
    let (found, refused) = if deed == Deed::Redrive { workable(found, chosen.all)? } else { (found, BTreeSet::new()) };
    if found.is_empty() {
        return Err(stay(&refused));
    }
    let now = Timestamp::now();
    for one in &found {
        note(&row(&one.described(), now).join("  "));
    }
    confirm(&deed.question(found.len()), chosen.yes).await?;
    let progress = Progress::of(Some(found.len() as u64));
    let mut done = 0;
    for shelf in shelves {
        let here = found.iter().filter(|one| std::ptr::eq(one.shelf, shelf));
        let mut work = Work { output, queues, shelf, deed, wanted: here.map(|one| one.left.id.clone()).collect() };
        done += work.off(|| progress.step()).await?;
    }
    drop(progress);
    output.line(&format!("{done} of {} {}.", found.len(), deed.done().1))?;
    if done < found.len() {
        return Err(Failure::new(Kind::Unwell, "Some were not there any more.")
            .try_this(format!("hookbell {} list", holds.command())));
    }
    // What stood behind the others can be seen now.
    if chosen.all {
        let more = look_over(queues, shelves).await?.iter().filter(|one| !refused.contains(&one.left.id)).count();
        if more > 0 {
            return Err(Failure::new(Kind::Unwell, format!("About {more} more were behind these, or came meanwhile."))
                .try_this("the same command once more"));
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(stay(&refused)) }
}

/// Those that can go back to work, and the ids of those that cannot. Whoever names one of these is refused.
fn workable(found: Vec<Found<'_>>, all: bool) -> Result<(Vec<Found<'_>>, BTreeSet<String>), Failure> {
    let (mut good, mut refused) = (Vec::new(), BTreeSet::new());
    for one in found {
        match one.shelf.check(&one.left) {
            Ok(()) => good.push(one),
            Err(failure) if all => {
                note(&failure.text());
                refused.insert(one.left.id);
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok((good, refused))
}

/// Some stay where they are, each named with its reason.
fn stay(refused: &BTreeSet<String>) -> Failure {
    let ids = refused.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    Failure::new(Kind::Unwell, format!("{} cannot go back to work.", refused.len())).because(ids)
}

/// What is to be done on one shelf.
struct Work<'a> {
    output: Output,
    queues: &'a Queues,
    shelf: &'a Shelf,
    deed: Deed,
    wanted: BTreeSet<String>,
}

impl Work<'_> {
    /// Receives what is wanted once more, longer this time, and deals with each as it comes. All else is let go.
    async fn off(&mut self, mut step: impl FnMut()) -> Result<usize, Failure> {
        let mut done = 0;
        let mut others = Vec::new();
        let mut failure = None;
        while failure.is_none() && !self.wanted.is_empty() {
            let found = match self.shelf.take(self.queues).await {
                Ok(found) if found.is_empty() => break,
                Ok(found) => found,
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            };
            for left in found {
                if failure.is_some() || !self.wanted.remove(&left.id) {
                    others.push(left);
                    continue;
                }
                match self.one(&left).await {
                    Ok(()) => done += 1,
                    Err(error) => failure = Some(error),
                }
                step();
            }
        }
        self.shelf.put_down(self.queues, &others).await;
        failure.map_or(Ok(done), Err)
    }

    async fn one(&self, left: &Left) -> Result<(), Failure> {
        match self.deed {
            Deed::Redrive => self.shelf.send_back(self.queues, left).await?,
            Deed::Delete => self.shelf.remove(self.queues, left).await?,
        }
        self.output.record(&serde_json::json!({ self.deed.done().0: left.id, "queue": self.shelf.name }))
    }
}
