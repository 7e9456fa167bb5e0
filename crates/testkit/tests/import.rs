//! Endpoints of other systems, taken over by the operator's tool: their receivers notice nothing, and whatever is
//! repeated changes nothing.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use base64::Engine as _;
use hookbell_testkit::answer::Answer;
use hookbell_testkit::api_proxy::ApiProxy;
use hookbell_testkit::fresh;
use hookbell_testkit::hookbell::Hookbell;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::receiver::{Arrival, Receiver};
use hookbell_testkit::slothbox::Slothbox;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::svix::{Svix, SvixEndpoint};
use serde_json::{Value, json};

const PUBLIC: &str = "https://8.8.8.8/hook";

/// A secret that no other test has.
fn secret() -> String {
    format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(format!("{}{}", fresh(), fresh())))
}

/// A file that no other test has, and that is not there.
fn path() -> PathBuf {
    std::env::temp_dir().join(format!("hookbell-import-{}", fresh()))
}

/// The command that imports from a stand-in for Svix.
fn from_svix(svix: &Svix, more: &str) -> String {
    format!("import svix --server {} --token {} {more}", svix.url(), svix.token())
}

/// Sends an event, and gives what arrives.
async fn arrival(organization: &Organization, receiver: &Receiver) -> Arrival {
    let message = organization.send_example().await;
    receiver.wait_for_message(&message, 1).await.remove(0)
}

/// The same request under the standard's names, where Svix's own are read.
fn by_svix_names(arrival: &Arrival) -> Arrival {
    let mut read = arrival.clone();
    for name in ["id", "timestamp", "signature"] {
        let value = arrival.headers[&format!("svix-{name}")].clone();
        read.headers.insert(http::HeaderName::try_from(format!("webhook-{name}")).unwrap(), value);
    }
    read
}

#[tokio::test]
async fn a_receiver_of_svix_goes_on_with_its_secret_its_headers_and_their_names() {
    let (stack, hookbell, svix) = (Stack::load(), Hookbell::default(), Svix::start(250).await);
    let (organization, receiver) = (Organization::unheard_of(&stack, "daytona"), Receiver::always(&stack, 200).await);
    let (key, hidden) = (secret(), secret());
    let mut endpoint = SvixEndpoint::new(&receiver.url(), &key).with(&json!({ "rateLimit": 50 }));
    endpoint.headers.insert("X-Team".to_owned(), hidden.clone());
    svix.add(&organization.id, vec![endpoint.clone()]);

    let dry = hookbell.run(&from_svix(&svix, "--profile daytona")).await.check(0);
    assert!(dry.out.contains(&endpoint.id()) && dry.out.contains("dry run"), "{}", dry.out);
    organization.api.get(&organization.managing("")).await.check(404);

    let applied = hookbell.run(&from_svix(&svix, "--profile daytona --apply")).await.check(0);
    for said in [&dry.out, &dry.err, &applied.out, &applied.err] {
        assert!(![svix.token(), &key, &hidden].iter().any(|text| said.contains(text)), "{said}");
    }
    let made = organization.endpoints().await.remove(0);
    assert_eq!((&made["uid"], &made["description"]), (&json!(endpoint.id()), &json!("From elsewhere")));
    assert_eq!((&made["eventTypes"], &made["rateLimit"]), (&json!(["*"]), &json!(50)));
    let arrival = arrival(&organization, &receiver).await;
    arrival.verify(&key);
    by_svix_names(&arrival).verify(&key);
    assert_eq!(arrival.header("x-team"), hidden);
}

