//! Each function has a role and a log of its own, and a policy says what it allows without a wildcard.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::Breaches;
use crate::template::{Template, kept, noticed};

fn roles(template: &Template) -> Breaches {
    let mut breaches = Breaches::new();
    let mut holders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for function in template.functions() {
        let role = template.referenced(function.raw_property("Role"));
        match role.filter(|role| role.attribute("Type") == "AWS::IAM::Role") {
            Some(role) => holders.entry(role.name).or_default().push(function.name),
            None => breaches.push(format!("{}: its Role must be an AWS::IAM::Role of the template", function.name)),
        }
        if !function.raw_property("Policies").is_null() {
            breaches.push(format!("{}: SAM ignores Policies beside a Role; write them there", function.name));
        }
    }
    let shared = holders.iter().filter(|(_, functions)| functions.len() > 1);
    breaches.extend(
        shared.map(|(role, functions)| format!("{role}: {} share it; give each its own", functions.join(", "))),
    );
    let managed =
        template.resources("AWS::IAM::Role").into_iter().filter(|role| !role.property("ManagedPolicyArns").is_null());
    breaches.extend(
        managed.map(|role| format!("{}: name its permissions; a managed policy allows every resource", role.name)),
    );
    breaches
}

fn logs(template: &Template) -> Breaches {
    let mut breaches = Breaches::new();
    let mut used: Vec<&str> = Vec::new();
    for function in template.functions() {
        let group = template.referenced(function.raw_property("LoggingConfig/LogGroup"));
        match group.filter(|group| group.attribute("Type") == "AWS::Logs::LogGroup") {
            None => breaches.push(format!("{}: its LoggingConfig must name a LogGroup of the template", function.name)),
            Some(group) if !group.property("RetentionInDays").is_u64() => {
                breaches.push(format!("{}: without RetentionInDays it keeps logs, and costs, for ever", group.name));
            }
            Some(group) if used.contains(&group.name) => {
                breaches.push(format!("{}: {} needs a LogGroup of its own", group.name, function.name));
            }
            Some(group) => used.push(group.name),
        }
    }
    breaches
}

/// Every statement that allows something, with where it is.
fn statements<'a>(value: &'a Value, place: &str, found: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(entries) => {
            for (key, entry) in entries {
                match (key.as_str(), entry) {
                    ("Statement", Value::Array(several)) => {
                        found.extend(several.iter().map(|one| (place.to_owned(), one)));
                    }
                    ("Statement", one) => found.push((place.to_owned(), one)),
                    (key, entry) => statements(entry, &format!("{place}/{key}"), found),
                }
            }
        }
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                statements(entry, &format!("{place}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn has_wildcard(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(['*', '?']),
        Value::Array(entries) => entries.iter().any(has_wildcard),
        Value::Object(entries) => entries.values().any(has_wildcard),
        _ => false,
    }
}

/// Whether a statement allows only what AWS knows no resources for (Service Authorization Reference, "AWS X-Ray").
fn is_of_no_resource(statement: &Value) -> bool {
    statement.get("Action") == Some(&json!(["xray:PutTelemetryRecords", "xray:PutTraceSegments"]))
}

/// What is allowed for traces is allowed only where there are any.
fn traces(template: &Template) -> Breaches {
    let mut breaches = Breaches::new();
    for role in template.resources("AWS::IAM::Role") {
        for policy in role.property("Policies").as_array().into_iter().flatten() {
            let mut found = Vec::new();
            statements(policy, "", &mut found);
            let is_optional = policy.pointer("/Fn::If/0") == Some(&json!("IsTraced"));
            if !is_optional && found.iter().any(|(_, statement)| is_of_no_resource(statement)) {
                breaches.push(format!("{}: it may send traces although none are made", role.name));
            }
        }
    }
    breaches
}

fn wildcards(template: &Template) -> Breaches {
    let mut found = Vec::new();
    statements(template.at("/Resources"), "", &mut found);
    let mut breaches = Breaches::new();
    for (place, statement) in found.into_iter().filter(|(_, statement)| statement.get("Effect") != Some(&"Deny".into()))
    {
        for key in ["Action", "Resource"].into_iter().filter(|key| *key == "Action" || !is_of_no_resource(statement)) {
            if statement.get(key).is_some_and(has_wildcard) {
                breaches.push(format!("{place}: no wildcard in {key}; name what is meant: {statement}"));
            }
        }
        for key in ["NotAction", "NotResource"] {
            if statement.get(key).is_some() {
                breaches.push(format!("{place}: {key} allows everything else; name what is meant: {statement}"));
            }
        }
    }
    breaches
}

