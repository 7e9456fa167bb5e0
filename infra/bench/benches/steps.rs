//! What a person reads meanwhile: numbered steps, each with the seconds that it took.

use std::time::Instant;

/// Counts the steps.
#[derive(Debug)]
pub(crate) struct Steps {
    total: usize,
    done: usize,
}

impl Steps {
    pub(crate) fn new(total: usize, done: usize) -> Self {
        Self { total, done }
    }

    /// Announces a step, and says when it is done.
    pub(crate) async fn step<T>(&mut self, title: &str, work: impl Future<Output = T>) -> T {
        self.done += 1;
        println!("[{}/{}] {title}…", self.done, self.total);
        let began = Instant::now();
        let outcome = work.await;
        note(&format!("done ({:.1} s)", began.elapsed().as_secs_f64()));
        outcome
    }
}

/// Says how far a step is.
pub(crate) fn note(text: &str) {
    println!("      {text}");
}
