//! What is linked into the functions: one TLS stack, one HTTP stack, one runtime.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use crate::Breaches;

/// Crates of which the functions have exactly one version.
const ONCE: [&str; 4] = ["http", "hyper", "rustls", "tokio"];

/// Crates that the functions do without, as "name" or "name version", and what brings them in.
const BANNED: [(&str, &str); 6] = [
    ("hyper 0", "the default features of an aws-sdk-* crate"),
    ("native-tls", "the default features of reqwest"),
    ("openssl", "the feature native-tls of some crate"),
    ("openssl-sys", "the feature native-tls of some crate"),
    ("ring", "rustls or a crate around it without `default-features = false`"),
    ("rustls 0.21", "the default features of an aws-sdk-* crate"),
];

/// The shapes of what Lambda hands over: each function has those that it needs, and nothing else is built on them.
const BY_FUNCTION: &str = "aws_lambda_events";

/// After a crate whose own dependencies are listed further up.
const SHOWN_BEFORE: &str = " (*)";

/// What cargo builds for some packages without dev-dependencies, a line for each crate.
fn tree(format: &str, packages: &[String]) -> BTreeSet<String> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", format]);
    command.args(packages.iter().flat_map(|package| ["--package", package]));
    let output = command.current_dir(crate::ROOT).output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    lines.lines().map(|line| line.trim_end_matches(SHOWN_BEFORE).to_owned()).collect()
}

fn functions() -> Vec<String> {
    crate::folders_in("functions").iter().map(|folder| format!("hookbell-{folder}")).collect()
}

/// The crates in the functions, each as "name version".
fn linked() -> BTreeSet<String> {
    let lines = tree("{p}", &functions());
    lines.iter().filter_map(|line| line.split_once(" v")).map(|(name, rest)| name_and_version(name, rest)).collect()
}

/// The crates in each function built by itself, each as "name version features".
fn with_features() -> Vec<BTreeSet<String>> {
    functions().into_iter().map(|function| tree("{p} {f}", &[function])).collect()
}

/// Crates that are compiled more than once, because not all functions ask for the same features.
fn differing(functions: &[BTreeSet<String>]) -> Breaches {
    let mut found = BTreeMap::<&str, BTreeSet<&str>>::new();
    for line in functions.iter().flatten() {
        if let Some((name, features)) = line.rsplit_once(' ') {
            found.entry(name).or_default().insert(features);
        }
    }
    found.retain(|name, features| features.len() > 1 && !name.starts_with(BY_FUNCTION));
    let breach =
        |(name, features)| format!("{name}: the functions ask for the features {features:?}; name all in crates/aws");
    found.into_iter().map(breach).collect()
}

fn name_and_version(name: &str, rest: &str) -> String {
    format!("{name} {}", rest.split(' ').next().unwrap_or(rest))
}

fn banned(linked: &BTreeSet<String>) -> Breaches {
    let mut breaches = Breaches::new();
    for (banned, origin) in BANNED {
        let (name, version) = banned.split_once(' ').unwrap_or((banned, ""));
        let found = linked.iter().filter(|one| {
            one.split_once(' ').is_some_and(|(its_name, its_version)| {
                its_name == name && (version.is_empty() || its_version.starts_with(&format!("{version}.")))
            })
        });
        breaches.extend(found.map(|one| {
            format!("{one} is in the functions. Look for {origin}: `cargo tree --edges normal --invert {name}`")
        }));
    }
    breaches
}

fn duplicates(linked: &BTreeSet<String>) -> Breaches {
    let mut breaches = Breaches::new();
    for name in ONCE {
        let versions: Vec<&str> = linked.iter().filter_map(|one| one.strip_prefix(name)?.strip_prefix(' ')).collect();
        if versions.len() != 1 {
            breaches.push(format!("{name}: the functions have the versions {versions:?}; one is enough"));
        }
    }
    breaches
}

#[track_caller]
fn check(rule: fn(&BTreeSet<String>) -> Breaches, added: &str, words: &str) {
    let mut linked = linked();
    crate::kept(&rule(&linked));
    linked.insert(added.to_owned());
    crate::noticed(&rule(&linked), words);
}

#[test]
fn the_functions_have_one_tls_stack() {
    check(banned, "ring 0.17.14", "ring 0.17.14 is in the functions");
    check(banned, "hyper 0.14.32", "hyper 0.14.32 is in the functions");
    check(banned, "rustls 0.21.12", "rustls 0.21.12 is in the functions");
    check(banned, "openssl 0.10.75", "openssl 0.10.75 is in the functions");
}

#[test]
fn the_functions_have_one_version_of_what_is_large() {
    check(duplicates, "http 0.2.12", "http: the functions have the versions");
    check(duplicates, "tokio 2.0.0", "tokio: the functions have the versions");
}

#[test]
fn the_sdk_is_compiled_once_for_all_functions() {
    let mut functions = with_features();
    crate::kept(&differing(&functions));
    functions[0].insert("indexmap v2.0.0 default,serde".to_owned());
    functions[1].insert("indexmap v2.0.0 default".to_owned());
    crate::noticed(&differing(&functions), "indexmap v2.0.0: the functions ask for the features");
}
