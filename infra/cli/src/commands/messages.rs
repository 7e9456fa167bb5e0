//! Messages: the events that were accepted.

use clap::{Args, Subcommand};

use super::Context;
use super::lists::{self, Limit};
use super::story;
use crate::client::wire::Message;
use crate::client::{Client, Explain as _, Range, Seen};
use crate::failure::{Failure, Kind};
use crate::output::{Output, Tone, foreign, painted};
use crate::times::{When, shown};

/// What is asked of messages.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List an organization's messages, newest first
    List {
        /// The organization's id
        #[arg(value_name = "ORG")]
        organization: String,
        #[command(flatten)]
        filters: Filters,
        #[command(flatten)]
        limit: Limit,
    },
    /// Find a message by its id, or by its producer's id of the event
    Find {
        /// The organization's id
        #[arg(value_name = "ORG")]
        organization: String,
        /// msg_…, or the event's id
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Tell what came of a message: where it went, every attempt, what is next, and why it went nowhere else
    Story {
        /// The organization's id
        #[arg(value_name = "ORG")]
        organization: String,
        /// msg_…, or the event's id
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// Which entries of a list.
#[derive(Args, Debug, Clone)]
pub(crate) struct Filters {
    /// Made then or later: 2026-05-30T14:23:00Z, or how long ago, as 15m, 2h or 3d
    #[arg(long, value_name = "TIME")]
    after: Option<When>,
    /// Made before then
    #[arg(long, value_name = "TIME")]
    before: Option<When>,
    /// Of that type
    #[arg(long, value_name = "TYPE")]
    event_type: Option<String>,
}

impl Filters {
    /// They as the API is asked.
    pub(crate) fn range(&self) -> Range {
        let at = |when: Option<When>| when.map(|When(at)| at);
        Range { after: at(self.after), before: at(self.before), event_type: self.event_type.clone(), status: None }
    }
}

pub(crate) async fn run(context: &Context<'_>, command: Command) -> Result<(), Failure> {
    let client = context.connection.client().await?;
    match command {
        Command::List { organization, filters, limit } => {
            let pages = client.messages(&organization, &filters.range(), limit.entries());
            lists::show(context, "messages", pages, ["ACCEPTED", "MESSAGE", "TYPE", "EVENT ID"], |it| {
                [shown(it.timestamp), it.id.clone(), it.event_type.clone(), it.event_id.clone().unwrap_or_default()]
            })
            .await
        }
        Command::Find { organization, id } => {
            for message in find(&client, &organization, &id).await? {
                one(context.output, &message)?;
            }
            Ok(())
        }
        Command::Story { organization, id } => {
            for message in find(&client, &organization, &id).await? {
                story::run(context, &client, &organization, message).await?;
            }
            Ok(())
        }
    }
}

/// The message of that id, or those of the event of that id: one, unless the id was used again after its day.
async fn find(client: &Client, organization: &str, id: &str) -> Result<Vec<Seen<Message>>, Failure> {
    let what = || format!("The message {id} could not be looked for.");
    if id.starts_with("msg_") {
        match client.message(organization, id).await {
            Err(failure) if failure.refusal(404).is_some() => {}
            found => return Ok(vec![found.explain(what)?]),
        }
    }
    let found = client.messages_of_event(organization, id).next().await.explain(what)?.unwrap_or_default();
    if found.is_empty() {
        let failure =
            Failure::new(Kind::NotFound, format!("{organization} has no message {id}, by its id or its event's."));
        return Err(failure
            .because("it was never accepted, is too old to be kept, or is of another organization")
            .try_this("hookbell rejected list"));
    }
    Ok(found)
}

/// A message with its payload.
fn one(output: Output, message: &Seen<Message>) -> Result<(), Failure> {
    output.raw(&message.raw)?;
    headline(output, &message.it)?;
    output.line(&foreign::lines(message.it.payload.get()))
}

/// What a message is, in a line.
pub(super) fn headline(output: Output, message: &Message) -> Result<(), Failure> {
    let event_id = message.event_id.as_ref().map(|id| format!("  event id {id}")).unwrap_or_default();
    let (id, event_type) = (painted(Tone::Strong, &message.id), &message.event_type);
    output.line(&format!("{id}  {event_type}  accepted {}{event_id}", shown(message.timestamp)))
}
