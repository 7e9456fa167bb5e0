//! A clock that a test sets, for a process of its own: what `SystemTime::now` says there is shifted.
//!
//! A library in C stands before the system's `clock_gettime` (`clock.c`), so the binary is the one that is deployed.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::function::target;

/// A clock. Its copies are the same clock.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Shift>);

#[derive(Debug)]
struct Shift {
    path: PathBuf,
    file: File,
    ms: AtomicI64,
}

impl Clock {
    /// A clock that is ahead of the machine's by so many milliseconds, or behind it.
    #[must_use]
    pub fn shifted_by(ms: i64) -> Self {
        let path = folder().join(crate::fresh());
        let file = File::create(&path).unwrap();
        let clock = Self(Arc::new(Shift { path, file, ms: AtomicI64::new(0) }));
        clock.set(ms);
        clock
    }

    /// Sets it, while processes look at it.
    pub fn set(&self, ms: i64) {
        self.0.file.write_all_at(&ms.to_ne_bytes(), 0).unwrap();
        self.0.ms.store(ms, Ordering::SeqCst);
    }

    /// By how many milliseconds it is ahead.
    #[must_use]
    pub fn shift_ms(&self) -> i64 {
        self.0.ms.load(Ordering::SeqCst)
    }

    /// What it says at that time, both since 1970.
    pub(crate) fn shifted(&self, time: Duration) -> Duration {
        let ms = i128::try_from(time.as_millis()).unwrap() + i128::from(self.shift_ms());
        Duration::from_millis(u64::try_from(ms).expect("a time after 1970"))
    }

    /// What has a process look at it.
    pub(crate) fn environment(&self) -> [(&'static str, PathBuf); 2] {
        [("LD_PRELOAD", library().to_owned()), ("CLOCK_SHIFT", self.0.path.clone())]
    }
}

impl Drop for Shift {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            eprintln!("{}: {error}", self.path.display());
        }
    }
}

fn folder() -> PathBuf {
    let folder = target().join("clocks");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The library, built once by each process that needs it.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let (library, draft) = (folder().join("clock.so"), folder().join(crate::fresh()));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/clock.c");
        let compiler = Command::new("cc").args(["-shared", "-fPIC", "-O2", "-o"]).arg(&draft).arg(source).status();
        assert!(compiler.expect("a C compiler").success(), "{source} does not compile");
        // Another test may be using the one that is there.
        std::fs::rename(draft, &library).unwrap();
        library
    })
}
