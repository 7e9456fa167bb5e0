//! The table, the API's verbs, and the parameters with the defaults that the contract promises.

use serde_json::{Value, json};

use crate::Breaches;
use crate::template::{Template, kept, noticed};

/// What an operator may set, by the variable that carries it to the functions, and its default.
fn contract() -> [(&'static str, Value); 10] {
    [
        ("ENDPOINT_LIMIT", json!(50)),
        ("BODY_LIMIT_BYTES", json!(262_144)),
        ("DESCRIPTION_LIMIT", json!(200)),
        ("URL_LIMIT", json!(2048)),
        ("PAGE_LIMIT", json!(100)),
        ("RATE_LIMIT_PER_MINUTE", json!(120)),
        ("RETENTION_DAYS", json!(30)),
        ("TIME_SCALE", json!("1")),
        ("ALLOWED_CIDRS", json!("")),
        ("EXTRA_PORTS", json!("")),
    ]
}

fn table(template: &Template) -> Breaches {
    let tables = template.resources("AWS::DynamoDB::Table");
    let [table] = tables.as_slice() else {
        return vec![format!("{} tables: hookbell has one", tables.len())];
    };
    let wanted = [
        ("DeletionPolicy", table.attribute("DeletionPolicy"), json!("Retain")),
        ("UpdateReplacePolicy", table.attribute("UpdateReplacePolicy"), json!("Retain")),
        ("BillingMode", table.property("BillingMode"), json!("PAY_PER_REQUEST")),
        ("SSEEnabled", table.property("SSESpecification/SSEEnabled"), json!(true)),
        ("AttributeName of the TTL", table.property("TimeToLiveSpecification/AttributeName"), json!("expiresAt")),
        ("Enabled of the TTL", table.property("TimeToLiveSpecification/Enabled"), json!(true)),
        (
            "PointInTimeRecoveryEnabled",
            table.property("PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled"),
            json!(true),
        ),
        ("GlobalSecondaryIndexes", table.property("GlobalSecondaryIndexes"), Value::Null),
        ("LocalSecondaryIndexes", table.property("LocalSecondaryIndexes"), Value::Null),
    ];
    let wrong = wanted.iter().filter(|(_, found, expected)| *found != expected);
    wrong.map(|(name, found, expected)| format!("{}: its {name} is {found}, not {expected}", table.name)).collect()
}

fn verbs(template: &Template) -> Breaches {
    let mut breaches = Breaches::new();
    for function in template.functions() {
        let requests = function
            .entries("Events")
            .filter(|(_, event)| event.get("Type").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("Api")));
        for (name, event) in requests {
            let method = event.pointer("/Properties/Method").and_then(Value::as_str).unwrap_or("ANY");
            if !["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"].contains(&method) {
                breaches.push(format!(
                    "{}: its event {name} has the method {method}. Name the verbs, an event for each: ANY is dropped \
                     by the local AWS, and lets through what the API does not answer",
                    function.name
                ));
            }
        }
    }
    breaches
}

fn defaults(template: &Template) -> Breaches {
    let mut breaches = Breaches::new();
    for (variable, expected) in contract() {
        let path = format!("Environment/Variables/{variable}");
        let functions = template.functions();
        let set: Vec<_> = functions.iter().filter(|function| !function.raw_property(&path).is_null()).collect();
        if set.is_empty() {
            breaches.push(format!("{variable}: no function gets it; an operator must be able to set it"));
        }
        for function in set {
            let raw = function.raw_property(&path);
            let parameter = raw.get("Ref").and_then(Value::as_str);
            if parameter.is_none_or(|name| template.at(&format!("/Parameters/{name}")).is_null()) {
                breaches.push(format!("{}: {variable} is {raw}, and should refer to a parameter", function.name));
            } else if *template.resolve(raw) != expected {
                let found = template.resolve(raw);
                breaches.push(format!("{}: {variable} is {found} by default, not {expected}", function.name));
            }
        }
    }
    breaches
}

#[test]
fn the_table_is_paid_by_request_and_outlives_mistakes() {
    kept(table);
    noticed(table, "/Resources/Table/DeletionPolicy", json!("Delete"), "DeletionPolicy");
    noticed(table, "/Resources/Table/UpdateReplacePolicy", json!(null), "UpdateReplacePolicy");
    let properties = "/Resources/Table/Properties";
    noticed(table, &format!("{properties}/BillingMode"), json!("PROVISIONED"), "BillingMode");
    noticed(table, &format!("{properties}/SSESpecification"), json!({}), "SSEEnabled");
    noticed(table, &format!("{properties}/TimeToLiveSpecification/AttributeName"), json!("ttl"), "TTL");
    noticed(table, &format!("{properties}/PointInTimeRecoverySpecification"), json!({}), "PointInTime");
}

#[test]
fn the_api_names_its_verbs() {
    kept(verbs);
    let get = "/Resources/ApiFunction/Properties/Events/Get/Properties/Method";
    noticed(verbs, get, json!("ANY"), "its event Get has the method ANY");
    noticed(verbs, get, json!("any"), "its event Get");
}

#[test]
fn the_limits_of_the_contract_are_parameters_with_its_defaults() {
    kept(defaults);
    noticed(defaults, "/Parameters/EndpointLimit/Default", json!(51), "ENDPOINT_LIMIT is 51");
    noticed(defaults, "/Parameters/TimeScale/Default", json!("0.001"), "TIME_SCALE is \"0.001\"");
    noticed(defaults, "/Parameters/AllowedCidrs/Default", json!("10.0.0.0/8"), "ALLOWED_CIDRS is");
    noticed(defaults, "/Globals/Function/Environment/Variables/RETENTION_DAYS", json!(30), "refer to a parameter");
    let variable = "/Resources/ApiFunction/Properties/Environment/Variables/PAGE_LIMIT";
    noticed(defaults, variable, json!(null), "PAGE_LIMIT: no function gets it");
}
