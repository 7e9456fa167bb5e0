//! The commands, and the options that all of them have.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    completions, deliveries, endpoints, import, keys, left, messages, orgs, portal, replay, send, status, tail,
};

/// Runs webhooks from a terminal: what was sent, what came of it, what waits for a person.
#[derive(Parser)]
#[command(name = "hookbell", version, disable_help_subcommand = true, after_help = AFTER)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER: &str = "\
Connection, the first that is given:
  --api-url with --key-file, --key or HOOKBELL_KEY; --stack; --stack-name
  HOOKBELL_API_URL with HOOKBELL_KEY; HOOKBELL_STACK, a stack file
  .local/stack.json, where it is there
Queues are found by a stack alone, and read with your AWS credentials.

Exit codes:
  0  done
  1  it failed: the API or AWS could not be reached, or failed itself
  2  the command line or the connection is wrong
  3  the API refused it
  4  it is not there
  5  it was done, and did not end well: a test that was not delivered, a replay that stopped, an endpoint that cannot
     be imported
  130  interrupted, or answered with no
  141  whoever read the output went away, as head does: what was not done by then is not";

/// What every command may be given.
#[derive(Args, Clone, Default)]
#[expect(clippy::doc_markdown, reason = "help is no Markdown")]
#[command(next_help_heading = "Connection and output")]
pub(crate) struct Options {
    /// The deployment's stack file: .local/stack.json, or what `sam list stack-outputs --output json` prints
    /// [env: HOOKBELL_STACK]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) stack: Option<PathBuf>,
    /// The deployment's CloudFormation stack, looked up with your AWS credentials
    #[arg(long, value_name = "NAME", global = true, conflicts_with = "stack")]
    pub(crate) stack_name: Option<String>,
    /// Where the API is [env: HOOKBELL_API_URL]
    #[arg(long, value_name = "URL", global = true, conflicts_with_all = ["stack", "stack_name"])]
    pub(crate) api_url: Option<String>,
    /// The key to call it with, the admin key or an organization's, which others on this machine may see here: better
    /// the variable or a file [env: HOOKBELL_KEY]
    #[arg(long, value_name = "KEY", global = true)]
    pub(crate) key: Option<String>,
    /// A file with the key
    #[arg(long, value_name = "FILE", global = true, conflicts_with = "key")]
    pub(crate) key_file: Option<PathBuf>,
    /// One line of JSON for each thing, on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What can be asked for.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Organizations: your customers
    #[command(subcommand)]
    Orgs(orgs::Command),
    /// An organization's API keys
    #[command(subcommand)]
    Keys(keys::Command),
    /// Print a link into the console, good for an hour
    Portal(portal::Portal),
    /// Endpoints: where an organization's events go
    #[command(subcommand)]
    Endpoints(endpoints::Command),
    /// Messages: the events that were accepted, and what came of them
    #[command(subcommand)]
    Messages(messages::Command),
    /// Deliveries: one message on its way to one endpoint
    #[command(subcommand)]
    Deliveries(deliveries::Command),
    /// Deliver a range of time once more, and watch it
    Replay(replay::Replay),
    /// Send an event
    Send(send::Send),
    /// Deliveries that hookbell itself failed at, which wait for a person
    #[command(subcommand)]
    Parked(left::Command),
    /// Events from the queues that could not be understood or dealt with
    #[command(subcommand)]
    Rejected(left::Command),
    /// Show deliveries as they happen
    Tail(tail::Tail),
    /// Whether the API answers, what the key may do, and what waits in the queues
    Status(status::Status),
    /// Take endpoints over from another system, with their secrets and ids
    #[command(subcommand)]
    Import(import::Command),
    /// Print the completions for a shell
    Completions(completions::Completions),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// A command, and all below it.
    fn check(command: &clap::Command, path: &str) {
        let path = format!("{path} {}", command.get_name());
        assert!(command.get_about().is_some(), "{path} says nothing of itself");
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{path}: {} says nothing of itself", argument.get_id());
        }
        command.get_subcommands().for_each(|below| check(below, &path));
    }

    #[test]
    fn no_wait_is_longer_than_a_clock_can_tell() {
        let parsed =
            |wait: &str| Arguments::try_parse_from(["hookbell", "endpoints", "test", "o", "e", "--wait", wait]);
        assert!(parsed("86400").is_ok() && parsed("86401").is_err() && parsed(&u64::MAX.to_string()).is_err());
    }

    #[test]
    fn every_command_and_argument_says_what_it_is() {
        let mut command = Arguments::command();
        command.build();
        command.clone().debug_assert();
        check(&command, "");
    }
}
