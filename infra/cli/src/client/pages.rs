//! Lists, page by page, as far as somebody reads.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{ApiFailure, Call, Client, Seen};

/// Entries that one page is asked for at most.
const PAGE: usize = 100;

/// A list of the API that is read as far as it is needed.
pub(crate) struct Pages<'a, T> {
    client: &'a Client,
    call: Call,
    wanted: usize,
    cursor: Option<String>,
    ended: bool,
    kind: std::marker::PhantomData<T>,
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Page<T> {
    #[serde(alias = "organizations", alias = "messages", alias = "deliveries")]
    entries: Vec<Seen<T>>,
    cursor: Option<String>,
}

impl<'a, T: DeserializeOwned> Pages<'a, T> {
    /// A list, of which at most so many entries are wanted.
    pub(crate) fn new(client: &'a Client, call: Call, wanted: usize) -> Self {
        Self { client, call, wanted, cursor: None, ended: wanted == 0, kind: std::marker::PhantomData }
    }

    /// The next entries, at least one; nothing when there are no more, or as many were given as are wanted.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Seen<T>>>, ApiFailure> {
        while !self.ended && self.wanted > 0 {
            let call = self.call.clone().query("limit", Some(self.wanted.min(PAGE)));
            let page: Page<T> = self.client.call(&call.query("cursor", self.cursor.take())).await?;
            self.cursor = page.cursor;
            self.ended = self.cursor.is_none();
            // With a filter a page may be empty although the list goes on.
            if !page.entries.is_empty() {
                self.wanted = self.wanted.saturating_sub(page.entries.len());
                return Ok(Some(page.entries));
            }
        }
        Ok(None)
    }

    /// Whether the list goes on behind what was given.
    pub(crate) fn has_more(&self) -> bool {
        self.cursor.is_some()
    }
}
