//! From JSON to the tests of one value.

use ipnet::IpNet;

use super::json::Json;
use super::parse::Path;
use super::{Affix, End, Excluded, FilterError, MAX_NUMBER, MAX_STARS, Range, Scalar, Test, Wildcard};

/// The operators, for who has named none of them.
const KNOWN: &str = "prefix, suffix, equals-ignore-case, wildcard, anything-but, numeric, cidr, exists";

/// Reads the list of what a value may be.
pub(super) fn tests(values: &[Json], path: &Path<'_>) -> Result<Vec<Test>, FilterError> {
    if values.is_empty() {
        return path.wrong("Must have at least one value or operator");
    }
    let read = values.iter().enumerate().map(|(index, value)| test(value, &Path::Entry(path, index)));
    read.collect()
}

fn test(value: &Json, path: &Path<'_>) -> Result<Test, FilterError> {
    match value {
        Json::Scalar(value) => Ok(Test::Equals(value.clone())),
        Json::Array(_) => path.wrong("Must be a value or an operator, not a list"),
        Json::Object(fields) => {
            let (name, operand) = operator(fields, path)?;
            let path = Path::Field(path, name);
            match name {
                "prefix" => affix(operand, &path).map(Test::Prefix),
                "suffix" => affix(operand, &path).map(Test::Suffix),
                "equals-ignore-case" => text(operand, &path).map(Test::EqualsIgnoreCase),
                "wildcard" => wildcard(&text(operand, &path)?, &path).map(Test::Wildcard),
                "anything-but" => excluded(operand, &path).map(Test::AnythingBut),
                "numeric" => range(operand, &path).map(Test::Numeric),
                "cidr" => cidr(&text(operand, &path)?, &path).map(Test::Cidr),
                "exists" => match operand {
                    Json::Scalar(Scalar::Bool(exists)) => Ok(Test::Exists(*exists)),
                    _ => path.wrong("Must be true or false"),
                },
                _ => path.wrong(format!("No operator; they are: {KNOWN}")),
            }
        }
    }
}

/// The one operator of an object, and what it is given.
fn operator<'a>(fields: &'a [(String, Json)], path: &Path<'_>) -> Result<(&'a str, &'a Json), FilterError> {
    match fields {
        [(name, operand)] => Ok((name, operand)),
        _ => path.wrong(format!("Must have exactly one operator; they are: {KNOWN}")),
    }
}

fn text(operand: &Json, path: &Path<'_>) -> Result<String, FilterError> {
    match operand {
        Json::Scalar(Scalar::Text(text)) => Ok(text.clone()),
        _ => path.wrong("Must be a string"),
    }
}

fn affix(operand: &Json, path: &Path<'_>) -> Result<Affix, FilterError> {
    let Json::Object(fields) = operand else {
        return Ok(Affix { text: text(operand, path)?, ignore_case: false });
    };
    let (name, operand) = operator(fields, path)?;
    let path = Path::Field(path, name);
    if name != "equals-ignore-case" {
        return path.wrong("Must be a string, or an object with equals-ignore-case");
    }
    Ok(Affix { text: text(operand, &path)?, ignore_case: true })
}

/// The texts of an operator that takes one or several.
fn texts(operand: &Json, path: &Path<'_>) -> Result<Vec<String>, FilterError> {
    match operand {
        Json::Array(values) if values.is_empty() => path.wrong("Must have at least one string"),
        Json::Array(values) => {
            let read = values.iter().enumerate().map(|(index, value)| text(value, &Path::Entry(path, index)));
            read.collect()
        }
        _ => Ok(vec![text(operand, path)?]),
    }
}

fn excluded(operand: &Json, path: &Path<'_>) -> Result<Excluded, FilterError> {
    const MIXED: &str = "Must be strings only, or numbers only";
    match operand {
        Json::Object(fields) => {
            let (name, operand) = operator(fields, path)?;
            excluded_by(name, operand, &Path::Field(path, name))
        }
        Json::Array(values) => match values.first() {
            Some(Json::Scalar(Scalar::Text(_))) if values.iter().any(is_number) => path.wrong(MIXED),
            Some(Json::Scalar(Scalar::Number(_))) if values.iter().any(|value| !is_number(value)) => path.wrong(MIXED),
            Some(Json::Scalar(Scalar::Number(_))) => {
                let read = values.iter().enumerate().map(|(index, value)| number(value, &Path::Entry(path, index)));
                read.collect::<Result<_, _>>().map(Excluded::Numbers)
            }
            _ => texts(operand, path).map(Excluded::Texts),
        },
        value if is_number(value) => Ok(Excluded::Numbers(vec![number(value, path)?])),
        Json::Scalar(Scalar::Text(text)) => Ok(Excluded::Texts(vec![text.clone()])),
        Json::Scalar(_) => path.wrong("Must be a string, a number, a list of either, or an operator"),
    }
}

