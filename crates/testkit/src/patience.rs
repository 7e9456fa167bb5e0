//! Waiting for a condition, never for a time.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// How long any wait may last. Nothing takes a quarter of it, so what takes longer will not come.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// How often a condition is looked at that cannot announce itself.
const INTERVAL: Duration = Duration::from_millis(100);

/// Looks until there is something to see, and gives it.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < end, "waited {PATIENCE:?} in vain for {what}");
        sleep(INTERVAL).await;
    }
}

/// Waits for what announces itself.
pub async fn in_time<T>(what: &str, event: impl Future<Output = T>) -> T {
    let waited = timeout(PATIENCE, event).await;
    waited.unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain for {what}"))
}
