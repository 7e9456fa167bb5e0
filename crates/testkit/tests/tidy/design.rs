//! DESIGN.md says of every crate that the workspace chose why it is there.

use std::collections::BTreeSet;

use crate::Breaches;

/// The crates that packages of the workspace ask for themselves, for tests and builds too.
fn chosen() -> BTreeSet<String> {
    let packages = crate::imports::packages();
    let all = packages.iter().flat_map(|package| &package.dependencies);
    all.filter(|dependency| dependency.path.is_none()).map(|dependency| dependency.name.clone()).collect()
}

/// The crates in the first column of the table in the section "Dependencies".
fn explained(design: &str) -> BTreeSet<&str> {
    let section = design.split("\n## ").find(|section| section.starts_with("Dependencies")).unwrap_or("");
    let cells = section.lines().filter_map(|line| line.strip_prefix('|')?.split('|').next());
    cells.flat_map(|cell| cell.split(|each: char| !each.is_alphanumeric() && each != '-' && each != '_')).collect()
}

fn unexplained(design: &str, chosen: &BTreeSet<String>) -> Breaches {
    let explained = explained(design);
    let unnamed = chosen.iter().filter(|name| !explained.contains(name.as_str()));
    unnamed.map(|name| format!("DESIGN.md, \"Dependencies\": say in its table what {name} is for")).collect()
}

#[test]
fn the_design_names_every_crate_that_was_chosen() {
    crate::kept(&unexplained(&crate::read("DESIGN.md"), &chosen()));
}

#[test]
fn a_crate_that_the_design_does_not_name_is_noticed() {
    let chosen = BTreeSet::from(["http", "serde", "serde_json"].map(str::to_owned));
    let design = "# D\n\nhttp\n\n## Dependencies\n\n| crate | why |\n|---|---|\n| serde_json (and `serde`) | http |\n\n## http\n";
    let breaches = unexplained(design, &chosen);
    crate::noticed(&breaches, "what http is for");
    assert_eq!(breaches.len(), 1, "{breaches:?}");
}
