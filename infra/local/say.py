"""What a person reads while the local run works: numbered steps, and failures with a way out."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from settings import shown

INDENT = "      "
LOG_LINES = 15


class Failure(Exception):
    """Something that a person has to know: what failed, what to do, and where the log is."""

    def __init__(self, what: str, advice: str, log: Path | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice
        self.log = log


class Step:
    """A step that is under way. Its outcome is one short phrase, printed when it ends."""

    def __init__(self) -> None:
        self.outcome = "done"


class Steps:
    """Counts the steps of one command, and prints each with the seconds that it took."""

    def __init__(self, total: int, done: int = 0) -> None:
        self.total = total
        self.done = done

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Announce a step, run it, and print its outcome or that it failed."""
        self.done += 1
        line(f"[{self.done}/{self.total}] {title}…")
        started = time.monotonic()
        step = Step()
        try:
            yield step
        except Failure:
            line(f"{INDENT}failed after {time.monotonic() - started:.1f} s")
            raise
        line(f"{INDENT}{step.outcome} ({time.monotonic() - started:.1f} s)")


def line(text: str = "", to: TextIO | None = None) -> None:
    """Print one line at once, also where the output is a pipe."""
    print(text, flush=True, file=to)


@contextmanager
def explained_failures(to: TextIO | None = None) -> Iterator[None]:
    """Turn a failure into words and exit code 1, an interruption into exit code 130.

    A termination request ends the program like an interruption, so that clean-up still runs.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except Failure as failure:
        explain(failure, to)
        sys.exit(1)
    except KeyboardInterrupt:
        line("\nInterrupted.", to)
        sys.exit(130)


def explain(failure: Failure, to: TextIO | None = None) -> None:
    """Print what failed, the end of its log, and what to do."""
    line(f"\nFAILED: {failure.what}", to)
    if failure.log is not None and failure.log.exists():
        line(f"\nThe end of {shown(failure.log)}:", to)
        for text in last_lines(failure.log):
            line(f"  | {text}", to)
    line(f"\nWhat to do: {failure.advice}", to)


def last_lines(log: Path) -> list[str]:
    """The last lines of a log that hold anything."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return [text for text in lines if text.strip()][-LOG_LINES:]
