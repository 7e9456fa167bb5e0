//! What is written: results on standard output, everything else on standard error.

pub(crate) mod foreign;
mod paint;
mod progress;
mod table;

use std::fmt::Display;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::value::RawValue;

pub(crate) use paint::{Tone, painted, status};
pub(crate) use progress::Progress;
pub(crate) use table::Table;

use crate::failure::{Failure, Kind};

/// How many there are of something whose plural ends in s.
pub(crate) fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let ending = if count == N::from(1) { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

/// Where results go, and as what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    /// For programs, or for people.
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether programs read it.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// A line for people, which programs do not get. Colours are taken out where nobody sees them.
    pub(crate) fn line(self, text: &str) -> Result<(), Failure> {
        if self.json {
            return Ok(());
        }
        Ok(writeln!(anstream::stdout(), "{text}")?)
    }

    /// A result that is the same for both: its text, or a JSON object that holds it.
    pub(crate) fn value(self, name: &str, text: &str) -> Result<(), Failure> {
        if self.json { self.record(&serde_json::json!({ name: text })) } else { self.line(text) }
    }

    /// A result for programs, as one line; people do not get it.
    pub(crate) fn record(self, value: &impl Serialize) -> Result<(), Failure> {
        if !self.json {
            return Ok(());
        }
        let text =
            serde_json::to_string(value).map_err(|error| Failure::failed("The output could not be made.", error))?;
        Ok(writeln!(std::io::stdout().lock(), "{text}")?)
    }

    /// The same, of a thing that is JSON already.
    pub(crate) fn raw(self, value: &RawValue) -> Result<(), Failure> {
        self.record(&value)
    }

    /// Tells of a failure, and gives the process's exit code.
    pub(crate) fn report(self, failure: &Failure) -> ExitCode {
        if failure.kind != Kind::Unread {
            let text = if self.json {
                failure.json().to_string()
            } else {
                format!("{} {}", painted(Tone::Bad, "error:"), foreign::lines(&failure.text()))
            };
            // Where not even this can be written, the exit code says it.
            drop(writeln!(anstream::stderr(), "{text}"));
        }
        ExitCode::from(failure.kind.code())
    }
}

/// Asks whether to do something that cannot be undone; without somebody to ask, `--yes` has to have said so.
pub(crate) async fn confirm(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("Nobody is there to say yes to this.").because(question).try_this("--yes"));
    }
    let mut error = anstream::stderr();
    write!(error, "{} [y/N] ", foreign::lines(question))?;
    error.flush()?;
    if matches!(answer().await?.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::new(Kind::Interrupted, "Nothing was done."))
}

/// A line of standard input. A thread of its own waits for it, so that Ctrl-C is heard meanwhile, and the process does not
/// wait for that thread.
async fn answer() -> Result<String, Failure> {
    let (answered, answer) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line).map(|_| line);
        // Whoever asked may be gone.
        drop(answered.send(read));
    });
    Ok(answer.await.map_err(std::io::Error::other)??)
}

/// A note beside the results, without colours: what somebody else wrote may be a part of it.
pub(crate) fn note(text: &str) {
    // A note that nobody can read is no failure.
    drop(writeln!(anstream::stderr(), "{}", foreign::lines(text)));
}
