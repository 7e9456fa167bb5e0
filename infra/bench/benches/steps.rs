//! What a person reads meanwhile. `bench.py` numbers the steps; these are parts of one.

use std::time::Instant;

/// Announces a part, and says how long it took.
pub(crate) async fn part<T>(title: &str, work: impl Future<Output = T>) -> T {
    note(&format!("{title}…"));
    let began = Instant::now();
    let outcome = work.await;
    note(&format!("  {:.1} s", began.elapsed().as_secs_f64()));
    outcome
}

/// Says how far it is.
pub(crate) fn note(text: &str) {
    println!("      {text}");
}
