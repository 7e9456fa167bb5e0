//! The reference page: the description, arranged for reading.

use askama::Template;
use serde_json::Value;

use super::schema::{self, Field};
use crate::openapi::{examples_of, operations, resolved, role};

/// The page.
#[derive(Template)]
#[template(path = "docs.html")]
pub(super) struct Page<'a> {
    title: &'a str,
    version: &'a str,
    introduction: Vec<Text>,
    chapters: Vec<Chapter<'a>>,
    style: &'a str,
}

/// A paragraph, as runs of text.
pub(super) type Text = Vec<Run>;

/// Some words of one kind.
pub(super) struct Run {
    kind: RunKind,
    text: String,
}

#[derive(PartialEq)]
pub(super) enum RunKind {
    Plain,
    Code,
    Strong,
}

/// The operations of one tag.
struct Chapter<'a> {
    name: &'a str,
    anchor: String,
    description: Text,
    operations: Vec<Operation<'a>>,
}

struct Operation<'a> {
    id: &'a str,
    method: String,
    path: &'a str,
    summary: &'a str,
    description: Vec<Text>,
    key: &'static str,
    parameters: Vec<Field>,
    body: Vec<Field>,
    body_required: bool,
    curl: String,
    answers: Vec<Answer<'a>>,
    refusals: Vec<Answer<'a>>,
}

/// One status that an operation answers with.
struct Answer<'a> {
    status: &'a str,
    description: Vec<Text>,
    examples: Vec<String>,
    fields: Vec<Field>,
}

impl<'a> Page<'a> {
    /// The page of a description, with the name of its style sheet.
    pub(super) fn of(document: &'a Value, style: &'a str) -> Self {
        let info = |name: &str| string(document.pointer(&format!("/info/{name}")));
        let tags = document.get("tags").and_then(Value::as_array).into_iter().flatten();
        let chapters = tags.map(|tag| Chapter::of(document, tag)).filter(|chapter| !chapter.operations.is_empty());
        Self {
            title: info("title"),
            version: info("version"),
            introduction: paragraphs(info("description")),
            chapters: chapters.collect(),
            style,
        }
    }
}

impl<'a> Chapter<'a> {
    fn of(document: &'a Value, tag: &'a Value) -> Self {
        let name = string(tag.get("name"));
        let tagged = |operation: &Value| string(operation.pointer("/tags/0")) == name;
        let mut operations: Vec<_> = operations(document)
            .filter(|(_, _, operation)| tagged(operation))
            .map(|(path, method, operation)| Operation::of(document, path, method, operation))
            .collect();
        operations.sort_by_key(|operation| (operation.path, order(&operation.method)));
        let anchor = name.to_lowercase().replace(' ', "-");
        Self { name, anchor, description: text(string(tag.get("description"))), operations }
    }
}

impl<'a> Operation<'a> {
    fn of(document: &'a Value, path: &'a str, method: &str, operation: &'a Value) -> Self {
        let parameters: Vec<&Value> = operation
            .get("parameters")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|parameter| resolved(document, parameter))
            .collect();
        let content = operation.pointer("/requestBody/content/application~1json");
        let responses = operation.get("responses").and_then(Value::as_object).into_iter().flatten();
        let answers = responses.map(|(status, response)| Answer::of(document, status, response));
        let (answers, refusals) = answers.partition(|answer: &Answer<'_>| answer.status.starts_with('2'));
        let method = method.to_uppercase();
        Self {
            id: string(operation.get("operationId")),
            curl: curl(&method, path, &parameters, content, role(operation).is_some()),
            method,
            path,
            summary: string(operation.get("summary")),
            description: paragraphs(string(operation.get("description"))),
            key: match role(operation) {
                None => "No key",
                Some("member") => "Any key of the organization",
                Some("owner") => "An owner's key",
                Some(_) => "The admin key",
            },
            parameters: parameters.into_iter().map(|parameter| of_parameter(document, parameter)).collect(),
            body: content
                .and_then(|content| content.get("schema"))
                .map_or_else(Vec::new, |schema| schema::fields(document, schema)),
            body_required: operation.pointer("/requestBody/required").is_some_and(|required| required == true),
            answers,
            refusals,
        }
    }
}

