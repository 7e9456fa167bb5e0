//! Where endpoints come from: organizations one after the other, and the endpoints of each.

pub(crate) mod file;
pub(crate) mod slothbox;
pub(crate) mod svix;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Semaphore;

use super::record::Record;
use crate::client::{ApiFailure, Call, Client};
use crate::failure::Failure;

/// An organization of a source.
pub(crate) struct Found {
    /// Its id, there and here.
    pub(crate) organization: String,
    /// The profile that it is to have, where the source says so.
    pub(crate) profile: Option<String>,
    /// What is not taken over of it, for people.
    pub(crate) notes: Vec<String>,
    place: Place,
}

impl Found {
    /// Whether it is read with a key that may be wrong for it alone.
    pub(crate) fn has_own_key(&self) -> bool {
        matches!(self.place, Place::Slothbox(_))
    }
}

/// How its endpoints are read.
enum Place {
    /// By the application's id.
    Svix(String),
    /// With a key of the organization's own.
    Slothbox(Client),
    /// They are here.
    Read(Vec<Record>),
}

/// An endpoint that could not be read, and only it.
pub(crate) struct Unread {
    /// What the source calls it.
    pub(crate) uid: String,
    /// Where requests go.
    pub(crate) url: String,
    /// Why not.
    pub(crate) why: String,
}

/// Finds the organizations, in the source's order.
pub(crate) enum Finder {
    /// Page by page.
    Svix(svix::Applications),
    /// Line by line.
    Slothbox(slothbox::Organizations),
    /// Line by line.
    File(Box<file::Lines>),
}

impl Finder {
    /// The next one.
    pub(crate) async fn next(&mut self) -> Result<Option<Found>, Failure> {
        match self {
            Self::Svix(applications) => applications.next().await,
            Self::Slothbox(organizations) => organizations.next(),
            Self::File(lines) => lines.next(),
        }
    }
}

/// Reads endpoints, with so many calls at once at most.
pub(crate) struct Reader {
    svix: Option<svix::Reader>,
    calls: Arc<Calls>,
}

/// Makes calls, so many at once at most, and counts them.
pub(crate) struct Calls {
    turns: Semaphore,
    made: AtomicU64,
}

impl Calls {
    /// So many at once.
    pub(crate) fn at_once(calls: usize) -> Self {
        Self { turns: Semaphore::new(calls), made: AtomicU64::new(0) }
    }

    /// How many there were.
    pub(crate) fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// Makes one. Where there are too many for the other side the client waits, and this keeps its turn, so that there
    /// are fewer.
    pub(crate) async fn make<T: serde::de::DeserializeOwned>(
        &self,
        client: &Client,
        call: &Call,
    ) -> Result<T, ApiFailure> {
        // It is closed nowhere; if it were, the calls would only be more.
        let _turn = self.turns.acquire().await.ok();
        client.call_counted(call, &self.made).await
    }
}

impl Reader {
    /// One that makes its calls so.
    pub(crate) fn new(svix: Option<svix::Reader>, calls: Arc<Calls>) -> Self {
        Self { svix, calls }
    }

    /// How many calls were made to the source.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.made()
    }

    /// An organization's endpoints, each read whole or not at all. It fails where others would fail of the same.
    pub(crate) async fn endpoints(&self, found: &Found) -> Result<Vec<Result<Record, Unread>>, ApiFailure> {
        match (&found.place, &self.svix) {
            (Place::Svix(application), Some(svix)) => svix.endpoints(&self.calls, application).await,
            (Place::Svix(_), None) => Ok(Vec::new()),
            (Place::Slothbox(client), _) => slothbox::endpoints(&self.calls, client, &found.organization).await,
            (Place::Read(records), _) => Ok(records.iter().cloned().map(Ok).collect()),
        }
    }
}
