//! Organizations.

use clap::Subcommand;

use super::Context;
use super::lists::{self, Limit};
use crate::client::wire::Organization;
use crate::client::{ApiFailure, Client, Explain as _, Seen};
use crate::failure::Failure;
use crate::output::Table;
use crate::times::shown;

/// What is asked of organizations.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List organizations, by their ids
    List {
        /// Only those whose ids begin so
        #[arg(long, value_name = "TEXT")]
        prefix: Option<String>,
        #[command(flatten)]
        limit: Limit,
    },
    /// Make an organization; one that is there keeps all but its profile, if another is named
    Create {
        /// Its id, which is yours to choose
        #[arg(value_name = "ORG")]
        organization: String,
        /// What it can be sent, and how: a folder of events/
        #[arg(long)]
        profile: Option<String>,
    },
    /// List what an organization can be sent
    EventTypes {
        /// The organization's id
        #[arg(value_name = "ORG")]
        organization: String,
    },
    /// Show an organization and its endpoints
    Show {
        /// The organization's id
        #[arg(value_name = "ORG")]
        organization: String,
    },
}

pub(crate) async fn run(context: &Context<'_>, command: Command) -> Result<(), Failure> {
    let client = context.connection.client().await?;
    match command {
        Command::List { prefix, limit } => {
            let pages = client.organizations(prefix.as_deref(), limit.entries());
            lists::show(context, "organizations", pages, ["ORGANIZATION", "PROFILE", "ENDPOINTS", "CREATED"], |it| {
                [it.organization_id.clone(), it.profile.clone(), it.endpoint_count.to_string(), shown(it.created_at)]
            })
            .await
        }
        Command::Create { organization, profile } => {
            let made = client.initialize(&organization, profile.as_deref()).await;
            let made = made.explain(|| format!("The organization {organization} was not made."))?;
            context.output.raw(&made.raw)?;
            context.output.line(&format!("{} is there, with the profile {}.", made.it.organization_id, made.it.profile))
        }
        Command::EventTypes { organization } => {
            let types = client.event_types(&organization).await;
            let types = types.explain(|| format!("The event types of {organization} could not be listed."))?;
            types.iter().try_for_each(|entry| context.output.raw(&entry.raw))?;
            let rows: Vec<_> = types.into_iter().map(|Seen { it, .. }| [it.name, it.description]).collect();
            Table::new(context.output, ["TYPE", "WHAT IT SAYS"]).rows(&rows)
        }
        Command::Show { organization } => show(context, &client, &organization).await,
    }
}

async fn show(context: &Context<'_>, client: &Client, organization: &str) -> Result<(), Failure> {
    let what = || format!("The organization {organization} could not be shown.");
    let endpoints = client.endpoints(organization).await.explain(what)?;
    // Only the admin key may read it; an organization's own sees its endpoints.
    let record = match find(client, organization).await {
        Err(failure) if failure.refusal(403).is_some() => None,
        found => found.explain(what)?,
    };
    if context.output.is_json() {
        let endpoints = endpoints.iter().map(super::endpoints::hiding_headers).collect::<Result<Vec<_>, _>>()?;
        let organization = record.as_ref().map(|record| &record.raw);
        return context.output.record(&serde_json::json!({ "organization": organization, "endpoints": endpoints }));
    }
    if let Some(Seen { it, .. }) = record {
        let line = format!("{}  profile {}, made {}", it.organization_id, it.profile, shown(it.created_at));
        context.output.line(&line)?;
    }
    super::endpoints::table(context.output, &endpoints)
}

/// An organization in the list, where its id stands before all others that begin like it.
async fn find(client: &Client, organization: &str) -> Result<Option<Seen<Organization>>, ApiFailure> {
    let page = client.organizations(Some(organization), 1).next().await?;
    Ok(page.into_iter().flatten().find(|found| found.it.organization_id == organization))
}
