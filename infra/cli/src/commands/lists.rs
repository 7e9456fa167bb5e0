//! Lists of any length, shown as far as somebody wants to see them.

use std::num::NonZeroUsize;

use clap::Args;
use serde::de::DeserializeOwned;

use super::Context;
use crate::client::{Explain as _, Pages};
use crate::failure::Failure;
use crate::output::{Table, note};

/// How much of a list is wanted.
#[derive(Args, Debug, Clone, Copy)]
pub(crate) struct Limit {
    /// How many to show at most
    #[arg(long, value_name = "N", default_value = "50")]
    limit: NonZeroUsize,
    /// Show all of them, page after page
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

impl Limit {
    /// How many entries that are.
    pub(crate) fn entries(self) -> usize {
        if self.all { usize::MAX } else { self.limit.get() }
    }
}

/// Shows a list, page after page as they come: for programs as the API wrote its entries, for people as rows.
pub(crate) async fn show<T: DeserializeOwned, const N: usize>(
    context: &Context<'_>,
    what: &str,
    mut pages: Pages<'_, T>,
    head: [&'static str; N],
    row: impl Fn(&T) -> [String; N],
) -> Result<(), Failure> {
    let output = context.output;
    let mut table = Table::new(output, head);
    let mut shown = 0;
    while let Some(page) = pages.next().await.explain(|| format!("The {what} could not be listed."))? {
        shown += page.len();
        if output.is_json() {
            page.iter().try_for_each(|entry| output.raw(&entry.raw))?;
        } else {
            table.rows(&page.iter().map(|entry| row(&entry.it)).collect::<Vec<_>>())?;
        }
    }
    if shown == 0 && !output.is_json() {
        note(&format!("No {what}."));
    }
    if pages.has_more() {
        let these = if shown == 1 { "this one".to_owned() } else { format!("these {shown}") };
        note(&format!("There are more than {these}: --limit N, or --all."));
    }
    Ok(())
}
