//! Code for receivers: how to verify the requests of an endpoint, ready to be pasted.

use askama::Template;

/// What to verify with, in one language.
pub(super) struct Sample {
    /// The language.
    pub(super) language: &'static str,
    /// What has to be installed.
    pub(super) needs: &'static str,
    /// The code.
    pub(super) code: String,
}

#[derive(Template)]
#[template(path = "console/verify/python.txt", escape = "none")]
struct Python<'a> {
    prefix: &'a str,
}

#[derive(Template)]
#[template(path = "console/verify/javascript.txt", escape = "none")]
struct JavaScript<'a> {
    prefix: &'a str,
}

#[derive(Template)]
#[template(path = "console/verify/rust.txt", escape = "none")]
struct Rust<'a> {
    prefix: &'a str,
}

#[derive(Template)]
#[template(path = "console/verify/go.txt", escape = "none")]
struct Go<'a> {
    prefix: &'a str,
}

/// The code in each language. Its headers are named as receivers know them: with `svix_headers` under those names too,
/// and whoever has asked for these wants these.
pub(super) fn samples(svix_headers: bool) -> Vec<Sample> {
    let prefix = if svix_headers { "svix" } else { "webhook" };
    let all = [
        ("Python", "pip install standardwebhooks", Python { prefix }.render()),
        ("JavaScript", "npm install standardwebhooks", JavaScript { prefix }.render()),
        ("Rust", "cargo add standardwebhooks http serde_json", Rust { prefix }.render()),
        ("Go", "Go 1.19 or later, standard library only", Go { prefix }.render()),
    ];
    let sample =
        |(language, needs, code): (_, _, Result<String, _>)| Some(Sample { language, needs, code: code.ok()? });
    all.into_iter().filter_map(sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_names_the_endpoints_own_headers() {
        for (svix, own, other) in [(false, "webhook-", "svix-"), (true, "svix-", "webhook-id")] {
            let samples = samples(svix);
            assert_eq!(samples.len(), 4);
            for sample in samples {
                let code = sample.code.to_lowercase();
                for name in ["id", "timestamp", "signature"] {
                    assert!(code.contains(&format!("{own}{name}")), "{}: {name}", sample.language);
                }
                assert!(svix || !code.contains(other), "{}", sample.language);
            }
        }
    }
}