/// Other services put nothing on a queue unless the operator names them.
fn queue_policies(template: &Template) -> Breaches {
    let mut breaches = Breaches::new();
    let sources = json!({ "Ref": "EventSources" });
    if template.resolve(&sources) != "" {
        breaches.push("EventSources: it names somebody by default".to_owned());
    }
    for policy in template.resources("AWS::SQS::QueuePolicy") {
        let mut found = Vec::new();
        statements(policy.body, "", &mut found);
        let named = |statement: &Value| statement.pointer("/Condition/ArnLike/aws:SourceArn") == Some(&sources);
        if policy.attribute("Condition") != "HasEventSources" || !found.iter().all(|(_, statement)| named(statement)) {
            breaches.push(format!("{}: it lets in whom EventSources does not name", policy.name));
        }
    }
    breaches
}

#[test]
fn only_whom_the_operator_names_puts_events_on_a_queue() {
    kept(queue_policies);
    noticed(queue_policies, "/Parameters/EventSources/Default", json!("*"), "it names somebody by default");
    let policy = "/Resources/EventsQueuePolicy";
    noticed(queue_policies, &format!("{policy}/Condition"), json!(null), "EventsQueuePolicy: it lets in");
    let condition = format!("{policy}/Properties/PolicyDocument/Statement/0/Condition");
    noticed(queue_policies, &condition, json!(null), "EventsQueuePolicy: it lets in");
}

#[test]
fn every_function_has_its_own_role() {
    kept(roles);
    let role = json!({ "Fn::GetAtt": ["DlqRole", "Arn"] });
    noticed(roles, "/Resources/SenderFunction/Properties/Role", role, "SenderFunction share it");
    noticed(roles, "/Resources/ApiFunction/Properties/Role", json!(null), "ApiFunction: its Role");
    let managed = json!({ "ManagedPolicyArns": ["arn:aws:iam::aws:policy/AmazonSQSFullAccess"] });
    noticed(roles, "/Resources/ApiRole/Properties", managed, "ApiRole: name its permissions");
    let beside = json!({ "Role": { "Fn::GetAtt": ["DlqRole", "Arn"] }, "Policies": ["AmazonSQSFullAccess"] });
    noticed(roles, "/Resources/DlqFunction/Properties", beside, "DlqFunction: SAM ignores Policies");
}

#[test]
fn every_function_has_its_own_log_with_an_end() {
    kept(logs);
    noticed(logs, "/Resources/ApiLogs/Properties", json!({}), "ApiLogs: without RetentionInDays");
    noticed(logs, "/Resources/ApiFunction/Properties/LoggingConfig", json!(null), "ApiFunction: its LoggingConfig");
    let shared = json!({ "Ref": "DlqLogs" });
    noticed(logs, "/Resources/ApiFunction/Properties/LoggingConfig/LogGroup", shared, "needs a LogGroup of its own");
}

#[test]
fn traces_are_allowed_where_they_are_made() {
    kept(traces);
    let condition = "/Resources/SenderRole/Properties/Policies/1/Fn::If/0";
    let always = json!({ "PolicyDocument": { "Statement": [{ "Action": ["xray:PutTelemetryRecords", "xray:PutTraceSegments"] }] } });
    noticed(traces, condition, json!("HasDomain"), "SenderRole: it may send traces");
    noticed(traces, "/Resources/DlqRole/Properties/Policies/1", always, "DlqRole: it may send traces");
}

#[test]
fn no_policy_has_a_wildcard() {
    kept(wildcards);
    let statement = "/Resources/SenderRole/Properties/Policies/0/PolicyDocument/Statement/2";
    noticed(wildcards, &format!("{statement}/Action"), json!("sqs:*"), "no wildcard in Action");
    noticed(wildcards, &format!("{statement}/Resource"), json!(["*"]), "no wildcard in Resource");
    let joined = json!({ "Fn::Sub": "${Table.Arn}/*" });
    noticed(wildcards, &format!("{statement}/Resource/1"), joined, "no wildcard in Resource");
    noticed(wildcards, statement, json!({ "Effect": "Allow", "NotAction": "iam:PassRole" }), "NotAction");
}