fn excluded_by(name: &str, operand: &Json, path: &Path<'_>) -> Result<Excluded, FilterError> {
    let texts = || texts(operand, path);
    let affixes = || match texts()? {
        affixes if affixes.iter().any(String::is_empty) => path.wrong("Must not be empty: nothing would be left"),
        affixes => Ok(affixes),
    };
    match name {
        "equals-ignore-case" => texts().map(Excluded::IgnoringCase),
        "prefix" => affixes().map(Excluded::Prefixes),
        "suffix" => affixes().map(Excluded::Suffixes),
        "wildcard" => {
            let read = texts()?;
            let read = read.iter().map(|text| wildcard(text, path));
            read.collect::<Result<_, _>>().map(Excluded::Wildcards)
        }
        _ => path.wrong("No operator of anything-but; they are: prefix, suffix, equals-ignore-case, wildcard"),
    }
}

fn is_number(value: &Json) -> bool {
    matches!(value, Json::Scalar(Scalar::Number(_)))
}

fn number(operand: &Json, path: &Path<'_>) -> Result<f64, FilterError> {
    let Json::Scalar(Scalar::Number(number)) = operand else { return path.wrong("Must be a number") };
    match number.as_f64() {
        Some(number) if number.abs() <= MAX_NUMBER => Ok(number),
        _ => path.wrong(format!("Must be between -{MAX_NUMBER} and {MAX_NUMBER}")),
    }
}

fn range(operand: &Json, path: &Path<'_>) -> Result<Range, FilterError> {
    const FORM: &str = "Must be a list like [\"<\", 5] or [\">=\", 0, \"<\", 10]";
    let Json::Array(terms) = operand else { return path.wrong(FORM) };
    let end = |index: usize, included| {
        let Some(term) = terms.get(index) else { return path.wrong(FORM) };
        Ok(Some(End { at: number(term, &Path::Entry(path, index))?, included }))
    };
    let sign = |index: usize| match terms.get(index) {
        None => Ok(None),
        Some(Json::Scalar(Scalar::Text(sign))) => Ok(Some(sign.as_str())),
        Some(_) => Path::Entry(path, index).wrong("Must be one of: = < <= > >="),
    };
    let range = match (sign(0)?, sign(2)?) {
        (Some("="), None) => Range { from: end(1, true)?, to: end(1, true)? },
        (Some(to @ ("<" | "<=")), None) => Range { from: None, to: end(1, to == "<=")? },
        (Some(from @ (">" | ">=")), None) => Range { from: end(1, from == ">=")?, to: None },
        (Some(from @ (">" | ">=")), Some(to @ ("<" | "<="))) => {
            Range { from: end(1, from == ">=")?, to: end(3, to == "<=")? }
        }
        (Some("=" | "<" | "<="), Some(_)) => return path.wrong("Only a range from > or >= has a second end"),
        (Some(">" | ">="), Some(_)) => return Path::Entry(path, 2).wrong("Must be < or <="),
        (Some(_), _) => return Path::Entry(path, 0).wrong("Must be one of: = < <= > >="),
        (None, _) => return path.wrong(FORM),
    };
    let two_ended = terms.len() == 4;
    if terms.len() != 2 && !two_ended {
        return path.wrong(FORM);
    }
    match (range.from, range.to) {
        (Some(from), Some(to)) if two_ended && from.at >= to.at => path.wrong("Must begin below its end"),
        _ => Ok(range),
    }
}

fn wildcard(text: &str, path: &Path<'_>) -> Result<Wildcard, FilterError> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '*' if characters.peek() == Some(&'*') => return path.wrong("Must not have one * after another"),
            '*' => parts.push(std::mem::take(&mut part)),
            '\\' => match characters.next() {
                Some(escaped @ ('*' | '\\')) => part.push(escaped),
                _ => return path.wrong("After a backslash only * and another backslash may stand"),
            },
            other => part.push(other),
        }
    }
    parts.push(part);
    if parts.len() > MAX_STARS + 1 {
        return path.wrong(format!("Must have at most {MAX_STARS} *"));
    }
    Ok(Wildcard { parts })
}

fn cidr(text: &str, path: &Path<'_>) -> Result<IpNet, FilterError> {
    match text.parse::<IpNet>() {
        // As AWS has it: a single address is no block.
        Ok(block) if block.prefix_len() == block.max_prefix_len() => {
            path.wrong("Must be more than one address; name a single one as the value itself")
        }
        Ok(block) => Ok(block),
        Err(_) => path.wrong("Must be a block of addresses, as 10.0.0.0/24 or 2001:db8::/32"),
    }
}
