//! Another matcher, made to be obviously right and not to be quick, after how AWS describes its own: alternatives are
//! multiplied out, bodies are taken apart into paths with values, each with the entries of lists that it lies in; and
//! what a pattern takes must not lie in two entries of one list.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A path, and what may be there.
type Wanted<'a> = (String, &'a [Value]);

/// A value with its path, and for each list around it which entry it lies in.
type Leaf<'a> = (String, &'a Value, Vec<(usize, usize)>);

pub(super) fn matches(pattern: &Value, body: &Value) -> bool {
    let mut leaves = Vec::new();
    take_apart(body, "", &mut Vec::new(), &mut 0, &mut leaves);
    multiplied_out(pattern, "").iter().any(|wanted| is_met(wanted, &leaves, &[], &[]))
}

/// All combinations of alternatives, each as a list of what is wanted.
fn multiplied_out<'a>(pattern: &'a Value, path: &str) -> Vec<Vec<Wanted<'a>>> {
    let mut combinations = vec![Vec::new()];
    for (name, value) in pattern.as_object().unwrap() {
        let here = format!("{path}/{name}");
        let options = match value {
            Value::Array(alternatives) if name == "$or" => {
                alternatives.iter().flat_map(|alternative| multiplied_out(alternative, path)).collect()
            }
            Value::Array(values) => vec![vec![(here, values.as_slice())]],
            _ => multiplied_out(value, &here),
        };
        combinations = combinations
            .iter()
            .flat_map(|before| options.iter().map(move |option| [before.as_slice(), option.as_slice()].concat()))
            .collect();
    }
    combinations
}

fn take_apart<'a>(
    value: &'a Value,
    path: &str,
    entries: &mut Vec<(usize, usize)>,
    lists: &mut usize,
    leaves: &mut Vec<Leaf<'a>>,
) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                take_apart(value, &format!("{path}/{name}"), entries, lists, leaves);
            }
        }
        Value::Array(values) => {
            *lists += 1;
            let list = *lists;
            for (index, value) in values.iter().enumerate() {
                entries.push((list, index));
                take_apart(value, path, entries, lists, leaves);
                entries.pop();
            }
        }
        leaf => leaves.push((path.to_owned(), leaf, entries.clone())),
    }
}

fn in_one_entry(one: &[(usize, usize)], other: &[(usize, usize)]) -> bool {
    one.iter().all(|(list, index)| other.iter().all(|(other, at)| list != other || index == at))
}

/// Whether there is a choice of values, one for each path that is not to be absent, that lie together.
fn is_met(wanted: &[Wanted<'_>], leaves: &[Leaf<'_>], chosen: &[(usize, usize)], absent: &[&str]) -> bool {
    let Some(((path, tests), rest)) = wanted.split_first() else {
        return !leaves
            .iter()
            .any(|(path, _, entries)| absent.contains(&path.as_str()) && in_one_entry(entries, chosen));
    };
    let by_absence = tests.iter().any(|test| test.get("exists") == Some(&json!(false)))
        && is_met(rest, leaves, chosen, &[absent, &[path.as_str()]].concat());
    by_absence
        || leaves.iter().any(|(at, value, entries)| {
            at == path
                && in_one_entry(entries, chosen)
                && tests.iter().any(|test| passes(test, value))
                && is_met(rest, leaves, &[chosen, entries.as_slice()].concat(), absent)
        })
}

fn passes(test: &Value, value: &Value) -> bool {
    let Some(operators) = test.as_object() else { return is_same(test, value) };
    let (name, operand) = operators.iter().next().unwrap();
    let words = value.as_str();
    match name.as_str() {
        "exists" => operand == &json!(true),
        "prefix" | "suffix" | "wildcard" | "equals-ignore-case" => words.is_some_and(|text| looks(name, operand, text)),
        "numeric" => value.as_f64().is_some_and(|number| {
            operand.as_array().unwrap().chunks(2).all(|term| {
                let bound = term[1].as_f64().unwrap();
                match term[0].as_str().unwrap() {
                    "=" => number.total_cmp(&bound).is_eq(),
                    "<" => number < bound,
                    "<=" => number <= bound,
                    ">" => number > bound,
                    _ => number >= bound,
                }
            })
        }),
        "cidr" => words.is_some_and(|text| text.starts_with("10.") && operand == &json!("10.0.0.0/8")),
        "anything-but" => match operand {
            Value::Object(operators) => {
                let (name, operand) = operators.iter().next().unwrap();
                !words.is_some_and(|text| any(operand).iter().any(|operand| looks(name, operand, text)))
            }
            operand => !any(operand).iter().any(|excluded| is_same(excluded, value)),
        },
        other => panic!("{other}"),
    }
}

