//! HTTP/2 receivers that answer by frames without end, or by frames that are none.

use hookbell_domain::outcome::{Failure, Outcome};
use hookbell_egress::{Egress, HeaderMap, Post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::authority::{self, Authority};
use crate::memory::{MOST, measured};
use crate::receiver::{NEVER, SOON, egress, loopback_policy, target};

// RFC 9113, section 6, "Frame Definitions".
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const UNKNOWN: u8 = 0xfe;
const END_HEADERS: u8 = 4;

/// RFC 7541, appendix A: `:status: 200`.
const STATUS_200: &[u8] = &[0x88];
/// RFC 7541, section 6.2.2: `:status: 103`, kept in no table.
const STATUS_103: &[u8] = &[0x08, 3, b'1', b'0', b'3'];

/// A frame: length, type, flags, stream, payload.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// As many frames as fill a write.
fn many(frame: &[u8]) -> Vec<u8> {
    frame.repeat((16_000 / frame.len()).max(1))
}

/// What a receiver writes: something once, and something again and again for as long as it is heard.
struct Flood {
    name: &'static str,
    once: Vec<u8>,
    again: Vec<u8>,
    expected: Vec<Failure>,
    most: usize,
}

fn flood(name: &'static str, once: Vec<u8>, again: &[u8], expected: &[Failure]) -> Flood {
    Flood { name, once, again: many(again), expected: expected.to_vec(), most: MOST }
}

/// A header of 4,000 bytes, kept in the table, and as many mentions of it as a frame holds.
fn bomb() -> Vec<u8> {
    let mut block = vec![0x88, 0x40, 1, b'a'];
    // RFC 7541, section 5.1: 127 and what is over it, seven bits at a time.
    block.extend([0x7f, 0xa1, 0x1e]);
    block.extend([b'b'; 4_000]);
    block.resize(16_000, 0xbe);
    block
}

fn floods() -> Vec<Flood> {
    use Failure::{ConnectionLost, InvalidResponse, Timeout};
    let settings = frame(SETTINGS, 0, 0, &[]);
    let answered = [settings.clone(), frame(HEADERS, END_HEADERS, 1, STATUS_200)].concat();
    let begun = [settings.clone(), frame(HEADERS, 0, 1, STATUS_200)].concat();
    let large = [0x00, 1, b'a', 0x7f, 0xa1, 0x1e];
    let large = [large.as_slice(), &[b'b'; 4_000]].concat();
    let failing = &[ConnectionLost, InvalidResponse];
    vec![
        flood("settings", settings.clone(), &frame(SETTINGS, 0, 0, &[]), &[Timeout]),
        flood(
            "settings that say much",
            settings.clone(),
            &frame(SETTINGS, 0, 0, &[0, 1, 0, 0, 16, 0].repeat(100)),
            &[Timeout],
        ),
        flood(
            "acknowledged settings",
            settings.clone(),
            &frame(SETTINGS, 1, 0, &[]),
            &[Timeout, ConnectionLost, InvalidResponse],
        ),
        flood("pings", settings.clone(), &frame(PING, 0, 0, b"hookbell"), &[Timeout]),
        flood(
            "answered pings",
            settings.clone(),
            &frame(PING, 1, 0, b"hookbell"),
            &[Timeout, ConnectionLost, InvalidResponse],
        ),
        flood("priorities", settings.clone(), &frame(PRIORITY, 0, 1, &[0, 0, 0, 3, 7]), &[Timeout]),
        flood("frames of no known type", settings.clone(), &frame(UNKNOWN, 0, 1, &[0; 1_000]), &[Timeout]),
        flood(
            "windows",
            settings.clone(),
            &frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]),
            &[Timeout, ConnectionLost, InvalidResponse],
        ),
        flood("empty data", answered.clone(), &frame(DATA, 0, 1, &[]), &[Timeout, ConnectionLost, InvalidResponse]),
        flood("data of nothing but padding", answered.clone(), &frame(DATA, 8, 1, &[255; 256]), failing),
        Flood {
            // The one that takes more than a megabyte: the client keeps what comes before an answer until the attempt
            // gets its turn again. Until then the runtime lets the connection read 128 times, at most 16 KB each, which
            // are frames of 14 bytes here, and each is kept in some 250.
            most: 128 * 16_384 / 14 * 250,
            ..flood("early hints", settings.clone(), &frame(HEADERS, END_HEADERS, 1, STATUS_103), &[Timeout])
        },
        flood("resets", settings.clone(), &frame(RST_STREAM, 0, 1, &[0, 0, 0, 2]), failing),
        flood(
            "resets of streams that were never opened",
            settings.clone(),
            &frame(RST_STREAM, 0, 7, &[0, 0, 0, 2]),
            failing,
        ),
        flood("farewells", settings.clone(), &frame(GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 0]), failing),
        flood(
            "promises",
            settings.clone(),
            &frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2, 0x82, 0x87, 0x84]),
            failing,
        ),
        flood("data before an answer", settings.clone(), &frame(DATA, 0, 1, &[b'x'; 1_000]), failing),
        flood("headers without end", begun.clone(), &frame(CONTINUATION, 0, 1, &large), failing),
        flood(
            "headers without end and without content",
            begun,
            &frame(CONTINUATION, 0, 1, &[]),
            &[Timeout, ConnectionLost, InvalidResponse],
        ),
        flood("headers that unfold", settings.clone(), &frame(HEADERS, END_HEADERS, 1, &bomb()), failing),
        flood("a frame larger than agreed", settings, &[0xff, 0xff, 0xff, DATA, 0, 0, 0, 0, 1], failing),
        flood("no frames", Vec::new(), b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", failing),
    ]
}

