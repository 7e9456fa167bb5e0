//! How much an attempt makes the heap grow, whatever comes back.
//!
//! The heap is the whole process's, the receiver's part included, which writes the same bytes again and again: what is
//! measured is more than the client takes. A test that measures runs in a process of its own.

use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// What one attempt may take at most, in bytes.
pub(crate) const MOST: usize = 1_000_000;

/// Does something and fails if the heap grew by more than `most` bytes meanwhile.
pub(crate) async fn measured<T>(what: &str, most: usize, does: impl Future<Output = T>) -> T {
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let result = does.await;
    let growth = HEAP.peak_usage().saturating_sub(before);
    println!("{what}: {growth} bytes");
    assert!(growth < most, "{what}: the heap grew by {growth} bytes");
    result
}
