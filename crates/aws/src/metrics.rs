//! Metrics: one line per invocation in CloudWatch's embedded metric format, from which CloudWatch makes its metrics.
//!
//! An instance deals with one invocation after the other, so what was noted since the last line belongs to this one.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Number;
use tracing::Instrument as _;

use crate::logging;

/// Where all metrics are.
const NAMESPACE: &str = "hookbell";

/// What tells deployments apart.
const DIMENSION: &str = "Stack";

/// Values of one metric in one line (CloudWatch, "Specification: Embedded metric format": an array has at most 100 members).
const MOST_VALUES: usize = 100;

/// What is counted or measured. `docs/METRICS.md` tells of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Metric {
    /// Attempts that arrived.
    DeliveriesDelivered,
    /// Attempts that did not, and did not end their delivery.
    AttemptsFailed,
    /// Deliveries that ended with an attempt that did not arrive.
    DeliveriesExhausted,
    /// Deliveries that ended without one.
    DeliveriesSkipped,
    /// How long an attempt took.
    AttemptLatency,
    /// How long an event was on its queue until it was read.
    EventAge,
    /// How late a delivery was that was read, counted from when it was first due, unless its receiver fails.
    DueAge,
    /// Deliveries that were put on their queue, or left on it, for a time that has yet to come.
    RetriesWaiting,
    /// Deliveries that were put back for a rate limit, or because their endpoint fails.
    DeliveriesThrottled,
    /// Records of the events queues that are no events.
    EventsRejected,
    /// Records that wait for a person.
    RecordsParked,
    /// Endpoints that were disabled by themselves.
    EndpointsDisabled,
    /// Calls of the API beyond their key's limit.
    CallsThrottled,
    /// Calls of AWS that failed for good.
    AwsErrors,
    /// Instances that were started.
    ColdStarts,
}

