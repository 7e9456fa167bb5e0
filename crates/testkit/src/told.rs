//! What a function tells of its work: its log lines, and its metrics as CloudWatch would read them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::function::Function;
use crate::patience::eventually;

/// Values of a metric in one line, and metrics of one directive (CloudWatch, "Specification: Embedded metric format").
const MOST: usize = 100;

/// The lines of an instance that are JSON objects.
#[must_use]
pub fn lines(function: &Function) -> Vec<Value> {
    function.output().lines().filter_map(|line| serde_json::from_str(line).ok()).filter(Value::is_object).collect()
}

/// Waits until an instance has logged so many events of a name, and gives them.
pub async fn wait_for(function: &Function, event: &str, count: usize) -> Vec<Value> {
    eventually(&format!("{count} {event}"), async || {
        let found: Vec<Value> = lines(function).into_iter().filter(|line| line["message"] == event).collect();
        (found.len() >= count).then_some(found)
    })
    .await
}

/// The metrics of an instance so far: of each, all its values.
#[must_use]
pub fn metrics(function: &Function) -> BTreeMap<String, Vec<f64>> {
    let mut all = BTreeMap::<String, Vec<f64>>::new();
    for line in lines(function).iter().filter(|line| !line["_aws"].is_null()) {
        for (name, values) in read(line) {
            all.entry(name).or_default().extend(values);
        }
    }
    all
}

/// Waits until the counts of an instance are these and no others; `ColdStarts` and what is measured are left out.
pub async fn wait_for_counts(function: &Function, expected: &[(&str, u32)]) {
    let expected: BTreeMap<&str, f64> = expected.iter().map(|&(name, count)| (name, f64::from(count))).collect();
    eventually(&format!("{expected:?}"), async || {
        let all = metrics(function);
        let counts = all.iter().filter(|(name, _)| unit(name) == "Count" && *name != "ColdStarts");
        let counts: BTreeMap<&str, f64> = counts.map(|(name, values)| (name.as_str(), values.iter().sum())).collect();
        (counts == expected).then_some(())
    })
    .await;
}

/// In what a metric has to be measured.
fn unit(name: &str) -> &'static str {
    match name {
        "AttemptLatency" => "Milliseconds",
        "EventAge" | "DueAge" => "Seconds",
        _ => "Count",
    }
}

/// A line of the embedded metric format: its metrics and their values. Fails where CloudWatch would not take it.
fn read(line: &Value) -> Vec<(String, Vec<f64>)> {
    let about = &line["_aws"];
    assert_eq!(crate::api::keys(about), ["CloudWatchMetrics", "Timestamp"], "{line}");
    let (at, now) = (about["Timestamp"].as_i64().expect("unix milliseconds"), jiff::Timestamp::now().as_millisecond());
    assert!((at - now).abs() < 60 * 60 * 1_000, "{line}");
    let [directive] = about["CloudWatchMetrics"].as_array().expect("directives").as_slice() else { panic!("{line}") };
    assert_eq!(crate::api::keys(directive), ["Dimensions", "Metrics", "Namespace"], "{line}");
    assert_eq!(
        (&directive["Namespace"], &directive["Dimensions"]),
        (&json!("hookbell"), &json!([["Stack"]])),
        "{line}"
    );
    assert_eq!(line["Stack"], "hookbell", "{line}");
    let definitions = directive["Metrics"].as_array().expect("definitions");
    assert!((1..=MOST).contains(&definitions.len()), "{line}");
    let metrics: Vec<(String, Vec<f64>)> = definitions.iter().map(|definition| read_metric(line, definition)).collect();
    let names: BTreeSet<&String> = metrics.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), definitions.len(), "{line}");
    // Beside the metrics, their dimension and what they are about there is only what leads to the other lines.
    assert_eq!(line.as_object().map(serde_json::Map::len), Some(names.len() + 3), "{line}");
    assert!(line["request_id"].is_string(), "{line}");
    metrics
}

fn read_metric(line: &Value, definition: &Value) -> (String, Vec<f64>) {
    assert_eq!(crate::api::keys(definition), ["Name", "Unit"], "{line}");
    let name = definition["Name"].as_str().expect("a name");
    let unit = unit(name);
    assert_eq!(definition["Unit"], unit, "{line}");
    let values = match &line[name] {
        Value::Array(values) => values.iter().map(|value| value.as_f64().expect("a number")).collect(),
        value => vec![value.as_f64().expect("a number")],
    };
    assert!((1..=MOST).contains(&values.len()) && values.iter().all(|value| *value >= 0.0), "{line}");
    // What is zero is left out, but for what is measured.
    assert!(unit != "Count" || values.iter().all(|value| *value > 0.0), "{line}");
    (name.to_owned(), values)
}