/// Writes what `number` says and reads on meanwhile, so that nothing but the client's own bounds holds it up.
async fn serve(number: usize, stream: TlsStream<TcpStream>) {
    let flood = floods().swap_remove(number);
    let (mut from, mut to) = tokio::io::split(stream);
    let mut request = [0; 4_096];
    // RFC 9113, section 3.4: a preface of 24 bytes, and then frames, the request's among them.
    from.read_exact(&mut request[..24]).await.unwrap();
    let mut kind = SETTINGS;
    while kind != HEADERS {
        let mut head = [0; 9];
        from.read_exact(&mut head).await.unwrap();
        let [a, b, c, of, ..] = head;
        let length = u64::from(u32::from_be_bytes([0, a, b, c]));
        tokio::io::copy(&mut (&mut from).take(length), &mut tokio::io::sink()).await.unwrap();
        kind = of;
    }
    let heard = async { while matches!(from.read(&mut request).await, Ok(1..)) {} };
    let writing = async {
        let mut heard = to.write_all(&flood.once).await.is_ok();
        while heard {
            heard = to.write_all(&flood.again).await.is_ok() && to.flush().await.is_ok();
        }
    };
    tokio::join!(heard, writing);
}

async fn attempt(egress: &Egress, port: u16, deadline: std::time::Duration) -> Outcome {
    let target = target(&format!("https://localhost:{port}/"), &loopback_policy());
    let request = Post { target: &target, headers: HeaderMap::new(), body: "{}".into(), deadline };
    egress.post(request).await
}

#[track_caller]
fn check(flood: &Flood, outcome: &Outcome) {
    match outcome {
        Outcome::Failed(failure) => assert!(flood.expected.contains(failure), "{}: {failure:?}", flood.name),
        Outcome::Answered(answer) => panic!("{}: answered {}", flood.name, answer.status),
    }
}

async fn every_flood(authority: Authority) {
    for (number, flood) in floods().into_iter().enumerate() {
        let deadline = if flood.expected.contains(&Failure::Timeout) { SOON } else { NEVER };
        let port = authority.serve("localhost", &["h2"], move |stream| serve(number, stream)).await;
        // A client of its own has no connection yet.
        let egress = egress(loopback_policy());
        check(&flood, &measured(flood.name, flood.most, attempt(&egress, port, deadline)).await);
    }
}

#[test]
fn every_flood_of_frames_ends_soon_and_cheaply() {
    authority::trusted("floods::every_flood_of_frames_ends_soon_and_cheaply", every_flood);
}
