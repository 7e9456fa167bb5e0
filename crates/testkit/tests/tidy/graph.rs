//! What is linked into the functions: one TLS stack, one HTTP stack, one runtime.

use std::collections::BTreeSet;
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

/// The crates in the functions, each as "name version": what cargo builds for them without dev-dependencies.
fn linked() -> BTreeSet<String> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    for folder in crate::folders_in("functions") {
        command.args(["--package", &format!("hookbell-{folder}")]);
    }
    let output = command.current_dir(crate::ROOT).output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    lines.lines().filter_map(|line| line.split_once(" v")).map(|(name, rest)| name_and_version(name, rest)).collect()
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
