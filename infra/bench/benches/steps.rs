//! What a person reads meanwhile: numbered steps, each with the seconds that it took.

use std::time::Instant;

/// Counts the steps.
#[derive(Debug)]
pub(crate) struct Steps {
    total: usize,
    done: usize,
}

impl Steps {
    /// Goes on where whoever prepared has ended: `BENCH_STEPS` is how many there were, and how many there are in all.
    pub(crate) fn from_environment() -> Self {
        let said = std::env::var("BENCH_STEPS").unwrap_or_default();
        let numbers = said.split_once('/').and_then(|(done, total)| Some((done.parse().ok()?, total.parse().ok()?)));
        let (done, total) = numbers.unwrap_or((0, 6));
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
