//! Sending an event.

use std::io::Read as _;

use clap::Args;
use serde_json::value::RawValue;

use super::Context;
use crate::client::Explain as _;
use crate::failure::Failure;

/// What is sent.
#[derive(Args)]
pub(crate) struct Send {
    /// The organization's id
    #[arg(value_name = "ORG")]
    organization: String,
    /// The event's type: `hookbell orgs event-types ORG` lists them
    #[arg(value_name = "TYPE")]
    event_type: String,
    /// Its payload: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "JSON|@FILE")]
    data: String,
    /// Your own id of the event: with one, sending it again within a day makes no second message
    #[arg(long, value_name = "ID")]
    event_id: Option<String>,
}

pub(crate) async fn run(context: &Context<'_>, event: Send) -> Result<(), Failure> {
    let payload = read_json(&event.data)?;
    let client = context.connection.client().await?;
    let sent = client.send(&event.organization, &event.event_type, &payload, event.event_id.as_deref()).await;
    let sent = sent.explain(|| format!("The event was not sent to {}.", event.organization))?;
    context.output.value("id", &sent.id)
}

/// JSON as it is given on the command line.
pub(crate) fn read_json(given: &str) -> Result<Box<RawValue>, Failure> {
    RawValue::from_string(read_text(given)?)
        .map_err(|error| Failure::usage("The JSON cannot be used.").because(format!("it is not JSON: {error}")))
}

/// A text as it is given on the command line: itself, a file's after `@`, or standard input's for `-`.
pub(crate) fn read_text(given: &str) -> Result<String, Failure> {
    let mut text = given.to_owned();
    if given == "-" {
        text.clear();
        std::io::stdin().read_to_string(&mut text)?;
    } else if let Some(file) = given.strip_prefix('@') {
        text = std::fs::read_to_string(file)
            .map_err(|error| Failure::usage(format!("The file {file} cannot be read.")).because(error))?;
    }
    Ok(text.trim().to_owned())
}
