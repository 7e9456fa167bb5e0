//! Where endpoints come from: organizations one after the other, and the endpoints of each.

pub(crate) mod file;
pub(crate) mod slothbox;
pub(crate) mod svix;

use super::record::Record;
use crate::client::{ApiFailure, Client};
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
    Svix(Client, String),
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

/// Reads an organization's endpoints, each whole or not at all. It fails where others would fail of the same.
pub(crate) async fn endpoints(found: &Found) -> Result<Vec<Result<Record, Unread>>, ApiFailure> {
    match &found.place {
        Place::Svix(client, application) => svix::endpoints(client, application).await,
        Place::Slothbox(client) => slothbox::endpoints(client, &found.organization).await,
        Place::Read(records) => Ok(records.iter().cloned().map(Ok).collect()),
    }
}
