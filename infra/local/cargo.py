"""How cargo is called for the tests: always for the whole workspace, whatever is run of it.

Cargo compiles a dependency anew for each set of features, and the set is that of the packages which it is asked for. With
one set the SDK is compiled once.
"""

from __future__ import annotations

from settings import ROOT

TEST = ("cargo", "test", "--workspace", "--locked")
BUILD = ("cargo", "build", "--workspace", "--locked")

# Anything that is a test: only with one the features are those of tests.
AS_FOR_TESTS = ("--test", "tidy")

# What `make check` runs of them, for it needs no stack; and what `make test` runs at another time.
WITHOUT_STACK = {"tidy"}
CHAOS = "chaos"


def on_a_stack() -> list[str]:
    """Arguments that choose all tests which need a stack, but for the chaos."""
    folder = ROOT / "crates" / "testkit" / "tests"
    files = {file.stem for file in folder.glob("*.rs")} | {file.parent.name for file in folder.glob("*/main.rs")}
    return [f"--test={name}" for name in sorted(files - WITHOUT_STACK - {CHAOS})]
