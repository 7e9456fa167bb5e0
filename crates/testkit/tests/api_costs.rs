//! What each call of the HTTP API asks of AWS: one round trip to DynamoDB, or two where the second needs the first.
//!
//! The function says itself how long each took; `--nocapture` shows the median of each call beside what it asks.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use hookbell_testkit::function::Function;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// How often each call is made that can be made again.
const ROUNDS: usize = 5;

struct Scene {
    bench: Workbench,
    api: Function,
}

impl Scene {
    /// Makes a call that has to be answered with that status, and gives its body.
    async fn call(&self, method: &str, path: &str, body: &Value, status: u16) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.bench.call(&self.api, method, path, &body).await;
        assert_eq!(answer["statusCode"], status, "{method} {path}: {answer}");
        match answer["body"].as_str().unwrap_or_default() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap(),
        }
    }

    /// Makes a call, fails unless it asks exactly that of AWS, and gives its body.
    async fn costs(&self, call: (&str, &str, Value, u16), expected: &[(&str, u32)]) -> Value {
        let (method, path, body, status) = call;
        drop(self.bench.proxy.take_usage());
        let answer = self.call(method, path, &body, status).await;
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(self.bench.proxy.take_usage().all_calls(), expected, "{method} {path}");
        answer
    }

    /// The same several times, for its median.
    async fn reads(&self, path: &str, expected: &[(&str, u32)]) -> Value {
        let mut answer = Value::Null;
        for _ in 0..ROUNDS {
            answer = self.costs(("GET", path, Value::Null, 200), expected).await;
        }
        answer
    }

    /// The median of each route as the function has logged it.
    fn medians(&self) -> Vec<(String, f64)> {
        let mut times = std::collections::BTreeMap::<String, Vec<f64>>::new();
        for line in self.api.output().lines() {
            let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
            if line["message"] == "api.called" {
                let route = format!("{} {}", line["method"].as_str().unwrap(), line["route"].as_str().unwrap());
                times.entry(route).or_default().push(line["duration_ms"].as_f64().unwrap());
            }
        }
        let median = |mut times: Vec<f64>| {
            times.sort_unstable_by(f64::total_cmp);
            times[times.len() / 2]
        };
        times.into_iter().map(|(route, times)| (route, median(times))).collect()
    }
}

