//! Colours, which say nothing that the words beside them do not.

use anstyle::{AnsiColor, Style};

/// What a text tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// All is well.
    Good,
    /// It is not over yet.
    Open,
    /// It went wrong.
    Bad,
    /// It stands beside.
    Faint,
    /// It stands above.
    Strong,
}

/// A text in its colour. Whoever writes it takes that out again where there is no terminal, or `NO_COLOR` is set.
pub(crate) fn painted(tone: Tone, text: &str) -> String {
    let style = match tone {
        Tone::Good => AnsiColor::Green.on_default(),
        Tone::Open => AnsiColor::Yellow.on_default(),
        Tone::Bad => AnsiColor::Red.on_default(),
        Tone::Faint => Style::new().dimmed(),
        Tone::Strong => Style::new().bold(),
    };
    format!("{style}{text}{style:#}")
}

/// A word of the API's in its colour.
pub(crate) fn status(word: &str) -> String {
    let tone = match word {
        "delivered" | "enabled" | "success" | "finished" => Tone::Good,
        "pending" | "failed" | "sending" | "running" | "failing" => Tone::Open,
        "exhausted" | "disabled" | "fail" | "stopped" | "skipped" | "open" => Tone::Bad,
        _ => return word.to_owned(),
    };
    painted(tone, word)
}
