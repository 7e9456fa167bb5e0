//! What the compiler does not hold: who imports whom, that the template fits the functions, what AWS enforces.
//!
//! Each rule is a function from what it looks at to its breaches. It is tried twice: the tree has none, and the tree
//! with one thing broken has the one that names it. None of this needs a stack.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

mod aws_limits;
mod described;
mod design;
mod environment;
mod folders;
mod graph;
mod imports;
mod options;
mod permissions;
mod queues;
mod resources;
mod sources;
mod template;
mod yaml;

use std::path::Path;

/// The root of the repository.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// What breaks a rule, one sentence each: where it is, what is wrong, what to do.
type Breaches = Vec<String>;

/// The tree keeps a rule.
#[track_caller]
fn kept(breaches: &Breaches) {
    assert!(breaches.is_empty(), "\n- {}\n", breaches.join("\n- "));
}

/// A rule finds what has been broken for it, and says so in these words.
#[track_caller]
fn noticed(breaches: &Breaches, words: &str) {
    assert!(breaches.iter().any(|breach| breach.contains(words)), "nothing about {words:?} in {breaches:#?}");
}

/// The text of a file of the repository.
fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of the folders in a folder of the repository, sorted.
fn folders_in(path: &str) -> Vec<String> {
    let entries = Path::new(ROOT).join(path).read_dir().unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("a readable folder"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().expect("a name in UTF-8"))
        .collect();
    names.sort();
    names
}
