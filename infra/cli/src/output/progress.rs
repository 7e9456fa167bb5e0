//! How far something is that takes a while, on standard error.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A line that moves, where somebody looks on.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Of so many steps; without a bar where that is not known.
    pub(crate) fn of(steps: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(steps, ProgressDrawTarget::stderr());
        let template = if steps.is_some() { "{bar:30} {percent:>3}% {msg}" } else { "{spinner} {msg}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar }
    }

    /// Has something written, with the line out of its way.
    pub(crate) fn above<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// How far it is, and what to say of it.
    pub(crate) fn at(&self, step: u64, text: impl Into<String>) {
        self.bar.set_position(step);
        self.bar.set_message(text.into());
    }

    /// One step further.
    pub(crate) fn step(&self) {
        self.bar.inc(1);
    }
}

/// The line goes when it is over.
impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
