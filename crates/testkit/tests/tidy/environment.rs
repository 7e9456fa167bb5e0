//! The variables that the template sets for a function are those that the function reads.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::Breaches;
use crate::template::Template;

/// Set for a library: `lambda_http` reads the one, the search for certificate authorities the other.
const READ_BY_LIBRARIES: [&str; 2] = ["AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH", "SSL_CERT_FILE"];

/// Reads for all functions what more than one of them needs.
const SHARED: &str = "crates/aws/src/environment.rs";

/// The names of variables in a source: its literals in capitals.
fn literals(source: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for line in source.lines().filter(|line| !line.trim_start().starts_with("//")) {
        let literals = line.split('"').skip(1).step_by(2);
        let shouted = literals.filter(|literal| {
            literal.starts_with(|first: char| first.is_ascii_uppercase())
                && literal.chars().all(|each| each.is_ascii_uppercase() || each.is_ascii_digit() || each == '_')
        });
        names.extend(shouted.map(str::to_owned));
    }
    names
}

/// The free functions of a source, name and text.
fn functions(source: &str) -> BTreeMap<&str, &str> {
    let mut functions = BTreeMap::new();
    let starts = source.match_indices("\nfn ").chain(source.match_indices("\npub fn "));
    let mut starts: Vec<usize> = starts.map(|(start, _)| start).collect();
    starts.sort_unstable();
    for (index, start) in starts.iter().enumerate() {
        let text = source.get(*start..starts.get(index + 1).copied().unwrap_or(source.len())).unwrap_or("");
        let name = text.split("fn ").nth(1).and_then(|rest| rest.split(['(', '<']).next());
        functions.extend(name.map(|name| (name, text)));
    }
    functions
}

/// The variables that a function's `config.rs` reads, itself or through what the functions share.
fn read(config: &str, shared: &str) -> BTreeSet<String> {
    let shared = functions(shared);
    let mut names = literals(config);
    let mut unseen = vec![config];
    let mut seen = BTreeSet::new();
    while let Some(text) = unseen.pop() {
        for (name, body) in &shared {
            if calls(text, name) && seen.insert(*name) {
                names.extend(literals(body));
                unseen.push(body);
            }
        }
    }
    names
}

/// Whether a text calls a function, with type arguments or without.
fn calls(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + name.len()..).unwrap_or("");
        !before.is_some_and(|before| before.is_alphanumeric() || before == '_') && after.starts_with(['(', ':'])
    })
}

fn variables(template: &Template, folder: &str, read: &BTreeSet<String>) -> Breaches {
    let Some(function) = template.function_in(&format!("functions/{folder}")) else {
        return vec![format!("functions/{folder}: no function in template.yaml has it as its CodeUri")];
    };
    let set: BTreeSet<String> = function.keys("Environment/Variables").cloned().collect();
    let unset = read
        .difference(&set)
        .map(|name| format!("{}: functions/{folder} reads {name}; set it in template.yaml", function.name));
    let unread = set.difference(read).filter(|name| !READ_BY_LIBRARIES.contains(&name.as_str())).map(|name| {
        format!("{}: functions/{folder} does not read {name}; take it out of template.yaml", function.name)
    });
    unset.chain(unread).collect()
}

#[test]
fn a_functions_variables_are_those_that_it_reads() {
    let shared = crate::read(SHARED);
    let rule = |template: &Template| -> Breaches {
        let folders = crate::folders_in("functions");
        let reads = folders.iter().map(|folder| {
            let config = crate::read(&format!("functions/{folder}/src/config.rs"));
            variables(template, folder, &read(&config, &shared))
        });
        reads.flatten().collect()
    };
    crate::template::kept(rule);
    let own = "/Resources/SenderFunction/Properties/Environment/Variables";
    crate::template::noticed(rule, own, json!({}), "functions/sender reads DELIVERIES_QUEUE_URL");
    crate::template::noticed(rule, own, json!({}), "functions/sender reads ALLOWED_CIDRS");
    crate::template::noticed(rule, own, json!({ "STALE": "1" }), "functions/sender does not read STALE");
    crate::template::noticed(rule, "/Globals/Function/Environment", json!({}), "functions/dlq reads RETENTION_DAYS");
}

#[test]
fn what_a_source_reads_is_found_through_the_functions_that_it_calls() {
    let shared = r#"
pub fn retention() -> u32 {
    parsed("RETENTION_DAYS")
}

fn parsed<T>(name: &str) -> T {
    optional_in(name, "FALLBACK")
}

pub fn unused() -> String {
    required("UNUSED")
}
"#;
    let config = r#"// "COMMENTED"
        table: required("TABLE_NAME")?, days: retention()?, not_unused("no Name"),"#;
    let expected = ["FALLBACK", "RETENTION_DAYS", "TABLE_NAME"].map(str::to_owned);
    assert_eq!(read(config, shared), BTreeSet::from(expected));
}
