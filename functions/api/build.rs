//! Bares and compresses the files that browsers are sent, once, and names each by its content.
//!
//! Each file of `assets/` becomes an `Asset` (see `src/assets.rs`) whose name no other content has, so that browsers
//! may keep it for a year.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// The files, and what each is called in the code.
const FILES: [(&str, &str); 5] = [
    ("CONSOLE_STYLE", "console/console.css"),
    ("CONSOLE_SCRIPT", "console/console.js"),
    ("HTMX", "vendor/htmx.min.js"),
    ("MARK", "console/mark.svg"),
    ("REFERENCE_STYLE", "docs/docs.css"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("assets");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut code = String::new();
    for (constant, file) in FILES {
        let content = fs::read_to_string(folder.join(file)).map_err(|error| format!("{file}: {error}"))?;
        let content = if file.starts_with("vendor/") {
            content
        } else {
            bare(&content).map_err(|error| format!("{file}: {error}"))?
        };
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content.as_bytes())?;
        fs::write(out.join(format!("{constant}.gz")), encoder.finish()?)?;
        let (stem, ending) = file.rsplit_once('.').ok_or("a file without an ending")?;
        let stem = stem.rsplit('/').next().unwrap_or(stem);
        let media_type = match ending {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "svg" => "image/svg+xml",
            other => return Err(format!("{file}: no media type is known for .{other}").into()),
        };
        let name = format!("{stem}.{}.{ending}", beginning_of_hash(content.as_bytes()));
        writeln!(
            code,
            "/// `assets/{file}`.\n\
             pub(crate) const {constant}: Asset = Asset {{ name: {name:?}, media_type: {media_type:?}, \
             compressed: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{constant}.gz\")) }};"
        )?;
    }
    Ok(fs::write(out.join("assets.rs"), code)?)
}

/// A text without what only people read: indentation, and the comments that have their lines to themselves.
fn bare(text: &str) -> Result<String, String> {
    let (mut bare, mut commented) = (String::new(), false);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")) {
        commented |= line.starts_with("/*");
        if commented && line.split_once("*/").is_some_and(|(_, behind)| !behind.is_empty()) {
            return Err(format!("a comment has its lines to itself: {line}"));
        }
        if !commented {
            bare.push_str(line);
            bare.push('\n');
        }
        commented &= !line.ends_with("*/");
    }
    Ok(bare)
}

/// The first eight bytes of the content's SHA-256, in hexadecimal.
fn beginning_of_hash(content: &[u8]) -> String {
    Sha256::digest(content).iter().take(8).fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"))
}
