//! Where endpoints come from: organizations one after the other, and the endpoints of each.

pub(super) mod file;
pub(super) mod slothbox;
pub(super) mod svix;

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

/// How its endpoints are read.
enum Place {
    /// By the application's id.
    Svix(String),
    /// With a key of the organization's own.
    Slothbox(Client),
    /// They are here.
    Read(Vec<Record>),
}

/// An endpoint that could not be read.
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
    File(file::Lines),
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
    calls: Calls,
}

/// Makes calls, so many at once at most.
pub(crate) struct Calls(Semaphore);

impl Calls {
    /// So many at once.
    pub(crate) fn at_once(calls: usize) -> Self {
        Self(Semaphore::new(calls))
    }

    /// Makes one.
    pub(crate) async fn make<T: serde::de::DeserializeOwned>(
        &self,
        client: &Client,
        call: &Call,
    ) -> Result<T, ApiFailure> {
        // It is closed nowhere; if it were, the calls would only be more.
        let _turn = self.0.acquire().await.ok();
        client.call(call).await
    }
}

impl Reader {
    /// One that makes so many calls at once.
    pub(crate) fn new(svix: Option<svix::Reader>, at_once: usize) -> Self {
        Self { svix, calls: Calls::at_once(at_once) }
    }

    /// An organization's endpoints, each read whole or not at all.
    pub(crate) async fn endpoints(&self, found: &Found) -> Result<Vec<Result<Record, Unread>>, ApiFailure> {
        match (&found.place, &self.svix) {
            (Place::Svix(application), Some(svix)) => svix.endpoints(&self.calls, application).await,
            (Place::Svix(_), None) => Ok(Vec::new()),
            (Place::Slothbox(client), _) => slothbox::endpoints(&self.calls, client, &found.organization).await,
            (Place::Read(records), _) => Ok(records.iter().cloned().map(Ok).collect()),
        }
    }
}
