//! What functions may do: their roles' policies as they are deployed, and identities that may do less.
//!
//! The local AWS enforces IAM for whoever calls with a key of its own; the key of the tests may do everything.

use std::collections::BTreeMap;

use reqwest::Url;
use serde_json::{Value, json};

use crate::stack::Stack;

/// One thing that a policy allows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// What may be done, as `sqs:SendMessage`.
    pub action: String,
    /// To what: an ARN.
    pub resource: String,
}

impl std::fmt::Display for Permission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on {}", self.action, self.resource)
    }
}

/// Everything that a deployed function's role allows, each action with each resource, in their order.
pub async fn permissions_of(stack: &Stack, function_name: &str) -> Vec<Permission> {
    let configuration = stack.configuration_of(function_name).await;
    let role = configuration["Role"].as_str().expect("a role").rsplit('/').next().expect("its name").to_owned();
    let names = call(stack, &[("Action", "ListRolePolicies"), ("RoleName", &role)]).await;
    let mut permissions = Vec::new();
    for name in texts(&names, "member") {
        let answer = call(stack, &[("Action", "GetRolePolicy"), ("RoleName", &role), ("PolicyName", &name)]).await;
        let document = texts(&answer, "PolicyDocument").pop().expect("a document");
        let document = Url::parse(&format!("policy:?d={document}")).expect("escapes");
        let document = document.query_pairs().next().expect("a document").1.into_owned();
        let document: Value = serde_json::from_str(&document).expect("a policy in JSON");
        for statement in document["Statement"].as_array().expect("statements") {
            assert_eq!(statement["Effect"], "Allow", "{statement}");
            for action in list(&statement["Action"]) {
                let all = list(&statement["Resource"]).into_iter();
                permissions.extend(all.map(|resource| Permission { action: action.clone(), resource }));
            }
        }
    }
    permissions.sort_unstable();
    permissions
}

/// The environment of a process that may do all of that, less what is denied.
pub async fn identity(stack: &Stack, allowed: &[Permission], denied: &[Permission]) -> BTreeMap<String, String> {
    let statements = |effect: &'static str, permissions: &[Permission]| {
        let statement = |permission: &Permission| json!({ "Effect": effect, "Action": permission.action, "Resource": permission.resource });
        permissions.iter().map(statement).collect::<Vec<_>>()
    };
    let statements = [statements("Allow", allowed), statements("Deny", denied)].concat();
    let policy = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    let user = format!("test-{}", crate::fresh());
    call(stack, &[("Action", "CreateUser"), ("UserName", &user)]).await;
    let put = [("Action", "PutUserPolicy"), ("UserName", user.as_str())];
    call(stack, &[put[0], put[1], ("PolicyName", "test"), ("PolicyDocument", &policy)]).await;
    let key = call(stack, &[("Action", "CreateAccessKey"), ("UserName", &user)]).await;
    let only = |name| texts(&key, name).pop().expect("a text");
    BTreeMap::from([
        ("AWS_ACCESS_KEY_ID".to_owned(), only("AccessKeyId")),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), only("SecretAccessKey")),
    ])
}

/// The queues that invoke a function, as ARNs.
pub async fn event_sources(stack: &Stack, function_name: &str) -> Vec<String> {
    let path = format!("/2015-03-31/event-source-mappings/?FunctionName={function_name}");
    let mappings = stack.lambda(&path).await["EventSourceMappings"].clone();
    let arn = |mapping: &Value| mapping["EventSourceArn"].as_str().expect("an ARN").to_owned();
    mappings.as_array().expect("mappings").iter().map(arn).collect()
}

/// One text, or several.
fn list(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    value.as_array().map_or_else(|| vec![text(value)], |values| values.iter().map(text).collect())
}

/// A call of IAM, which speaks forms and XML.
async fn call(stack: &Stack, fields: &[(&str, &str)]) -> String {
    let mut form = Url::parse("form:").expect("a URL");
    form.query_pairs_mut().extend_pairs(fields).append_pair("Version", "2010-05-08");
    let answer = stack
        .signed(reqwest::Method::POST, "/", "iam")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.query().expect("fields").to_owned())
        .send()
        .await
        .expect("an answer of IAM");
    let (status, text) = (answer.status(), answer.text().await.expect("a text"));
    assert!(status.is_success(), "{status}: {text}");
    text
}

/// The texts of all elements of that name.
fn texts(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let inside = xml.split(&open).skip(1).filter_map(|rest| rest.split(&close).next());
    inside.map(|text| text.replace("&quot;", "\"").replace("&amp;", "&")).collect()
}
