//! Who gets in, as the console says it: keys made and revoked, links handed out, organizations initialized.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use hookbell_testkit::api::Reply;
use hookbell_testkit::console::Console;
use hookbell_testkit::html::{faults, fields, problems, tags, text};
use hookbell_testkit::organization::Organization;
use hookbell_testkit::stack::Stack;
use serde_json::{Value, json};

const ALL: &str = "/organizations";

/// A new organization, and the console for an owner of it.
async fn scene() -> (Stack, Organization, Console<'static>) {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let owner = Console::of(&stack).sign_in(&organization.new_key("owner").await.1).await;
    (stack, organization, owner)
}

/// The profile of an organization that is there.
async fn profile_of(organization: &Organization) -> Value {
    let reply = organization.api.get(&format!("{ALL}?prefix={}", organization.id)).await;
    reply.expect(200).pointer("/organizations/0/profile").unwrap().clone()
}

/// The one secret on a page.
#[track_caller]
fn secret(reply: &Reply) -> String {
    let mut secrets = tags(reply.page(200)).into_iter().filter(|tag| tag.get("data-secret").is_some());
    let secret = secrets.next().unwrap().text;
    assert!(secrets.next().is_none());
    secret
}

/// What the form with that action has been filled in with.
#[track_caller]
fn kept(console: &Console<'_>, reply: &Reply, action: &str, field: &str) -> Option<String> {
    let all = fields(reply.page(400), &format!("{}{action}", console.base));
    all.into_iter().find(|(name, _)| name == field).map(|(_, value)| value)
}

#[tokio::test]
async fn a_key_is_made_and_revoked_as_by_the_call() {
    let (_, organization, owner) = scene().await;
    let keys = format!("{ALL}/{}/keys", organization.id);
    for (role, name) in [("owner", "CI é <b>"), ("member", "")] {
        let reply = owner.submit(&keys, &keys, &[("role", role), ("name", name)]).await;
        let holder = organization.with_key(&secret(&reply));
        let list = organization.api.get(&organization.keys("")).await.expect(200);
        let made = list["apiKeys"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&made["role"], made["name"].as_str().unwrap_or_default()), (&json!(role), name));
        holder.api.get(&holder.managing("")).await.check(200);
        holder.api.get(&holder.keys("")).await.check(if role == "owner" { 200 } else { 403 });

        let revoke = format!("{keys}/{}/delete", made["keyId"].as_str().unwrap());
        let reply = owner.submit(&revoke, &revoke, &[]).await;
        assert_eq!(owner.below(reply.location()), format!("{keys}?notice=revoked"));
        holder.api.get(&holder.managing("")).await.check(401);
        owner.post(&revoke, &[]).await.check_page(404);
    }
}

