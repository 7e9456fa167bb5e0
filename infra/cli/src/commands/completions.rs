//! Completions for shells.

use clap::{Args, CommandFactory as _, ValueEnum};
use clap_complete::Shell;

use super::Context;
use crate::arguments::Arguments;
use crate::failure::Failure;

/// For which shell.
#[derive(Args)]
pub(crate) struct Completions {
    /// The shell
    shell: For,
}

/// The shells that there are completions for.
#[derive(ValueEnum, Debug, Clone, Copy)]
enum For {
    Bash,
    Zsh,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
}

pub(crate) fn run(context: &Context<'_>, completions: &Completions) -> Result<(), Failure> {
    let shell = match completions.shell {
        For::Bash => Shell::Bash,
        For::Zsh => Shell::Zsh,
        For::Fish => Shell::Fish,
        For::PowerShell => Shell::PowerShell,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "hookbell", &mut script);
    let script = String::from_utf8_lossy(&script);
    context.output.value("script", script.trim_end())
}
