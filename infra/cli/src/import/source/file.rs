//! A file of endpoints, one a line, those of an organization together.

use std::collections::HashSet;
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use super::{Found, Place};
use crate::failure::Failure;
use crate::import::record::Line;

/// The lines, organization by organization: no more than one is held at a time.
pub(crate) struct Lines {
    name: String,
    text: std::io::Lines<BufReader<File>>,
    number: usize,
    profile: Option<String>,
    /// The first line of the next organization.
    ahead: Option<Line>,
    /// Hashes of those that were given: a file may have millions of them.
    seen: HashSet<u64>,
    hasher: RandomState,
}

impl Lines {
    /// Opens the file.
    pub(crate) fn open(file: &Path, profile: Option<String>) -> Result<Self, Failure> {
        let name = file.display().to_string();
        let opened =
            File::open(file).map_err(|error| Failure::usage(format!("{name} cannot be read.")).because(error))?;
        let text = BufReader::new(opened).lines();
        let (seen, hasher) = (HashSet::new(), RandomState::new());
        Ok(Self { name, text, number: 0, profile, ahead: None, seen, hasher })
    }

    /// The next organization.
    pub(crate) fn next(&mut self) -> Result<Option<Found>, Failure> {
        let Some(first) = self.ahead.take().map_or_else(|| self.line(), |line| Ok(Some(line)))? else {
            return Ok(None);
        };
        let (organization, profile) = (first.organization, first.profile.or_else(|| self.profile.clone()));
        if !self.seen.insert(self.hasher.hash_one(&organization)) {
            let why = format!("line {}: lines of {organization} stand further up too", self.number);
            return Err(self.wrong(why).try_this("put the lines of each organization together, as by `sort`"));
        }
        let mut records: Vec<_> = first.endpoint.into_iter().collect();
        while let Some(line) = self.line()? {
            if line.organization != organization {
                self.ahead = Some(line);
                break;
            }
            records.extend(line.endpoint);
        }
        Ok(Some(Found { organization, profile, notes: Vec::new(), place: Place::Read(records) }))
    }

    fn line(&mut self) -> Result<Option<Line>, Failure> {
        for text in self.text.by_ref() {
            self.number += 1;
            let text = text.map_err(|error| Failure::failed(format!("{} cannot be read.", self.name), error))?;
            if !text.trim().is_empty() {
                let read = Line::read(&text).map_err(|why| self.wrong(format!("line {}: {why}", self.number)))?;
                return Ok(Some(read));
            }
        }
        Ok(None)
    }

    fn wrong(&self, why: String) -> Failure {
        Failure::usage(format!("{} is no file of endpoints.", self.name)).because(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Lines {
        let mut file = std::env::temp_dir();
        file.push(format!("hookbell-import-{}-{}", std::process::id(), RandomState::new().hash_one(text)));
        std::fs::write(&file, text).unwrap();
        let lines = Lines::open(&file, None).unwrap();
        std::fs::remove_file(&file).unwrap();
        lines
    }

    fn line(organization: &str, uid: &str) -> String {
        format!(r#"{{"organization":"{organization}","uid":"{uid}","url":"https://example.com/","eventTypes":["*"]}}"#)
    }

    #[test]
    fn the_lines_of_an_organization_are_given_together() {
        let text =
            [line("a", "1"), line("a", "2"), String::new(), r#"{"organization":"b"}"#.to_owned(), line("c", "3")];
        let mut lines = lines(&text.join("\n"));
        let mut found = Vec::new();
        while let Some(next) = lines.next().unwrap() {
            let Place::Read(records) = next.place else { panic!("not read") };
            found.push((next.organization, records.len()));
        }
        assert_eq!(found, [("a".to_owned(), 2), ("b".to_owned(), 0), ("c".to_owned(), 1)]);
    }

    #[test]
    fn an_organization_that_comes_twice_is_refused() {
        let mut lines = lines(&[line("a", "1"), line("b", "2"), line("a", "3")].join("\n"));
        assert!(lines.next().is_ok() && lines.next().is_ok());
        assert!(lines.next().err().unwrap().text().contains("line 3"));
    }
}