#[tokio::test]
async fn a_key_that_the_call_refuses_is_refused_at_its_field() {
    let (_, organization, owner) = scene().await;
    let keys = format!("{ALL}/{}/keys", organization.id);
    let long = "x".repeat(201);
    for (field, role, name) in [("role", "admin", "a"), ("name", "member", &long), ("name", "member", "a\u{7}b")] {
        let reply = owner.post(&keys, &[("role", role), ("name", name)]).await;
        let call = json!({ "role": role, "name": name }).to_string();
        let call = organization.api.post(&organization.keys(""), call).await;
        let issues = call.expect(400)["error"]["issues"]["fieldErrors"].clone();
        assert_eq!(json!({ field: problems(reply.page(400), field) }), issues);
        assert_eq!(kept(&owner, &reply, &keys, "name").as_deref(), Some(name));
        assert!(!tags(reply.page(400)).iter().any(|tag| tag.get("data-secret").is_some()));
    }
    let list = organization.api.get(&organization.keys("")).await.expect(200);
    assert_eq!(list["apiKeys"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_portal_link_leads_into_the_console_as_the_calls_does() {
    let (_, organization, owner) = scene().await;
    let keys = format!("{ALL}/{}/keys", organization.id);
    let link = secret(&owner.submit(&keys, &format!("{keys}/link"), &[]).await);
    let called = organization.api.post(&organization.sending("/app-portal-access"), "").await.expect(200);
    let begin = format!("{}{}#token=", owner.origin, owner.base);
    assert!(called["url"].as_str().unwrap().starts_with(&begin), "{called}");
    // The script sends what follows as a key.
    let token = link.strip_prefix(&begin).unwrap();
    owner.with_cookie(None).sign_in(token).await.get(&keys).await.check_page(200);
    let holder = organization.with_key(token);
    holder.api.get(&holder.keys("")).await.check(200);
}

#[tokio::test]
async fn an_organization_is_initialized_as_by_the_call() {
    let (stack, there, owner) = scene().await;
    let admin = owner.sign_in(&stack.admin_key).await;
    let new = Organization::unheard_of(&stack, "daytona");
    let reply = admin.submit(ALL, ALL, &[("organization", &new.id), ("profile", "daytona")]).await;
    let address = admin.below(reply.location());
    assert_eq!(address, format!("{ALL}/{}/endpoints", new.id));
    admin.get(&address).await.check_page(200);
    assert_eq!(profile_of(&new).await, "daytona");

    let long = "x".repeat(101);
    for (id, in_a_path) in [("a b", "a%20b"), ("é", "%C3%A9"), (&long, &long)] {
        let reply = admin.post(ALL, &[("organization", id), ("profile", "daytona")]).await;
        let call = new.api.post(&format!("/webhooks/organizations/{in_a_path}/initialize"), "").await;
        let issues = call.expect(400)["issues"]["fieldErrors"].clone();
        assert_eq!(json!({ "organizationId": problems(reply.page(400), "organization") }), issues);
        assert_eq!(kept(&admin, &reply, ALL, "organization").as_deref(), Some(id));
        assert_eq!(kept(&admin, &reply, ALL, "profile").as_deref(), Some("daytona"));
    }
    there.create(&json!({ "url": "https://8.8.8.8/", "eventTypes": ["*"] })).await.check(201);
    let reply = admin.submit(ALL, ALL, &[("organization", &there.id), ("profile", "daytona")]).await;
    reply.check_page(400);
    there.initialize(&json!({ "profile": "daytona" })).await.check(409);
    assert_eq!(profile_of(&there).await, "slothbox");
}

/// Fails unless a page says all that a call was refused for.
#[track_caller]
fn check_said(html: &str, issues: &Value) {
    let (said, errors) = (text(html), issues["fieldErrors"].as_object().unwrap());
    for problem in errors.values().flat_map(|problems| problems.as_array().unwrap()) {
        assert!(said.contains(problem.as_str().unwrap()), "{problem} is not said");
    }
}

#[tokio::test]
async fn what_a_form_is_refused_for_is_always_said() {
    let (stack, organization, owner) = scene().await;
    let (admin, api) = (owner.sign_in(&stack.admin_key).await, &organization.api);
    let made = organization.create(&json!({ "url": "https://8.8.8.8/", "eventTypes": ["*"] })).await.expect(201);
    let endpoint = made["endpoint"]["endpointId"].as_str().unwrap();
    let new = Organization::unheard_of(&stack, "slothbox");
    let called = new.initialize(&json!({ "profile": "acme" })).await.expect(400);
    let reply = admin.post(ALL, &[("organization", &new.id), ("profile", "acme")]).await;
    check_said(reply.page(400), &called["issues"]);

    let path = organization.managing(&format!("/{endpoint}/replay"));
    let called = api.post(&path, r#"{"after":"2026-01-01T00:00Z","status":"skipped"}"#).await.expect(400);
    let path = format!("{ALL}/{}/endpoints/{endpoint}/replay", organization.id);
    let reply = owner.post(&path, &[("after", "2026-01-01T00:00"), ("status", "skipped")]).await;
    check_said(reply.page(400), &called["error"]["issues"]);

    let name = format!("{}\u{7}", "x".repeat(201));
    let called = api.post(&organization.keys(""), json!({ "role": "owner", "name": name }).to_string()).await;
    let reply = owner.post(&format!("{ALL}/{}/keys", organization.id), &[("role", "owner"), ("name", &name)]).await;
    check_said(reply.page(400), &called.expect(400)["error"]["issues"]);
}

#[tokio::test]
async fn two_problems_of_a_field_are_not_called_the_same() {
    let (_, organization, owner) = scene().await;
    let name = format!("{}\u{7}", "x".repeat(201));
    let reply = owner.post(&format!("{ALL}/{}/keys", organization.id), &[("role", "owner"), ("name", &name)]).await;
    assert_eq!((problems(reply.page(400), "name").len(), faults(reply.page(400))), (2, vec![]));
}