#[tokio::test]
async fn hundreds_of_endpoints_come_over_and_a_second_run_writes_nothing() {
    let (stack, svix) = (Stack::load(), Svix::start(7).await);
    let proxy = ApiProxy::start(&stack).await;
    let hookbell = Hookbell::default().with(&["--api-url", &proxy.url(), "--key", &stack.admin_key]);
    let organizations: Vec<_> = (0..20).map(|_| Organization::unheard_of(&stack, "slothbox")).collect();
    for organization in &organizations {
        svix.add(&organization.id, (0..10).map(|_| SvixEndpoint::new(PUBLIC, &secret())).collect());
    }
    let (_, planned) = hookbell.import(&from_svix(&svix, "--profile slothbox"), 0).await;
    assert_eq!((&planned["newOrganizations"], &planned["make"]), (&json!(20), &json!(200)));
    assert_eq!((&planned["calls"]["writes"], proxy.take().1), (&json!(0), 0));

    let (lines, made) = hookbell.import(&from_svix(&svix, "--profile slothbox --apply"), 0).await;
    assert_eq!((&made["make"], &made["endpoints"], lines.len()), (&json!(200), &json!(200), 200));
    assert_eq!(proxy.take().1, 220, "one for each organization and endpoint");
    let all = async || {
        let listed = organizations.iter().map(Organization::endpoints);
        futures_util::future::join_all(listed).await
    };
    let before = all().await;
    assert!(before.iter().all(|endpoints| endpoints.len() == 10));

    let (_, again) = hookbell.import(&from_svix(&svix, "--profile slothbox --apply"), 0).await;
    assert_eq!((&again["same"], &again["make"], &again["change"]), (&json!(200), &json!(0), &json!(0)));
    let (reads, writes) = proxy.take();
    assert_eq!((writes, &again["calls"]["writes"]), (0, &json!(0)), "and {reads} calls that read");
    assert_eq!(all().await, before);
}

#[tokio::test]
async fn one_that_was_killed_in_the_middle_is_finished_by_the_next() {
    let (stack, svix) = (Stack::load(), Svix::start(250).await);
    let proxy = ApiProxy::start(&stack).await;
    let hookbell = Hookbell::default().with(&["--api-url", &proxy.url(), "--key", &stack.admin_key]);
    let organizations: Vec<_> = (0..3).map(|_| Organization::unheard_of(&stack, "slothbox")).collect();
    for organization in &organizations {
        svix.add(&organization.id, (0..5).map(|_| SvixEndpoint::new(PUBLIC, &secret())).collect());
    }
    proxy.fall_silent(7);
    let killed = hookbell.start(&from_svix(&svix, "--profile slothbox --apply"));
    proxy.wait_for_writes(7).await;
    drop(killed);
    proxy.relent();
    let (_, finished) = hookbell.import(&from_svix(&svix, "--profile slothbox --apply"), 0).await;
    assert!(finished["make"].as_u64().unwrap() < 15 && finished["endpoints"] == 15, "{finished}");
    for organization in &organizations {
        let mut uids: Vec<_> = organization.endpoints().await.iter().map(|it| it["uid"].clone()).collect();
        uids.sort_by_key(Value::to_string);
        uids.dedup();
        assert_eq!(uids.len(), 5, "each once");
    }
    let (_, again) = hookbell.import(&from_svix(&svix, "--apply"), 0).await;
    assert_eq!((&again["same"], &again["calls"]["writes"]), (&json!(15), &json!(0)));
}

