"""`make browser`: drives the console of the running stack as people do, by a headless Chromium."""

from __future__ import annotations

import os
import subprocess
import sys

import aws
from say import Failure, explained_failures
from settings import ROOT, Settings, for_up, shown

TESTS = ROOT / "infra" / "local" / "browser"


def main() -> None:
    """Drive the console of the stack of `make up`."""
    settings = for_up()
    if not settings.stack_file.exists():
        raise Failure("No local stack is running.", "start one: make up")
    run(settings)


def run(settings: Settings) -> str:
    """Run the tests against a stack; answer with where the screenshots are."""
    screenshots = settings.folder / "screenshots"
    environment = {
        **aws.environment(settings),
        "HOOKBELL_STACK": str(settings.stack_file),
        "HOOKBELL_SCREENSHOTS": str(screenshots),
        "PYTHONPATH": str(TESTS.parent),
    }
    chosen = os.environ.get("TEST", "")
    command = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", str(TESTS)]
    if chosen:
        command += ["-k", chosen]
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
        raise Failure(
            "The console does not do what it should in a browser.",
            f"the failures are above, and what it looked like is in {shown(screenshots)}/.",
        )
    return f"screenshots are in {shown(screenshots)}/"


if __name__ == "__main__":
    with explained_failures():
        main()
