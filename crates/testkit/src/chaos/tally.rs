//! What happens in a run, counted; and what must not happen, told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_sdk_sqs::types::Message;

/// The counts of a run.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: Mutex<BTreeMap<String, u64>>,
    violations: Mutex<Vec<String>>,
    disturbed: Mutex<BTreeMap<String, BTreeSet<Cause>>>,
    events: AtomicU64,
    seen: AtomicU64,
    stopped: AtomicBool,
}

/// Why requests may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// Whoever had the record was killed.
    Killed,
    /// It was not got through with, and came again.
    CameAgain,
    /// There was a copy of it, or two had it.
    Copied,
}

/// The name of the events' feed.
pub(crate) const EVENTS: &str = "events";

/// The same, where they come in order.
pub(crate) const EVENTS_IN_ORDER: &str = "events in order";

impl Tally {
    pub(crate) fn count(&self, what: &str, more: u64) {
        *lock(&self.counts).entry(what.to_owned()).or_default() += more;
    }

    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        lock(&self.counts).clone()
    }

    /// Notes something that must not happen.
    pub(crate) fn violation(&self, what: String) {
        lock(&self.violations).push(what);
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        lock(&self.violations).clone()
    }

    /// Notes why the requests that a record leads to may be repeated.
    pub(crate) fn disturb(&self, message: &Message, cause: Cause) {
        for name in names_in(message.body().unwrap_or_default()) {
            self.disturb_name(name, cause);
        }
    }

    /// The same for an event or a message by its name.
    pub(crate) fn disturb_name(&self, name: String, cause: Cause) {
        lock(&self.disturbed).entry(name).or_default().insert(cause);
    }

    /// What was noted of an event or a message.
    pub(crate) fn causes(&self, name: &str) -> BTreeSet<Cause> {
        lock(&self.disturbed).get(name).cloned().unwrap_or_default()
    }

    /// Notes events that were put.
    pub(crate) fn put(&self, count: u64) {
        self.events.fetch_add(count, Ordering::Relaxed);
    }

    /// How many events were put.
    pub(crate) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Notes records that were taken for the first time.
    pub(crate) fn seen(&self, feed: &str, count: u64) {
        if feed == EVENTS || feed == EVENTS_IN_ORDER {
            self.seen.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// How many events nobody has taken yet.
    pub(crate) fn backlog(&self) -> u64 {
        self.events().saturating_sub(self.seen.load(Ordering::Relaxed))
    }

    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

/// The events (`env_…`, as the load names them) and the messages (`msg_…`) that a record names.
pub(crate) fn names_in(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let named = |word: &&str| word.starts_with("env_") || word.starts_with("msg_");
    words.filter(named).map(str::to_owned).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