#[tokio::test]
async fn what_cannot_be_taken_over_is_named_with_its_reason_and_stops_no_other() {
    let (stack, hookbell, svix) = (Stack::load(), Hookbell::default(), Svix::start(250).await);
    let organization = Organization::unheard_of(&stack, "slothbox");
    let at = |url: &str| SvixEndpoint::new(url, &secret());
    let transformed = SvixEndpoint { code: Some("handler".to_owned()), ..at(PUBLIC) };
    let cases = [
        (at(PUBLIC).with(&json!({ "channels": ["a"] })), "channels"),
        (transformed, "transformation"),
        (at(PUBLIC).with(&json!({ "filterTypes": ["no.such"] })), "no.such"),
        (SvixEndpoint::new(PUBLIC, "whsec_c2hvcnQ="), "24 to 64"),
        (SvixEndpoint::new(PUBLIC, "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "asymmetric"),
        (at("https://user:word@example.com/"), "user name"),
    ];
    let fine = at(PUBLIC).with(&json!({ "filterTypes": ["environment.started"] }));
    let doubtful = [at("http://8.8.8.8/"), at("https://10.0.0.1/")];
    let all = cases.iter().map(|(endpoint, _)| endpoint).chain([&fine]).chain(&doubtful).cloned();
    svix.add(&organization.id, all.collect());
    svix.add("no organization", vec![at(PUBLIC)]);
    // What was written is the organization and its one endpoint: a call that is refused writes nothing.
    for (option, made, refused, writes) in [("", 3, 6, 0), ("--apply", 1, 8, 2)] {
        let (lines, summary) = hookbell.import(&from_svix(&svix, &format!("--profile slothbox {option}")), 5).await;
        assert_eq!((&summary["make"], &summary["cannot"]), (&json!(made), &json!(refused)), "{summary}");
        assert_eq!((&summary["cannotOrganizations"], &summary["calls"]["writes"]), (&json!(1), &json!(writes)));
        let of = |endpoint: &SvixEndpoint| lines.iter().find(|line| line["uid"] == endpoint.id()).unwrap().clone();
        for (endpoint, reason) in &cases {
            let line = of(endpoint);
            assert!(line["action"] == "cannot" && line["reasons"].to_string().contains(reason), "{line}");
        }
        // Whether these may be is the API's to say: the operator may have opened them.
        for endpoint in &doubtful {
            let line = of(endpoint);
            let words = if option.is_empty() { line["notes"].to_string() } else { line["reasons"].to_string() };
            assert!(words.contains("https") || words.contains("not public"), "{line}");
        }
    }
    assert_eq!(organization.endpoints().await.len(), 1);
    let told = hookbell.run(&from_svix(&svix, "--profile slothbox")).await.check(5);
    assert!(told.out.contains("no organization") && told.out.contains("cannot: it listens"), "{}", told.out);
    let profile = hookbell.run(&from_svix(&svix, "--profile nobodys")).await.check(5);
    assert!(profile.out.contains("the profile slothbox, and is to have nobodys"), "{}", profile.out);
}

#[tokio::test]
async fn an_organization_takes_as_many_as_the_deployment_allows() {
    let (stack, hookbell, svix) = (Stack::load(), Hookbell::default(), Svix::start(250).await);
    let organization = Organization::unheard_of(&stack, "slothbox");
    // The first is refused when it is to be made, and takes no room.
    let refused = SvixEndpoint::new("https://10.0.0.1/", &secret());
    let others = (0..51).map(|_| SvixEndpoint::new(PUBLIC, &secret()));
    svix.add(&organization.id, std::iter::once(refused).chain(others).collect());
    for option in ["", "--apply"] {
        let (lines, summary) = hookbell.import(&from_svix(&svix, &format!("--profile slothbox {option}")), 5).await;
        assert_eq!((&summary["make"], &summary["cannot"]), (&json!(50), &json!(2)));
        assert!(lines[51]["reasons"][0].as_str().unwrap().contains("EndpointLimit"), "{}", lines[51]);
    }
    assert_eq!(organization.endpoints().await.len(), 50);
}

#[tokio::test]
async fn what_changes_at_the_source_changes_here_and_a_new_secret_overlaps() {
    let (stack, hookbell, svix) = (Stack::load(), Hookbell::default(), Svix::start(250).await);
    let (organization, receiver) = (Organization::unheard_of(&stack, "slothbox"), Receiver::always(&stack, 200).await);
    let (old, new) = (secret(), secret());
    svix.add(&organization.id, vec![SvixEndpoint::new(&receiver.url(), &old), SvixEndpoint::new(PUBLIC, &old)]);
    let _ = hookbell.import(&from_svix(&svix, "--profile slothbox --apply"), 0).await;
    svix.change(0, |endpoint| endpoint.key.clone_from(&new));
    svix.change(1, |endpoint| endpoint.listed["disabled"] = json!(true));

    let before = organization.endpoints().await;
    let (kept, summary) = hookbell.import(&from_svix(&svix, "--apply --keep"), 0).await;
    assert!(summary["same"] == 2 && kept[0]["notes"][0].as_str().unwrap().contains("another secret"), "{kept:?}");
    let (planned, _) = hookbell.import(&from_svix(&svix, ""), 0).await;
    assert_eq!((&planned[0]["changes"], &planned[1]["changes"]), (&json!(["secret"]), &json!(["status"])));
    assert!(planned[0]["notes"][0].as_str().unwrap().contains("signs on for a day"), "{}", planned[0]);
    assert_eq!(organization.endpoints().await, before);

    let (_, applied) = hookbell.import(&from_svix(&svix, "--apply"), 0).await;
    assert_eq!((&applied["change"], &applied["calls"]["writes"]), (&json!(2), &json!(2)));
    let arrival = arrival(&organization, &receiver).await;
    arrival.with_token(0).verify(&new);
    arrival.with_token(1).verify(&old);
    assert_eq!(organization.endpoints().await[1]["status"], "disabled");
    let (_, again) = hookbell.import(&from_svix(&svix, "--apply"), 0).await;
    assert_eq!((&again["same"], &again["calls"]["writes"]), (&json!(2), &json!(0)));
}

#[tokio::test]
async fn what_hookbell_has_disabled_stays_so() {
    let (stack, hookbell, svix) = (Stack::load(), Hookbell::default(), Svix::start(250).await);
    let organization = Organization::unheard_of(&stack, "slothbox");
    let receiver = Receiver::start(&stack, |_, _| Answer::status(410)).await;
    svix.add(&organization.id, vec![SvixEndpoint::new(&receiver.url(), &secret())]);
    let _ = hookbell.import(&from_svix(&svix, "--profile slothbox --apply"), 0).await;
    let _ = arrival(&organization, &receiver).await;
    hookbell_testkit::patience::eventually("its end", async || {
        (organization.endpoints().await[0]["status"] == "disabled").then_some(())
    })
    .await;
    let (lines, summary) = hookbell.import(&from_svix(&svix, "--apply"), 0).await;
    assert!(lines[0]["notes"][0].as_str().unwrap().contains("410 Gone"), "{}", lines[0]);
    assert_eq!((&summary["same"], &summary["calls"]["writes"]), (&json!(1), &json!(0)));
    assert_eq!(organization.endpoints().await[0]["status"], "disabled");
}

#[tokio::test]
async fn one_whose_headers_are_not_told_gets_nothing_until_somebody_has_set_them() {
    let (stack, hookbell, svix) = (Stack::load(), Hookbell::default(), Svix::start(250).await);
    let (organization, receiver) = (Organization::unheard_of(&stack, "slothbox"), Receiver::always(&stack, 200).await);
    let mut endpoint = SvixEndpoint::new(&receiver.url(), &secret());
    endpoint.sensitive.push("Authorization".to_owned());
    svix.add(&organization.id, vec![endpoint]);
    let (lines, _) = hookbell.import(&from_svix(&svix, "--profile slothbox --apply"), 0).await;
    let id = lines[0]["endpointId"].as_str().unwrap();
    assert!(lines[0]["notes"][0].as_str().unwrap().contains("Authorization"), "{}", lines[0]);
    let (_, again) = hookbell.import(&from_svix(&svix, "--apply"), 0).await;
    assert_eq!((&again["same"], &organization.endpoints().await[0]["status"]), (&json!(1), &json!("disabled")));
    let set = format!("endpoints update {} {id} --header", organization.id);
    let _ = hookbell.run_with(&set, &["Authorization: Bearer x"]).await.check(0);
    let (lines, _) = hookbell.import(&from_svix(&svix, "--apply"), 0).await;
    assert_eq!(lines[0]["changes"], json!(["status"]));
    assert_eq!(arrival(&organization, &receiver).await.header("authorization"), "Bearer x");
    let (_, again) = hookbell.import(&from_svix(&svix, "--apply"), 0).await;
    assert_eq!((&again["same"], &again["calls"]["writes"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn made_disabled_they_get_nothing_until_the_switch() {
    let (stack, hookbell, svix) = (Stack::load(), Hookbell::default(), Svix::start(250).await);
    let (organization, receiver) = (Organization::unheard_of(&stack, "slothbox"), Receiver::always(&stack, 200).await);
    let key = secret();
    let off = SvixEndpoint::new(PUBLIC, &secret()).with(&json!({ "disabled": true }));
    svix.add(&organization.id, vec![SvixEndpoint::new(&receiver.url(), &key), off]);
    for made in [2, 0] {
        let (_, summary) = hookbell.import(&from_svix(&svix, "--profile slothbox --apply --disabled"), 0).await;
        assert_eq!((&summary["make"], &summary["change"]), (&json!(made), &json!(0)));
        assert!(organization.endpoints().await.iter().all(|endpoint| endpoint["status"] == "disabled"));
    }
    let skipped = organization.send_example().await;
    let id = organization.endpoints().await[0]["endpointId"].as_str().unwrap().to_owned();
    hookbell_testkit::patience::eventually("a skipped delivery", async || {
        let listed = hookbell.json(&format!("deliveries list {} {id}", organization.id)).await;
        listed.iter().any(|delivery| delivery["skipped"].is_string()).then_some(())
    })
    .await;
    let elsewhere = from_svix(&svix, &format!("--apply --only org_{}", fresh()));
    assert_eq!(hookbell.import(&elsewhere, 0).await.1["organizations"], 0);
    let (_, summary) = hookbell.import(&from_svix(&svix, &format!("--apply --only {}", organization.id)), 0).await;
    assert_eq!(summary["change"], 1);
    assert_eq!(organization.endpoints().await[1]["status"], "disabled", "as it is at the source");
    arrival(&organization, &receiver).await.verify(&key);
    // What came before the switch is sent by a replay, once.
    assert!(receiver.arrivals_of(&skipped).is_empty());
    let replay = hookbell.run(&format!("replay {} {id} --after 1h", organization.id)).await;
    assert!(replay.check(0).out.contains("sent once more"));
    receiver.wait_for_message(&skipped, 1).await.remove(0).verify(&key);
}

#[tokio::test]
async fn one_that_was_made_by_hand_is_not_made_twice() {
    let (stack, hookbell, svix) = (Stack::load(), Hookbell::default(), Svix::start(250).await);
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    let by_hand = organization.endpoint(&receiver, &["*"]).await;
    let endpoint = SvixEndpoint::new(&receiver.url(), &by_hand.secret);
    svix.add(&organization.id, vec![endpoint.clone()]);
    let (lines, _) = hookbell.import(&from_svix(&svix, "--apply"), 5).await;
    let reason = lines[0]["reasons"][0].as_str().unwrap();
    let command = reason.split('`').nth(1).unwrap().strip_prefix("hookbell ").unwrap();
    let _ = hookbell.run(command).await.check(0);
    let (lines, _) = hookbell.import(&from_svix(&svix, "--apply"), 0).await;
    assert_eq!(lines[0]["endpointId"], json!(by_hand.id));
    assert_eq!(organization.endpoints().await.len(), 1);
}

#[tokio::test]
async fn a_system_with_slothbox_s_api_is_taken_over_with_a_key_for_each_organization() {
    let (stack, hookbell, slothbox) = (Stack::load(), Hookbell::default(), Slothbox::start().await);
    let (organization, receiver) = (Organization::unheard_of(&stack, "slothbox"), Receiver::always(&stack, 200).await);
    let (key, keys) = (secret(), path());
    slothbox.add(
        &organization.id,
        "sk_owner",
        &[(&receiver.url(), "*", &key), (PUBLIC, "environment.started", &secret())],
    );
    let other = Organization::unheard_of(&stack, "slothbox");
    slothbox.add(&other.id, "sk_other", &[(PUBLIC, "*", &secret())]);
    std::fs::write(&keys, format!("# keys\n{} sk_wrong\n{} sk_owner\n", other.id, organization.id)).unwrap();
    let line = format!("import slothbox --server {} --keys {} --profile slothbox", slothbox.url(), keys.display());
    let applied = hookbell.with(&["--json"]).run(&format!("{line} --apply")).await.check(5);
    assert!(applied.out.contains("Unauthorized") && !applied.out.contains("sk_wrong"), "{}", applied.out);
    other.api.get(&other.managing("")).await.check(404);
    let made = organization.endpoints().await;
    assert_eq!((&made[0]["uid"], &made[1]["ordered"]), (&json!("whe_00"), &json!(true)));
    arrival(&organization, &receiver).await.verify(&key);
    std::fs::write(&keys, format!("{} sk_other\n{} sk_owner\n", other.id, organization.id)).unwrap();
    let (_, again) = hookbell.import(&format!("{line} --apply"), 0).await;
    assert_eq!((&again["same"], &again["make"]), (&json!(2), &json!(1)));
    std::fs::remove_file(keys).unwrap();
}

#[tokio::test]
async fn what_a_source_has_goes_into_a_file_that_can_be_edited_and_taken_over() {
    let (stack, hookbell, svix) = (Stack::load(), Hookbell::default(), Svix::start(2).await);
    let (organization, receiver) = (Organization::unheard_of(&stack, "slothbox"), Receiver::always(&stack, 200).await);
    let (key, file, token) = (secret(), path(), path());
    let channels = SvixEndpoint::new(&receiver.url(), &key).with(&json!({ "channels": ["a"] }));
    svix.add(&organization.id, vec![SvixEndpoint::new(PUBLIC, &secret()), channels]);
    svix.add(&format!("org_{}", fresh()), Vec::new());
    std::fs::write(&token, format!("{}\n", svix.token())).unwrap();
    svix.refuse(1);
    let save = format!(
        "import svix --server {} --token-file {} --profile slothbox --to {}",
        svix.url(),
        token.display(),
        file.display()
    );
    let nobody = hookbell.with(&["--api-url", "http://127.0.0.1:9", "--key", "none"]);
    let draft = file.with_added_extension("draft");
    std::fs::write(&draft, "another's").unwrap();
    assert!(nobody.run(&save).await.check(2).err.contains("another import writes it"));
    assert_eq!(std::fs::read_to_string(&draft).unwrap(), "another's");
    std::fs::remove_file(&draft).unwrap();
    let saved = nobody.run(&save).await.check(0);
    assert!(!draft.exists());
    assert!(saved.out.contains("2 endpoints of 2 organizations") && !saved.out.contains(&key), "{}", saved.out);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(nobody.run(&save).await.check(2).err.contains("is there already"));
    assert_eq!(
        svix.calls(),
        10,
        "a page of applications, one of endpoints of each, three of each endpoint, one refused"
    );

    let take = format!("import file {} --apply", file.display());
    let (_, refused) = hookbell.import(&take, 5).await;
    assert_eq!((&refused["make"], &refused["cannot"], &refused["newOrganizations"]), (&json!(1), &json!(1), &json!(2)));
    let text = std::fs::read_to_string(&file).unwrap();
    let edited = text.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        if line.as_object_mut().unwrap().remove("cannot").is_some() {
            line["filter"] = json!({ "type": [{ "exists": true }] });
        }
        line.to_string()
    });
    std::fs::write(&file, edited.collect::<Vec<_>>().join("\n")).unwrap();
    let (_, made) = hookbell.import(&take, 0).await;
    assert_eq!((&made["make"], &made["same"]), (&json!(1), &json!(1)));
    arrival(&organization, &receiver).await.verify(&key);
    let (_, again) = hookbell.import(&take, 0).await;
    assert_eq!((&again["same"], &again["calls"]["writes"]), (&json!(2), &json!(0)));
    for file in [file, token] {
        std::fs::remove_file(file).unwrap();
    }
}
