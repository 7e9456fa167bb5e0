//! How large the functions are: their binaries, and the zip files that are uploaded.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::report::Report;
use crate::{API, BASE};

/// By how many bytes the binary of `api` may grow.
const MOST_GROWTH: f64 = 1e6;

/// Bytes of a zip file, at most.
const MOST_ZIPPED: f64 = 4e6;

/// Weighs each binary that there is.
pub(crate) fn measure(report: &mut Report) {
    let mut rows = Vec::new();
    for name in [API, BASE, "sender", "dlq"] {
        let (Some(bytes), Some(zip_bytes)) = (size(name), size(&format!("{name}.zip"))) else { continue };
        rows.push(vec![Value::from(name), bytes.into(), zip_bytes.into()]);
        if name != BASE {
            report.limit(&format!("zip file of {name}"), precise(zip_bytes), MOST_ZIPPED, None, "bytes");
        }
    }
    report.add_table("sizes", "The functions' binaries", &["binary", "bytes", "zipBytes"], &rows);
    if let (Some(bytes), Some(base_bytes)) = (size(API), size(BASE)) {
        let grown = precise(bytes) - precise(base_bytes);
        report.limit("growth of the binary of api", grown, MOST_GROWTH, None, "bytes");
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes of files")]
fn precise(bytes: u64) -> f64 {
    bytes as f64
}

/// Whether there is a binary to compare with.
pub(crate) fn has_base() -> bool {
    size(BASE).is_some()
}

/// The size of one of the files that `bench.py` has made.
fn size(name: &str) -> Option<u64> {
    let folder = std::env::var_os("HOOKBELL_BINARIES").expect("`make bench` sets it");
    Some(fs::metadata(PathBuf::from(folder).join(name)).ok()?.len())
}