impl Metric {
    /// In what it is measured (CloudWatch, "`MetricDatum`").
    const fn unit(self) -> Unit {
        match self {
            Self::AttemptLatency => Unit::Milliseconds,
            Self::EventAge | Self::DueAge => Unit::Seconds,
            _ => Unit::Count,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum Unit {
    Count,
    Milliseconds,
    Seconds,
}

/// What an instance has noted since it last wrote a line.
#[derive(Debug)]
pub struct Metrics {
    stack: String,
    noted: Mutex<Noted>,
}

type Noted = BTreeMap<Metric, Values>;

/// Of one metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum Values {
    Total(u64),
    Each(Vec<Number>),
}

impl Metrics {
    /// Those of an instance that has just started, in the deployment whose stack has that name.
    #[must_use]
    pub fn new(stack: String) -> Self {
        Self { stack, noted: Mutex::new(Noted::from([(Metric::ColdStarts, Values::Total(1))])) }
    }

    /// Counts so many.
    pub fn count(&self, metric: Metric, more: usize) {
        if more == 0 {
            return;
        }
        let more = u64::try_from(more).unwrap_or(u64::MAX);
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Values::Total(total) = noted.entry(metric).or_insert(Values::Total(0)) {
            *total = total.saturating_add(more);
        }
    }

    /// Notes how long something took, or how old it is: in whole milliseconds, or in seconds with two decimals.
    pub fn measure(&self, metric: Metric, value: Duration) {
        let value = match metric.unit() {
            Unit::Seconds => seconds(value),
            Unit::Milliseconds | Unit::Count => Number::from(u64::try_from(value.as_millis()).unwrap_or(u64::MAX)),
        };
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Values::Each(values) = noted.entry(metric).or_insert_with(|| Values::Each(Vec::new())) {
            values.push(value);
        }
    }

    /// Does an invocation's work: what it logs carries the invocation's ids, and what it notes is written at its end.
    pub async fn invocation<T>(&self, request_id: &str, trace: Option<&str>, work: impl Future<Output = T>) -> T {
        let done = work.instrument(logging::invocation(request_id, trace)).await;
        let noted = std::mem::take(&mut *self.noted.lock().unwrap_or_else(PoisonError::into_inner));
        let lines = lines(&self.stack, request_id, Timestamp::now(), &noted);
        if let Err(error) = std::io::stdout().lock().write_all(lines.as_bytes()) {
            tracing::error!(%error, "metrics were not written");
        }
        done
    }
}

fn seconds(value: Duration) -> Number {
    let hundredths = u32::try_from(value.as_millis() / 10).unwrap_or(u32::MAX);
    let whole = || Number::from(hundredths / 100);
    if hundredths.is_multiple_of(100) {
        whole()
    } else {
        Number::from_f64(f64::from(hundredths) / 100.0).unwrap_or_else(whole)
    }
}

/// A line of that format.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "_aws")]
    about: About,
    #[serde(rename = "Stack")]
    stack: &'a str,
    request_id: &'a str,
    #[serde(flatten)]
    values: &'a Noted,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct About {
    timestamp: i64,
    cloud_watch_metrics: [Directive; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: &'static str,
    dimensions: [[&'static str; 1]; 1],
    metrics: Vec<Definition>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    name: Metric,
    unit: Unit,
}

/// What was noted, as lines: one, unless a metric has more values than go into one; none, where nothing was.
fn lines(stack: &str, request_id: &str, at: Timestamp, noted: &Noted) -> String {
    let mut lines = String::new();
    for part in 0.. {
        let values: Noted = noted.iter().filter_map(|(&metric, values)| Some((metric, values.part(part)?))).collect();
        if values.is_empty() {
            break;
        }
        let definitions = values.keys().map(|&name| Definition { name, unit: name.unit() });
        let directive = Directive { namespace: NAMESPACE, dimensions: [[DIMENSION]], metrics: definitions.collect() };
        let about = About { timestamp: at.as_millisecond(), cloud_watch_metrics: [directive] };
        // Nothing in it can fail to be written.
        lines += &serde_json::to_string(&Line { about, stack, request_id, values: &values }).unwrap_or_default();
        lines.push('\n');
    }
    lines
}

impl Values {
    /// What of it goes into the line of that number, if anything does.
    fn part(&self, number: usize) -> Option<Self> {
        match self {
            Self::Total(total) => (number == 0).then_some(Self::Total(*total)),
            Self::Each(values) => values.chunks(MOST_VALUES).nth(number).map(|part| Self::Each(part.to_vec())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(metrics: &Metrics) -> String {
        let noted = metrics.noted.lock().unwrap();
        lines(&metrics.stack, "8f6b", Timestamp::from_millisecond(1_780_000_000_123).unwrap(), &noted)
    }

    #[test]
    fn a_line_says_of_each_metric_what_it_is_measured_in_and_only_what_was_noted() {
        let metrics = Metrics::new("hookbell".to_owned());
        metrics.count(Metric::DeliveriesDelivered, 2);
        metrics.count(Metric::DeliveriesDelivered, 1);
        metrics.count(Metric::AwsErrors, 0);
        for ms in [40, 1_500, 2_000, 0] {
            metrics.measure(Metric::AttemptLatency, Duration::from_millis(ms));
            metrics.measure(Metric::DueAge, Duration::from_millis(ms));
        }
        let expected = concat!(
            r#"{"_aws":{"Timestamp":1780000000123,"CloudWatchMetrics":[{"Namespace":"hookbell","Dimensions":[["Stack"]],"#,
            r#""Metrics":[{"Name":"DeliveriesDelivered","Unit":"Count"},{"Name":"AttemptLatency","Unit":"Milliseconds"},"#,
            r#"{"Name":"DueAge","Unit":"Seconds"},{"Name":"ColdStarts","Unit":"Count"}]}]},"Stack":"hookbell","#,
            r#""request_id":"8f6b","DeliveriesDelivered":3,"AttemptLatency":[40,1500,2000,0],"#,
            r#""DueAge":[0.04,1.5,2,0],"ColdStarts":1}"#,
            "\n"
        );
        assert_eq!(written(&metrics), expected);
    }

    #[test]
    fn more_values_than_a_line_may_have_go_into_more_lines_and_totals_only_into_the_first() {
        let metrics = Metrics::new("hookbell".to_owned());
        (0..250).for_each(|ms| metrics.measure(Metric::AttemptLatency, Duration::from_millis(ms)));
        metrics.measure(Metric::EventAge, Duration::from_secs(1));
        let lines: Vec<serde_json::Value> =
            written(&metrics).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let count = |name: &str| -> Vec<usize> {
            lines.iter().map(|line| line.get(name).map_or(0, |value| value.as_array().map_or(1, Vec::len))).collect()
        };
        assert_eq!(count("AttemptLatency"), [100, 100, 50]);
        assert_eq!(count("EventAge"), [1, 0, 0]);
        assert_eq!(count("ColdStarts"), [1, 0, 0]);
        assert_eq!(lines[2]["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn what_an_invocation_noted_is_not_the_next_ones() {
        let metrics = Metrics::new("hookbell".to_owned());
        metrics.invocation("1", None, async { metrics.count(Metric::AwsErrors, 1) }).await;
        assert_eq!(written(&metrics), "");
    }
}
