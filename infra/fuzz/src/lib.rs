//! Feeds a parser of foreign bytes with texts that were right once, and changes them until it breaks a promise.
//!
//! It needs nothing but stable Rust. There is no measuring of coverage: what takes its place is what the parser says. A
//! text of which it says something new is kept and changed further, so the corpus grows towards what it tells apart.
//!
//! The targets stand beside the parsers, in modules of the name `fuzz`. `cargo test` gives each of them a short run that
//! is the same every time; `make fuzz` goes on for `SECONDS`, and differently each time. A text that broke something is
//! printed; as a line of `corpus/<target>.txt` it is tried ever after.

mod dice;
mod mutate;

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use dice::Dice;

/// Texts of a short run, and how long it may take on a slow machine.
const SHORT: (usize, Duration) = (10_000, Duration::from_secs(2));

/// What no text may take. What takes longer is taken for endless.
const TOO_LONG: Duration = Duration::from_secs(30);

/// Texts that are kept to be changed further.
const KEPT: usize = 2_000;

/// A parser to be tried, with what it is fed.
#[derive(Debug)]
pub struct Fuzz {
    target: &'static str,
    seeds: Vec<String>,
    words: Vec<String>,
}

impl Fuzz {
    /// The target of that name, with the lines of `corpus/<target>.txt`.
    ///
    /// # Panics
    /// When there is no such file.
    #[must_use]
    #[expect(clippy::panic, reason = "a panic is how a test fails")]
    pub fn of(target: &'static str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(format!("{target}.txt"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { target, seeds: text.lines().map(str::to_owned).collect(), words: Vec::new() }
    }

    /// With further texts to begin with.
    #[must_use]
    pub fn seeds(mut self, seeds: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.seeds.extend(seeds.into_iter().map(Into::into));
        self
    }

    /// With words of the parser's language, which are put in here and there.
    #[must_use]
    pub fn words(mut self, words: &[&str]) -> Self {
        self.words.extend(words.iter().map(|word| (*word).to_owned()));
        self
    }

    /// Has `check` look at one text after the other. It panics where a promise is broken, and else says in a word or two
    /// what has come of the text.
    ///
    /// # Panics
    /// When `check` does.
    pub fn run(self, check: impl Fn(&str) -> String) {
        let (until, seed) = plan();
        let watched = Watched::start(self.target, seed);
        let (mut dice, mut kept, mut said) = (Dice::new(seed), self.seeds.clone(), HashSet::new());
        let began = Instant::now();
        let mut count = 0_usize;
        for text in &self.seeds {
            said.insert(class(&watched.look(text, &check)));
            count += 1;
        }
        while !until.is_over(count, began) {
            let text = mutate::changed(&kept, &self.words, &mut dice);
            if said.insert(class(&watched.look(&text, &check))) {
                // Where all places are taken, one of those that were not there from the beginning goes.
                let place = self.seeds.len() + dice.below(KEPT);
                if kept.len() < self.seeds.len() + KEPT {
                    kept.push(text);
                } else if let Some(old) = kept.get_mut(place) {
                    *old = text;
                }
            }
            count += 1;
        }
        println!("{}: {count} texts, of which it says {} things, seed {seed}", self.target, said.len());
    }
}

/// When a run is over.
enum Until {
    Short,
    Elapsed(Duration),
}

impl Until {
    fn is_over(&self, count: usize, began: Instant) -> bool {
        match self {
            Self::Short => count >= SHORT.0 || began.elapsed() >= SHORT.1,
            Self::Elapsed(time) => began.elapsed() >= *time,
        }
    }
}

/// How long to run, and what to throw the dice by: `FUZZ_SECONDS` and `FUZZ_SEED`.
fn plan() -> (Until, u64) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (until, seed) = match number("FUZZ_SECONDS") {
        Some(seconds) => (Until::Elapsed(Duration::from_secs(seconds)), now),
        None => (Until::Short, 1),
    };
    (until, number("FUZZ_SEED").unwrap_or(seed))
}

/// What was said, without what it quotes of the text and without numbers, which are different each time.
fn class(said: &str) -> String {
    let mut class = String::new();
    for unquoted in said.split(['"', '`']).step_by(2) {
        for character in unquoted.chars().map(|one| if one.is_ascii_digit() { '0' } else { one }) {
            if character != '0' || !class.ends_with('0') {
                class.push(character);
            }
        }
    }
    class
}

/// The text that is being looked at, and since when.
struct Watched {
    now: Arc<Mutex<(Instant, String)>>,
    target: &'static str,
    seed: u64,
}

impl Watched {
    /// Watches from a thread of its own, which ends with this.
    fn start(target: &'static str, seed: u64) -> Self {
        let now = Arc::new(Mutex::new((Instant::now(), String::new())));
        let watched = Arc::downgrade(&now);
        std::thread::spawn(move || {
            while let Some(now) = watched.upgrade() {
                let (since, text) = now.lock().unwrap_or_else(PoisonError::into_inner).clone();
                drop(now);
                if since.elapsed() > TOO_LONG {
                    eprintln!("{target}: no end after {TOO_LONG:?}, seed {seed}, at {text:?}");
                    std::process::abort();
                }
                std::thread::sleep(Duration::from_secs(1));
            }
        });
        Self { now, target, seed }
    }

    fn look(&self, text: &str, check: &impl Fn(&str) -> String) -> String {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), text.to_owned());
        let _told = Told { watched: self, text };
        check(text)
    }
}

/// Tells at which text a check has panicked.
struct Told<'a> {
    watched: &'a Watched,
    text: &'a str,
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        let Watched { target, seed, .. } = self.watched;
        if std::thread::panicking() {
            eprintln!("{target}: seed {seed}, at {:?}\nput it into infra/fuzz/corpus/{target}.txt", self.text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_found_from_what_is_nearly_right() {
        let found = std::panic::catch_unwind(|| {
            Fuzz { target: "itself", seeds: vec!["{\"a\":[1,2]}".to_owned()], words: vec!["open".to_owned()] }.run(
                |text| {
                    assert!(!(text.contains("open") && text.contains("]]")), "opened");
                    text.len().to_string()
                },
            );
        });
        assert!(found.is_err());
    }

    #[test]
    fn a_short_run_is_the_same_each_time() {
        let texts = || {
            let seen = std::cell::RefCell::new(Vec::new());
            Fuzz { target: "itself", seeds: vec!["abc".to_owned()], words: Vec::new() }.run(|text| {
                seen.borrow_mut().push(text.to_owned());
                text.chars().take(1).collect()
            });
            let mut seen = seen.into_inner();
            seen.truncate(500);
            seen
        };
        let seen = texts();
        assert_eq!(seen, texts());
        assert!(seen.iter().collect::<HashSet<_>>().len() > 300, "they differ from one another");
    }

    #[test]
    fn what_is_said_is_told_apart_by_its_words() {
        assert_eq!(class("at line 12 column 345"), class("at line 1 column 0"));
        assert_eq!(class(r#""a b": no name"#), class(r#""c": no name"#));
        assert_ne!(class("a"), class("b"));
    }
}
