"""Runs a tool with its output in a log, and shows that it is still at work."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from say import INDENT, line
from settings import ROOT

HEARTBEAT_SECONDS = 30


def run_logged(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> bool:
    """Run a command in the repository's root; say whether it succeeded."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_visibly(process)
        except BaseException:
            process.terminate()
            process.wait()
            raise
    return process.returncode == 0


def wait_visibly(process: subprocess.Popen[bytes]) -> None:
    """Wait for the end; show the seconds in place on a terminal, else a line now and then."""
    started = time.monotonic()
    on_terminal = sys.stdout.isatty()
    next_line = HEARTBEAT_SECONDS
    while True:
        try:
            process.wait(timeout=1)
            break
        except subprocess.TimeoutExpired:
            seconds = round(time.monotonic() - started)
            if on_terminal:
                print(f"\r{INDENT}{seconds} s", end="", flush=True)
            elif seconds >= next_line:
                line(f"{INDENT}still at work after {seconds} s")
                next_line += HEARTBEAT_SECONDS
    if on_terminal:
        print(f"\r{' ' * 40}\r", end="", flush=True)
