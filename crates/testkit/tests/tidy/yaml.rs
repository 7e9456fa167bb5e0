//! CloudFormation's YAML as the JSON it stands for: anchors and merges resolved, `!Ref x` as `{"Ref": "x"}`.

use saphyr::{LoadableYamlNode, Mapping, Scalar, Tag, Yaml};
use serde_json::{Map, Value, json};

/// The one document of a text.
pub(crate) fn parse(text: &str) -> Value {
    let documents = Yaml::load_from_str(text).expect("well-formed YAML");
    let [document] = documents.as_slice() else { panic!("{} YAML documents where one belongs", documents.len()) };
    value(document)
}

fn value(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(truth)) => json!(truth),
        Yaml::Value(Scalar::Integer(number)) => json!(number),
        Yaml::Value(Scalar::FloatingPoint(number)) => json!(number.into_inner()),
        Yaml::Value(Scalar::String(text)) => json!(text),
        Yaml::Sequence(entries) => entries.iter().map(value).collect(),
        Yaml::Mapping(entries) => Value::Object(mapping(entries)),
        Yaml::Tagged(tag, node) => tagged(tag, value(node)),
        Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => panic!("not a YAML value: {node:?}"),
    }
}

/// A mapping's own entries, and those merged into it that it has not itself.
fn mapping(entries: &Mapping<'_>) -> Map<String, Value> {
    let mut own = Map::new();
    let mut merged = Vec::new();
    for (key, entry) in entries {
        match key.as_str().unwrap_or_else(|| panic!("not a text as a key: {key:?}")) {
            "<<" => match value(entry) {
                Value::Array(several) => merged.extend(several),
                one => merged.push(one),
            },
            key => {
                own.insert(key.to_owned(), value(entry));
            }
        }
    }
    for source in merged {
        let Value::Object(source) = source else { panic!("not a mapping after <<: {source}") };
        for (key, entry) in source {
            own.entry(key).or_insert(entry);
        }
    }
    own
}

/// The long form of a function's short form (AWS CloudFormation, "Intrinsic function reference").
fn tagged(tag: &Tag, argument: Value) -> Value {
    match (tag.suffix.as_str(), &argument) {
        _ if tag.is_yaml_core_schema() => argument,
        ("Ref" | "Condition", _) => json!({ tag.suffix.clone(): argument }),
        ("GetAtt", Value::String(path)) => match path.split_once('.') {
            Some((resource, attribute)) => json!({ "Fn::GetAtt": [resource, attribute] }),
            None => panic!("!GetAtt {path} names no attribute"),
        },
        (name, _) => json!({ format!("Fn::{name}"): argument }),
    }
}

#[test]
fn tags_anchors_and_merges_are_what_cloudformation_takes_them_for() {
    let template = "
base: &Base { Timeout: 1, Role: !GetAtt Some.Role.Arn }
merged: { Timeout: !Ref Limit, <<: *Base }
several: { <<: [{ A: 1 }, { A: 2, B: !Sub 'x-${Y}' }] }
quoted: '1'
";
    let expected = json!({
        "base": { "Timeout": 1, "Role": { "Fn::GetAtt": ["Some", "Role.Arn"] } },
        "merged": { "Timeout": { "Ref": "Limit" }, "Role": { "Fn::GetAtt": ["Some", "Role.Arn"] } },
        "several": { "A": 1, "B": { "Fn::Sub": "x-${Y}" } },
        "quoted": "1",
    });
    assert_eq!(parse(template), expected);
}
