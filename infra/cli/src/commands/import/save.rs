//! Writing what a source has into a file, for whoever edits it before it is taken over.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use futures_util::TryStreamExt as _;

use super::{How, found};
use crate::failure::{Failure, Kind};
use crate::import::record::Line;
use crate::import::source::{self, Finder};
use crate::output::{Output, Progress, counted, note};

/// Writes what a source has into a file that only its owner may read.
pub(super) async fn run(output: Output, finder: Finder, to: &Path, how: &How) -> Result<(), Failure> {
    let wrong = |error: std::io::Error| Failure::usage(format!("{} cannot be written.", to.display())).because(error);
    if to.exists() {
        return Err(is_there(to).try_this("another name"));
    }
    let (draft, opened) = Draft::of(to)?;
    let (mut file, mut unread) = (BufWriter::new(opened), 0_u64);
    let (mut organizations, mut endpoints, progress) = (0_u64, 0_u64, Progress::of(None));
    let mut read = std::pin::pin!(
        found(finder, &how.only)
            .map_ok(async |found| match source::endpoints(&found).await {
                Ok(records) => Ok((found, records)),
                Err(failure) => {
                    Err(failure.explained(format!("The endpoints of {} could not be read.", found.organization)))
                }
            })
            .try_buffered(usize::from(how.at_once))
    );
    while let Some((found, records)) = read.try_next().await? {
        let line =
            |endpoint| Line { organization: found.organization.clone(), profile: found.profile.clone(), endpoint };
        progress.above(|| found.notes.iter().for_each(|text| note(&format!("{}: {text}", found.organization))));
        if records.is_empty() {
            write_line(&mut file, &line(None)).map_err(wrong)?;
        }
        for record in records {
            match record {
                Ok(record) => {
                    endpoints += 1;
                    write_line(&mut file, &line(Some(record))).map_err(wrong)?;
                }
                Err(one) => {
                    unread += 1;
                    let text = format!("{} {} could not be read: {}", found.organization, one.uid, one.why);
                    progress.above(|| note(&text));
                }
            }
        }
        organizations += 1;
        progress
            .at(endpoints, format!("{} of {}", counted(endpoints, "endpoint"), counted(organizations, "organization")));
    }
    drop(progress);
    file.into_inner().map_err(|error| wrong(error.into_error()))?.sync_all().map_err(wrong)?;
    draft.publish(to)?;
    output.record(&serde_json::json!({ "file": to, "organizations": organizations, "endpoints": endpoints }))?;
    output.line(&format!(
        "{} has {} of {}, with their secrets: only you may read it.",
        to.display(),
        counted(endpoints, "endpoint"),
        counted(organizations, "organization"),
    ))?;
    if unread == 0 {
        return Ok(());
    }
    Err(Failure::new(Kind::Unwell, format!("{} could not be read, so the file lacks it.", counted(unread, "endpoint"))))
}

fn is_there(file: &Path) -> Failure {
    Failure::usage(format!("{} is there already.", file.display()))
}

/// A file that is not whole yet, and is gone when that is over, whichever way.
struct Draft(PathBuf);

impl Draft {
    /// A new one that only its owner may read.
    fn of(to: &Path) -> Result<(Self, File), Failure> {
        let path = to.with_added_extension("draft");
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => Ok((Self(path), file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(is_there(&path)
                .because("another import writes it, or one was killed before it was whole")
                .try_this("if none does, delete it, for it holds secrets; or another name")),
            Err(error) => Err(Failure::usage(format!("{} cannot be written.", path.display())).because(error)),
        }
    }

    /// Gives it its name, which no other file has.
    fn publish(self, to: &Path) -> Result<(), Failure> {
        // A link, unlike a new name, takes no other file's place.
        std::fs::hard_link(&self.0, to).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => is_there(to).try_this("another name"),
            _ => Failure::usage(format!("{} cannot be written.", to.display())).because(error),
        })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            note(&format!("{} is left, and holds secrets: {error}", self.0.display()));
        }
    }
}

fn write_line(file: &mut BufWriter<File>, line: &Line) -> std::io::Result<()> {
    writeln!(file, "{}", line.write())
}
