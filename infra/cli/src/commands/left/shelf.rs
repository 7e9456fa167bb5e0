//! A queue on which something was left, and the queue that it came from.

use std::collections::BTreeMap;
use std::time::Duration;

use hookbell_aws::queues::{Ended, Left, Queues, Task};

use crate::deployment::Deployment;
use crate::failure::{Failure, Kind};
use crate::output::note;

/// For how long a look hides what it sees from others. It is let go when the look is over.
const LOOK: Duration = Duration::from_secs(20);

/// For how long what is dealt with is hidden.
const WORK: Duration = Duration::from_mins(2);

/// After how many batches in a row that bring nothing new a look ends: what it hid first has come back meanwhile.
const REPEATED: usize = 3;

/// What lies on a shelf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Deliveries, and steps of replays.
    Deliveries,
    /// Events.
    Events,
}

impl Holds {
    /// The command that deals with it.
    pub(crate) fn command(self) -> &'static str {
        match self {
            Self::Deliveries => "parked",
            Self::Events => "rejected",
        }
    }
}

/// A queue that waits for a person.
#[derive(Debug)]
pub(crate) struct Shelf {
    /// What people call it.
    pub(crate) name: &'static str,
    /// Its URL.
    pub(crate) queue: String,
    /// Where what lies there is worked on.
    back: String,
    /// Where deliveries that have ended are worked on, on a shelf of deliveries.
    ended: Option<String>,
}

/// How something goes back to work.
enum Way<'a> {
    /// As a task, from its beginning.
    Task(Task),
    /// As it is, to that queue.
    AsItIs(&'a str),
}

/// The shelves of a deployment. Those of the FIFO queues are not among its outputs: their queues name them.
pub(crate) async fn shelves(queues: &Queues, deployment: &Deployment, holds: Holds) -> Result<Vec<Shelf>, Failure> {
    let [plain, plain_output, plain_back, ordered, ordered_back] = match holds {
        Holds::Deliveries => ["parked", "parkedQueueUrl", "deliveriesQueueUrl", "ordered", "deliveriesFifoQueueUrl"],
        Holds::Events => ["events", "eventsDeadLetterQueueUrl", "eventsQueueUrl", "events-fifo", "eventsFifoQueueUrl"],
    };
    let url = |name: &str| {
        let url = deployment.queue(name).map(str::to_owned);
        url.ok_or_else(|| Failure::usage(format!("The stack does not say where its queues are: {name} is missing.")))
    };
    let back = url(ordered_back)?;
    let ended = (holds == Holds::Deliveries).then(|| url("deliveriesDeadLetterQueueUrl")).transpose()?;
    let queue = queues.dead_letters_of(&back).await.map_err(failed)?;
    let mut shelves =
        vec![Shelf { name: plain, queue: url(plain_output)?, back: url(plain_back)?, ended: ended.clone() }];
    shelves.extend(queue.map(|queue| Shelf { name: ordered, queue, back, ended }));
    Ok(shelves)
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::failed("The queues could not be reached.", error).try_this(
        "look at your AWS credentials and region (`aws sts get-caller-identity`), and whether they may use SQS",
    )
}

impl Shelf {
    /// What lies there, as far as it can be seen: of one group of a FIFO queue, ten at most. Nothing stays hidden.
    pub(super) async fn look_over(&self, queues: &Queues, limit: usize) -> Result<Vec<Left>, Failure> {
        let (mut order, mut seen) = (Vec::new(), BTreeMap::new());
        let mut repeated = 0;
        let looked = loop {
            if order.len() >= limit || repeated == REPEATED {
                break Ok(());
            }
            let found = match queues.look(&self.queue, LOOK).await {
                Ok(found) if found.is_empty() => break Ok(()),
                Ok(found) => found,
                Err(error) => break Err(failed(error)),
            };
            repeated += 1;
            for left in found {
                let id = left.id.clone();
                // One that comes once more is let go by what it came with last.
                if seen.insert(id.clone(), left).is_none() {
                    order.push(id);
                    repeated = 0;
                }
            }
        };
        let mut seen: Vec<Left> = order.iter().filter_map(|id| seen.remove(id)).collect();
        self.put_down(queues, &seen).await;
        looked?;
        seen.truncate(limit);
        seen.sort_by_key(|left| left.since);
        Ok(seen)
    }

    /// How many more lie there, about, than were seen.
    pub(super) async fn unseen(&self, queues: &Queues, seen: usize) -> Result<u64, Failure> {
        let depth = queues.depth(&self.queue).await.map_err(failed)?;
        Ok((depth.waiting + depth.in_flight).saturating_sub(seen as u64))
    }

    /// Receives some, to deal with them.
    pub(super) async fn take(&self, queues: &Queues) -> Result<Vec<Left>, Failure> {
        queues.look(&self.queue, WORK).await.map_err(failed)
    }

    /// Lets others have what was looked at.
    pub(super) async fn put_down(&self, queues: &Queues, seen: &[Left]) {
        // From the last one on, so that a group stays whole.
        if let Err(error) = queues.let_go(&self.queue, seen.iter().rev()).await {
            note(&format!("Some of {} show again in a minute or two only: {error}", self.name));
        }
    }

    /// Whether it could go back to work.
    pub(super) fn check(&self, left: &Left) -> Result<(), Failure> {
        self.way(left).map(drop)
    }

    /// Puts one back to work: sent first, taken off after that.
    pub(super) async fn send_back(&self, queues: &Queues, left: &Left) -> Result<(), Failure> {
        let sent = match self.way(left)? {
            Way::Task(task) => queues.send_task_again(&self.back, left, task).await,
            Way::AsItIs(queue) => queues.send_again(queue, left).await,
        };
        sent.map_err(|error| {
            Failure::failed(format!("{} was not put back to work, and lies where it was.", left.id), error)
        })?;
        queues.take_off(&self.queue, left).await.map_err(|error| {
            Failure::failed(format!("{} went back to work, and could not be taken off {}.", left.id, self.name), error)
                .try_this("delete it when it shows again")
        })
    }

    /// Takes one off for good.
    pub(super) async fn remove(&self, queues: &Queues, left: &Left) -> Result<(), Failure> {
        let what = || format!("{} could not be taken off {}.", left.id, self.name);
        queues.take_off(&self.queue, left).await.map_err(|error| Failure::failed(what(), error))
    }

    fn way(&self, left: &Left) -> Result<Way<'_>, Failure> {
        let Some(ended) = &self.ended else { return Ok(Way::AsItIs(&self.back)) };
        if left.body.parse::<Ended>().is_ok() {
            return Ok(Way::AsItIs(ended));
        }
        left.body.parse().map(Way::Task).map_err(|error| {
            Failure::new(Kind::Refused, format!("{} cannot go back to work: it is no delivery.", left.id))
                .because(error)
                .try_this(format!(
                    "look at it and, if nobody misses it, take it off: hookbell parked delete {}",
                    left.id
                ))
        })
    }
}
