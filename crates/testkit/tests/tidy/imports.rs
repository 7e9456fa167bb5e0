//! Who may import whom: functions → aws → domain ← egress ← api and sender, and nobody the testkit.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

use crate::Breaches;

const DOMAIN: &str = "hookbell-domain";
const AWS: &str = "hookbell-aws";
const EGRESS: &str = "hookbell-egress";
const CLI: &str = "hookbell-cli";
const TESTKIT: &str = "hookbell-testkit";

/// Packages with their dependencies of one kind or another, each by name.
type Dependencies = BTreeMap<String, Vec<String>>;

/// The workspace's packages.
pub(crate) fn packages() -> Vec<Package> {
    let metadata = MetadataCommand::new().manifest_path(format!("{}/Cargo.toml", crate::ROOT)).no_deps().exec();
    metadata.expect("cargo metadata").packages
}

/// What is built for the deployment: no dev-dependencies.
fn dependencies(packages: &[Package], kinds: &[DependencyKind]) -> Dependencies {
    let of = |package: &Package| {
        let wanted = package.dependencies.iter().filter(|dependency| kinds.contains(&dependency.kind));
        wanted.map(|dependency| dependency.name.clone()).collect()
    };
    packages.iter().map(|package| (package.name.to_string(), of(package))).collect()
}

/// The packages of the workspace that one of it may use.
fn may_use(package: &str) -> Option<&'static [&'static str]> {
    match package {
        DOMAIN | "hookbell-bench" | "hookbell-chaos" | "hookbell-fuzz" => Some(&[]),
        AWS | EGRESS | "hookbell-instructions" => Some(&[DOMAIN]),
        CLI | "hookbell-dlq" | "hookbell-reseal" => Some(&[AWS, DOMAIN]),
        "hookbell-api" | "hookbell-sender" | TESTKIT => Some(&[AWS, DOMAIN, EGRESS]),
        _ => None,
    }
}

/// Crates that a package may not use, by how their names begin, and what it does instead.
fn banned(package: &str) -> (&'static [&'static str], &'static str) {
    match package {
        DOMAIN => (
            &[
                "aws-config",
                "aws-sdk-",
                "aws-smithy-",
                "aws_",
                "axum",
                "h2",
                "hyper",
                "lambda_",
                "reqwest",
                "rustls",
                "tokio",
                "tracing",
            ],
            "it decides from its arguments alone, without I/O",
        ),
        AWS => (&["axum", "lambda_", "reqwest"], "it talks to AWS through the SDK and to nobody else"),
        EGRESS => (&["aws-", "aws_", "axum", "lambda_"], "it knows endpoints and nothing of AWS"),
        TESTKIT => (&[], ""),
        CLI => (
            &["aws-config", "aws-sdk-", "aws-smithy-", "h2", "hyper", "lambda_", "rustls"],
            "it calls the public API by reqwest, and AWS through hookbell-aws",
        ),
        _ => (
            &["aws-config", "aws-sdk-", "h2", "hyper", "reqwest", "rustls"],
            "AWS is reached through hookbell-aws, endpoints through hookbell-egress",
        ),
    }
}

fn workspace_imports(normal: &Dependencies) -> Breaches {
    let mut breaches = Breaches::new();
    for (package, dependencies) in normal {
        let Some(allowed) = may_use(package) else {
            breaches.push(format!("{package}: say in tidy's `may_use` which packages of the workspace it may use"));
            continue;
        };
        let wrong = dependencies.iter().filter(|name| normal.contains_key(*name) && !allowed.contains(&name.as_str()));
        breaches.extend(wrong.map(|name| {
            format!("{package} may not use {name}, only {allowed:?}: move what both need to where both may see it")
        }));
    }
    breaches
}

fn foreign_imports(normal: &Dependencies) -> Breaches {
    let mut breaches = Breaches::new();
    for (package, dependencies) in normal {
        let (beginnings, instead) = banned(package);
        let wrong = dependencies.iter().filter(|name| beginnings.iter().any(|beginning| name.starts_with(beginning)));
        breaches.extend(wrong.map(|name| format!("{package} may not use {name}: {instead}")));
    }
    breaches
}

fn testkit_imports(built: &Dependencies) -> Breaches {
    let users = built.iter().filter(|(_, dependencies)| dependencies.iter().any(|name| name == TESTKIT));
    users.map(|(package, _)| format!("{package}: {TESTKIT} is for tests; make it a dev-dependency")).collect()
}

/// The tree keeps a rule, and has the breach that `words` name once `package` uses `dependency`.
#[track_caller]
fn check(rule: fn(&Dependencies) -> Breaches, package: &str, dependency: &str, words: &str) {
    let mut dependencies = dependencies(&packages(), &[DependencyKind::Normal]);
    crate::kept(&rule(&dependencies));
    dependencies.entry(package.to_owned()).or_default().push(dependency.to_owned());
    crate::noticed(&rule(&dependencies), words);
}

#[test]
fn packages_import_only_towards_the_domain() {
    check(workspace_imports, DOMAIN, AWS, "hookbell-domain may not use hookbell-aws");
    check(workspace_imports, AWS, EGRESS, "hookbell-aws may not use hookbell-egress");
    check(workspace_imports, EGRESS, AWS, "hookbell-egress may not use hookbell-aws");
    check(workspace_imports, "hookbell-dlq", EGRESS, "hookbell-dlq may not use hookbell-egress");
    check(workspace_imports, "hookbell-api", "hookbell-sender", "hookbell-api may not use hookbell-sender");
    check(workspace_imports, "hookbell-api", CLI, "hookbell-api may not use hookbell-cli");
    check(workspace_imports, CLI, EGRESS, "hookbell-cli may not use hookbell-egress");
    check(workspace_imports, "hookbell-new", DOMAIN, "hookbell-new: say in tidy's `may_use`");
}

#[test]
fn packages_import_no_crate_that_is_another_ones_matter() {
    check(foreign_imports, DOMAIN, "tokio", "hookbell-domain may not use tokio");
    check(foreign_imports, DOMAIN, "aws-sdk-sqs", "hookbell-domain may not use aws-sdk-sqs");
    check(foreign_imports, DOMAIN, "aws_lambda_events", "hookbell-domain may not use aws_lambda_events");
    check(foreign_imports, AWS, "reqwest", "hookbell-aws may not use reqwest");
    check(foreign_imports, EGRESS, "aws-config", "hookbell-egress may not use aws-config");
    check(foreign_imports, "hookbell-api", "aws-sdk-sqs", "hookbell-api may not use aws-sdk-sqs");
    check(foreign_imports, CLI, "aws-sdk-sqs", "hookbell-cli may not use aws-sdk-sqs");
    check(foreign_imports, "hookbell-sender", "reqwest", "hookbell-sender may not use reqwest");
}

#[test]
fn only_tests_use_the_testkit() {
    check(testkit_imports, "hookbell-api", TESTKIT, "hookbell-api: hookbell-testkit");
    crate::kept(&testkit_imports(&dependencies(&packages(), &[DependencyKind::Normal, DependencyKind::Build])));
}
