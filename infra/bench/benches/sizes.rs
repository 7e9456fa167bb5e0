//! How large the function is: its binary, and the zip file that is uploaded.

use std::fs;
use std::path::PathBuf;

use crate::report::{Report, Requirement, Table};
use crate::{BASE, CURRENT};

/// By how many bytes the binary may grow.
const MOST_GROWTH: usize = 1_000_000;

/// Weighs each `api` that there is.
pub(crate) fn measure(report: &mut Report) {
    let mut table = Table::new("sizes", "The function's binary", &["binary", "bytes", "zipBytes"]);
    let mut weigh = |name: &'static str| {
        let (bytes, zip_bytes) = (size(name)?, size(&format!("{name}.zip"))?);
        table.add([name.into(), bytes.into(), zip_bytes.into()]);
        Some(bytes)
    };
    let (current, base) = (weigh(CURRENT).expect("the deployed binary"), weigh(BASE));
    report.add(table);
    if let Some(base) = base {
        report.require(Requirement::bytes("growth of the binary: bytes", current.saturating_sub(base), MOST_GROWTH));
    }
}

/// Whether there is a binary to compare with.
pub(crate) fn has_base() -> bool {
    size(BASE).is_some()
}

/// The size of one of the files that `bench.py` has made.
fn size(name: &str) -> Option<usize> {
    let folder = std::env::var_os("HOOKBELL_BINARIES").expect("`make bench` sets it");
    fs::metadata(PathBuf::from(folder).join(name)).ok()?.len().try_into().ok()
}
