//! Log lines: one JSON object each, for CloudWatch Logs.

/// Starts logging to standard output, from level INFO on. Called once, at the start of a function.
pub fn start() {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(tracing_subscriber::filter::LevelFilter::INFO)
        .init();
}
