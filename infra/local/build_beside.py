"""Runs a command while the functions are built: linking them is work for one processor, for minutes.

A build that fails is left to whoever needs it next, who builds again and shows why.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commands import wait_visibly
from say import Steps, explained_failures
from settings import ROOT, for_test


def main(command: list[str]) -> int:
    """Run the command; exit as it does, or wait for the build where it succeeded."""
    log = for_test().logs / "build-beside.log"
    with explained_failures(), building(log) as build:
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        if code == 0:
            with Steps(1).step("Waiting for the build of the functions, which went on beside this"):
                wait_visibly(build)
        return code


@contextmanager
def building(log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The build under way, which ends with what is done beside it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    program = [sys.executable, str(Path(__file__).with_name("build.py"))]
    with log.open("wb") as output:
        # A group of its own: sam starts cargo, and cargo the compiler.
        build = subprocess.Popen(program, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
    try:
        yield build
    finally:
        if build.poll() is None:
            os.killpg(build.pid, signal.SIGTERM)
            build.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
