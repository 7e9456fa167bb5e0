//! A system that manages endpoints as Slothbox does; hookbell is one.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{Found, Place, Unread};
use crate::client::{ApiFailure, Client, Traffic};
use crate::failure::Failure;
use crate::import::plan::Existing;
use crate::import::record::{Record, Status, Unless};

/// Organizations, each with the key that its endpoints are read with.
pub(crate) struct Organizations {
    client: Client,
    /// The key that the client has.
    key: String,
    profile: Option<String>,
    left: VecDeque<(String, String)>,
}

impl Organizations {
    /// Those organizations of a system, read with those keys.
    pub(crate) fn new(
        url: &str,
        traffic: &Arc<Traffic>,
        organizations: impl IntoIterator<Item = (String, String)>,
        profile: Option<String>,
    ) -> Result<Self, Failure> {
        let (client, key) = (Client::new(url, String::new())?.among(traffic), String::new());
        Ok(Self { client, key, profile, left: organizations.into_iter().collect() })
    }

    /// The next one.
    pub(crate) fn next(&mut self) -> Result<Option<Found>, Failure> {
        let Some((organization, key)) = self.left.pop_front() else { return Ok(None) };
        if key != self.key {
            self.client = self.client.with_key(key.clone())?;
            self.key = key;
        }
        let place = Place::Slothbox(self.client.clone());
        Ok(Some(Found { organization, profile: self.profile.clone(), notes: Vec::new(), place }))
    }
}

/// The organizations of a file, and their keys: one of each on a line.
pub(crate) fn read_keys(file: &Path) -> Result<Vec<(String, String)>, Failure> {
    let wrong = |why: String| {
        Failure::usage(format!("{} cannot be read.", file.display()))
            .because(why)
            .try_this("write on each line an organization's id, a blank, and a key of its owner")
    };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let lines = lines.map(|(number, line)| match line.split_once(char::is_whitespace) {
        Some((organization, key)) => Ok((organization.to_owned(), key.trim().to_owned())),
        None => Err(wrong(format!("line {number} has no key"))),
    });
    lines.collect()
}

/// An organization's endpoints.
pub(super) async fn endpoints(client: &Client, organization: &str) -> Result<Vec<Result<Record, Unread>>, ApiFailure> {
    let endpoints = client.endpoints_as(organization).await?;
    let read = stream::iter(endpoints).map(async |endpoint: Existing| {
        match client.secret(organization, &endpoint.endpoint_id).await {
            Ok(read) => Ok(Ok(record(endpoint, read.it.secret))),
            Err(failure) if failure.reasons().is_none() => Err(failure),
            Err(failure) => Ok(Err(Unread { why: failure.to_string(), uid: endpoint.endpoint_id, url: endpoint.url })),
        }
    });
    read.buffered(8).try_collect().await
}

fn record(endpoint: Existing, secret: String) -> Record {
    let mut notes = Vec::new();
    if let Some(uid) = &endpoint.uid {
        notes.push(format!("its uid there, {uid}, is not taken over: here its uid is its id"));
    }
    if endpoint.v1a {
        notes.push(
            "its key pair is not taken over: receivers that verify by its public key need the new one".to_owned(),
        );
    }
    let status = if endpoint.is_enabled() { Status::Enabled } else { Status::Disabled };
    Record {
        uid: endpoint.endpoint_id,
        url: endpoint.url,
        event_types: endpoint.event_types,
        secret: Some(secret),
        description: Some(endpoint.description.unwrap_or_default()),
        status: Some(status),
        ordered: Some(endpoint.ordered),
        headers: Some(endpoint.headers),
        v1a: Some(endpoint.v1a),
        svix_headers: Some(endpoint.svix_headers),
        rate_limit: Some(Unless(endpoint.rate_limit)),
        filter: Some(Unless(endpoint.filter)),
        notes,
        ..Record::default()
    }
}
