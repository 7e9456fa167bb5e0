//! An endpoint's secret: shown again, and replaced while events flow.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use hookbell_testkit::api::keys;
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::fresh;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::receiver::{Arrival, Receiver};
use hookbell_testkit::stack::Stack;
use serde_json::{Value, json};

const STARTED: &str = "environment.started";

async fn scene(stack: &Stack) -> (Organization, Receiver, Endpoint) {
    let organization = Organization::new(stack, "slothbox").await;
    let receiver = Receiver::always(stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    (organization, receiver, endpoint)
}

/// Replaces the secret and gives the new one.
async fn roll(endpoint: &Endpoint, body: Value, overlap: u64) -> String {
    let rolled = endpoint.roll(&body).await.expect(200);
    assert_eq!(keys(&rolled), ["overlapSeconds", "secret"]);
    assert_eq!(rolled["overlapSeconds"], overlap);
    rolled["secret"].as_str().unwrap().to_owned()
}

/// The request of an event that the API accepts now.
async fn next_arrival(organization: &Organization, receiver: &Receiver) -> Arrival {
    receiver.wait_for_message(&organization.send_example().await, 1).await.remove(0)
}

/// Fails unless the request is signed with these secrets, in this order, and no others.
#[track_caller]
fn check(arrival: &Arrival, secrets: &[&String]) {
    assert_eq!(arrival.tokens().len(), secrets.len());
    for (number, secret) in secrets.iter().enumerate() {
        arrival.verify(secret);
        arrival.with_token(number).verify(secret);
    }
}

#[tokio::test]
async fn the_secret_is_shown_again_and_is_in_no_endpoint() {
    let stack = Stack::load();
    let (organization, _, endpoint) = scene(&stack).await;
    assert_eq!(endpoint.reveal().await, endpoint.secret);
    let new = roll(&endpoint, Value::Null, 86_400).await;
    assert_eq!(endpoint.reveal().await, new);
    assert_ne!(new, endpoint.secret);
    let list = organization.api.get(&organization.managing("")).await.expect(200).to_string();
    assert!(!list.contains("whsec_") && !endpoint.get().await.to_string().contains("whsec_"));
}

#[tokio::test]
async fn a_replaced_secret_signs_on_unless_it_is_to_end() {
    let stack = Stack::load();
    let (organization, receiver, endpoint) = scene(&stack).await;
    let first = endpoint.secret.clone();
    check(&next_arrival(&organization, &receiver).await, &[&first]);
    let second = roll(&endpoint, Value::Null, 86_400).await;
    check(&next_arrival(&organization, &receiver).await, &[&second, &first]);
    let third = roll(&endpoint, json!({ "expireOld": false }), 86_400).await;
    check(&next_arrival(&organization, &receiver).await, &[&third, &second, &first]);
    let fourth = roll(&endpoint, json!({ "expireOld": true }), 0).await;
    let arrival = next_arrival(&organization, &receiver).await;
    check(&arrival, &[&fourth]);
    for old in [&first, &second, &third] {
        assert!(!arrival.is_signed_with(old));
    }
    assert_eq!(endpoint.reveal().await, fourth);
    let fifth = roll(&endpoint, json!({}), 86_400).await;
    check(&next_arrival(&organization, &receiver).await, &[&fifth, &fourth]);
}

#[tokio::test]
async fn the_old_secrets_that_sign_are_bounded() {
    let stack = Stack::load();
    let (organization, receiver, endpoint) = scene(&stack).await;
    let mut secrets = vec![endpoint.secret.clone()];
    for _ in 0..10 {
        secrets.insert(0, roll(&endpoint, Value::Null, 86_400).await);
    }
    let refused = endpoint.roll(&Value::Null).await.expect(409);
    assert_eq!(keys(&refused["error"]), ["code", "message"]);
    assert_eq!(refused["error"]["code"], "secret_limit");
    assert_eq!(endpoint.reveal().await, secrets[0]);
    check(&next_arrival(&organization, &receiver).await, &secrets.iter().collect::<Vec<_>>());
    let new = roll(&endpoint, json!({ "expireOld": true }), 0).await;
    check(&next_arrival(&organization, &receiver).await, &[&new]);
    roll(&endpoint, Value::Null, 86_400).await;
}

#[tokio::test]
async fn of_secrets_that_are_replaced_at_once_none_is_lost() {
    let stack = Stack::load();
    let (organization, receiver, endpoint) = scene(&stack).await;
    let rolls = (0..4).map(|_| roll(&endpoint, Value::Null, 86_400));
    let mut secrets = futures_util::future::join_all(rolls).await;
    let current = endpoint.reveal().await;
    assert!(secrets.contains(&current));
    secrets.push(endpoint.secret.clone());
    let arrival = next_arrival(&organization, &receiver).await;
    assert_eq!(arrival.tokens().len(), secrets.len());
    arrival.with_token(0).verify(&current);
    for secret in &secrets {
        arrival.verify(secret);
    }
}

#[tokio::test]
async fn the_secret_of_what_is_not_there_is_not_found() {
    let stack = Stack::load();
    let (organization, _, endpoint) = scene(&stack).await;
    let other = Organization::new(&stack, "slothbox").await;
    let unknown = format!("org_{}", fresh());
    for path in [
        other.managing(&format!("/{}/secret", endpoint.id)),
        organization.managing("/whe_01J9ZK4T6Q0X3V8N5B2M7C1D4F/secret"),
        organization.managing("/nonsense/secret"),
        format!("/organizations/{unknown}/webhooks/{}/secret", endpoint.id),
    ] {
        organization.api.get(&path).await.check(404);
        organization.api.post(&format!("{path}/roll"), "").await.check(404);
    }
    for (field, body) in [("expireOld", json!({ "expireOld": "yes" })), ("surprise", json!({ "surprise": 1 }))] {
        endpoint.roll(&body).await.check_fields(&[field]);
    }
    assert_eq!(endpoint.reveal().await, endpoint.secret);
    endpoint.organization.api.delete(&endpoint.path("")).await.check(204);
    organization.api.get(&endpoint.path("/secret")).await.check(404);
    endpoint.roll(&Value::Null).await.check(404);
}

/// How often the secret is replaced while events flow; with every third time the old ones end.
const ROLLS: usize = 6;

#[tokio::test]
async fn while_secrets_are_replaced_every_request_is_signed_with_one_that_counts() {
    let stack = Stack::load();
    let (organization, receiver, endpoint) = scene(&stack).await;
    let secrets = Mutex::new(vec![endpoint.secret.clone()]);
    let known = || secrets.lock().unwrap().len() - 1;
    let done = AtomicBool::new(false);
    let replacing = async {
        for number in 1..=ROLLS {
            let seen = receiver.arrivals().len();
            receiver.wait_for(seen + 4).await;
            let expire = number % 3 == 0;
            let secret = roll(&endpoint, json!({ "expireOld": expire }), if expire { 0 } else { 86_400 }).await;
            secrets.lock().unwrap().push(secret);
        }
        done.store(true, Ordering::Relaxed);
    };
    // By the API: each message with the number of the secret that was current when it was accepted.
    let sending = async {
        let mut sent = Vec::new();
        while !done.load(Ordering::Relaxed) {
            let current = known();
            sent.push((organization.send_example().await, current));
        }
        sent
    };
    let producing = async {
        let mut produced = 0;
        while !done.load(Ordering::Relaxed) {
            organization.produce(STARTED, organization.profile.event_types[0].example, "").await;
            produced += 1;
        }
        produced
    };
    let ((), sent, produced) = tokio::join!(replacing, sending, producing);
    let last = next_arrival(&organization, &receiver).await;
    let arrivals = receiver.wait_for(sent.len() + produced + 1).await;

    let secrets = secrets.into_inner().unwrap();
    let signed_by = |arrival: &Arrival| secrets.iter().rposition(|secret| arrival.is_signed_with(secret));
    assert_eq!(signed_by(&last), Some(ROLLS));
    for arrival in &arrivals {
        let newest = signed_by(arrival).unwrap_or_else(|| panic!("no secret of the endpoint's: {arrival:?}"));
        let current = sent.iter().find(|(message, _)| message == arrival.message_id()).map(|(_, current)| *current);
        assert!(current.is_none_or(|current| current <= newest), "{current:?} was current, {newest} has signed");
        arrival.with_token(0).verify(&secrets[newest]);
        // Those that were to end with a later one do not sign beside it.
        let ended = newest / 3 * 3;
        assert!(secrets.iter().take(ended).all(|secret| !arrival.is_signed_with(secret)), "{newest}");
    }
}
