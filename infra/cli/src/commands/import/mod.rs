//! Taking endpoints over from another system: what that would come to, then doing it, as often as somebody likes.

mod save;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use futures_util::{Stream, TryStreamExt as _, stream};

use super::Context;
use crate::client::{Explain as _, Traffic};
use crate::failure::Failure;
use crate::import::organization::{Importer, Manner};
use crate::import::outcome::Counts;
use crate::import::source::{Finder, Found, file, slothbox, svix};
use crate::import::target::Target;
use crate::output::{Progress, note};

/// The variable that a source's token is taken from.
const TOKEN: &str = "HOOKBELL_SOURCE_TOKEN";

/// Where endpoints come from.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// From Svix, hosted or your own server: applications are organizations
    Svix {
        #[command(flatten)]
        token: Token,
        /// Where its API is; without it, where the token says
        #[arg(long, value_name = "URL")]
        server: Option<String>,
        #[command(flatten)]
        how: How,
    },
    /// From a system with Slothbox's API, hookbell among them
    Slothbox {
        /// Where its API is
        #[arg(long, value_name = "URL")]
        server: String,
        /// An organization to take over, any number of times, read with the token
        #[arg(long = "organization", value_name = "ORG", required_unless_present = "keys")]
        organizations: Vec<String>,
        /// A file with an organization's id and a key of its owner on each line
        #[arg(long, value_name = "FILE", conflicts_with = "organizations")]
        keys: Option<PathBuf>,
        #[command(flatten)]
        token: Token,
        #[command(flatten)]
        how: How,
    },
    /// From a file with an endpoint on each line: docs/MIGRATING.md says what stands there
    File {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        how: How,
    },
}

/// What a source is read with.
#[derive(Args)]
#[expect(clippy::doc_markdown, reason = "help is no Markdown")]
pub(crate) struct Token {
    /// The source's token, which others on this machine may see here: better the variable or a file
    /// [env: HOOKBELL_SOURCE_TOKEN]
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_file")]
    token: Option<String>,
    /// A file with the token
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// How it is done.
#[derive(Args)]
pub(crate) struct How {
    /// Do it; without this nothing is written, and what would be is shown
    #[arg(long)]
    apply: bool,
    /// Make what is missing, and leave what is there as it is
    #[arg(long)]
    keep: bool,
    /// Make new endpoints disabled, and leave whether others are; once more without this enables them
    #[arg(long)]
    disabled: bool,
    /// The profile that the organizations are to have, where the source does not say
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Only this organization, by its id here; any number of times
    #[arg(long, value_name = "ORG")]
    only: Vec<String>,
    /// Calls at once, to the source and to hookbell each
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    at_once: u8,
    /// Write what the source has into a new file, secrets and all, and take nothing over
    #[arg(long, value_name = "FILE", conflicts_with_all = ["apply", "keep", "disabled"])]
    to: Option<PathBuf>,
}

impl Token {
    /// It, without what surrounds it in a file.
    fn read(&self) -> Result<String, Failure> {
        let given = match (&self.token, &self.token_file) {
            (Some(token), _) => Some(token.clone()),
            (None, Some(file)) => Some(std::fs::read_to_string(file).map_err(|error| {
                Failure::usage(format!("The token's file {} cannot be read.", file.display())).because(error)
            })?),
            (None, None) => std::env::var(TOKEN).ok(),
        };
        let given = given.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
        given.ok_or_else(|| {
            Failure::usage("No token was given for the source.").try_this(format!("set {TOKEN}, or --token-file FILE"))
        })
    }
}

pub(crate) async fn run(context: &Context<'_>, command: Command) -> Result<(), Failure> {
    let among = |how: &How| Traffic::at_once(usize::from(how.at_once));
    let (finder, source, how) = match command {
        Command::Svix { token, server, how } => {
            let source = among(&how);
            let client = svix::client(&token.read()?, server.as_deref())?.among(&source);
            (Finder::Svix(svix::Applications::new(client, how.profile.clone())), source, how)
        }
        Command::Slothbox { server, organizations, keys, token, how } => {
            let with_keys = if let Some(file) = keys {
                slothbox::read_keys(&file)?
            } else {
                let token = token.read()?;
                organizations.into_iter().map(|organization| (organization, token.clone())).collect()
            };
            let source = among(&how);
            let found = slothbox::Organizations::new(&server, &source, with_keys, how.profile.clone())?;
            (Finder::Slothbox(found), source, how)
        }
        Command::File { file, how } => {
            let lines = file::Lines::open(&file, how.profile.clone())?;
            (Finder::File(Box::new(lines)), among(&how), how)
        }
    };
    match &how.to {
        Some(file) => save::run(context.output, finder, file, &how).await,
        None => import(context, finder, &source, &how).await,
    }
}

/// The organizations that are wanted one after the other, each read when its turn comes.
fn found(finder: Finder, only: &[String]) -> impl Stream<Item = Result<Found, Failure>> {
    let all = stream::try_unfold(finder, async |mut finder| Ok(finder.next().await?.map(|found| (found, finder))));
    let wanted = |found: &Found| only.is_empty() || only.contains(&found.organization);
    all.try_filter(move |found| std::future::ready(wanted(found)))
}

async fn import(context: &Context<'_>, finder: Finder, source: &Traffic, how: &How) -> Result<(), Failure> {
    let (output, at_once) = (context.output, usize::from(how.at_once));
    let hookbell = Traffic::at_once(at_once);
    let client = context.connection.client().await?.among(&hookbell);
    let target = Target::new(client).await.explain(|| "hookbell's API does not describe itself.".to_owned())?;
    let manner = Manner { apply: how.apply, keep: how.keep, disabled: how.disabled };
    let importer = Importer { target, manner };
    let (mut counts, progress) = (Counts::default(), Progress::of(None));
    let mut outcomes =
        std::pin::pin!(found(finder, &how.only).map_ok(|found| importer.import(found)).try_buffered(at_once));
    loop {
        let outcome = match outcomes.try_next().await {
            Ok(Some(outcome)) => outcome,
            Ok(None) => break,
            Err(failure) => {
                progress.above(|| note("It stopped here. What was done stays so; the same command goes on."));
                return Err(failure);
            }
        };
        counts.add(&outcome);
        progress.above(|| outcome.show(output, how.apply))?;
        progress.at(counts.endpoints(), format!("{} endpoints of {}", counts.endpoints(), counts.organizations));
    }
    drop(progress);
    counts.show(output, how.apply, (source.made(), hookbell.made(), hookbell.writes()))?;
    counts.check()
}
