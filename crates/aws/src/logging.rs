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

/// A reason without what it quotes of the record, which is for whoever reads the queue and not for the log.
#[must_use]
pub fn unquoted(reason: &str) -> String {
    let (mut told, mut quoting, mut escaped) = (String::new(), None, false);
    for character in reason.chars() {
        match quoting {
            None => {
                told.push(character);
                quoting = Some(character).filter(|one| matches!(one, '"' | '`'));
            }
            Some(_) if escaped => escaped = false,
            Some(_) if character == '\\' => escaped = true,
            Some(quote) if character == quote => {
                told.extend(['…', quote]);
                quoting = None;
            }
            Some(_) => {}
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_in_the_log_quotes_nothing_of_the_record() {
        for (reason, told) in [
            ("the body is not a JSON object", "the body is not a JSON object"),
            (r#"type: "a \"b\" c" is not in profile "x""#, r#"type: "…" is not in profile "…""#),
            ("unknown variant `abc`, expected `gone`", "unknown variant `…`, expected `…`"),
            (r#"no end: "abc"#, r#"no end: ""#),
        ] {
            assert_eq!(unquoted(reason), told);
        }
    }
}
