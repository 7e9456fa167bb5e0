//! The CPU time of a function's process, as the kernel counts it (proc(5)).

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// How long nothing may have happened in a process that rests. It is asleep in between too, for as long as an answer
/// takes from one process of this machine to another.
const REST: Duration = Duration::from_millis(3);

/// A process that this one has started.
#[derive(Debug)]
pub(crate) struct Process {
    threads: PathBuf,
}

impl Process {
    /// Starts something by which one process is started, and gives both.
    pub(crate) async fn started_by<T>(start: impl Future<Output = T>) -> (T, Self) {
        let before = children();
        let started = start.await;
        let new: Vec<u32> = children().difference(&before).copied().collect();
        let [pid] = new.as_slice() else { panic!("{} processes were started, not one", new.len()) };
        (started, Self { threads: PathBuf::from(format!("/proc/{pid}/task")) })
    }

    /// The CPU milliseconds, user and system, of all its threads since it was started. Waits until it rests.
    pub(crate) async fn cpu_ms(&self) -> f64 {
        let mut last = None;
        loop {
            let now = self.cpu_ns_asleep();
            if now.is_some() && now == last {
                #[expect(clippy::cast_precision_loss, reason = "2^53 ns are a hundred days")]
                return now.unwrap_or_default() as f64 / 1e6;
            }
            last = now;
            tokio::time::sleep(REST).await;
        }
    }

    /// The most memory that it has had at once, in bytes.
    pub(crate) fn peak_rss_bytes(&self) -> u64 {
        let status = fs::read_to_string(self.threads.with_file_name("status")).expect("the function is still there");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a high-water mark");
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
    }

    /// The CPU nanoseconds of all threads, where all are asleep: what a running one has used is counted late.
    fn cpu_ns_asleep(&self) -> Option<u64> {
        let mut sum = 0;
        for thread in fs::read_dir(&self.threads).expect("the function is still there") {
            let thread = thread.unwrap().path();
            let used = fs::read_to_string(thread.join("schedstat")).ok()?;
            sum += used.split(' ').next()?.parse::<u64>().ok()?;
            if stat(&fs::read_to_string(thread.join("stat")).ok()?)?.0 != "S" {
                return None;
            }
        }
        Some(sum)
    }
}

/// The processes that this one has started and that are there.
fn children() -> BTreeSet<u32> {
    let processes = fs::read_dir("/proc").expect("Linux").filter_map(|entry| {
        let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        (stat(&text)?.1 == std::process::id()).then_some(pid)
    });
    processes.collect()
}

/// The state of a process or thread, and the process that has started it.
fn stat(text: &str) -> Option<(&str, u32)> {
    // A command's name may hold anything, and stands in parentheses.
    let (_, rest) = text.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    Some((fields.next()?, fields.next()?.parse().ok()?))
}
