//! The encryption key is replaced while instances of every age are at work, and nobody notices.

#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a panic is how a test fails")]

use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use hookbell_aws::clients::{Aws, SdkConfig};
use hookbell_aws::sealing::Keys;
use hookbell_aws::table::{Swept, Table};
use hookbell_testkit::apart::{Apart, new_key};
use hookbell_testkit::console::Console;
use hookbell_testkit::function::Function;
use hookbell_testkit::gateway::Place;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::receiver::{Arrival, Receiver};
use hookbell_testkit::stack::Stack;
use serde_json::{Value, json};

/// The same functions with a table and an encryption key of their own, so that nobody else's are replaced.
struct Scene {
    stack: Stack,
    apart: Apart,
    organization: Organization,
}

/// An instance of both functions, as old as the key that it began with.
struct Instance {
    api: Function,
    sender: Function,
}

impl Scene {
    async fn new() -> Self {
        let stack = Stack::load();
        let apart = Apart::new(&stack, &new_key()).await;
        let organization = Organization::unheard_of(&stack, "slothbox");
        Self { stack, apart, organization }
    }

    async fn rotate(&self) {
        self.apart.replace_key(&new_key()).await;
    }

    async fn instance(&self) -> Instance {
        Instance { api: self.apart.bench.function("api").await, sender: self.apart.bench.function("sender").await }
    }

    async fn call(&self, of: &Instance, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        read(&self.apart.bench.call(&of.api, method, path, &body).await)
    }

    async fn call_with(&self, key: &str, of: &Instance, path: &str) -> Value {
        read(&self.apart.bench.call_with(key, &of.api, "GET", path, "").await)
    }

    /// A new endpoint with all that is sealed: its path, and what the API said of it.
    async fn endpoint(&self, of: &Instance, receiver: &Receiver) -> (String, Value) {
        let wanted = json!({ "url": receiver.url(), "eventTypes": ["*"], "v1a": true, "headers": { "X-Key": "abc" } });
        let made = self.call(of, "POST", &self.organization.managing(""), &wanted).await;
        (self.organization.managing(&format!("/{}", text(&made["endpoint"]["endpointId"]))), made)
    }

    /// Sends an event by one instance's API.
    async fn send(&self, by: &Instance) -> String {
        let entry = &self.organization.profile.event_types[0];
        let payload: Value = serde_json::from_str(entry.example).unwrap();
        let body = json!({ "eventType": entry.name, "payload": payload });
        text(&self.call(by, "POST", &self.organization.sending("/send"), &body).await["id"])
    }

    async fn portal_token(&self, by: &Instance) -> String {
        let path = self.organization.sending("/app-portal-access");
        text(&self.call(by, "POST", &path, &Value::Null).await["token"])
    }

    /// How often Secrets Manager was asked since the last time.
    fn asked(&self) -> u32 {
        self.apart.bench.proxy.take_usage().calls("GetSecretValue")
    }

    async fn sweep(&self) -> Swept {
        let aws: Aws = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "tests")))
            .region(Region::new(self.stack.region.clone()))
            .endpoint_url(&self.stack.aws_endpoint_url)
            .build()
            .into();
        let keys = Keys::load(&aws, &self.apart.encryption_key).await.unwrap();
        Table::new(&aws, self.apart.table.clone(), std::time::Duration::ZERO).reseal_all(&keys).await.unwrap()
    }
}

/// Fails unless a request carries all that was sealed of its endpoint.
fn check(arrival: &Arrival, made: &Value) {
    arrival.verify(made["secret"].as_str().unwrap());
    arrival.verify_with_public_key(made["endpoint"]["publicKey"].as_str().unwrap());
    assert_eq!(arrival.header("x-key"), "abc");
}

async fn check_arrives(receiver: &Receiver, message: &str, made: &Value) {
    check(&receiver.wait_for_message(message, 1).await[0], made);
}

