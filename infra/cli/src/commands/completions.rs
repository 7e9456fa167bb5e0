//! Completions for shells.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Context;
use crate::arguments::Arguments;
use crate::failure::Failure;

/// For which shell.
#[derive(Args)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(context: &Context<'_>, completions: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(completions.shell, &mut Arguments::command(), "hookbell", &mut script);
    let script = String::from_utf8_lossy(&script);
    context.output.value("script", script.trim_end())
}
