//! The request path with a table and an encryption key that no other test's functions use.

use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
use http::Method;
use serde_json::{Value, json};

use crate::stack::Stack;
use crate::workbench::Workbench;

/// A workbench, and what its functions share with nobody.
#[derive(Debug)]
pub struct Apart {
    /// The queues and the functions.
    pub bench: Workbench,
    /// The table's name.
    pub table: String,
    /// The ARN of the secret that holds the encryption key.
    pub encryption_key: String,
    stack: Stack,
}

impl Apart {
    /// A new one with that encryption key.
    pub async fn new(stack: &Stack, encryption_key: &str) -> Self {
        let table = format!("test-apart-{}", crate::fresh());
        create_table(stack, &table).await;
        let secret = json!({ "Name": table, "SecretString": encryption_key });
        let made = json_call(stack, "secretsmanager", "secretsmanager.CreateSecret", &secret).await;
        let secret = made["ARN"].as_str().expect("a secret has an ARN").to_owned();
        let bench = Workbench::new(stack).await;
        let bench = bench.with("TABLE_NAME", &table).with("ENCRYPTION_KEY_SECRET_ARN", &secret);
        Self { bench, table, encryption_key: secret, stack: stack.clone() }
    }

    /// Replaces the encryption key.
    pub async fn replace_key(&self, key: &str) {
        let secret = json!({ "SecretId": self.encryption_key, "SecretString": key });
        json_call(&self.stack, "secretsmanager", "secretsmanager.PutSecretValue", &secret).await;
    }

    /// All items of the table, as `DynamoDB` writes them in JSON.
    pub async fn items(&self) -> Vec<Value> {
        let scan = json!({ "TableName": self.table, "ConsistentRead": true });
        let answer = json_call(&self.stack, "dynamodb", "DynamoDB_20120810.Scan", &scan).await;
        assert!(answer.get("LastEvaluatedKey").is_none(), "more than one page of items");
        answer["Items"].as_array().expect("a list").clone()
    }

    /// Puts an item into the table.
    pub async fn put(&self, item: &Value) {
        let put = json!({ "TableName": self.table, "Item": item });
        json_call(&self.stack, "dynamodb", "DynamoDB_20120810.PutItem", &put).await;
    }
}

/// A key as the deployment generates them.
#[must_use]
pub fn new_key() -> String {
    [(); 4].map(|()| crate::fresh()).concat()
}

async fn json_call(stack: &Stack, service: &str, target: &str, body: &Value) -> Value {
    let version = if service == "dynamodb" { "1.0" } else { "1.1" };
    let content_type = format!("application/x-amz-json-{version}");
    let headers = [("content-type", content_type.as_str()), ("x-amz-target", target)];
    let answer = stack.call(service, Method::POST, "/", &headers, body.to_string()).await;
    serde_json::from_str(&answer).unwrap()
}

async fn create_table(stack: &Stack, name: &str) {
    let mut create = stack.dynamodb().create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for (attribute, kind) in [("PK", KeyType::Hash), ("SK", KeyType::Range)] {
        let definition = AttributeDefinition::builder().attribute_name(attribute);
        let definition = definition.attribute_type(ScalarAttributeType::S).build().unwrap();
        let part = KeySchemaElement::builder().attribute_name(attribute).key_type(kind).build().unwrap();
        create = create.attribute_definitions(definition).key_schema(part);
    }
    create.send().await.unwrap();
}
