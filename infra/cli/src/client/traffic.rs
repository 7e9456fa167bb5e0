//! How many calls are made at once, and how many were made.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::Method;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Call;

/// What the clients of one side share that are kept to so many calls at once.
pub(crate) struct Traffic {
    turns: Semaphore,
    made: AtomicU64,
    writes: AtomicU64,
}

impl Traffic {
    /// So many at once at most.
    pub(crate) fn at_once(calls: usize) -> Arc<Self> {
        Arc::new(Self { turns: Semaphore::new(calls), made: AtomicU64::new(0), writes: AtomicU64::new(0) })
    }

    /// How often a call was made, each try counted.
    pub(crate) fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// How many calls have changed something, as their answers say.
    pub(crate) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// Waits for a call's turn. It is kept while the call waits for its next try, so that there are fewer where there are
    /// too many for the other side.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // It is closed nowhere; if it were, the calls would only be more.
        self.turns.acquire().await.ok()
    }

    /// Notes a call that went through.
    pub(super) fn note_done(&self, call: &Call) {
        if *call.method() != Method::GET {
            self.writes.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a try.
    pub(super) fn count(&self) {
        self.made.fetch_add(1, Ordering::Relaxed);
    }
}
