//! What a source may say, and how long it may be.

use std::path::Path;

use crate::Breaches;

/// Lines of a Rust source, from which on it holds two concepts.
const LONGEST_SOURCE: usize = 400;

/// Lines of a function's `main.rs`, which wires and runs.
const LONGEST_MAIN: usize = 60;

/// Where the environment is read; a function's `config.rs` says which variables.
const READS_ENVIRONMENT: &str = "crates/aws/src/environment.rs";

/// A file of the repository.
#[derive(Clone)]
pub(crate) struct Source {
    /// From the root, with slashes.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
    /// What is built for the deployment: nothing of a file for tests, of others nothing from their test module on.
    pub(crate) code: String,
}

impl Source {
    fn new(path: String, text: String) -> Self {
        let for_tests = path.contains("/tests/") || path.ends_with("/tests.rs") || path.starts_with("crates/testkit/");
        let code = text.split("#[cfg(test)]\nmod tests").next().filter(|_| !for_tests).unwrap_or("").to_owned();
        Self { path, text, code }
    }

    fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }
}

/// Every file in a folder and its folders, sorted.
pub(crate) fn under(folder: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            Path::new(crate::ROOT).join(&folder).read_dir().unwrap_or_else(|error| panic!("{folder}: {error}"));
        for entry in entries {
            let entry = entry.expect("a readable folder");
            let path = format!("{folder}/{}", entry.file_name().to_str().expect("a name in UTF-8"));
            if entry.path().is_dir() {
                folders.push(path);
            } else if let Ok(text) = std::fs::read_to_string(entry.path()) {
                sources.push(Source::new(path, text));
            }
        }
    }
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    sources
}

fn all() -> Vec<Source> {
    [under("crates"), under("functions")].concat()
}

fn profiles_named(sources: &[Source], profiles: &[String]) -> Breaches {
    let mut breaches = Breaches::new();
    for source in sources {
        let code = source.code.to_lowercase();
        let named = profiles.iter().filter(|profile| code.contains(profile.as_str()));
        breaches.extend(named.map(|profile| {
            format!(
                "{}: it names the profile {profile}. Profiles are data: a property of all of them decides",
                source.path
            )
        }));
    }
    breaches
}

fn too_long(sources: &[Source]) -> Breaches {
    let mut breaches = Breaches::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        let is_main = source.path.starts_with("functions/") && source.path.ends_with("/src/main.rs");
        let (limit, instead) = if is_main {
            (LONGEST_MAIN, "main wires and runs; move the rest out")
        } else {
            (LONGEST_SOURCE, "look for the second concept in it")
        };
        let lines = source.text.lines().count();
        if lines > limit {
            breaches.push(format!("{}: {lines} lines, and at most {limit} belong there: {instead}", source.path));
        }
    }
    breaches
}

fn environment_readers(sources: &[Source]) -> Breaches {
    let mut breaches = Breaches::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        let builds = source.path.ends_with("/build.rs");
        if !builds && source.path != READS_ENVIRONMENT && source.code.contains("env::var") {
            breaches.push(format!("{}: it reads the environment; only {READS_ENVIRONMENT} does", source.path));
        }
        let configures = source.path.ends_with("/src/config.rs");
        if source.path.starts_with("functions/") && !configures && source.code.contains("hookbell_aws::environment") {
            breaches.push(format!("{}: variables are read in the function's config.rs", source.path));
        }
    }
    breaches
}

fn named_like_the_line(sources: &[Source]) -> Breaches {
    let mut breaches = Breaches::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        let calls = source.code.split("tracing::").skip(1).filter_map(|rest| rest.split(";\n").next());
        if calls.into_iter().any(|call| call.contains(" message = ") || call.contains("(message = ")) {
            breaches.push(format!("{}: a log field `message` hides the line's name; say `message_id`", source.path));
        }
    }
    breaches
}

/// The tree keeps a rule, and no longer does with a file more.
#[track_caller]
fn check(rule: impl Fn(&[Source]) -> Breaches, path: &str, text: &str, words: &str) {
    let mut sources = all();
    crate::kept(&rule(&sources));
    sources.push(Source::new(path.to_owned(), text.to_owned()));
    crate::noticed(&rule(&sources), words);
}

#[test]
fn no_code_names_a_profile() {
    let folders = crate::folders_in("events").into_iter();
    let profiles: Vec<String> = folders
        .filter(|folder| Path::new(crate::ROOT).join("events").join(folder).join("profile.toml").exists())
        .collect();
    let [first, ..] = profiles.as_slice() else { panic!("no profile in events/") };
    let rule = |sources: &[Source]| profiles_named(sources, &profiles);
    check(rule, "crates/domain/src/new.rs", &format!("name == {first:?}"), "crates/domain/src/new.rs");
    check(
        rule,
        "functions/api/src/page.html",
        &format!("<p>{}</p>", first.to_uppercase()),
        "functions/api/src/page.html",
    );
    let in_tests = format!("#[cfg(test)]\nmod tests {{ check({first:?}) }}");
    crate::kept(&rule(&[Source::new("crates/domain/src/new.rs".to_owned(), in_tests)]));
}

#[test]
fn no_source_is_too_long() {
    check(too_long, "crates/aws/src/long.rs", &"\n".repeat(401), "crates/aws/src/long.rs: 401 lines");
    check(too_long, "functions/api/src/main.rs", &"\n".repeat(61), "functions/api/src/main.rs: 61 lines");
    crate::kept(&too_long(&[Source::new("functions/api/src/main.rs".to_owned(), "\n".repeat(60))]));
}

#[test]
fn no_log_field_hides_the_name_of_its_line() {
    let line = "tracing::info!(message = %id, \"sent\");\n";
    check(named_like_the_line, "functions/dlq/src/new.rs", line, "functions/dlq/src/new.rs");
}

#[test]
fn only_configuration_reads_the_environment() {
    check(environment_readers, "crates/egress/src/new.rs", "std::env::var(\"PROXY\")", "it reads the environment");
    let import = "use hookbell_aws::environment::required;";
    check(environment_readers, "functions/dlq/src/new.rs", import, "in the function's config.rs");
}
