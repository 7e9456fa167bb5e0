//! `hookbell`: what an operator asks of a deployment, from a terminal.
//!
//! It speaks the public HTTP API and nothing else, but for what waits for a person: those queues it reads with the
//! operator's own AWS credentials. What was asked for is on standard output, as text or, with `--json`, as one line of
//! JSON for each thing; notes, questions and progress are on standard error.

mod arguments;
mod client;
mod commands;
mod connection;
mod deployment;
mod failure;
mod import;
mod output;
mod times;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;
use crate::output::Output;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(arguments.options.json);
    let done = tokio::select! {
        // A command that takes Ctrl-C for its end is asked first.
        biased;
        done = commands::run(arguments, output) => done,
        Ok(()) = tokio::signal::ctrl_c() => Err(failure::Failure::interrupted()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output.report(&failure),
    }
}
