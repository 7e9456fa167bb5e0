//! Work that runs side by side, and its results in chunks: each chunk is one request to AWS.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};

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
            tokio::spawn(async move {
                let output = work.await;
                drop(permit);
                if results.send(output).await.is_err() {
                    tracing::error!("a result came after the end of its batch");
                }
            });
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
