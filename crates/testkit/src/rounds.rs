//! Calls in rounds: no call of a round is answered before the last of it was made. Whatever is asked after that was
//! waiting for an answer, so the number of rounds is how often in a row somebody has waited.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// How long nothing is asked where nothing more will be before there is an answer. A process that is slower than that
/// makes more rounds of its calls than it has to, and never fewer.
const QUIET: Duration = Duration::from_millis(50);

/// The rounds of one process's calls.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    count: Mutex<Count>,
    over: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Count {
    on: bool,
    /// Calls that were made so far, ...
    made: u64,
    /// ... and that AWS has not answered yet.
    underway: u64,
    /// The last round that was over when the count was last taken.
    from: u64,
    /// The last round that a call was made in.
    last: u64,
}

/// A call in its round.
#[derive(Debug)]
pub(crate) struct Round<'a> {
    rounds: &'a Rounds,
    /// None where rounds are not told apart.
    number: Option<u64>,
}

impl Rounds {
    /// Tells rounds apart from now on.
    pub(crate) fn begin(&self) {
        self.with(|count| count.on = true);
    }

    /// How many there were since this was last asked.
    pub(crate) fn take(&self) -> u64 {
        self.with(|count| {
            let rounds = count.last.saturating_sub(count.from);
            count.from = *self.over.borrow();
            count.last = count.from;
            rounds
        })
    }

    /// Notes that a call is made.
    pub(crate) fn enter(&self) -> Round<'_> {
        let number = self.with(|count| {
            count.made += 1;
            count.underway += 1;
            let number = *self.over.borrow() + 1;
            count.last = count.last.max(number);
            count.on.then_some(number)
        });
        Round { rounds: self, number }
    }

    fn with<T>(&self, then: impl FnOnce(&mut Count) -> T) -> T {
        then(&mut self.count.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Round<'_> {
    /// Notes that AWS has answered, and waits until the round is over.
    pub(crate) async fn end(self) {
        let (rounds, number) = (self.rounds, self.number);
        drop(self);
        let Some(number) = number else { return };
        let mut over = rounds.over.subscribe();
        loop {
            let made = rounds.with(|count| count.made);
            if timeout(QUIET, over.wait_for(|over| *over >= number)).await.is_ok() {
                return;
            }
            if rounds.with(|count| count.made == made && count.underway == 0) {
                rounds.over.send_if_modified(|over| std::mem::replace(over, number.max(*over)) < number);
            }
        }
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        self.rounds.with(|count| count.underway -= 1);
    }
}
