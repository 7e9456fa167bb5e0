use proptest::prelude::*;

use super::*;

/// A filter of one field with that list of values.
fn values(list: &str) -> String {
    format!(r#"{{"a":{list}}}"#)
}

#[track_caller]
fn accepted(text: &str) -> Filter {
    Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[track_caller]
fn check(list: &str, expected: &[Test]) {
    assert_eq!(accepted(&values(list)).pattern(), &vec![Clause::Values("a".to_owned(), expected.to_vec())]);
}

/// The filter is refused because of what stands there.
#[track_caller]
fn refused(text: &str, path: &str) {
    match Filter::parse(text) {
        Err(error) => assert_eq!(error.path, path, "{text}: {error}"),
        Ok(filter) => panic!("accepted: {filter}"),
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn affix(text: &str, ignore_case: bool) -> Affix {
    Affix { text: text.to_owned(), ignore_case }
}

fn end(at: f64, included: bool) -> End {
    End { at, included }
}

#[test]
fn values_are_compared_as_they_are() {
    let expected = [Scalar::Text("x".to_owned()), Scalar::Number(7.into()), Scalar::Bool(true), Scalar::Null];
    check(r#"["x", 7, true, null]"#, &expected.map(Test::Equals));
    check(r#"[""]"#, &[Test::Equals(Scalar::Text(String::new()))]);
    check("[12345678901234]", &[Test::Equals(Scalar::Number(12_345_678_901_234_i64.into()))]);
}

#[test]
fn texts_are_compared_by_how_they_begin_end_and_look() {
    check(r#"[{"prefix":"x"},{"suffix":""}]"#, &[Test::Prefix(affix("x", false)), Test::Suffix(affix("", false))]);
    check(r#"[{"prefix":{"equals-ignore-case":"X"}}]"#, &[Test::Prefix(affix("X", true))]);
    check(r#"[{"suffix":{"equals-ignore-case":"X"}}]"#, &[Test::Suffix(affix("X", true))]);
    check(r#"[{"equals-ignore-case":"X"}]"#, &[Test::EqualsIgnoreCase("X".to_owned())]);
    let wildcard = |parts: &[&str]| Test::Wildcard(Wildcard { parts: texts(parts) });
    check(r#"[{"wildcard":"*/lib/*.so"}]"#, &[wildcard(&["", "/lib/", ".so"])]);
    check(r#"[{"wildcard":"a\\*b\\\\*"}]"#, &[wildcard(&["a*b\\", ""])]);
    check(r#"[{"wildcard":"plain"}]"#, &[wildcard(&["plain"])]);
}

#[test]
fn numbers_lie_in_ranges_and_addresses_in_blocks() {
    check(r#"[{"numeric":["=",5]}]"#, &[Test::Numeric(Range { from: Some(end(5.0, true)), to: Some(end(5.0, true)) })]);
    check(r#"[{"numeric":["<",5e9]}]"#, &[Test::Numeric(Range { from: None, to: Some(end(5e9, false)) })]);
    check(r#"[{"numeric":[">",-0.5]}]"#, &[Test::Numeric(Range { from: Some(end(-0.5, false)), to: None })]);
    let range = Range { from: Some(end(0.0, true)), to: Some(end(10.0, false)) };
    check(r#"[{"numeric":[">=",0,"<",10]}]"#, &[Test::Numeric(range)]);
    check(r#"[{"cidr":"10.0.0.0/24"}]"#, &[Test::Cidr("10.0.0.0/24".parse().unwrap())]);
    check(r#"[{"cidr":"2001:db8::/32"}]"#, &[Test::Cidr("2001:db8::/32".parse().unwrap())]);
    check(r#"[{"exists":false}]"#, &[Test::Exists(false)]);
}

#[test]
fn anything_but_takes_what_aws_lets_it_take() {
    let but = |excluded| [Test::AnythingBut(excluded)];
    check(r#"[{"anything-but":"x"}]"#, &but(Excluded::Texts(texts(&["x"]))));
    check(r#"[{"anything-but":["x","y"]}]"#, &but(Excluded::Texts(texts(&["x", "y"]))));
    check(r#"[{"anything-but":7}]"#, &but(Excluded::Numbers(vec![7.0])));
    check(r#"[{"anything-but":[7,8]}]"#, &but(Excluded::Numbers(vec![7.0, 8.0])));
    check(r#"[{"anything-but":{"prefix":"x"}}]"#, &but(Excluded::Prefixes(texts(&["x"]))));
    check(r#"[{"anything-but":{"suffix":["x","y"]}}]"#, &but(Excluded::Suffixes(texts(&["x", "y"]))));
    check(r#"[{"anything-but":{"equals-ignore-case":["x"]}}]"#, &but(Excluded::IgnoringCase(texts(&["x"]))));
    let wildcards = vec![Wildcard { parts: texts(&["", "x"]) }];
    check(r#"[{"anything-but":{"wildcard":"*x"}}]"#, &but(Excluded::Wildcards(wildcards)));
}

#[test]
fn objects_lie_within_one_another_and_alternatives_beside() {
    let filter = accepted(
        r#" {"type": ["a"], "data": {"resource": {"id": ["b"]}}, "$or": [{"x": ["c"]}, {"$or": [{"y": ["d"]}, {"z": ["e"]}]}]} "#,
    );
    let is =
        |name: &str, text: &str| Clause::Values(name.to_owned(), vec![Test::Equals(Scalar::Text(text.to_owned()))]);
    let within = |name: &str, clause| Clause::Within(name.to_owned(), vec![clause]);
    let expected = vec![
        is("type", "a"),
        within("data", within("resource", is("id", "b"))),
        Clause::Or(vec![vec![is("x", "c")], vec![Clause::Or(vec![vec![is("y", "d")], vec![is("z", "e")]])]]),
    ];
    assert_eq!(filter.pattern(), &expected);
    assert!(filter.text().starts_with(r#"{"type":["a"],"data":{"#), "its text is without white space");
    assert_eq!(accepted(filter.text()), filter);
}

#[test]
fn what_is_no_object_of_lists_is_refused_where_it_stands() {
    for text in ["", "{", "7", "[]", "null", r#""a""#, "{}", "1e999"] {
        refused(text, "filter");
    }
    for text in
        [r#"{"a":"x"}"#, r#"{"a":7}"#, r#"{"a":null}"#, r#"{"a":[]}"#, r#"{"a":{}}"#, r#"{"a":["x"],"a":["y"]}"#]
    {
        refused(text, "filter.a");
    }
    refused(r#"{"a":["x",["y"]]}"#, "filter.a[1]");
    refused(r#"{"data":{"resource":{"type":[{}]}}}"#, "filter.data.resource.type[0]");
    refused(r#"{"a":[{"prefix":"x","suffix":"y"}]}"#, "filter.a[0]");
}

#[test]
fn an_operator_is_known_and_gets_what_it_takes() {
    let cases = [
        (r#"{"exactly":"x"}"#, "exactly"),
        (r#"{"Prefix":"x"}"#, "Prefix"),
        (r#"{"prefix":7}"#, "prefix"),
        (r#"{"prefix":["x"]}"#, "prefix"),
        (r#"{"prefix":{}}"#, "prefix"),
        (r#"{"prefix":{"wildcard":"x"}}"#, "prefix.wildcard"),
        (r#"{"suffix":{"equals-ignore-case":7}}"#, "suffix.equals-ignore-case"),
        (r#"{"equals-ignore-case":["x"]}"#, "equals-ignore-case"),
        (r#"{"exists":"true"}"#, "exists"),
        (r#"{"exists":null}"#, "exists"),
        (r#"{"cidr":"10.0.0.0"}"#, "cidr"),
        (r#"{"cidr":"10.0.0.0/33"}"#, "cidr"),
        (r#"{"cidr":"10.0.0.1/32"}"#, "cidr"),
        (r#"{"cidr":"example.com/24"}"#, "cidr"),
        (r#"{"wildcard":"a**b"}"#, "wildcard"),
        (r#"{"wildcard":"a\\b"}"#, "wildcard"),
        (r#"{"wildcard":"a\\"}"#, "wildcard"),
        (r#"{"wildcard":"*a*b*c*d*e*"}"#, "wildcard"),
        (r#"{"wildcard":7}"#, "wildcard"),
        (r#"{"anything-but":true}"#, "anything-but"),
        (r#"{"anything-but":null}"#, "anything-but"),
        (r#"{"anything-but":[]}"#, "anything-but"),
        (r#"{"anything-but":["x",7]}"#, "anything-but"),
        (r#"{"anything-but":[7,"x"]}"#, "anything-but"),
        (r#"{"anything-but":["x",null]}"#, "anything-but[1]"),
        (r#"{"anything-but":[6e9]}"#, "anything-but[0]"),
        (r#"{"anything-but":{"numeric":["=",1]}}"#, "anything-but.numeric"),
        (r#"{"anything-but":{"prefix":""}}"#, "anything-but.prefix"),
        (r#"{"anything-but":{"suffix":[]}}"#, "anything-but.suffix"),
        (r#"{"anything-but":{"wildcard":["a**"]}}"#, "anything-but.wildcard"),
    ];
    for (operator, path) in cases {
        refused(&values(&format!(r#"["x",{operator}]"#)), &format!("filter.a[1].{path}"));
    }
}

#[test]
fn a_range_has_a_sign_and_a_number_or_two_of_each() {
    let cases = [
        ("5", ""),
        ("[]", ""),
        (r#"["<"]"#, ""),
        (r#"["<",5,"<"]"#, ""),
        (r#"["<",5,">",1]"#, ""),
        (r#"["=",5,"<",9]"#, ""),
        (r#"[">",5,"<"]"#, ""),
        (r#"[">",5,"<",9,"<"]"#, ""),
        (r#"[">",9,"<",9]"#, ""),
        (r#"[">=",9,"<=",8]"#, ""),
        (r#"[">",5,">",9]"#, "[2]"),
        ("[5]", "[0]"),
        (r#"["!=",5]"#, "[0]"),
        (r#"["<","5"]"#, "[1]"),
        (r#"["<",5000000001]"#, "[1]"),
        (r#"[">",-5.1e9]"#, "[1]"),
        (r#"[">",1,"<",null]"#, "[3]"),
    ];
    for (range, path) in cases {
        refused(&values(&format!(r#"[{{"numeric":{range}}}]"#)), &format!("filter.a[0].numeric{path}"));
    }
}

#[test]
fn alternatives_are_two_objects_at_least() {
    for or in [r#"{"x":["y"]}"#, "7", r#"[{"x":["y"]}]"#, "[]"] {
        refused(&format!(r#"{{"$or":{or}}}"#), "filter.$or");
    }
    refused(r#"{"$or":[{"x":["y"]},"z"]}"#, "filter.$or[1]");
    refused(r#"{"$or":[{"x":["y"]},{}]}"#, "filter.$or[1]");
    refused(r#"{"$or":[{"x":["y"]},{"prefix":["z"]}]}"#, "filter.$or[1].prefix");
    accepted(r#"{"prefix":["z"]}"#);
}

#[test]
fn a_filter_is_bounded() {
    let nested = |depth: usize| format!(r#"{}["x"]{}"#, r#"{"a":"#.repeat(depth), "}".repeat(depth));
    accepted(&nested(MAX_DEPTH));
    refused(&nested(MAX_DEPTH + 1), &format!("filter{}", ".a".repeat(MAX_DEPTH)));
    refused(&nested(500), "filter");

    let text = |length: usize| values(&format!(r#"["{}"]"#, "x".repeat(length)));
    let frame = text(0).len();
    accepted(&text(MAX_BYTES - frame));
    accepted(&format!("{}{}", " ".repeat(MAX_BYTES), text(1)));
    refused(&text(MAX_BYTES - frame + 1), "filter");

    let or = |length: usize| format!(r#""$or":[{}]"#, vec![r#"{"x":[1]}"#; length].join(","));
    accepted(&format!(r#"{{{},"b":{{{},"c":{{{}}}}}}}"#, or(10), or(10), or(10)));
    refused(&format!(r#"{{{},"b":{{{},"c":{{{}}}}}}}"#, or(10), or(10), or(11)), "filter");
}

/// Texts that look like filters.
fn nearly_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<f32>().prop_map(|number| number.to_string()),
        "[a-z*\\\\<>=./0-9:]{0,6}".prop_map(|text| serde_json::Value::from(text).to_string()),
    ];
    leaf.prop_recursive(6, 64, 5, |inner| {
        let names = prop_oneof![
            Just("$or"),
            Just("prefix"),
            Just("numeric"),
            Just("anything-but"),
            Just("wildcard"),
            Just("cidr"),
            Just("exists"),
            Just("equals-ignore-case"),
            Just("a"),
        ];
        let list = proptest::collection::vec(inner.clone(), 0..5).prop_map(|list| format!("[{}]", list.join(",")));
        let object = proptest::collection::vec((names, inner), 0..4).prop_map(|fields| {
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
            format!("{{{}}}", fields.join(","))
        });
        prop_oneof![list, object]
    })
}

proptest! {
    #[test]
    fn reading_never_panics(text in "\\PC*") {
        drop(Filter::parse(&text));
    }

    #[test]
    fn what_is_read_reads_back_and_what_is_not_says_where(text in nearly_json()) {
        match Filter::parse(&text) {
            Ok(filter) => prop_assert_eq!(Filter::parse(filter.text()), Ok(filter)),
            Err(error) => prop_assert!(error.path.starts_with("filter") && !error.problem.is_empty()),
        }
    }
}
