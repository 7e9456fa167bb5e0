//! Where an endpoint may be: refused by its field when it is made, refused again when something is to go there, and what
//! an owner reads of a receiver that cannot be talked to.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a panic is how a test fails")]

use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::queue::Queue;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Refused on the local stack too, which opens the loopback of one machine and nothing else.
const INSIDE: [&str; 14] = [
    "https://10.0.0.1/",
    "https://0x0a000001/",
    "https://192.168.1.1:8443/hook",
    "https://172.16.0.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://0251.0376.0251.0376/",
    "https://168.63.129.16/",
    "https://100.64.0.1/",
    "https://[::ffff:127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fd00:ec2::254]/",
    "https://owner:word@8.8.8.8/",
    "http://8.8.8.8/",
];

/// What a deployment refuses besides: the loopback, with the Runtime API of Lambda on it.
const LOOPBACK: [&str; 5] = [
    "http://127.0.0.1:9001/",
    "https://127.0.0.1:9001/",
    "https://2130706433/",
    "https://[::1]/",
    "https://localhost/",
];

#[tokio::test]
async fn a_url_that_points_inside_is_refused_by_its_field_when_an_endpoint_is_made_or_changed() {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let outside = json!({ "url": "https://8.8.8.8/", "eventTypes": ["*"] });
    let created = organization.create(&outside).await.expect(201);
    let path = organization.managing(&format!("/{}", created["endpoint"]["endpointId"].as_str().unwrap()));
    for url in INSIDE {
        organization.create(&json!({ "url": url, "eventTypes": ["*"] })).await.check_fields(&["url"]);
        organization.api.patch(&path, &json!({ "url": url })).await.check_fields(&["url"]);
    }
    let listed = organization.api.get(&organization.managing("")).await.expect(200);
    assert_eq!(listed, json!({ "endpoints": [created["endpoint"]] }));
}

/// A workbench whose functions open nothing, as a deployment's do.
async fn as_deployed(stack: &Stack) -> Workbench {
    Workbench::new(stack).await.with("ALLOWED_CIDRS", "")
}

#[tokio::test]
async fn the_loopback_is_refused_where_nothing_is_opened() {
    let stack = Stack::load();
    let (workbench, organization) = (as_deployed(&stack).await, Organization::new(&stack, "slothbox").await);
    let api = workbench.function("api").await;
    for url in LOOPBACK {
        let body = json!({ "url": url, "eventTypes": ["*"] }).to_string();
        let answer = workbench.call(&api, "POST", &organization.managing(""), &body).await;
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!(answer["statusCode"], 400, "{url}: {body}");
        assert!(body["error"]["issues"]["fieldErrors"]["url"].is_array(), "{url}: {body}");
    }
}

/// The one attempt so far of the one message to an endpoint, when there is one: what it is said to have come to.
async fn first_attempt(endpoint: &Endpoint) -> Value {
    let deliveries = endpoint.deliveries().await;
    let [delivery] = deliveries.as_slice() else { panic!("{deliveries:?}") };
    let mut attempts = endpoint.organization.attempts_of(delivery["webhookId"].as_str().unwrap()).await;
    attempts.pop().expect("an attempt")
}

#[tokio::test]
async fn an_endpoint_whose_url_is_no_longer_allowed_gets_nothing_and_its_owner_reads_why() {
    let stack = Stack::load();
    let (workbench, organization) = (as_deployed(&stack).await, Organization::new(&stack, "slothbox").await);
    let receiver = Receiver::always(&stack, 200).await;
    let endpoint = organization.endpoint(&receiver, &["*"]).await;
    let sender = workbench.function("sender").await;
    workbench.deliver_example(&sender, &organization).await;
    let attempt = first_attempt(&endpoint).await;
    let told = "The URL points to an address that is not public (loopback); use a public one.";
    assert_eq!((&attempt["statusText"], &attempt["response"]), (&json!("fail"), &json!(told)));
    assert_eq!(attempt["responseStatusCode"], 0);
    assert!(receiver.arrivals().is_empty());
    check_follow_up(&workbench.deliveries).await;
}

/// It counts like any failed attempt: another one is to come.
async fn check_follow_up(deliveries: &Queue) {
    deliveries.find("the next attempt", 1, |message| message.body().unwrap().contains("\"attempt\":2")).await;
}

/// A receiver made of a socket, which breaks the rules.
async fn start<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> u16
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    port
}

/// Answers by those bytes, and closes.
async fn answering(bytes: &'static str) -> u16 {
    start(move |mut stream| async move {
        let mut request = [0; 16_384];
        // Whatever has come of it: what is written is wrong anyway.
        if stream.read(&mut request).await.is_ok() {
            stream.write_all(bytes.as_bytes()).await.unwrap();
        }
    })
    .await
}

#[tokio::test]
async fn what_is_wrong_with_a_receiver_is_said_in_words_for_its_owner() {
    let stack = Stack::load();
    let workbench = Workbench::new(&stack).await;
    let sender = workbench.function("sender").await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    for (url, told) in [
        (format!("http://127.0.0.1:{nobody}/"), "No connection to the endpoint could be made."),
        (
            format!("http://127.0.0.1:{}/", answering("").await),
            "The endpoint closed the connection before its answer was complete.",
        ),
        (
            format!("http://127.0.0.1:{}/", answering("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello").await),
            "The endpoint closed the connection before its answer was complete.",
        ),
        (
            format!("http://127.0.0.1:{}/", answering("SSH-2.0-OpenSSH_9.9\r\n").await),
            "The endpoint sent an answer that is not valid HTTP.",
        ),
        (
            format!("https://127.0.0.1:{}/", answering("HTTP/1.1 400 Bad Request\r\n\r\n").await),
            "The TLS handshake with the endpoint failed; check its certificate.",
        ),
        ("https://nothing.invalid/".to_owned(), "The host name of the URL could not be resolved."),
    ] {
        let organization = Organization::new(&stack, "slothbox").await;
        let created = organization.create(&json!({ "url": url, "eventTypes": ["*"] })).await.expect(201);
        let id = created["endpoint"]["endpointId"].as_str().unwrap().to_owned();
        let endpoint = Endpoint { id, secret: String::new(), organization: organization.clone() };
        workbench.deliver_example(&sender, &organization).await;
        let attempt = first_attempt(&endpoint).await;
        assert_eq!((&attempt["statusText"], &attempt["response"]), (&json!("fail"), &json!(told)), "{url}");
        assert_eq!(attempt["responseStatusCode"], 0, "{url}");
    }
}
