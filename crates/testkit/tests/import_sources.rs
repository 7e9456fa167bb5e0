//! What an import does with a source that tells too little, or nothing.

use hookbell_testkit::fresh;
use hookbell_testkit::hookbell::Hookbell;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::server::Server;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::svix::Svix;
use serde_json::{Value, json};

const PUBLIC: &str = "https://8.8.8.8/hook";

#[tokio::test]
async fn a_source_that_cannot_be_read_is_told_apart_and_its_token_never_told() {
    let (hookbell, svix) = (Hookbell::default(), Svix::start(250).await);
    let line = format!("import svix --server {}", svix.url());
    let without = hookbell.run(&line).await.check(2);
    assert!(without.err.contains("HOOKBELL_SOURCE_TOKEN"), "{}", without.err);
    let wrong = hookbell.run(&format!("{line} --token testsk_wrong")).await.check(3);
    assert!(wrong.err.contains("Svix's applications") && !wrong.err.contains("testsk_wrong"), "{}", wrong.err);
    let nowhere = hookbell.run("import svix --server http://127.0.0.1:9 --token testsk_wrong").await.check(1);
    assert!(!nowhere.err.contains("testsk_wrong"), "{}", nowhere.err);
    let _ = hookbell.run("import file /no/such/file").await.check(2);
}

#[tokio::test]
async fn a_source_that_fails_in_the_middle_stops_the_import_and_names_no_endpoint_for_it() {
    let hookbell = Hookbell::default();
    for (status, code) in [(503_u16, 1), (401, 3)] {
        let organization = format!("org_{}", fresh());
        let page = |entry: Value| json!({ "data": [entry], "iterator": "a", "done": true }).to_string();
        let applications = page(json!({ "id": "app_1", "uid": organization }));
        let endpoints = page(json!({ "id": "ep_1", "url": PUBLIC }));
        let source = Server::start(None, move |request: http::Request<bytes::Bytes>| {
            let (status, body) = match request.uri().path() {
                "/api/v1/app" => (200, applications.clone()),
                "/api/v1/app/app_1/endpoint" => (200, endpoints.clone()),
                _ => (status, "{}".to_owned()),
            };
            std::future::ready(Ok(http::Response::builder().status(status).body(body.into()).unwrap()))
        })
        .await;
        let line = format!("import svix --server http://{} --token t --profile slothbox --apply", source.address);
        let stopped = hookbell.run(&line).await.check(code);
        assert!(stopped.err.contains(&format!("The endpoints of {organization} could not be read")), "{}", stopped.err);
        assert!(!stopped.out.contains("ep_1"), "{}", stopped.out);
        let _ = hookbell.run(&format!("orgs show {organization}")).await.check(4);
    }
}

#[tokio::test]
async fn what_is_made_disabled_and_has_no_status_would_never_be_enabled() {
    let (stack, hookbell, file) =
        (Stack::load(), Hookbell::default(), std::env::temp_dir().join(format!("hookbell-import-{}", fresh())));
    let organization = Organization::unheard_of(&stack, "slothbox");
    let mut line = json!({ "organization": organization.id, "uid": "a", "url": PUBLIC, "eventTypes": ["*"] });
    std::fs::write(&file, line.to_string()).unwrap();
    let take = format!("import file {} --profile slothbox --apply", file.display());
    let (lines, _) = hookbell.import(&format!("{take} --disabled"), 5).await;
    assert!(lines[0]["reasons"][0].as_str().unwrap().contains("brings no status"), "{}", lines[0]);
    line["missingHeaders"] = json!(["Authorization"]);
    std::fs::write(&file, line.to_string()).unwrap();
    let (lines, _) = hookbell.import(&take, 5).await;
    assert!(lines[0]["reasons"][0].as_str().unwrap().contains("brings no status"), "{}", lines[0]);
    assert!(organization.endpoints().await.is_empty());
    line.as_object_mut().unwrap().remove("missingHeaders");
    std::fs::write(&file, line.to_string()).unwrap();
    hookbell.import(&take, 0).await;
    assert_eq!(organization.endpoints().await[0]["status"], "enabled");
    std::fs::remove_file(file).unwrap();
}