#[tokio::test]
async fn every_call_asks_no_more_of_aws_than_it_needs() {
    let stack = Stack::load();
    let bench = Workbench::new(&stack).await;
    let scene = Scene { api: bench.function("api").await, bench };
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let mut messages = Vec::new();
    for _ in 0..3 {
        messages.push(organization.send_example().await);
    }
    for message in &messages {
        endpoint.wait_for_status(message, "delivered").await;
    }

    // Endpoints.
    let sending = |rest: &str| organization.sending(rest);
    scene.reads(&organization.managing("/event-types"), &[("GetItem", 1)]).await;
    scene.reads(&organization.managing(""), &[("Query", 1)]).await;
    scene.reads(&endpoint.path(""), &[("GetItem", 1)]).await;
    let new = json!({ "url": "https://8.8.8.8/", "eventTypes": ["*"] });
    let call = ("POST", organization.managing(""), new, 201);
    let made = scene.costs((call.0, &call.1, call.2, call.3), &[("GetItem", 1), ("TransactWriteItems", 1)]).await;
    let path = organization.managing(&format!("/{}", made["endpoint"]["endpointId"].as_str().unwrap()));
    let change = json!({ "description": "x" });
    scene.costs(("PATCH", &path, change, 200), &[("Query", 1), ("TransactWriteItems", 1)]).await;
    scene.costs(("DELETE", &path, Value::Null, 204), &[("TransactWriteItems", 1)]).await;
    scene.reads(&endpoint.path("/secret"), &[("GetItem", 1)]).await;
    let roll = ("POST", endpoint.path("/secret/roll"));
    scene.costs((roll.0, &roll.1, Value::Null, 200), &[("GetItem", 1), ("TransactWriteItems", 1)]).await;
    let ping = endpoint.path("/ping");
    scene.costs(("POST", &ping, Value::Null, 200), &[("Query", 1), ("SendMessage", 1)]).await;

    // Deliveries. A page asks each of the eight shards once.
    let page = scene.reads(&endpoint.path("/deliveries"), &[("BatchGetItem", 1), ("GetItem", 1), ("Query", 8)]).await;
    let delivery = endpoint.path(&format!("/deliveries/{}", page["deliveries"][0]["deliveryId"].as_str().unwrap()));
    scene.reads(&delivery, &[("GetItem", 3)]).await;
    scene
        .costs(
            ("POST", &format!("{delivery}/redeliver"), Value::Null, 200),
            &[("BatchWriteItem", 1), ("GetItem", 3), ("PutItem", 1), ("SendMessageBatch", 1)],
        )
        .await;
    scene.reads(&endpoint.path("/stats"), &[("GetItem", 1), ("Query", 8)]).await;
    let range = json!({ "after": (Timestamp::now() - SignedDuration::from_hours(1)).to_string() });
    let begun = scene
        .costs(
            ("POST", &endpoint.path("/replay"), range, 202),
            &[("GetItem", 2), ("PutItem", 1), ("SendMessageBatch", 1)],
        )
        .await;
    scene.reads(&endpoint.path("/replay"), &[("GetItem", 1), ("Query", 1)]).await;
    let replay = format!("/replay/{}", begun["replay"]["replayId"].as_str().unwrap());
    scene.reads(&endpoint.path(&replay), &[("GetItem", 2)]).await;

    // Messages.
    let event = json!({ "eventType": "environment.started", "payload": {} });
    let send = sending("/send");
    scene.costs(("POST", &send, event.clone(), 200), &[("GetItem", 1), ("SendMessage", 1)]).await;
    let mut once = event;
    once["eventId"] = json!(hookbell_testkit::fresh());
    let expected = [("GetItem", 1), ("PutItem", 1), ("SendMessage", 1), ("UpdateItem", 1)];
    scene.costs(("POST", &send, once.clone(), 200), &expected).await;
    scene.costs(("POST", &send, once, 409), &[("GetItem", 1), ("PutItem", 1)]).await;
    scene.reads(&sending("/messages"), &[("GetItem", 1), ("Query", 8)]).await;
    scene.reads(&sending(&format!("/messages/{}", messages[0])), &[("GetItem", 2)]).await;
    let attempts = sending(&format!("/messages/{}/attempts", messages[0]));
    scene.reads(&attempts, &[("BatchGetItem", 1), ("GetItem", 1), ("Query", 2)]).await;

    // Organizations.
    let initialize = sending("/initialize");
    scene.costs(("POST", &initialize, Value::Null, 201), &[("PutItem", 1), ("UpdateItem", 1)]).await;
    scene.reads("/organizations", &[("BatchGetItem", 1), ("Query", 1)]).await;
    let unheard_of = Organization::unheard_of(&stack, "slothbox").id;
    scene.reads(&format!("/organizations?prefix={unheard_of}"), &[("Query", 1)]).await;
    scene.reads(&sending("/initialization-status"), &[("GetItem", 1)]).await;
    scene.reads("/webhooks/status", &[]).await;
    scene.costs(("POST", &sending("/app-portal-access"), Value::Null, 200), &[("GetItem", 1)]).await;
    let keys = format!("/organizations/{}/api-keys", organization.id);
    let made = scene
        .costs(
            ("POST", &keys, json!({ "role": "member" }), 201),
            &[("GetItem", 1), ("Query", 1), ("TransactWriteItems", 1)],
        )
        .await;
    scene.reads(&keys, &[("BatchGetItem", 1), ("GetItem", 1), ("Query", 1)]).await;
    let key = format!("{keys}/{}", made["apiKey"]["keyId"].as_str().unwrap());
    scene.costs(("DELETE", &key, Value::Null, 204), &[("GetItem", 1), ("TransactWriteItems", 1)]).await;
    scene.reads("/openapi.json", &[]).await;

    let medians = scene.medians();
    assert!(medians.len() > 20, "the function logs each call: {medians:?}");
    for (route, median) in medians {
        println!("{median:8.2} ms  {route}");
    }
}
