//! A profile is a folder: what the build makes of good ones and bad ones.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

use std::fs;
use std::path::Path;
use std::process::Command;

use hookbell_domain::profile;
use serde_json::Value;

#[path = "../build/profiles.rs"]
mod profiles;

/// A setting that no other build has: this crate with other profiles is then kept beside the one that is tested, in the
/// same folder, where all that it needs is compiled already.
const ANOTHER_CRATE: &str = "profile.dev.package.hookbell-domain.codegen-units=15";

const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");

/// A copy of one of the shipped profiles under a new name, in a folder of its own.
fn acme(label: &str) -> std::path::PathBuf {
    let events = Path::new(env!("CARGO_TARGET_TMPDIR")).join(label);
    if events.exists() {
        fs::remove_dir_all(&events).unwrap();
    }
    let (from, to) = (Path::new(EVENTS).join("slothbox"), events.join("acme"));
    fs::create_dir_all(to.join("types")).unwrap();
    fs::copy(from.join("profile.toml"), to.join("profile.toml")).unwrap();
    for entry in fs::read_dir(from.join("types")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join("types").join(entry.file_name())).unwrap();
    }
    events
}

#[test]
fn adding_a_folder_and_building_is_all_that_a_new_profile_takes() {
    let events = acme("own-profile");
    fs::write(
        events.join("acme/types/invoice.paid.json"),
        r#"{"description":"An invoice was paid.","category":"Invoices","schema":{"type":"object"},"example":{"z":1,"a":2}}"#,
    )
    .unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--example", "catalogue", "--config", ANOTHER_CRATE])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("HOOKBELL_EVENTS_DIR", &events)
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.starts_with("acme: "), "{printed}");
    assert!(printed.contains("  invoice.paid (Invoices)"), "{printed}");
}

#[track_caller]
fn check_refused(label: &str, file: &str, from: &str, to: &str, expected: &str) {
    let events = acme(label);
    let path = events.join("acme").join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from}");
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
    let error = profiles::generate(&events).expect_err("the build should refuse it");
    assert!(error.contains(path.file_name().unwrap().to_str().unwrap()), "{error}");
    assert!(error.contains(expected), "{error}");
    // Of an error of a build script Cargo prints the first line alone.
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn a_mistake_in_a_profile_is_named_with_its_file() {
    check_refused("unit", "profile.toml", "\"30s\"", "\"30 days\"", "is no duration");
    check_refused("body", "profile.toml", "\"envelope\"", "\"xml\"", "unknown variant");
    check_refused("flat", "profile.toml", "\"envelope\"", "\"flat\"", "system_events");
    check_refused("key", "profile.toml", "[retry]", "[retry]\nretries = 3", "unknown field `retries`");
    check_refused("missing", "profile.toml", "exhausted = 5", "", "auto_disable.exhausted");
    check_refused("fraction", "profile.toml", "jitter_fraction = 0.5", "jitter_fraction = 1.5", "jitter_fraction");
    check_refused("without", "profile.toml", "attempt_deadline = \"20s\"", "", "missing field `attempt_deadline`");
    check_refused("deadline", "profile.toml", "attempt_deadline = \"20s\"", "attempt_deadline = \"2m\"", "at most 60s");
    check_refused("system", "profile.toml", "ping = \"webhook.ping\"", "ping = \"nothing\"", "types/nothing.json");
    check_refused("type", "types/webhook.ping.json", "\"category\"", "\"group\"", "unknown field `group`");
}

#[test]
fn a_schema_and_an_example_are_objects() {
    for (field, schema, example) in [("schema", "true", "{}"), ("example", "{}", "[]")] {
        let events = acme(field);
        let text = format!(r#"{{"description":"a","category":"b","schema":{schema},"example":{example}}}"#);
        fs::write(events.join("acme/types/invoice.paid.json"), text).unwrap();
        let error = profiles::generate(&events).expect_err("the build should refuse it");
        assert!(error.ends_with(&format!("invoice.paid.json: {field}: must be a JSON object")), "{error}");
    }
}

#[test]
fn every_example_is_what_its_schema_says() {
    for profile in profile::ALL {
        for event_type in profile.event_types {
            let file = Path::new(EVENTS).join(profile.name).join(format!("types/{}.json", event_type.name));
            let schema = serde_json::from_slice::<Value>(&fs::read(file).unwrap()).unwrap()["schema"].take();
            let example = serde_json::from_str(event_type.example).unwrap();
            let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
            let errors: Vec<_> = validator.iter_errors(&example).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", event_type.name);
        }
    }
}

#[test]
fn the_catalogues_are_whole_and_found_by_name() {
    for (name, count) in [("daytona", 7), ("slothbox", 16)] {
        let profile = profile::Profile::named(name).unwrap();
        assert_eq!(profile.event_types.len(), count);
        for event_type in profile.event_types {
            assert!(std::ptr::eq(profile.event_type(event_type.name).unwrap(), event_type));
        }
        assert!(profile.event_type("not.there").is_none());
    }
}
