//! A queue on which something was left, and the queue that it came from.

use std::collections::BTreeSet;
use std::time::Duration;

use hookbell_aws::queues::{Left, Queues, Task};

use crate::deployment::Deployment;
use crate::failure::{Failure, Kind};

/// For how long a look hides what it sees from others. It is let go when the look is over.
const LOOK: Duration = Duration::from_secs(20);

/// For how long what is dealt with is hidden.
const WORK: Duration = Duration::from_mins(2);

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
    holds: Holds,
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
    let queue = queues.dead_letters_of(&back).await.map_err(failed)?;
    let mut shelves = vec![Shelf { name: plain, queue: url(plain_output)?, back: url(plain_back)?, holds }];
    shelves.extend(queue.map(|queue| Shelf { name: ordered, queue, back, holds }));
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
        let mut seen: Vec<Left> = Vec::new();
        let mut known = BTreeSet::new();
        while seen.len() < limit {
            let found = queues.look(&self.queue, LOOK).await.map_err(failed)?;
            // The look takes longer than what it hides: what comes now is what came before.
            let fresh = found.into_iter().filter(|left| known.insert(left.id.clone())).collect::<Vec<_>>();
            if fresh.is_empty() {
                break;
            }
            seen.extend(fresh);
        }
        self.put_down(queues, &seen).await;
        seen.truncate(limit);
        seen.sort_by_key(|left| left.since);
        Ok(seen)
    }

    /// Receives some, to deal with them.
    pub(super) async fn take(&self, queues: &Queues) -> Result<Vec<Left>, Failure> {
        queues.look(&self.queue, WORK).await.map_err(failed)
    }

    /// Lets others have what was looked at.
    pub(super) async fn put_down(&self, queues: &Queues, seen: &[Left]) {
        // What is not let go shows by itself a little later. From the last one on, so that a group stays whole.
        futures_util::future::join_all(seen.iter().rev().map(|left| queues.let_go(&self.queue, left))).await;
    }

    /// Whether it could go back to work.
    pub(super) fn check(&self, left: &Left) -> Result<(), Failure> {
        self.task(left).map(drop)
    }

    /// Puts one back to work: sent first, taken off after that.
    pub(super) async fn send_back(&self, queues: &Queues, left: &Left) -> Result<(), Failure> {
        let sent = match self.task(left)? {
            Some(task) => queues.send_task_again(&self.back, left, task).await,
            None => queues.send_again(&self.back, left).await,
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

    /// What is to be done, where deliveries lie.
    fn task(&self, left: &Left) -> Result<Option<Task>, Failure> {
        if self.holds == Holds::Events {
            return Ok(None);
        }
        let task = left.body.parse().map_err(|error| {
            Failure::new(Kind::Refused, format!("{} cannot go back to work: it is no delivery.", left.id))
                .because(error)
                .try_this(format!(
                    "look at it and, if nobody misses it, take it off: hookbell parked delete {}",
                    left.id
                ))
        })?;
        Ok(Some(task))
    }
}
