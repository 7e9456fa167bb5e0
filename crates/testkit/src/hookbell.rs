//! The operator's tool: the real binary, run as an operator runs it.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use crate::function::target;
use crate::patience::in_time;

/// The tool, connected to the stack that `HOOKBELL_STACK` names.
#[derive(Debug, Clone, Default)]
pub struct Hookbell {
    options: Vec<String>,
}

/// What a command came to.
#[derive(Debug)]
pub struct Done {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// A command that goes on.
#[derive(Debug)]
pub struct Running {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: Lines<BufReader<ChildStderr>>,
}

impl Hookbell {
    /// The same with further options, as another key.
    #[must_use]
    pub fn with(&self, options: &[&str]) -> Self {
        let more = options.iter().map(|&option| option.to_owned());
        Self { options: self.options.iter().cloned().chain(more).collect() }
    }

    /// A command's arguments, from one line: none of them has a space.
    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(binary());
        command.args(line.split_whitespace()).args(&self.options);
        // What whoever runs the tests is connected to otherwise.
        for name in ["HOOKBELL_API_URL", "HOOKBELL_KEY", "HOOKBELL_SOURCE_TOKEN"] {
            command.env_remove(name);
        }
        command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Runs a command to its end.
    pub async fn run(&self, line: &str) -> Done {
        self.run_with(line, &[]).await
    }

    /// Runs a command with further arguments, which may hold anything.
    pub async fn run_with(&self, line: &str, more: &[&str]) -> Done {
        let output = in_time(line, self.command(line).args(more).output()).await.unwrap();
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Done { code: output.status.code().expect("an exit code"), out: text(output.stdout), err: text(output.stderr) }
    }

    /// What a command that has to succeed prints.
    pub async fn out(&self, line: &str) -> String {
        self.run(line).await.check(0).out
    }

    /// What it prints with `--json`: each line is one thing.
    pub async fn json(&self, line: &str) -> Vec<Value> {
        self.with(&["--json"]).run(line).await.check(0).lines()
    }

    /// What an import says of each endpoint, and its sum; it has to end with that code.
    pub async fn import(&self, line: &str, code: i32) -> (Vec<Value>, Value) {
        let mut lines = self.with(&["--json"]).run(line).await.check(code).lines();
        let summary = lines.pop().expect("a sum")["summary"].clone();
        lines.retain(|line| line.get("uid").is_some());
        (lines, summary)
    }

    /// Begins a command that goes on until it is stopped.
    #[must_use]
    pub fn start(&self, line: &str) -> Running {
        let mut child = self.command(line).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().expect("piped")).lines();
        let err = BufReader::new(child.stderr.take().expect("piped")).lines();
        Running { child, out, err }
    }
}

impl Done {
    /// It, if it has that exit code.
    #[track_caller]
    #[must_use]
    pub fn check(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self
    }

    /// The JSON of its lines.
    #[track_caller]
    #[must_use]
    pub fn lines(&self) -> Vec<Value> {
        let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        self.out.lines().map(read).collect()
    }
}

impl Running {
    /// Waits for a line of its results that holds those words.
    pub async fn line_with(&mut self, words: &str) -> String {
        line_with(&mut self.out, words).await
    }

    /// Waits for a note that holds those words.
    pub async fn note_with(&mut self, words: &str) -> String {
        line_with(&mut self.err, words).await
    }

    /// Presses Ctrl-C, and gives the exit code.
    pub async fn interrupt(mut self) -> Option<i32> {
        let id = self.child.id().expect("it runs");
        assert!(Command::new("sh").args(["-c", &format!("kill -INT {id}")]).status().await.unwrap().success());
        in_time("the end of the command", self.child.wait()).await.unwrap().code()
    }
}

async fn line_with(lines: &mut Lines<impl AsyncBufRead + Unpin>, words: &str) -> String {
    in_time(words, async {
        loop {
            let line = lines.next_line().await.unwrap();
            let line = line.unwrap_or_else(|| panic!("it ended without {words:?}"));
            if line.contains(words) {
                return line;
            }
        }
    })
    .await
}

fn binary() -> PathBuf {
    let binary = target().join("debug").join("hookbell");
    assert!(binary.is_file(), "no {}: `cargo build --workspace --bin hookbell` makes it", binary.display());
    binary
}
