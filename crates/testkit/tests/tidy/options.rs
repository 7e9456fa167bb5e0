//! What is optional in the template: off by default, and then no resource of it is there.

use serde_json::{Value, json};

use crate::Breaches;
use crate::template::{Template, kept, noticed};

/// The parameters that switch something on, and what they are when it is off.
const OPTIONS: [(&str, &str); 8] = [
    ("EventSources", ""),
    ("DomainName", ""),
    ("HostedZoneId", ""),
    ("Firewall", "off"),
    ("Tracing", "PassThrough"),
    ("DeletionProtection", "false"),
    ("RestoredTable", ""),
    ("PermissionsBoundary", ""),
];

/// What has a condition and is there all the same, unless it is switched off.
const ON: [&str; 1] = ["Watch"];

/// What only options make.
const OPTIONAL_TYPES: [&str; 5] = [
    "AWS::CloudFormation::Stack",
    "AWS::WAFv2::",
    "AWS::Route53::",
    "AWS::ApiGateway::DomainName",
    "AWS::CodeDeploy::",
];

/// Whether a condition holds with every parameter at its default.
fn holds(template: &Template, condition: &Value) -> bool {
    let arguments = |name: &str| condition.get(name).and_then(Value::as_array);
    if let Some(name) = condition.get("Condition").or(Some(condition)).and_then(Value::as_str) {
        return holds(template, template.at(&format!("/Conditions/{name}")));
    }
    if let Some(terms) = arguments("Fn::Not") {
        return !terms.iter().all(|term| holds(template, term));
    }
    if let Some(terms) = arguments("Fn::And") {
        return terms.iter().all(|term| holds(template, term));
    }
    if let Some(terms) = arguments("Fn::Or") {
        return terms.iter().any(|term| holds(template, term));
    }
    if let Some([one, other]) = arguments("Fn::Equals").map(Vec::as_slice) {
        return text(template, one) == text(template, other);
    }
    panic!("tidy cannot decide {condition}: teach it")
}

/// A text, a parameter's default, or a list's entries joined to one.
fn text(template: &Template, value: &Value) -> String {
    let value = value.pointer("/Fn::Join/1").unwrap_or(value);
    template.resolve(value).as_str().unwrap_or_else(|| panic!("tidy cannot read {value}: teach it")).to_owned()
}

fn options(template: &Template) -> Breaches {
    let mut breaches = Breaches::new();
    for (parameter, off) in OPTIONS {
        let default = template.at(&format!("/Parameters/{parameter}/Default"));
        if default != off {
            breaches.push(format!("{parameter}: it is {default} by default, and should be off"));
        }
    }
    for (name, resource) in template.at("/Resources").as_object().into_iter().flatten() {
        let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
        match resource.get("Condition").filter(|condition| !condition.is_null()) {
            None if OPTIONAL_TYPES.iter().any(|optional| kind.starts_with(optional)) => {
                breaches.push(format!("{name}: it is optional, and there is no Condition for it"));
            }
            Some(condition) if holds(template, condition) != ON.contains(&name.as_str()) => {
                breaches.push(format!("{name}: it is not as it should be where nobody has chosen anything"));
            }
            _ => {}
        }
    }
    breaches
}

#[test]
fn an_option_that_nobody_chose_makes_no_resource() {
    kept(options);
    noticed(options, "/Parameters/Firewall/Default", json!("count"), "Firewall: it is \"count\" by default");
    noticed(options, "/Parameters/DomainName/Default", json!("hooks.example.com"), "Domain: it is not as it should be");
    noticed(options, "/Resources/FirewallOfApi/Condition", json!(null), "FirewallOfApi: it is optional");
    noticed(options, "/Conditions/HasDomain", json!({ "Fn::Equals": ["", ""] }), "Domain: it is not as");
    noticed(options, "/Parameters/Tracing/Default", json!("Active"), "Tracing: it is \"Active\"");
}