fn is_same(wanted: &Value, value: &Value) -> bool {
    wanted == value || (wanted.is_number() && wanted.as_f64() == value.as_f64())
}

fn any(operand: &Value) -> &[Value] {
    operand.as_array().map_or(std::slice::from_ref(operand), Vec::as_slice)
}

fn looks(name: &str, operand: &Value, text: &str) -> bool {
    if let Some(wanted) = operand.get("equals-ignore-case") {
        return looks(name, &json!(wanted.as_str().unwrap().to_lowercase()), &text.to_lowercase());
    }
    let operand = operand.as_str().unwrap();
    match name {
        "prefix" => text.starts_with(operand),
        "suffix" => text.ends_with(operand),
        "wildcard" => fits(operand.as_bytes(), text.as_bytes()),
        _ => text.to_lowercase() == operand.to_lowercase(),
    }
}

/// Whether a text fits a wildcard without escapes, tried in all ways.
pub(super) fn fits(wildcard: &[u8], text: &[u8]) -> bool {
    match (wildcard.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => fits(rest, text) || (!text.is_empty() && fits(wildcard, &text[1..])),
        (Some((one, rest)), Some((other, left))) => one == other && fits(rest, left),
        _ => false,
    }
}

fn scalar() -> impl Strategy<Value = Value> {
    let texts = ["", "x", "y", "X", "xy", "yx", "xyx", "10.0.0.1", "11.0.0.1"].map(Value::from);
    let others = [json!(null), json!(true), json!(0), json!(1), json!(1.0), json!(1.5), json!(2)];
    prop_oneof![3 => proptest::sample::select(texts.to_vec()), 2 => proptest::sample::select(others.to_vec())]
}

fn test() -> impl Strategy<Value = Value> {
    let operators = [
        json!({ "exists": true }),
        json!({ "exists": false }),
        json!({ "prefix": "x" }),
        json!({ "prefix": { "equals-ignore-case": "XY" } }),
        json!({ "suffix": "x" }),
        json!({ "suffix": { "equals-ignore-case": "X" } }),
        json!({ "equals-ignore-case": "xY" }),
        json!({ "wildcard": "x*x" }),
        json!({ "wildcard": "*y*" }),
        json!({ "numeric": [">", 0, "<=", 1.5] }),
        json!({ "numeric": ["=", 1] }),
        json!({ "numeric": [">=", 1.25] }),
        json!({ "cidr": "10.0.0.0/8" }),
        json!({ "anything-but": "x" }),
        json!({ "anything-but": ["x", "y", ""] }),
        json!({ "anything-but": [1, 2] }),
        json!({ "anything-but": { "prefix": ["x", "1"] } }),
        json!({ "anything-but": { "wildcard": "*y*" } }),
        json!({ "anything-but": { "equals-ignore-case": "x" } }),
    ];
    prop_oneof![scalar(), proptest::sample::select(operators.to_vec())]
}

/// Fields of an object, of these names.
fn fields(names: &'static [&'static str], value: BoxedStrategy<Value>) -> BoxedStrategy<Map<String, Value>> {
    let field = (proptest::sample::select(names), value).prop_map(|(name, value)| (name.to_owned(), value));
    proptest::collection::vec(field, 1..=3).prop_map(|fields| fields.into_iter().collect()).boxed()
}

/// Patterns. Alternatives name other fields than what stands beside them: there the matcher is simpler than AWS's.
pub(super) fn pattern() -> BoxedStrategy<Value> {
    object(2).prop_map(Value::Object).boxed()
}

fn object(depth: usize) -> BoxedStrategy<Map<String, Value>> {
    let tests = || proptest::collection::vec(test(), 1..=3).prop_map(Value::Array);
    let value = || match depth {
        0 => tests().boxed(),
        _ => prop_oneof![tests(), object(depth - 1).prop_map(Value::Object)].boxed(),
    };
    let alternative = fields(&["c", "d"], value()).prop_map(Value::Object);
    let alternatives = proptest::option::weighted(0.3, proptest::collection::vec(alternative, 2..=3));
    (fields(&["a", "b"], value()), alternatives)
        .prop_map(|(mut fields, alternatives)| {
            fields.extend(alternatives.map(|alternatives| ("$or".to_owned(), alternatives.into())));
            fields
        })
        .boxed()
}

/// Bodies with the names and values that patterns ask for, lists everywhere.
pub(super) fn body() -> BoxedStrategy<Value> {
    let value = scalar().prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..=3).prop_map(Value::Array),
            2 => fields(&["a", "b", "c", "d"], inner).prop_map(Value::Object),
        ]
    });
    fields(&["a", "b", "c", "d"], value.boxed()).prop_map(Value::Object).boxed()
}
