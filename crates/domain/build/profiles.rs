//! Reads profile folders and writes them as Rust: every mistake is named with its file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

/// Seconds of an attempt at most. An invocation of the sender ends after 90, and begins no attempt that it might not
/// live to record: one with a longer deadline would never be made.
const LONGEST_DEADLINE: u64 = 60;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    description: String,
    body: Body,
    retry: Retry,
    auto_disable: AutoDisable,
    redeliver: Redeliver,
    system_events: Option<SystemEvents>,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Body {
    Envelope,
    Flat,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Retry {
    waits: Vec<String>,
    jitter: Jitter,
    jitter_fraction: f64,
    attempt_deadline: String,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Jitter {
    Shorten,
    Spread,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AutoDisable {
    rule: Rule,
    exhausted: Option<u32>,
    age: String,
    reason: String,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Rule {
    ExhaustedStreak,
    FailingFor,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Redeliver {
    mode: RedeliverMode,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum RedeliverMode {
    NewDelivery,
    ManualAttempt,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SystemEvents {
    ping: String,
    ping_message: String,
    endpoint_disabled: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypeFile {
    description: String,
    category: String,
    schema: Box<RawValue>,
    example: Box<RawValue>,
}

/// Rust source of `pub static ALL: &[Profile]` for the profile folders in `events`, in alphabetical order.
pub(crate) fn generate(events: &Path) -> Result<String, String> {
    let mut code = String::from("/// Every profile, by name in alphabetical order.\npub static ALL: &[Profile] = &[\n");
    let mut any = false;
    for folder in entries(events)?.into_iter().filter(|path| path.join("profile.toml").is_file()) {
        any = true;
        write_profile(&mut code, &folder)?;
    }
    if !any {
        return Err(format!("{}: no folder with a profile.toml in it", events.display()));
    }
    code.push_str("];\n");
    Ok(code)
}

fn write_profile(code: &mut String, folder: &Path) -> Result<(), String> {
    let path = folder.join("profile.toml");
    let named = |error: String| format!("{}: {error}", path.display());
    let text = fs::read_to_string(&path).map_err(|error| named(error.to_string()))?;
    let profile: ProfileFile = toml::from_str(&text).map_err(|error| named(in_one_line(&error)))?;
    let types = read_types(&folder.join("types"))?;
    let name = stem(folder)?;

    let mut waits = String::new();
    for wait in &profile.retry.waits {
        let _infallible = write!(waits, "{}, ", duration(wait).map_err(named)?);
    }
    if !(0.0..1.0).contains(&profile.retry.jitter_fraction) {
        return Err(named("retry.jitter_fraction: must be at least 0 and below 1".to_owned()));
    }
    let jitter = match profile.retry.jitter {
        Jitter::Shorten => "Shorten",
        Jitter::Spread => "Spread",
    };
    let (count, unit) = parts(&profile.retry.attempt_deadline).map_err(named)?;
    if count * unit > LONGEST_DEADLINE {
        return Err(named(format!("retry.attempt_deadline: must be at most {LONGEST_DEADLINE}s")));
    }
    let deadline = in_rust(count, unit);
    let age = duration(&profile.auto_disable.age).map_err(named)?;
    let rule = match (profile.auto_disable.rule, profile.auto_disable.exhausted) {
        (Rule::ExhaustedStreak, Some(exhausted @ 1..)) => {
            format!("ExhaustedStreak {{ exhausted: {exhausted}, age: {age} }}")
        }
        (Rule::ExhaustedStreak, _) => {
            return Err(named("auto_disable.exhausted: exhausted_streak needs a number of at least 1".to_owned()));
        }
        (Rule::FailingFor, None) => format!("FailingFor {{ age: {age} }}"),
        (Rule::FailingFor, Some(_)) => {
            return Err(named("auto_disable.exhausted: only exhausted_streak takes it".to_owned()));
        }
    };
    let redeliver = match profile.redeliver.mode {
        RedeliverMode::NewDelivery => "NewDelivery",
        RedeliverMode::ManualAttempt => "ManualAttempt",
    };
    let body = match profile.body {
        Body::Envelope => "Envelope",
        Body::Flat => "Flat",
    };
    let system_events = match &profile.system_events {
        None => "None".to_owned(),
        Some(_) if profile.body == Body::Flat => {
            return Err(named("system_events: their payloads need body = \"envelope\"".to_owned()));
        }
        Some(events) => {
            for (key, event_type) in [("ping", &events.ping), ("endpoint_disabled", &events.endpoint_disabled)] {
                if !types.contains_key(event_type) {
                    return Err(named(format!("system_events.{key}: there is no types/{event_type}.json")));
                }
            }
            format!(
                "Some(SystemEvents {{ ping: {:?}, ping_message: {:?}, endpoint_disabled: {:?} }})",
                events.ping, events.ping_message, events.endpoint_disabled
            )
        }
    };
    let _infallible = writeln!(
        code,
        "Profile {{ name: {name:?}, description: {:?}, body: BodyFormat::{body}, \
         retry: RetryPolicy {{ waits: &[{waits}], jitter: Jitter::{jitter}({:?}), attempt_deadline: {deadline} }}, \
         auto_disable: AutoDisable {{ rule: AutoDisableRule::{rule}, reason: {:?} }}, \
         redeliver: Redeliver::{redeliver}, system_events: {system_events}, event_types: &[",
        profile.description, profile.retry.jitter_fraction, profile.auto_disable.reason
    );
    for (name, entry) in &types {
        let _infallible = writeln!(
            code,
            "EventType {{ name: {name:?}, description: {:?}, category: {:?}, example: {:?} }},",
            entry.description,
            entry.category,
            entry.example.get()
        );
    }
    code.push_str("] },\n");
    Ok(())
}

fn read_types(folder: &Path) -> Result<BTreeMap<String, TypeFile>, String> {
    let mut types = BTreeMap::new();
    for path in entries(folder)? {
        let named = |error: String| format!("{}: {error}", path.display());
        let name = stem(&path)?;
        let name_is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        if path.extension().is_none_or(|extension| extension != "json") || !name_is_plain {
            return Err(named("a type's file is <type>.json, with a name of A-Z a-z 0-9 . _ -".to_owned()));
        }
        let text = fs::read_to_string(&path).map_err(|error| named(error.to_string()))?;
        let entry: TypeFile = serde_json::from_str(&text).map_err(|error| named(error.to_string()))?;
        // The schema is for people and for the tests: no function is asked for it, so it is not compiled in.
        for (field, value) in [("schema", &entry.schema), ("example", &entry.example)] {
            if !value.get().starts_with('{') {
                return Err(named(format!("{field}: must be a JSON object")));
            }
        }
        types.insert(name, entry);
    }
    if types.is_empty() { Err(format!("{}: no types in it", folder.display())) } else { Ok(types) }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let named = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut paths = fs::read_dir(folder)
        .map_err(named)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(named)?;
    paths.sort();
    Ok(paths)
}

/// The name of a folder, or of a file without its ending.
fn stem(path: &Path) -> Result<String, String> {
    let name = if path.is_dir() { path.file_name() } else { path.file_stem() };
    name.and_then(|name| name.to_str())
        .map(str::to_owned)
        .ok_or_else(|| format!("{}: the name is not UTF-8", path.display()))
}

/// `90s`, `5m` or `24h` as a Rust expression.
fn duration(text: &str) -> Result<String, String> {
    parts(text).map(|(count, unit)| in_rust(count, unit))
}

fn in_rust(count: u64, unit: u64) -> String {
    match (count, unit) {
        (1, _) => format!("Duration::new({unit}, 0)"),
        (_, 1) => format!("Duration::new({count}, 0)"),
        _ => format!("Duration::new({count} * {unit}, 0)"),
    }
}

/// The number and the unit's seconds of a duration.
fn parts(text: &str) -> Result<(u64, u64), String> {
    let wrong = || format!("{text:?} is no duration: write a whole number and s, m or h, such as \"30s\"");
    let mut letters = text.chars();
    let unit = match letters.next_back() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        _ => return Err(wrong()),
    };
    match letters.as_str().parse() {
        Ok(count @ 1..=9_999) => Ok((count, unit)),
        _ => Err(wrong()),
    }
}

/// What is wrong and where, without the lines between that show it: Cargo prints the first line of an error alone.
fn in_one_line(error: &toml::de::Error) -> String {
    let place = error.to_string();
    format!("{} ({})", error.message(), place.lines().next().unwrap_or_default())
}
