//! What AWS takes in one request, and the constants of `crates/aws` that stay within it.

use crate::Breaches;
use crate::sources::Source;

/// A constant, the most that AWS takes, and the call that it is for.
struct Limit {
    constant: &'static str,
    at_most: i64,
    call: &'static str,
}

/// From the quotas of Amazon SQS and Amazon DynamoDB.
const LIMITS: [Limit; 8] = [
    Limit { constant: "MAX_ENTRIES", at_most: 10, call: ".send_message_batch(" },
    Limit { constant: "MAX_BYTES", at_most: 1_048_576, call: ".send_message_batch(" },
    Limit { constant: "MAX_DELAY", at_most: 900, call: ".delay_seconds(" },
    Limit { constant: "MAX_ENTRIES", at_most: 10, call: ".change_message_visibility_batch(" },
    Limit { constant: "MAX_HIDDEN", at_most: 43_200, call: ".visibility_timeout(" },
    Limit { constant: "BATCH_WRITE_ITEMS", at_most: 25, call: ".batch_write_item(" },
    Limit { constant: "BATCH_STATEMENTS", at_most: 25, call: ".batch_execute_statement(" },
    Limit { constant: "BATCH_GET_KEYS", at_most: 100, call: ".batch_get_item(" },
];

/// A constant in a source, from its name to its end.
fn declaration<'a>(code: &'a str, constant: &str) -> Option<&'a str> {
    let start = code.find(&format!("const {constant}: "))?;
    let rest = code.get(start..)?;
    rest.get(..=rest.find(';')?)
}

/// What stands after the `=` of a constant in a source.
fn expression<'a>(code: &'a str, constant: &str) -> Option<&'a str> {
    declaration(code, constant)?.split_once(" = ")?.1.strip_suffix(';')
}

/// The value of an expression: sums and products of whole numbers, durations in seconds.
fn value(expression: &str) -> Option<i64> {
    for (unit, seconds) in [("from_secs", 1), ("from_mins", 60), ("from_hours", 60 * 60)] {
        if let Some(inner) = expression.strip_prefix("Duration::").and_then(|call| call.strip_prefix(unit)) {
            return Some(seconds * value(inner.strip_prefix('(')?.strip_suffix(')')?)?);
        }
    }
    let terms = expression.replace(" - ", " + -").replace('_', "");
    let product =
        |term: &str| term.split(" * ").map(|factor| factor.trim().parse::<i64>().ok()).product::<Option<i64>>();
    terms.split(" + ").map(product).sum()
}

fn limits(sources: &[Source]) -> Breaches {
    let mut breaches = Breaches::new();
    for Limit { constant, at_most, call } in LIMITS {
        let values: Vec<i64> = sources.iter().filter_map(|source| value(expression(&source.code, constant)?)).collect();
        match values.as_slice() {
            [one] if (1..=at_most).contains(one) => {}
            [one] => breaches.push(format!("{constant} is {one}: AWS takes at most {at_most} in {call}..)")),
            _ => breaches
                .push(format!("{constant}: {} constants that tidy can read have this name, not one", values.len())),
        }
        let callers: Vec<&Source> = sources.iter().filter(|source| source.code.contains(call)).collect();
        let careless = callers.iter().filter(|source| !source.code.contains(constant));
        breaches.extend(careless.map(|source| format!("{}: {call}..) without a look at {constant}", source.path)));
        if callers.is_empty() {
            breaches.push(format!("{constant}: nothing calls {call}..) any more; strike it from tidy's limits"));
        }
    }
    breaches
}

/// The code of `crates/aws`, with one thing in it changed.
#[track_caller]
fn changed(from: &str, to: &str) -> Vec<Source> {
    let mut sources = crate::sources::under("crates/aws");
    let place = sources.iter_mut().find(|source| source.code.contains(from));
    let place = place.unwrap_or_else(|| panic!("no {from:?} in crates/aws: say what stands there now"));
    place.code = place.code.replace(from, to);
    sources
}

/// The code of `crates/aws`, with another value for a constant, is over a limit.
#[track_caller]
fn check(constant: &str, too_much: &str, words: &str) {
    let sources = crate::sources::under("crates/aws");
    let now = sources.iter().find_map(|source| declaration(&source.code, constant)).expect("the constant");
    let (before, _) = now.split_once(" = ").expect("a value");
    crate::noticed(&limits(&changed(now, &format!("{before} = {too_much};"))), words);
}

#[test]
fn batches_and_delays_stay_within_what_aws_takes() {
    crate::kept(&limits(&crate::sources::under("crates/aws")));
    check("MAX_ENTRIES", "11", "MAX_ENTRIES is 11");
    check("MAX_BYTES", "1_048_576 + 1", "MAX_BYTES is 1048577");
    check("MAX_DELAY", "Duration::from_secs(15 * 60 + 1)", "MAX_DELAY is 901");
    check("MAX_DELAY", "Duration::from_mins(16)", "MAX_DELAY is 960");
    check("MAX_HIDDEN", "Duration::from_hours(13)", "MAX_HIDDEN is 46800");
    check("BATCH_WRITE_ITEMS", "26", "BATCH_WRITE_ITEMS is 26");
    check("BATCH_STATEMENTS", "26", "BATCH_STATEMENTS is 26");
    check("BATCH_GET_KEYS", "101", "BATCH_GET_KEYS is 101");
}

#[test]
fn whoever_sends_a_batch_or_a_delay_looks_at_its_limit() {
    let renamed = limits(&changed("const BATCH_GET_KEYS", "const KEYS"));
    crate::noticed(&renamed, "BATCH_GET_KEYS: 0 constants");
    crate::noticed(&limits(&changed(".batch_get_item()", ".batch_got_item()")), "nothing calls .batch_get_item(");
    crate::noticed(&limits(&changed(".query()", ".batch_write_item()")), "without a look at BATCH_WRITE_ITEMS");
}
