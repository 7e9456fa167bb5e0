//! Runs one path of the code that every event goes through, as often as it is told, for `instructions.py` to count.
//!
//! Nothing here differs from run to run: the inputs are fixed, and no clock and no dice are asked.

#![expect(clippy::expect_used, reason = "what fails must not be counted as if it had worked")]

mod choosing;
mod inputs;
mod reading;
mod sending;
mod stored;

// Of the sender and of `hookbell-aws` only these files are compiled, and nothing of AWS with them.

#[path = "../../../functions/sender/src"]
mod sender {
    pub(crate) mod shapes;
}

#[path = "../../../crates/aws/src/queues"]
mod queues {
    #[expect(
        clippy::struct_field_names,
        dead_code,
        unreachable_pub,
        unused_imports,
        reason = "they are used where they are at home"
    )]
    pub(crate) mod records;

    pub(crate) fn write(record: &impl serde::Serialize) -> String {
        records::write(record).expect("a record")
    }

    pub(crate) fn write_accepted(event: &hookbell_domain::message::AcceptedEvent) -> String {
        records::write_accepted(event).expect("a record")
    }
}

#[path = "../../../crates/aws/src/table"]
mod table {
    mod body;

    #[derive(Default)]
    pub(crate) struct Packer(body::Packer);

    impl Packer {
        pub(crate) fn pack(&self, body: &[u8]) -> (Vec<u8>, bool) {
            let packed = self.0.pack(body);
            (packed.bytes, packed.is_compressed)
        }
    }

    pub(crate) fn unpack(stored: Vec<u8>, compressed: bool) -> Vec<u8> {
        body::unpack(stored, compressed).expect("what was packed")
    }
}

use std::fmt::Display;
use std::hint::black_box;
use std::process::ExitCode;

/// A path: makes its inputs, and goes its way so many times.
type Path = fn(u32);

/// What writing a record fails with, in place of the error of `hookbell-aws`.
#[derive(Debug, thiserror::Error)]
#[error("{0}: {1}")]
struct AwsError(&'static str, String);

impl AwsError {
    fn unreadable(operation: &'static str, cause: impl Display) -> Self {
        Self(operation, cause.to_string())
    }
}

fn main() -> ExitCode {
    let paths = || [&reading::PATHS[..], &choosing::PATHS, &sending::PATHS, &stored::PATHS].into_iter().flatten();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => {
            for (name, _) in paths() {
                println!("{name}");
            }
            ExitCode::SUCCESS
        }
        [name, times] => {
            let path = paths().find(|(its_name, _)| its_name == name);
            let Some(((_, path), times)) = path.zip(times.parse().ok()) else { return usage() };
            path(times);
            ExitCode::SUCCESS
        }
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: instructions              lists the paths\n       instructions PATH TIMES");
    ExitCode::FAILURE
}

/// Does something so many times, and drops what comes of it.
fn repeat<T>(times: u32, mut something: impl FnMut() -> T) {
    for _ in 0..times {
        drop(black_box(something()));
    }
}