fn read(answer: &Value) -> Value {
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap_or_default();
    let status = answer["statusCode"].as_u64().unwrap();
    assert!((200..300).contains(&status), "{status}: {body}");
    body
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

#[tokio::test]
async fn what_was_made_under_the_old_key_goes_on_under_the_new_one_on_instances_of_every_age() {
    let scene = Scene::new().await;
    let older = scene.instance().await;
    let body = json!({ "profile": scene.organization.profile.name });
    scene.call(&older, "POST", &scene.organization.sending("/initialize"), &body).await;
    let [first, second] = [Receiver::always(&scene.stack, 200).await, Receiver::always(&scene.stack, 200).await];
    let (path, made) = scene.endpoint(&older, &first).await;
    for _ in 0..3 {
        let message = scene.send(&older).await;
        scene.apart.bench.events.feed_until_empty(&older.sender).await;
        check_arrives(&first, &message, &made).await;
    }
    let token = scene.portal_token(&older).await;
    let session = Console::through(&older.api, Place::Stage).sign_in(&scene.stack.admin_key).await;
    let page = scene.call(&older, "GET", &format!("{path}/deliveries?limit=1"), &Value::Null).await;
    let on_its_way = scene.send(&older).await;
    assert_eq!(scene.asked(), 0, "one key is enough for all of that");

    scene.rotate().await;
    let newer = scene.instance().await;

    // Made before, used after: the record on the queue, the secrets, the token, the session, the cursor.
    scene.apart.bench.events.feed_until_empty(&newer.sender).await;
    check_arrives(&first, &on_its_way, &made).await;
    assert_eq!(scene.asked(), 2, "the current and the previous key, once");
    assert_eq!(scene.call(&newer, "GET", &format!("{path}/secret"), &Value::Null).await["secret"], made["secret"]);
    scene.call_with(&token, &newer, &path).await;
    let cookie = session.cookie();
    Console::through(&newer.api, Place::Stage).with_cookie(Some(&cookie)).get("/organizations").await.check(200);
    let rest = format!("{path}/deliveries?limit=1&cursor={}", page["cursor"].as_str().unwrap());
    assert_eq!(scene.call(&newer, "GET", &rest, &Value::Null).await["deliveries"].as_array().unwrap().len(), 1);
    assert_eq!(scene.asked(), 2, "and that of the other function");

    // Made after, by an instance that has the new key, and used by one that has never heard of it.
    let (other_path, other) = scene.endpoint(&newer, &second).await;
    let (other_token, message) = (scene.portal_token(&newer).await, scene.send(&newer).await);
    let page = scene.call(&newer, "GET", &format!("{path}/deliveries?limit=1"), &Value::Null).await;
    drop(scene.apart.bench.proxy.take_usage());
    scene.apart.bench.events.feed_until_empty(&older.sender).await;
    check_arrives(&first, &message, &made).await;
    check_arrives(&second, &message, &other).await;
    assert_eq!(scene.asked(), 2);
    let rest = format!("{path}/deliveries?limit=1&cursor={}", page["cursor"].as_str().unwrap());
    scene.call(&older, "GET", &rest, &Value::Null).await;
    scene.call_with(&other_token, &older, &other_path).await;
    let shown = scene.call(&older, "GET", &format!("{other_path}/secret"), &Value::Null).await;
    assert_eq!(shown["secret"], other["secret"]);
    assert_eq!(scene.asked(), 2);

    // After the sweep nothing needs the first key any more: with the next one it is gone.
    assert_eq!(scene.sweep().await, Swept { endpoints: 2, resealed: 1 });
    assert_eq!(scene.sweep().await, Swept { endpoints: 2, resealed: 0 });
    scene.rotate().await;
    let newest = scene.instance().await;
    let message = scene.send(&newest).await;
    scene.apart.bench.events.feed_until_empty(&newest.sender).await;
    check_arrives(&first, &message, &made).await;
    check_arrives(&second, &message, &other).await;
    let listed = scene.call(&newest, "GET", &scene.organization.managing(""), &Value::Null).await;
    assert_eq!(listed["endpoints"].as_array().unwrap().len(), 2);
    assert!(scene.apart.bench.events_dead_letters.is_empty().await);
}

#[tokio::test]
async fn a_token_that_names_a_key_that_never_was_is_no_key_and_costs_little() {
    let scene = Scene::new().await;
    let instance = scene.instance().await;
    let body = json!({ "profile": scene.organization.profile.name });
    scene.call(&instance, "POST", &scene.organization.sending("/initialize"), &body).await;
    let token = scene.portal_token(&instance).await;
    let (says, mark) = token.split_once('.').unwrap();
    let forged = format!("{says}.{}{}", if mark.starts_with('A') { "B" } else { "A" }, &mark[1..]);
    drop(scene.apart.bench.proxy.take_usage());
    let path = scene.organization.managing("");
    for _ in 0..3 {
        let answer = scene.apart.bench.call_with(&forged, &instance.api, "GET", &path, "").await;
        assert_eq!(answer["statusCode"], 401);
    }
    // Once a second at most; the three may take longer on a slow machine.
    let asked = scene.asked();
    assert!((2..=6).contains(&asked), "{asked}");
}
