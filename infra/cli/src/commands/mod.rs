//! The commands, one file each: what it is given, and what it does.

pub(crate) mod completions;
pub(crate) mod deliveries;
pub(crate) mod endpoints;
pub(crate) mod import;
pub(crate) mod keys;
pub(crate) mod left;
pub(crate) mod lists;
pub(crate) mod messages;
pub(crate) mod orgs;
pub(crate) mod portal;
pub(crate) mod replay;
pub(crate) mod send;
pub(crate) mod status;
mod story;
pub(crate) mod tail;

use crate::arguments::{Arguments, Command};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::Output;

/// What every command works with.
pub(crate) struct Context<'a> {
    /// The deployment.
    pub(crate) connection: &'a Connection,
    /// Where results go.
    pub(crate) output: Output,
}

/// Does what was asked.
pub(crate) async fn run(arguments: Arguments, output: Output) -> Result<(), Failure> {
    let connection = Connection::new(&arguments.options)?;
    let context = Context { connection: &connection, output };
    let context = &context;
    match arguments.command {
        Command::Orgs(command) => orgs::run(context, command).await,
        Command::Keys(command) => keys::run(context, command).await,
        Command::Portal(portal) => portal::run(context, portal).await,
        Command::Endpoints(command) => Box::pin(endpoints::run(context, command)).await,
        Command::Messages(command) => Box::pin(messages::run(context, command)).await,
        Command::Deliveries(command) => deliveries::run(context, command).await,
        Command::Replay(replay) => replay::run(context, replay).await,
        Command::Send(send) => send::run(context, send).await,
        Command::Parked(command) => Box::pin(left::run(context, left::Holds::Deliveries, command)).await,
        Command::Rejected(command) => Box::pin(left::run(context, left::Holds::Events, command)).await,
        Command::Tail(tail) => tail::run(context, tail).await,
        Command::Status(status) => Box::pin(status::run(context, status)).await,
        Command::Import(command) => Box::pin(import::run(context, command)).await,
        Command::Completions(completions) => completions::run(context, &completions),
    }
}
