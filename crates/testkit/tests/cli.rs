//! The operator's tool, against the stack: each command's result, its refusals, and its JSON.

use hookbell_testkit::answer::Answer;
use hookbell_testkit::api::keys;
use hookbell_testkit::fresh;
use hookbell_testkit::hookbell::Hookbell;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::patience::eventually;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use serde_json::{Value, json};

const STARTED: &str = "environment.started";
const PAYLOAD: &str = r#"{"resource":{"type":"environment","id":"env_1","name":"my-box"}}"#;

#[tokio::test]
async fn organizations_are_made_listed_and_shown() {
    let hookbell = Hookbell::default();
    let id = format!("org_{}", fresh());
    let made = hookbell.json(&format!("orgs create {id} --profile slothbox")).await;
    assert_eq!(made[0]["organizationId"], json!(id));
    assert!(hookbell.out(&format!("orgs list --prefix {id}")).await.contains(&id));
    let shown = hookbell.json(&format!("orgs show {id}")).await;
    assert_eq!((&shown[0]["organization"]["profile"], &shown[0]["endpoints"]), (&json!("slothbox"), &json!([])));
    let types = hookbell.json(&format!("orgs event-types {id}")).await;
    assert_eq!(types.len(), 16);
    assert!(types.iter().any(|entry| entry["type"] == json!(STARTED)));
    let table = hookbell.out(&format!("orgs event-types {id}")).await;
    assert!(table.contains("environment.started        An environment was started."), "{table}");
    let refused = hookbell.run(&format!("orgs create {id}x --profile nobodys")).await.check(3);
    assert!(refused.err.contains("profile: Must be one of"), "{}", refused.err);
    let _ = hookbell.run(&format!("orgs show {id}y")).await.check(4);
}

#[tokio::test]
async fn lists_go_on_page_after_page_as_far_as_they_are_wanted() {
    let (stack, hookbell) = (Stack::load(), Hookbell::default());
    let organization = Organization::new(&stack, "slothbox").await;
    for _ in 0..3 {
        organization.send(STARTED, PAYLOAD).await;
    }
    let list = format!("messages list {}", organization.id);
    eventually("three messages", async || (hookbell.json(&list).await.len() == 3).then_some(())).await;
    let two = hookbell.run(&format!("{list} --limit 2")).await.check(0);
    // The names of the columns, and two rows.
    assert_eq!(two.out.lines().count(), 3, "{}", two.out);
    assert!(two.err.contains("more than these 2"), "{}", two.err);
    let one = hookbell.run(&format!("{list} --limit 1")).await.check(0);
    assert!(one.err.contains("more than this one"), "{}", one.err);
    assert!(hookbell.json(&format!("{list} --event-type environment.stopped")).await.is_empty());
    assert!(hookbell.json(&format!("{list} --before 1h")).await.is_empty());
    let _ = hookbell.run(&format!("{list} --after yesterday")).await.check(2);
}

#[tokio::test]
async fn keys_are_made_used_and_revoked() {
    let (stack, hookbell) = (Stack::load(), Hookbell::default());
    let organization = Organization::new(&stack, "slothbox").await;
    let id = &organization.id;
    let key = hookbell.out(&format!("keys create {id} --role member --name nights")).await.trim().to_owned();
    let listed = hookbell.json(&format!("keys list {id}")).await;
    assert_eq!((&listed[0]["role"], &listed[0]["name"]), (&json!("member"), &json!("nights")));
    let member = hookbell.with(&["--key", &key]);
    assert!(member.out(&format!("status --organization {id}")).await.contains("may read"));
    let refused = member.run(&format!("keys list {id}")).await.check(3);
    assert!(refused.err.contains("Owner role required"), "{}", refused.err);
    // Not even with a yes does a key get into the URL of a call.
    let itself = hookbell.run(&format!("keys delete {id} {key} --yes")).await.check(2);
    assert!(itself.err.contains("by its id") && !itself.err.contains(&key), "{}", itself.err);
    let delete = format!("keys delete {id} {}", listed[0]["keyId"].as_str().unwrap());
    // Nobody is there to say yes.
    let _ = hookbell.run(&delete).await.check(2);
    assert!(hookbell.out(&format!("{delete} --yes")).await.contains("revoked"));
    let unknown = member.with(&["--json"]).run(&format!("endpoints list {id}")).await.check(3);
    let error: Value = serde_json::from_str(&unknown.err).unwrap();
    assert_eq!((&error["error"]["status"], &error["error"]["exitCode"]), (&json!(401), &json!(3)));
    assert!(!unknown.err.contains(&key) && !unknown.out.contains(&key));
    assert!(hookbell.out(&format!("portal {id}")).await.contains("/console#token="));
}

