//! Compiles the profiles of `events/` in: each folder with a `profile.toml` becomes one entry of `profile::ALL`.

#![expect(clippy::disallowed_methods, reason = "a build script learns everything from its environment")]

use std::path::PathBuf;
use std::process::ExitCode;

#[path = "build/profiles.rs"]
mod profiles;

fn main() -> ExitCode {
    println!("cargo::rerun-if-env-changed=HOOKBELL_EVENTS_DIR");
    // A company may keep its own profiles elsewhere; everybody else adds a folder to `events/`. The crate's own folder is
    // asked for as the script runs: Cargo keeps it for a copy of the repository that shares the target folder.
    let own = || PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../events");
    let folder = std::env::var_os("HOOKBELL_EVENTS_DIR").map_or_else(own, PathBuf::from);
    println!("cargo::rerun-if-changed={}", folder.display());
    let generated = profiles::generate(&folder);
    let out = std::env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    match generated.and_then(|code| {
        std::fs::write(out.join("profiles.rs"), code).map_err(|error| format!("cannot write profiles.rs: {error}"))
    }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error={error}");
            ExitCode::FAILURE
        }
    }
}