impl<'a> Answer<'a> {
    fn of(document: &'a Value, status: &'a str, response: &'a Value) -> Self {
        let response = resolved(document, response);
        let content = response.pointer("/content/application~1json");
        let examples = content.into_iter().flat_map(examples_of);
        Self {
            status,
            description: paragraphs(string(response.get("description"))),
            examples: examples.filter_map(|example| serde_json::to_string_pretty(example).ok()).collect(),
            fields: content
                .and_then(|content| content.get("schema"))
                .map_or_else(Vec::new, |schema| schema::fields(document, schema)),
        }
    }
}

fn of_parameter(document: &Value, parameter: &Value) -> Field {
    let required = parameter.get("required").and_then(Value::as_bool).unwrap_or_default();
    let schema = parameter.get("schema").unwrap_or(&Value::Null);
    let name = string(parameter.get("name")).to_owned();
    schema::field(document, name, schema, required, string(parameter.get("description")))
}

/// The call as a command, with the examples of its parameters and of its body.
fn curl(method: &str, path: &str, parameters: &[&Value], content: Option<&Value>, keyed: bool) -> String {
    let mut path = path.to_owned();
    for parameter in parameters.iter().filter(|parameter| string(parameter.get("in")) == "path") {
        let name = format!("{{{}}}", string(parameter.get("name")));
        path = path.replace(&name, string(parameter.get("example")));
    }
    let method = if method == "GET" { String::new() } else { format!("-X {method} ") };
    let mut lines = vec![format!("curl {method}\"$API{path}\"")];
    if keyed {
        lines.push("-H \"Authorization: $KEY\"".to_owned());
    }
    let body = content.and_then(|content| serde_json::to_string_pretty(content.get("example")?).ok());
    lines.extend(body.map(|body| format!("-d '{}'", body.replace('\'', r"'\''"))));
    lines.join(" \\\n  ")
}

/// The order of the methods of one path.
fn order(method: &str) -> u8 {
    match method {
        "POST" => 0,
        "GET" => 1,
        "PATCH" => 2,
        _ => 3,
    }
}

fn string(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

/// The paragraphs of a description.
fn paragraphs(description: &str) -> Vec<Text> {
    description.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()).map(text).collect()
}

/// A paragraph: what stands between backticks is code, between pairs of stars it is strong.
pub(super) fn text(paragraph: &str) -> Text {
    let mut runs = Text::new();
    for (index, part) in paragraph.split('`').enumerate() {
        if index % 2 == 1 {
            runs.push(Run { kind: RunKind::Code, text: part.to_owned() });
            continue;
        }
        for (index, part) in part.split("**").enumerate().filter(|(_, part)| !part.is_empty()) {
            let kind = if index % 2 == 1 { RunKind::Strong } else { RunKind::Plain };
            runs.push(Run { kind, text: part.to_owned() });
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_paragraph_is_told_apart_into_words_and_code() {
        let runs = text("**Again.** Send `a ** b`, or not");
        let runs: Vec<&str> = runs.iter().map(|run| run.text.as_str()).collect();
        assert_eq!(runs, ["Again.", " Send ", "a ** b", ", or not"]);
    }

    #[test]
    fn what_is_described_cannot_break_out_of_the_page() {
        let text = "</p><b>`</code><b>`";
        let operation = json!({
            "tags": [text],
            "operationId": "\"><b>",
            "summary": text,
            "description": text,
            "responses": { "200": { "description": text } },
        });
        let document = json!({
            "info": { "title": text, "version": text, "description": text },
            "tags": [{ "name": text, "description": text }],
            "paths": { "/<b>": { "get": operation } },
        });
        let page = Page::of(&document, "<b>").render().unwrap();
        assert!(!page.contains("<b>"), "{page}");
    }

    #[test]
    fn an_example_of_a_call_can_be_pasted_into_a_shell() {
        let id = json!({ "name": "endpoint", "in": "path", "example": "whe_1" });
        let content = json!({ "example": { "description": "it's mine" } });
        let call = curl("PATCH", "/webhooks/{endpoint}", &[&id], Some(&content), true);
        let expected = "curl -X PATCH \"$API/webhooks/whe_1\" \\\n  -H \"Authorization: $KEY\" \\\n  \
                        -d '{\n  \"description\": \"it'\\''s mine\"\n}'";
        assert_eq!(call, expected);
        assert_eq!(curl("GET", "/a", &[], None, false), "curl \"$API/a\"");
    }
}