#[tokio::test]
async fn an_endpoint_is_made_changed_tested_and_deleted() {
    let (stack, hookbell) = (Stack::load(), Hookbell::default());
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let id = &organization.id;
    let create = format!("endpoints create {id} --url {} --event-type {STARTED}", receiver.url());
    let made = hookbell.run_with(&create, &["--header", "X-Team: nights", "--filter", r#"{"type":[{"exists":true}]}"#]);
    let endpoint = made.await.check(0).out.trim().to_owned();
    let shown = hookbell.json(&format!("endpoints show {id} {endpoint}")).await.remove(0);
    assert_eq!((&shown["headers"]["X-Team"], &shown["eventTypes"]), (&json!("(hidden)"), &json!([STARTED])));
    let told = hookbell.out(&format!("endpoints show {id} {endpoint}")).await;
    // Neither colours where nobody sees them, nor what may be a password.
    assert!(told.contains("X-Team") && !told.contains("nights") && !told.contains('\u{1b}'), "{told}");
    let shown = hookbell.json(&format!("endpoints show {id} {endpoint} --show-headers")).await.remove(0);
    assert_eq!(shown["headers"]["X-Team"], "nights");
    let changed =
        hookbell.json(&format!("endpoints update {id} {endpoint} --rate-limit 5 --no-filter")).await.remove(0);
    assert_eq!((&changed["rateLimit"], changed.get("filter")), (&json!(5), None));
    let tested = hookbell.json(&format!("endpoints test {id} {endpoint}")).await.remove(0);
    assert_eq!(tested["attempt"]["responseStatusCode"], 200);
    assert_eq!(receiver.arrivals()[0].message_id(), tested["id"].as_str().unwrap());

    let secret = hookbell.out(&format!("endpoints secret reveal {id} {endpoint}")).await;
    receiver.arrivals()[0].verify(secret.trim());
    let rolled = hookbell.out(&format!("endpoints secret roll {id} {endpoint} --yes")).await;
    assert!(rolled.starts_with("whsec_") && rolled != secret);
    assert_eq!(hookbell.json(&format!("endpoints stats {id} {endpoint}")).await[0]["total"]["success"], 1);
    let _ = hookbell.run(&format!("endpoints stats {id} {endpoint} --hours 169")).await.check(2);

    let _ = hookbell.out(&format!("endpoints disable {id} {endpoint}")).await;
    let refused = hookbell.run(&format!("endpoints test {id} {endpoint}")).await.check(3);
    assert!(refused.err.contains("hookbell endpoints enable"), "{}", refused.err);
    assert!(hookbell.out(&format!("endpoints enable {id} {endpoint}")).await.contains("enabled"));
    let _ = hookbell.out(&format!("endpoints delete {id} {endpoint} --yes")).await;
    let _ = hookbell.run(&format!("endpoints show {id} {endpoint}")).await.check(4);
    let refused = hookbell.run(&format!("endpoints create {id} --url nowhere")).await.check(3);
    assert!(refused.err.contains("\n  url: "), "{}", refused.err);
}

#[tokio::test]
async fn a_test_that_is_not_delivered_is_told_apart() {
    let (stack, hookbell) = (Stack::load(), Hookbell::default());
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 503).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let done = hookbell.run(&format!("endpoints test {} {}", organization.id, endpoint.id)).await.check(5);
    assert!(done.out.contains("503") && done.err.contains("hookbell messages story"), "{}{}", done.out, done.err);
}

#[tokio::test]
async fn the_story_of_a_message_says_where_it_went_and_why_it_went_nowhere_else() {
    let (stack, hookbell) = (Stack::load(), Hookbell::default());
    let organization = Organization::new(&stack, "slothbox").await;
    let id = &organization.id;
    let receiver =
        Receiver::start(&stack, |_, times| if times == 1 { Answer::status(503) } else { Answer::status(200) }).await;
    let reached = organization.endpoint(&receiver, &["*"]).await;
    let other_type = organization.endpoint(&receiver, &["environment.stopped"]).await;
    let disabled = organization.endpoint(&receiver, &["*"]).await;
    disabled.disable().await;
    let filter = json!({ "filter": { "data": { "resource": { "id": ["env_2"] } } } });
    let filtered = organization.endpoint_with(&receiver, &["*"], filter).await;
    let event_id = fresh();
    let sent = hookbell.run_with(&format!("send {id} {STARTED} --event-id {event_id} --data"), &[PAYLOAD]).await;
    let message = sent.check(0).out.trim().to_owned();
    reached.wait_for_status(&message, "delivered").await;
    let late = organization.endpoint(&receiver, &["*"]).await;

    let story = hookbell.json(&format!("messages story {id} {message}")).await.remove(0);
    assert_eq!(keys(&story), ["attempts", "deliveries", "message", "notReached"]);
    let statuses = story["attempts"].as_array().unwrap().iter().map(|attempt| attempt["responseStatusCode"].clone());
    assert_eq!(statuses.collect::<Vec<_>>(), [json!(503), json!(200)]);
    let of = |endpoint: &str| story["deliveries"].as_array().unwrap().iter().find(|one| one["endpointId"] == endpoint);
    assert_eq!(of(&reached.id).unwrap()["status"], "delivered");
    assert_eq!(of(&disabled.id).unwrap()["skipped"], "endpoint disabled");
    let told = hookbell.out(&format!("messages story {id} {event_id}")).await;
    let check = |endpoint: &str, words: &str| {
        let missed = story["notReached"].as_array().unwrap().iter().find(|one| one["endpointId"] == endpoint).unwrap();
        assert!(missed["why"].as_str().unwrap().contains(words) && told.contains(words), "{missed}\n{told}");
    };
    check(&other_type.id, "does not subscribe");
    assert!(told.contains("attempt 1: fail     503") && told.contains("attempt 2: success  200"), "{told}");
    check(&filtered.id, "its filter");
    check(&late.id, "made after the message");
    assert_eq!(hookbell.json(&format!("messages find {id} {event_id}")).await[0]["id"], json!(message));
    let _ = hookbell.run(&format!("messages find {id} {}", fresh())).await.check(4);

    let again = hookbell.run_with(&format!("send {id} {STARTED} --event-id {event_id} --data"), &[PAYLOAD]).await;
    assert!(again.check(3).err.contains("hookbell messages find"));
    let wrong = hookbell.run_with(&format!("send {id} {STARTED} --data"), &["{"]).await;
    assert!(wrong.check(2).err.contains("not JSON"));
}

#[tokio::test]
async fn deliveries_are_listed_shown_sent_once_more_and_replayed() {
    let (stack, hookbell) = (Stack::load(), Hookbell::default());
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let message = organization.send(STARTED, PAYLOAD).await;
    let which = format!("{} {}", organization.id, endpoint.id);
    let delivery = endpoint.wait_for_status(&message, "delivered").await["deliveryId"].as_str().unwrap().to_owned();
    let listed = hookbell.json(&format!("deliveries list {which} --status delivered")).await;
    assert_eq!(listed[0]["deliveryId"], json!(delivery));
    assert!(hookbell.json(&format!("deliveries list {which} --status exhausted")).await.is_empty());
    let shown = hookbell.out(&format!("deliveries show {which} {delivery}")).await;
    assert!(shown.contains("attempt 1") && shown.contains("env_1"), "{shown}");
    let _ = hookbell.out(&format!("deliveries redeliver {which} {delivery}")).await;
    receiver.wait_for_message(&message, 2).await;
    let replayed = hookbell.json(&format!("replay {which} --after 1h")).await.remove(0);
    assert_eq!((&replayed["state"], &replayed["redelivered"]), (&json!("finished"), &json!(1)));
    receiver.wait_for_message(&message, 3).await;
    let (after, before) = (replayed["after"].as_str().unwrap(), replayed["before"].as_str().unwrap());
    let range = format!("replay {which} --after {after} --before {before}");
    let _ = hookbell.run(&range).await.check(0);
    let again = hookbell.run(&range).await.check(0);
    assert!(again.err.contains("nothing is sent now"), "{}", again.err);
    let _ = hookbell.run(&format!("deliveries show {which} dlv_nobodys")).await.check(4);
    let refused = hookbell.run(&format!("replay {which} --after 2100-01-01T00:00:00Z")).await.check(3);
    assert!(refused.err.contains("after: Must be in the past"), "{}", refused.err);
}

#[tokio::test]
async fn what_happens_is_shown_as_it_happens() {
    let (stack, hookbell) = (Stack::load(), Hookbell::default());
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver =
        Receiver::start(&stack, |_, times| if times == 1 { Answer::status(500) } else { Answer::status(200) }).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let before = organization.send(STARTED, PAYLOAD).await;
    endpoint.wait_for_status(&before, "delivered").await;
    let mut all = hookbell.start(&format!("tail {} --interval 0.2", organization.id));
    let mut failed = hookbell.start(&format!("tail {} --interval 0.2 --failed", organization.id));
    all.note_with("Watching 1 endpoint").await;
    failed.note_with("Watching").await;
    let message = organization.send(STARTED, PAYLOAD).await;
    // What was there before is no news, and what is news is told once.
    let lines = [all.line_with("").await, all.line_with("").await];
    assert!(lines.iter().all(|line| line.contains(&message)), "{lines:?}");
    assert!(lines[0].contains("failed  environment.started  attempt 1  500"), "{lines:?}");
    assert!(lines[1].contains("delivered  environment.started  attempt 2  200"), "{lines:?}");
    assert!(failed.line_with(&message).await.contains("attempt 1  500"));
    assert_eq!((all.interrupt().await, failed.interrupt().await), (Some(0), Some(0)));
}

#[tokio::test]
async fn a_connection_is_made_by_a_file_by_options_or_by_the_stack_s_name() {
    let (stack, hookbell) = (Stack::load(), Hookbell::default());
    assert!(hookbell.out("status").await.contains("the admin key"));
    let status = hookbell.json("status").await.remove(0);
    assert!(status["queues"].as_array().unwrap().iter().any(|queue| queue["queue"] == "for a person: ordered"));
    let by_name = hookbell.out("status --stack-name hookbell").await;
    assert!(by_name.contains("the admin key") && by_name.contains("events-fifo"), "{by_name}");
    let by_url = hookbell.with(&["--api-url", &stack.api_url, "--key", &stack.admin_key]);
    assert!(by_url.out("status").await.contains("answers"));
    let nobody = hookbell.with(&["--api-url", "http://127.0.0.1:9", "--key", "sk_secret", "--json"]);
    let done = nobody.run("status").await.check(1);
    assert!(done.err.contains("could not be reached") && !done.err.contains("sk_secret"), "{}", done.err);
    let no_queues = nobody.run("parked list").await.check(2);
    assert!(no_queues.err.contains("--stack-name"), "{}", no_queues.err);
    let wrong = hookbell.run("status --stack Cargo.toml").await.check(2);
    assert!(wrong.err.contains("it is not JSON"), "{}", wrong.err);
    let unknown = hookbell.run("status --stack-name nobodys").await.check(1);
    assert!(unknown.err.contains("CloudFormation"), "{}", unknown.err);
}

#[tokio::test]
async fn completions_are_there_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        assert!(Hookbell::default().out(&format!("completions {shell}")).await.contains("redeliver"), "{shell}");
    }
}

#[tokio::test]
async fn a_key_may_stand_in_a_file_and_an_id_that_is_none_reaches_no_other_call() {
    let (stack, file) = (Stack::load(), std::env::temp_dir().join(format!("hookbell-key-{}", fresh())));
    let hookbell = Hookbell::default().with(&["--key-file", file.to_str().unwrap()]);
    let _ = hookbell.run("status").await.check(2);
    std::fs::write(&file, format!("{}\n", stack.admin_key)).unwrap();
    assert!(hookbell.out("status").await.contains("the admin key"));
    for id in ["", ".", ".."] {
        let refused = hookbell.run_with("orgs show", &[id]).await.check(2);
        assert!(refused.err.contains("an id is empty"), "{}", refused.err);
    }
    std::fs::remove_file(file).unwrap();
}
