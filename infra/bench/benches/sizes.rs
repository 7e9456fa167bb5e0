//! How large the function is: its binary, and the zip file that is uploaded.

use std::fs;
use std::path::PathBuf;

use crate::report::{Report, Table};
use crate::{BASE, CURRENT};

/// By how many bytes the binary may grow.
const MOST_GROWTH: i64 = 1_000_000;

/// Weighs each `api` that there is.
pub(crate) fn measure(report: &mut Report) {
    let mut table = Table::new("sizes", "The function's binary", &["binary", "bytes", "zipBytes"]);
    let weigh = |name: &str| Some((size(name)?, size(&format!("{name}.zip"))?));
    let (bytes, zip_bytes) = weigh(CURRENT).expect("the deployed binary");
    table.add([CURRENT.into(), bytes.into(), zip_bytes.into()]);
    if let Some((base_bytes, base_zip_bytes)) = weigh(BASE) {
        let grown = bytes - base_bytes;
        table.add([BASE.into(), base_bytes.into(), base_zip_bytes.into()]);
        table.add(["growth".into(), grown.into(), (zip_bytes - base_zip_bytes).into()]);
        report.limit("growth of the binary: bytes", grown, MOST_GROWTH);
    }
    report.add(table);
}

/// Whether there is a binary to compare with.
pub(crate) fn has_base() -> bool {
    size(BASE).is_some()
}

/// The size of one of the files that `bench.py` has made.
fn size(name: &str) -> Option<i64> {
    let folder = std::env::var_os("HOOKBELL_BINARIES").expect("`make bench` sets it");
    fs::metadata(PathBuf::from(folder).join(name)).ok()?.len().try_into().ok()
}
