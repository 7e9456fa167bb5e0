//! An organization's API keys.

use clap::Subcommand;
use serde::Deserialize;

use super::Context;
use crate::client::Explain as _;
use crate::failure::Failure;
use crate::output::{Table, confirm, note};
use crate::times::shown;

/// What is asked of keys.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List an organization's keys, never their texts
    List {
        /// The organization's id
        #[arg(value_name = "ORG")]
        organization: String,
    },
    /// Make a key, and print it: it is shown this once
    Create {
        /// The organization's id
        #[arg(value_name = "ORG")]
        organization: String,
        /// An owner changes things and sees secrets; a member reads
        #[arg(long, value_parser = ["owner", "member"])]
        role: String,
        /// What to call it
        #[arg(long)]
        name: Option<String>,
    },
    /// Revoke a key, by its id
    Delete {
        /// The organization's id
        #[arg(value_name = "ORG")]
        organization: String,
        /// The key's id: key_…
        #[arg(value_name = "KEYID")]
        key_id: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// The answer to a new key, as far as people see it.
#[derive(Deserialize)]
struct Made {
    key: String,
}

pub(crate) async fn run(context: &Context<'_>, command: Command) -> Result<(), Failure> {
    let (client, output) = (context.connection.client().await?, context.output);
    match command {
        Command::List { organization } => {
            let keys = client
                .keys(&organization)
                .await
                .explain(|| format!("The keys of {organization} could not be listed."))?;
            keys.iter().try_for_each(|key| output.raw(&key.raw))?;
            if keys.is_empty() && !output.is_json() {
                note("No keys.");
            }
            let rows: Vec<_> = keys
                .into_iter()
                .map(|key| {
                    let used = key.it.last_used_at.map_or_else(|| "never".to_owned(), shown);
                    [key.it.key_id, key.it.role, key.it.name.unwrap_or_default(), shown(key.it.created_at), used]
                })
                .collect();
            Table::new(output, ["KEY ID", "ROLE", "NAME", "CREATED", "LAST USED"]).rows(&rows)
        }
        Command::Create { organization, role, name } => {
            let made = client.create_key(&organization, &role, name.as_deref()).await;
            let made = made.explain(|| format!("No key was made for {organization}."))?;
            output.raw(&made)?;
            let Made { key } =
                serde_json::from_str(made.get()).map_err(|error| Failure::failed("The key is unreadable.", error))?;
            output.line(&key)?;
            note("It is shown this once: keep it now.");
            Ok(())
        }
        Command::Delete { organization, key_id, yes } => {
            // A call would have it in its URL.
            if key_id.starts_with("sk_") {
                return Err(Failure::usage("A key is named by its id, key_…, and not by itself.")
                    .try_this(format!("hookbell keys list {organization}")));
            }
            confirm(&format!("Revoke {key_id} of {organization}? Calls with it are refused from then on."), yes)
                .await?;
            let deleted = client.delete_key(&organization, &key_id).await;
            deleted.explain(|| format!("The key {key_id} was not revoked."))?;
            output.record(&serde_json::json!({ "deleted": key_id }))?;
            output.line(&format!("{key_id} is revoked."))
        }
    }
}
