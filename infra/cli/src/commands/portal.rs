//! A link into the console.

use clap::Args;

use super::Context;
use crate::client::Explain as _;
use crate::failure::Failure;

/// For whom.
#[derive(Args)]
pub(crate) struct Portal {
    /// The organization's id
    #[arg(value_name = "ORG")]
    organization: String,
}

pub(crate) async fn run(context: &Context<'_>, portal: Portal) -> Result<(), Failure> {
    let client = context.connection.client().await?;
    let link = client.portal(&portal.organization).await;
    let link = link.explain(|| format!("No link was made for {}.", portal.organization))?;
    context.output.raw(&link.raw)?;
    context.output.line(&link.it.url)
}
