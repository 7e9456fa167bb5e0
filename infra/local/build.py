"""Builds the functions with sam, unless nothing that goes into them has changed."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import aws
from commands import run_logged
from say import Failure, explained_failures
from settings import BUILD_FOLDER, REQUIREMENTS, ROOT, TEMPLATE, Settings, for_test

# crates/testkit goes into no function.
SOURCES = (
    *(".cargo", "Cargo.lock", "Cargo.toml", "crates/aws", "crates/domain", "crates/egress"),
    *("events", "functions", "infra/domain.yaml", "infra/firewall.yaml", "infra/watch.yaml", "template.yaml"),
)

# Inside the build folder, which sam empties when it begins: a build that failed leaves no stamp.
STAMP = BUILD_FOLDER / "sources.sha256"


def build(settings: Settings) -> str:
    """Bring the build folder up to date; say whether there was anything to do."""
    digest = sources_digest()
    if built_digest() == digest:
        return "nothing changed"
    log = settings.logs / "build.log"
    command = ["sam", "build", "--beta-features", "--template-file", str(TEMPLATE)]
    if not run_logged(command, log, aws.environment(settings)):
        raise Failure(
            "`sam build` failed.",
            "repair what the log names; `cargo check --workspace` shows Rust errors in full.",
            log,
        )
    STAMP.write_text(digest)
    return "built"


def built_digest() -> str | None:
    """The digest of the sources that the build folder was made from, if there was a build."""
    return STAMP.read_text() if STAMP.exists() else None


def sources_digest() -> str:
    """Changes whenever a source, the compiler or the tools do."""
    digest = hashlib.sha256()
    compiler = subprocess.run(["rustc", "--version"], cwd=ROOT, capture_output=True, check=False)
    digest.update(compiler.stdout)
    digest.update(REQUIREMENTS.read_bytes())
    for file in source_files():
        content = file.read_bytes()
        digest.update(f"{file.relative_to(ROOT)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def source_files() -> Iterator[Path]:
    """Every file that a build reads, in an order that does not change."""
    for name in SOURCES:
        source = ROOT / name
        if source.is_file():
            yield source
        else:
            yield from sorted(path for path in source.rglob("*") if path.is_file())


if __name__ == "__main__":
    with explained_failures():
        build(for_test())
