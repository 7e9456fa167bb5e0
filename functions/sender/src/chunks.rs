//! Work that runs side by side, and its results in chunks: each chunk is one request to AWS.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tracing::Instrument as _;

/// How long a chunk waits for more results once it has one: requests to AWS cost more than that.
const LINGER: Duration = Duration::from_millis(20);

/// Runs `work` on each item, at most `concurrency` at once, and gives the results to `take` in chunks of at most `size`.
///
/// A chunk goes out when it is full, when all work is done, or 20 ms after its first result. While `take` runs, the
/// work goes on, and so does the next chunk grow.
pub(crate) async fn run<Item, Output, Work, Take>(
    items: Vec<Item>,
    concurrency: usize,
    size: usize,
    work: impl Fn(Item) -> Work,
    mut take: Take,
) where
    Work: Future<Output = Output> + Send + 'static,
    Output: Send + 'static,
    Take: AsyncFnMut(Vec<Output>),
{
    let (results, mut done) = mpsc::channel(size);
    let places = Arc::new(Semaphore::new(concurrency));
    let start_all = async {
        for item in items {
            // The semaphore is never closed.
            let Ok(permit) = Arc::clone(&places).acquire_owned().await else { break };
            let (work, results) = (work(item), results.clone());
            let work = async move {
                let output = work.await;
                drop(permit);
                if results.send(output).await.is_err() {
                    tracing::error!("a result came after the end of its batch");
                }
            };
            // What it logs belongs to the invocation.
            tokio::spawn(work.in_current_span());
        }
        drop(results);
    };
    let take_all = async {
        while let Some(first) = done.recv().await {
            let mut chunk = vec![first];
            let full = async {
                while chunk.len() < size {
                    let Some(next) = done.recv().await else { break };
                    chunk.push(next);
                }
            };
            // Whether it was filled or has waited long enough, it goes out.
            match tokio::time::timeout(LINGER, full).await {
                Ok(()) | Err(_) => take(chunk).await,
            }
        }
    };
    tokio::join!(start_all, take_all);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// The sizes of the chunks that come of items that take so many milliseconds each.
    async fn sizes(millis: Vec<u64>, concurrency: usize, size: usize) -> Vec<usize> {
        let mut sizes = Vec::new();
        let work = |ms| tokio::time::sleep(Duration::from_millis(ms));
        run(millis, concurrency, size, work, async |chunk: Vec<()>| sizes.push(chunk.len())).await;
        sizes
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_ready_together_goes_out_together() {
        assert_eq!(sizes(vec![5; 30], 30, 25).await, [25, 5]);
        assert_eq!(sizes(vec![1, 5, 10, 19], 10, 25).await, [4]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_one_holds_nobody_up() {
        assert_eq!(sizes(vec![20_000, 1, 2], 10, 25).await, [2, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn no_work_makes_no_chunk() {
        assert_eq!(sizes(Vec::new(), 10, 25).await, [0; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_run_at_once_than_allowed_and_work_goes_on_while_a_chunk_is_taken() {
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        static MOST: AtomicUsize = AtomicUsize::new(0);
        let started = tokio::time::Instant::now();
        let work = |()| async {
            MOST.fetch_max(RUNNING.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(100)).await;
            RUNNING.fetch_sub(1, Ordering::SeqCst);
        };
        let mut taken = 0;
        let take = async |chunk: Vec<()>| {
            taken += chunk.len();
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        run(vec![(); 12], 4, 4, work, take).await;
        assert_eq!((taken, MOST.load(Ordering::SeqCst)), (12, 4));
        // Three rounds of work, with the taking of the first two beside the next round's work.
        assert_eq!(started.elapsed(), Duration::from_millis(400));
    }
}
