//! Endpoints: where an organization's events go.

mod options;
mod shown;
mod stats;
mod trial;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};

use self::options::{Changes, New};
use super::Context;
use crate::client::wire::Endpoint;
use crate::client::{Client, Explain as _, Seen};
use crate::failure::Failure;
use crate::output::{confirm, note, status};

pub(crate) use shown::{hiding_headers, table};

/// Which endpoint.
#[derive(Args, Debug, Clone)]
pub(crate) struct Which {
    /// The organization's id
    #[arg(value_name = "ORG")]
    pub(crate) organization: String,
    /// The endpoint's id: whe_…
    #[arg(value_name = "ENDPOINT")]
    pub(crate) endpoint: String,
}

/// What is asked of endpoints.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List an organization's endpoints
    List {
        /// The organization's id
        #[arg(value_name = "ORG")]
        organization: String,
    },
    /// Show an endpoint: its options, and how it fares
    Show {
        #[command(flatten)]
        which: Which,
        /// Show the values of its own headers too
        #[arg(long)]
        show_headers: bool,
    },
    /// Make an endpoint
    Create(Box<New>),
    /// Change an endpoint's options
    Update(Box<Changes>),
    /// Bring an endpoint back
    Enable {
        #[command(flatten)]
        which: Which,
    },
    /// Send an endpoint nothing more; what waits for it is skipped
    Disable {
        #[command(flatten)]
        which: Which,
    },
    /// Delete an endpoint
    Delete {
        #[command(flatten)]
        which: Which,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Send an endpoint a test, and show what came of it
    Test(trial::Test),
    /// An endpoint's signing secret
    #[command(subcommand)]
    Secret(SecretCommand),
    /// An endpoint's deliveries in numbers
    Stats(stats::Ask),
}

/// What is asked of a secret.
#[derive(Subcommand)]
pub(crate) enum SecretCommand {
    /// Print the secret
    Reveal {
        #[command(flatten)]
        which: Which,
    },
    /// Make a new secret, and print it; both sign for a day
    Roll {
        #[command(flatten)]
        which: Which,
        /// Only the new one signs, at once
        #[arg(long)]
        expire_old: bool,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

pub(crate) async fn run(context: &Context<'_>, command: Command) -> Result<(), Failure> {
    // Standard input is read before anything is waited for: after that Ctrl-C would wait for it too.
    let body = match &command {
        Command::Create(new) => new.body()?,
        Command::Update(changes) => changes.body()?,
        _ => Value::Null,
    };
    let (client, output) = (context.connection.client().await?, context.output);
    match command {
        Command::List { organization } => {
            let endpoints = client.endpoints(&organization).await;
            let endpoints = endpoints.explain(|| format!("The endpoints of {organization} could not be listed."))?;
            endpoints.iter().try_for_each(|endpoint| output.raw(&hiding_headers(endpoint)?))?;
            shown::table(output, &endpoints)
        }
        Command::Show { which, show_headers } => {
            let endpoint = client.endpoint(&which.organization, &which.endpoint).await;
            let endpoint = endpoint.explain(|| format!("The endpoint {} could not be shown.", which.endpoint))?;
            shown::one(output, &endpoint, show_headers)
        }
        Command::Create(new) => create(context, &client, &new, &body).await,
        Command::Update(changes) => shown::one(output, &change(&client, &changes.which, &body).await?, false),
        Command::Enable { which } => switch(context, &client, &which, "enabled").await,
        Command::Disable { which } => switch(context, &client, &which, "disabled").await,
        Command::Delete { which, yes } => delete(context, &client, &which, yes).await,
        Command::Test(test) => trial::run(context, &client, test).await,
        Command::Secret(command) => secret(context, &client, command).await,
        Command::Stats(ask) => stats::run(context, &client, ask).await,
    }
}

/// The answer to a new endpoint.
#[derive(Deserialize)]
struct Made {
    endpoint: Seen<Endpoint>,
    secret: String,
}

async fn create(context: &Context<'_>, client: &Client, new: &New, body: &Value) -> Result<(), Failure> {
    let (output, organization) = (context.output, &new.organization);
    let made = client.create_endpoint(organization, body).await;
    let made = made.explain(|| format!("No endpoint was made for {organization}."))?;
    let Made { endpoint, secret } =
        serde_json::from_str(made.get()).map_err(|error| Failure::failed("The answer is unreadable.", error))?;
    let id = &endpoint.it.endpoint_id;
    if new.show_secret {
        output.record(&json!({ "endpoint": hiding_headers(&endpoint)?, "secret": secret }))?;
        output.line(id)?;
        return output.line(&secret);
    }
    output.record(&json!({ "endpoint": hiding_headers(&endpoint)? }))?;
    output.line(id)?;
    note(&format!("Its secret: hookbell endpoints secret reveal {organization} {id}"));
    Ok(())
}

async fn change(client: &Client, which: &Which, body: &Value) -> Result<Seen<Endpoint>, Failure> {
    let changed = client.change_endpoint(&which.organization, &which.endpoint, body).await;
    changed.explain(|| format!("The endpoint {} was not changed.", which.endpoint))
}

async fn switch(context: &Context<'_>, client: &Client, which: &Which, to: &str) -> Result<(), Failure> {
    let changed = change(client, which, &json!({ "status": to })).await?;
    context.output.raw(&hiding_headers(&changed)?)?;
    context.output.line(&format!("{} is {}: {}", which.endpoint, status(&changed.it.status), changed.it.url))
}

async fn delete(context: &Context<'_>, client: &Client, which: &Which, yes: bool) -> Result<(), Failure> {
    let Which { organization, endpoint } = which;
    if !yes {
        let found = client.endpoint(organization, endpoint).await;
        let found = found.explain(|| format!("The endpoint {endpoint} was not deleted."))?;
        confirm(&format!("Delete {endpoint} of {organization}, {}, for good?", found.it.url), false).await?;
    }
    let deleted = client.delete_endpoint(organization, endpoint).await;
    deleted.explain(|| format!("The endpoint {endpoint} was not deleted."))?;
    context.output.record(&json!({ "deleted": endpoint }))?;
    context.output.line(&format!("{endpoint} is deleted."))
}

async fn secret(context: &Context<'_>, client: &Client, command: SecretCommand) -> Result<(), Failure> {
    let (which, secret) = match command {
        SecretCommand::Reveal { which } => {
            let secret = client.secret(&which.organization, &which.endpoint).await;
            (which, secret)
        }
        SecretCommand::Roll { which, expire_old, yes } => {
            let what = if expire_old { "the present one is good no more" } else { "both sign for a day" };
            confirm(&format!("Make a new secret for {}? From then on {what}.", which.endpoint), yes).await?;
            let rolled =
                client.roll_secret(&which.organization, &which.endpoint, &json!({ "expireOld": expire_old })).await;
            (which, rolled)
        }
    };
    let secret = secret.explain(|| format!("There is no secret to show of {}.", which.endpoint))?;
    context.output.raw(&secret.raw)?;
    context.output.line(&secret.it.secret)?;
    if let Some(seconds) = secret.it.overlap_seconds.filter(|seconds| *seconds > 0) {
        note(&format!("The one before it signs for {} h more.", seconds / 3_600));
    }
    Ok(())
}
