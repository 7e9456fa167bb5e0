mod oracle;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::filter::MAX_BYTES;

fn matcher(filter: &str) -> Matcher {
    Matcher::new(&Filter::parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}")))
}

fn document(body: &str) -> Document {
    Document::read(body.as_bytes()).unwrap()
}

#[track_caller]
fn check(filter: &str, body: &str, expected: Verdict) {
    let (matcher, document) = (matcher(filter), document(body));
    assert_eq!(matcher.judge(&document), expected, "{filter} of {body}");
    assert_eq!(matcher.first_difference(&document).is_some(), expected == Verdict::Differs, "{filter} of {body}");
}

#[track_caller]
fn check_all(filter: &str, matching: &[&str], differing: &[&str]) {
    for body in matching {
        check(filter, body, Verdict::Matches);
    }
    for body in differing {
        check(filter, body, Verdict::Differs);
    }
}

/// Which values of the field `a` a test takes, and which it does not.
#[track_caller]
fn check_test(test: &str, taken: &[&str], refused: &[&str]) {
    let filter = format!(r#"{{"a":[{test}]}}"#);
    let bodies =
        |values: &[&str]| values.iter().map(|value| format!(r#"{{"b":0,"a":{value}}}"#)).collect::<Vec<String>>();
    let (taken, refused) = (bodies(taken), bodies(refused));
    check_all(
        &filter,
        &taken.iter().map(String::as_str).collect::<Vec<_>>(),
        &refused.iter().map(String::as_str).collect::<Vec<_>>(),
    );
}

// The events and patterns of this test are those of AWS, "Comparison operators", "Event patterns", "Matching on null
// values and empty strings", and "Arrays in event patterns", cut to what matters.
#[test]
fn the_examples_of_aws_come_out_as_aws_says() {
    check_all(
        r#"{"time":[{"prefix":"2017-10-02"}]}"#,
        &[r#"{"time":"2017-10-02T18:43:48Z"}"#],
        &[r#"{"time":"2017-10-03T18:43:48Z"}"#, "{}"],
    );
    check_all(
        r#"{"service":[{"prefix":{"equals-ignore-case":"EventB"}}]}"#,
        &[r#"{"service":"eventbridge"}"#, r#"{"service":"EVENTBRIDGE"}"#],
        &[r#"{"service":"event"}"#],
    );
    check_all(r#"{"FileName":[{"suffix":".png"}]}"#, &[r#"{"FileName":"a.png"}"#], &[r#"{"FileName":"a.PNG"}"#]);
    check_all(
        r#"{"FileName":[{"suffix":{"equals-ignore-case":".png"}}]}"#,
        &[r#"{"FileName":"a.PNG"}"#],
        &[r#"{"FileName":"png"}"#],
    );
    check_all(
        r#"{"detail":{"state":[{"anything-but":["stopped","overloaded"]}]}}"#,
        &[r#"{"detail":{"state":"running"}}"#],
        &[r#"{"detail":{"state":"stopped"}}"#, r#"{"detail":{}}"#],
    );
    check_all(
        r#"{"detail":{"x-limit":[{"anything-but":[100,200,300]}]}}"#,
        &[r#"{"detail":{"x-limit":301}}"#],
        &[r#"{"detail":{"x-limit":200}}"#],
    );
    check_all(
        r#"{"detail":{"c-count":[{"numeric":[">",0,"<=",5]}],"d-count":[{"numeric":["<",10]}],"x-limit":[{"numeric":["=",3.018e2]}]}}"#,
        &[r#"{"detail":{"c-count":5,"d-count":3,"x-limit":301.8}}"#],
        &[
            r#"{"detail":{"c-count":0,"d-count":3,"x-limit":301.8}}"#,
            r#"{"detail":{"c-count":5,"d-count":10,"x-limit":301.8}}"#,
            r#"{"detail":{"c-count":5,"d-count":3,"x-limit":301.81}}"#,
        ],
    );
    check_all(
        r#"{"detail":{"sourceIPAddress":[{"cidr":"10.0.0.0/24"}]}}"#,
        &[r#"{"detail":{"sourceIPAddress":"10.0.0.255"}}"#],
        &[r#"{"detail":{"sourceIPAddress":"10.0.1.0"}}"#],
    );
    check_all(r#"{"LastName":[""]}"#, &[r#"{"LastName":""}"#], &[r#"{"LastName":null}"#, "{}"]);
    check_all(r#"{"UserID":[null]}"#, &[r#"{"UserID":null}"#], &[r#"{"UserID":""}"#, "{}"]);
    check_all(
        r#"{"resources":["arn:b"]}"#,
        &[r#"{"resources":["arn:a","arn:b"]}"#],
        &[r#"{"resources":["arn:c"]}"#, r#"{"resources":[]}"#],
    );
    check_all(
        r#"{"source":["aws.cloudwatch"],"$or":[{"metricName":["CPUUtilization"]},{"metricType":["M"],"namespace":["AWS/EC2"]},{"scope":["Service"]}]}"#,
        &[
            r#"{"source":"aws.cloudwatch","metricName":"CPUUtilization"}"#,
            r#"{"source":"aws.cloudwatch","metricType":"M","namespace":"AWS/EC2"}"#,
        ],
        &[
            r#"{"source":"aws.cloudwatch","metricType":"M"}"#,
            r#"{"source":"aws.ec2","scope":"Service"}"#,
            r#"{"source":"aws.cloudwatch"}"#,
        ],
    );
    let exists = r#"{"detail":{"c-count":[{"exists":false}]}}"#;
    check_all(exists, &[r#"{"detail":{}}"#, r#"{"detail":{"c-count":{"c1":100}}}"#], &[r#"{"detail":{"c-count":5}}"#]);
}

#[test]
fn exact_values_are_of_their_kind() {
    check_test(r#""1""#, &[r#""1""#, r#"["0","1"]"#], &["1", r#""1 ""#, r#""01""#, r#"{"1":"1"}"#]);
    check_test(r#""x""#, &[r#""\u0078""#], &[r#""X""#]);
    check_test("true", &["true"], &["false", r#""true""#, "1", "null"]);
    check_test("null", &["null", "[1,null]"], &[r#""null""#, "false", "[]", "{}"]);
    check_test("300", &["300", "300.0", "3.0e2", "300.0000001"], &["300.000001", r#""300""#, "-300"]);
    check_test("-0.0", &["0", "-0"], &["0.000001", "false", "null"]);
    // Beyond what AWS compares as numbers they are the same when they are written the same.
    check_test("12345678901234", &["12345678901234"], &["12345678901235", r#""12345678901234""#]);
    check_test("18446744073709551615", &["18446744073709551615"], &["18446744073709551614"]);
}

#[test]
fn numbers_are_compared_to_six_digits_within_five_billion() {
    check_test(r#"{"numeric":["=",0.3]}"#, &["0.3", "3e-1", "0.30000001"], &["0.300001", r#""0.3""#, "null"]);
    check_test(r#"{"numeric":["<",0.000001]}"#, &["0", "-1", "-5e9"], &["0.000001", "0.000002", "-5000000001"]);
    check_test(r#"{"numeric":[">=",-5e9,"<=",5e9]}"#, &["-5e9", "5000000000", "0"], &["5000000000.5", "1e300"]);
    check_test(r#"{"numeric":[">",1,"<",1.000002]}"#, &["1.000001"], &["1", "1.000002"]);
}

#[test]
fn texts_look_as_they_are_to_and_nothing_else_does() {
    check_test(r#"{"prefix":""}"#, &[r#""""#, r#""x""#], &["1", "true", "null", "{}", "[]"]);
    check_test(r#"{"prefix":"ab"}"#, &[r#""ab""#, r#""abc""#], &[r#""aB""#, r#""a""#, "7"]);
    check_test(r#"{"suffix":"bc"}"#, &[r#""bc""#, r#""abc""#], &[r#""bcd""#, r#""c""#, "7"]);
    check_test(r#"{"equals-ignore-case":"Ärger"}"#, &[r#""äRGER""#], &[r#""ärgerlich""#, r#""Arger""#, "7"]);
    check_test(r#"{"suffix":{"equals-ignore-case":"Bridge"}}"#, &[r#""EVENTBRIDGE""#], &[r#""bridges""#, "7"]);
    check_test(r#"{"wildcard":"*"}"#, &[r#""""#, r#""x""#], &["7", "null"]);
    check_test(r#"{"wildcard":"plain"}"#, &[r#""plain""#], &[r#""plainer""#, r#""plai""#]);
    check_test(r#"{"wildcard":"a*"}"#, &[r#""a""#, r#""ab""#], &[r#""ba""#]);
    check_test(r#"{"wildcard":"*/lib/*.so"}"#, &[r#""/lib/.so""#, r#""x/lib/a/lib/b.so""#], &[r#""/lib.so""#]);
    check_test(r#"{"wildcard":"ab*ba"}"#, &[r#""abba""#, r#""ab-ba""#], &[r#""aba""#, r#""ab""#]);
    check_test(r#"{"wildcard":"*a*b*"}"#, &[r#""ab""#, r#""-a-a-b-""#], &[r#""ba""#]);
    check_test(r#"{"wildcard":"a\\*\\\\*"}"#, &[r#""a*\\""#, r#""a*\\x""#], &[r#""ab\\""#, r#""a*""#]);
}

#[test]
fn addresses_lie_in_blocks_of_their_family() {
    check_test(r#"{"cidr":"10.0.0.0/8"}"#, &[r#""10.255.0.1""#], &[r#""11.0.0.0""#, r#""::a00:1""#, r#""10.0""#, "10"]);
    check_test(r#"{"cidr":"2001:db8::/32"}"#, &[r#""2001:DB8::1""#], &[r#""2001:db9::1""#, r#""32.1.13.184""#]);
    check_test(r#"{"cidr":"0.0.0.0/0"}"#, &[r#""8.8.8.8""#], &[r#""::1""#, r#""example.com""#, r#""""#]);
}

#[test]
fn anything_but_wants_some_other_value() {
    check_test(r#"{"anything-but":"x"}"#, &[r#""X""#, "7", "null", "true", r#"["x","y"]"#], &[r#""x""#, "[]", "{}"]);
    check_test(r#"{"anything-but":7}"#, &["8", r#""7""#, "null", "6e9"], &["7", "7.0", "[7]"]);
    check_test(r#"{"anything-but":{"prefix":["ab","c"]}}"#, &[r#""a""#, "7"], &[r#""abc""#, r#""c""#]);
    check_test(r#"{"anything-but":{"suffix":"c"}}"#, &[r#""cb""#, "null"], &[r#""abc""#]);
    check_test(r#"{"anything-but":{"equals-ignore-case":["ab"]}}"#, &[r#""abc""#], &[r#""AB""#]);
    check_test(r#"{"anything-but":{"wildcard":"*/lib/*"}}"#, &[r#""/lib""#, "true"], &[r#""/lib/x""#]);
    check(r#"{"a":[{"anything-but":"x"}]}"#, "{}", Verdict::Differs);
}

#[test]
fn a_field_exists_when_it_has_a_value() {
    check_test(r#"{"exists":true}"#, &["null", r#""""#, "false", "[0]", "[[0]]"], &["{}", "[]", r#"{"b":1}"#, "[{}]"]);
    check_test(r#"{"exists":false}"#, &["{}", "[]", r#"{"b":1}"#, "[{}]"], &["null", r#""""#, "[0]", r#"[{},"x"]"#]);
    check_test(r#""x",{"exists":false}"#, &[r#""x""#, "[]"], &[r#""y""#, "null"]);
    check_all(r#"{"a":{"b":[{"exists":false}]}}"#, &["{}", r#"{"a":7}"#, r#"{"a":[]}"#], &[r#"{"a":{"b":null}}"#]);
    check_all(r#"{"a":{"b":[{"exists":true}]}}"#, &[r#"{"a":{"b":null}}"#], &["{}", r#"{"a":7}"#, r#"{"a":[]}"#]);
}

#[test]
fn of_a_list_of_objects_one_is_as_the_filter_says_in_full() {
    let employees = r#"{"employees":[{"first":"Anna","last":"Smith"},[{"first":"Peter","last":"Jones"}],"x"]}"#;
    check(r#"{"employees":{"first":["Anna"],"last":["Smith"]}}"#, employees, Verdict::Matches);
    check(r#"{"employees":{"first":["Peter"],"last":["Jones"]}}"#, employees, Verdict::Matches);
    check(r#"{"employees":{"first":["Anna"],"last":["Jones"]}}"#, employees, Verdict::Differs);
    check(r#"{"employees":{"first":["Anna"],"$or":[{"last":["Jones"]},{"x":["y"]}]}}"#, employees, Verdict::Differs);

    let lists = r#"{"a":[{"b":[{"c":1},{"d":2}]},{"b":[{"c":3,"d":4}]}]}"#;
    check(r#"{"a":{"b":{"c":[3],"d":[4]}}}"#, lists, Verdict::Matches);
    check(r#"{"a":{"b":{"c":[1],"d":[2]}}}"#, lists, Verdict::Differs);
    // Texts of one list need not be one entry.
    check(r#"{"a":["x"],"$or":[{"a":["y"]},{"b":[1]}]}"#, r#"{"a":["x","y"]}"#, Verdict::Matches);
}

#[test]
fn in_a_list_of_objects_what_is_absent_is_so_beside_a_value_or_everywhere() {
    let absent = r#"{"a":{"b":[{"exists":false}]}}"#;
    check_all(absent, &[r#"{"a":[{"c":1},{}]}"#], &[r#"{"a":[{"c":1},{"b":2}]}"#]);
    let beside = r#"{"a":{"b":[{"exists":false}],"c":[1]}}"#;
    check_all(beside, &[r#"{"a":[{"c":1},{"b":2}]}"#], &[r#"{"a":[{"c":1,"b":1},{"c":2}]}"#]);
}

#[test]
fn alternatives_are_judged_each_by_itself() {
    let beside = r#"{"a":{"b":[1]},"$or":[{"a":{"c":[2]}},{"d":[3]}]}"#;
    check_all(beside, &[r#"{"a":[{"b":1},{"c":2}]}"#, r#"{"a":{"b":1},"d":3}"#], &[r#"{"a":{"b":1}}"#]);
    let absent = r#"{"$or":[{"a":[1]},{"b":[{"exists":false}]}]}"#;
    check_all(absent, &["{}", r#"{"a":1,"b":2}"#], &[r#"{"a":2,"b":2}"#]);
}

#[test]
fn a_body_is_read_as_receivers_read_it_or_not_at_all() {
    check(r#"{"a":["y"]}"#, r#"{"a":"x","a":"y"}"#, Verdict::Matches);
    check(r#"{"a":["x"]}"#, r#"{"a":"x","a":"y"}"#, Verdict::Differs);
    for body in ["[]", "7", r#"[{"a":"x"}]"#] {
        check(r#"{"a":["x"]}"#, body, Verdict::Differs);
    }
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(
        Document::read(deep(crate::body::MAX_DEPTH + 1).as_bytes()).is_ok(),
        "an envelope around the deepest payload"
    );
    for body in [&deep(200), r#"{"a":1e999}"#, r#"{"a":"\ud800"}"#, "{", ""] {
        assert!(Document::read(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn the_first_field_that_differs_is_named() {
    let filter =
        matcher(r#"{"type":["a"],"data":{"list":{"b":[1],"c":[2]},"x":{"y":["z"]}},"$or":[{"p":[1]},{"q":[2]}]}"#);
    for (body, expected) in [
        (r#"{"data":{}}"#, "type: there is no value"),
        (r#"{"type":"b"}"#, "type: the value does not match"),
        (r#"{"type":"a"}"#, "data.list.b: there is no value"),
        (r#"{"type":"a","data":{"list":[{"b":1},{"c":2}]}}"#, "data.list: no entry of the list matches as a whole"),
        (r#"{"type":"a","data":{"list":[7]}}"#, "data.list.b: there is no value"),
        (r#"{"type":"a","data":{"list":{"b":1,"c":2},"x":{"y":7}}}"#, "data.x.y: the value does not match"),
        (r#"{"type":"a","data":{"list":{"b":1,"c":2},"x":{"y":"z"}},"p":2}"#, "$or: none of the alternatives matches"),
    ] {
        assert_eq!(filter.first_difference(&document(body)).unwrap().to_string(), expected, "{body}");
    }
}

/// The steps that judging takes, where any number is allowed.
fn steps(filter: &str, body: &Value) -> (Verdict, usize) {
    let mut steps = Steps(usize::MAX);
    let verdict = matcher(filter).judge_within(&Document(body.clone()), &mut steps);
    (verdict, usize::MAX - steps.0)
}

#[test]
fn work_grows_with_the_body_and_with_the_filter_and_no_faster() {
    let exact =
        |count: usize| format!(r#"{{"a":[{}]}}"#, (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(","));
    // A thousand exact values cost what one does.
    assert_eq!(steps(&exact(1), &json!({ "a": 5_000 })).1, steps(&exact(1_000), &json!({ "a": 5_000 })).1);
    let list = |length: usize| json!({ "a": vec![5_000; length] });
    assert_eq!(steps(&exact(9), &list(20_000)), (Verdict::Differs, 1 + 2 * 20_000));

    // Texts on which a matcher that tries all ways would not end.
    let wildcard = r#"{"a":[{"wildcard":"*a*a*a*a*b"}]}"#;
    let (_, short) = steps(wildcard, &json!({ "a": "a".repeat(1_000) }));
    let (verdict, long) = steps(wildcard, &json!({ "a": "a".repeat(200_000) }));
    assert_eq!(verdict, Verdict::Differs);
    assert!(long < 210 * short, "{long} and {short} steps");
    assert!(long < MAX_STEPS);

    // Alternatives beside alternatives add up, and do not multiply.
    let fields = |value: Value, last: Value| {
        let mut fields: Map<String, Value> = (0..9).map(|name| (name.to_string(), value.clone())).collect();
        fields.insert("last".to_owned(), last);
        Value::Object(fields)
    };
    let filter = fields(json!({ "$or": [{ "a": [1] }, { "b": [1] }] }), json!([2])).to_string();
    let body = fields(json!({ "a": 0, "b": 1 }), json!(1));
    let (verdict, steps) = steps(&filter, &body);
    assert_eq!(verdict, Verdict::Differs);
    assert!(steps < 100, "{steps} steps");
}

#[test]
fn what_takes_too_much_work_stays_undecided() {
    let clauses: Vec<String> = (0..300).map(|n| format!(r#""{n}":[{{"exists":false}}]"#)).collect();
    let filter = format!(r#"{{"a":{{{}}}}}"#, clauses.join(","));
    assert!(filter.len() > MAX_BYTES);
    let filter = format!(r#"{{"a":{{{}}}}}"#, clauses[..150].join(","));
    let body = |length: usize| json!({ "a": vec![json!({}); length] }).to_string();
    check(&filter, &body(10), Verdict::Matches);
    check(&filter, &body(100_000), Verdict::Undecided);
    let wildcards = vec![r#"{"wildcard":"*a*b"}"#; 150].join(",");
    check(&format!(r#"{{"a":[{wildcards}]}}"#), &json!({ "a": "a".repeat(260_000) }).to_string(), Verdict::Undecided);
    check(r#"{"a":["x"]}"#, &json!({ "a": vec![0; 100_000] }).to_string(), Verdict::Undecided);
}

proptest! {
    #[test]
    fn an_independent_matcher_says_the_same(pattern in oracle::pattern(), body in oracle::body()) {
        // One with more alternatives than are allowed is no filter.
        let Ok(filter) = Filter::parse(&pattern.to_string()) else { return Ok(()) };
        let expected = if oracle::matches(&pattern, &body) { Verdict::Matches } else { Verdict::Differs };
        let (matcher, document) = (Matcher::new(&filter), document(&body.to_string()));
        prop_assert_eq!(matcher.judge(&document), expected, "{} of {}", filter, body);
        prop_assert_eq!(matcher.first_difference(&document).is_some(), expected == Verdict::Differs);
    }

    #[test]
    fn a_wildcard_fits_what_one_that_tries_all_ways_fits(
        parts in proptest::collection::vec("[ab]{1,2}", 0..4),
        (before, after) in any::<(bool, bool)>(),
        text in "[ab]{0,10}",
    ) {
        let star = |there: bool| if there { "*" } else { "" };
        let wildcard = format!("{}{}{}", star(before), parts.join("*"), star(after && !parts.is_empty()));
        let pattern = json!({ "a": [{ "wildcard": wildcard }] });
        let expected = if oracle::fits(wildcard.as_bytes(), text.as_bytes()) { Verdict::Matches } else { Verdict::Differs };
        prop_assert_eq!(matcher(&pattern.to_string()).judge(&Document(json!({ "a": text }))), expected);
    }
}
