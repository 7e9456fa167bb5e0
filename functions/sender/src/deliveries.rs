//! The deliveries queue: attempts that wait, and replays that go on, side by side.

use std::sync::Arc;

use hookbell_aws::queues::{Task, UnreadableRecord};
use hookbell_domain::delivery::Claimant;

use crate::attempt::{Finished, Job};
use crate::follow_up::{self, FollowUp};
use crate::parking::park;
use crate::records::{self, Record};
use crate::sender::{Budget, Sender};
use crate::{chunks, health, replays, waiting};

/// Entries of one SendMessageBatch request.
const CHUNK: usize = 10;

/// What a record has come to.
pub(crate) enum Step {
    /// Nothing more.
    Done,
    /// Something for a queue, perhaps after an attempt.
    Follow(FollowUp),
    /// No attempt of ours: why, for the operator.
    Poison(String),
    /// Our failure: the record comes again.
    Again,
}

/// A record as it came.
struct Received {
    task: Result<Task, UnreadableRecord>,
    coming: Coming,
}

/// How a record came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coming {
    /// Whether it has come before, so that some of what follows from it may have been done.
    pub(crate) repeated: bool,
    /// What it is known by on the rows that it works at.
    pub(crate) claimant: Claimant,
    /// The time that is left for it.
    pub(crate) budget: Budget,
}

/// The attempt that was made on the way to a step, for the endpoint's health.
pub(crate) type Made = Option<(Job, Finished)>;

/// Deals with records of the deliveries queue; returns the ids of those that have to come again.
pub(crate) async fn handle(sender: &Arc<Sender>, records: &[&Record], budget: Budget) -> Vec<String> {
    let mut again = Vec::new();
    let work = |position: usize| {
        let sender = Arc::clone(sender);
        let received = records.get(position).map(|record| Received {
            task: record.body.parse(),
            coming: Coming { repeated: record.is_repeated(), claimant: record.claimant(), budget },
        });
        async move {
            let (step, made) = match received {
                None => (Step::Done, None),
                Some(Received { task: Err(error), .. }) => (Step::Poison(error.to_string()), None),
                Some(Received { task: Ok(Task::Delivery(task)), coming }) => {
                    waiting::process(&sender, task, coming).await.unwrap_or_else(|error| {
                        tracing::error!(%error, "a delivery was not attempted");
                        (Step::Again, None)
                    })
                }
                Some(Received { task: Ok(Task::Replay(task)), coming }) => {
                    let step = replays::step(&sender, task, coming).await.unwrap_or_else(|error| {
                        tracing::error!(%error, "a replay did not go on");
                        Step::Again
                    });
                    (step, None)
                }
            };
            (position, step, made)
        }
    };
    let take = async |steps: Vec<(usize, Step, Made)>| {
        let (mut follow_ups, mut poison) = (Vec::new(), Vec::new());
        let made = steps.iter().filter_map(|(_, _, made)| made.as_ref());
        health::write(sender, made.map(|(job, finished)| (job, finished))).await;
        for (position, step, _) in steps {
            match step {
                Step::Done => {}
                Step::Again => again.push(position),
                Step::Poison(reason) => poison.push((position, reason)),
                Step::Follow(follow_up) => follow_ups.push((position, follow_up)),
            }
        }
        again.extend(follow_up::send(sender, follow_ups).await);
        again.extend(park(sender, &sender.config.parked_queue, records, poison).await);
    };
    let positions = (0..records.len()).collect();
    chunks::run(positions, sender.config.concurrency, CHUNK, work, take).await;
    records::ids(records, again)
}
