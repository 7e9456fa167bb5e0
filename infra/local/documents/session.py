"""Runs a page: its blocks one after another in one bash session, in a copy of the repository of its own."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from documents import repository
from documents.outputs import begins, matches
from documents.pages import Block, Page
from settings import ROOT, VENV, Settings

LOOKS_EVERY_SECONDS = 0.05

# For how long a second terminal may go on printing what it is said to, after the page's end.
PATIENCE_SECONDS = 30

# What a page's commands need of the repository beside what is in git: the tools, the running stack, what was built.
LINKED = ("target", ".aws-sam")

# What an earlier block of a page, or whoever started all this, must not tell a page's own `make`.
NOT_PASSED_ON = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PAGE")

HEAD = """set -Eeuo pipefail
cd {copy}
trap 'echo "$LINENO" > {folder}/failed' ERR
"""
BEFORE = """echo {number} before > {folder}/now
source {folder}/{number}.before.sh > {folder}/{number}.before.out 2> {folder}/{number}.before.err < /dev/null
"""
INSIDE = """echo {number} block > {folder}/now
source {folder}/{number}.block.sh > {folder}/{number}.block.out 2> {folder}/{number}.block.err < /dev/null
"""
# Not in a subshell's `&&`, where `set -e` would be off.
BESIDE = """( source {folder}/{number}.block.sh > {folder}/{number}.block.out 2> {folder}/{number}.block.err < /dev/null ) &
"""


@dataclass(frozen=True)
class Problem:
    """What is wrong with a page, and where."""

    place: str
    words: str


@dataclass(frozen=True)
class Run:
    """A page on its way."""

    page: Page
    settings: Settings
    folder: Path

    @property
    def copy(self) -> Path:
        """The copy of the repository."""
        return self.folder / "copy"

    def text(self, number: int, part: str, kind: str) -> str:
        """What a block has written."""
        file = self.folder / f"{number}.{part}.{kind}"
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""


def run(page: Page, settings: Settings, environment: Mapping[str, str], folder: Path) -> list[Problem]:
    """Run a page, and say what is wrong with it."""
    running = Run(page, settings, folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    copy_repository(running)
    write_script(running)
    passed_on = {name: value for name, value in environment.items() if name not in NOT_PASSED_ON}
    process = subprocess.Popen(
        ["bash", "--noprofile", "--norc", str(folder / "page.sh")],
        cwd=running.copy,
        env=passed_on,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        late = wait(running, process)
        problems = different(running)
        if late is not None or not is_done(running):
            problems.append(failed(running, late))
        else:
            problems += unseen(running)
    finally:
        end(process)
    if not problems:
        shutil.rmtree(running.copy)
    return problems


def copy_repository(running: Run) -> None:
    """Copy what is in the repository, and link what was made in it."""
    for source in repository.files():
        target = running.copy / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    for name in LINKED:
        (running.copy / name).symlink_to(ROOT / name)
    (running.copy / ".venv").symlink_to(VENV)
    (running.copy / ".local").symlink_to(running.settings.folder)


def write_script(running: Run) -> None:
    """Write the page's blocks, and the script that runs them."""
    script = HEAD.format(copy=shlex.quote(str(running.copy)), folder=shlex.quote(str(running.folder)))
    for number, block in enumerate(running.page.blocks):
        place = {"number": number, "folder": shlex.quote(str(running.folder))}
        if block.not_run is not None:
            continue
        if block.before.strip():
            (running.folder / f"{number}.before.sh").write_text(block.before, encoding="utf-8")
            script += BEFORE.format(**place)
        (running.folder / f"{number}.block.sh").write_text(block.commands, encoding="utf-8")
        script += (BESIDE if block.beside else INSIDE).format(**place)
    # What still runs in the background must not keep the page from ending.
    (running.folder / "page.sh").write_text(f"{script}echo done > {running.folder}/now\nexit 0\n", encoding="utf-8")


def now(running: Run) -> tuple[Block, int, str] | None:
    """The block that is being run, and whether it is what only the test runs."""
    try:
        number, part = (running.folder / "now").read_text().split()
    except (OSError, ValueError):
        return None
    return running.page.blocks[int(number)], int(number), part


def is_done(running: Run) -> bool:
    """Whether the session has come to the page's end."""
    file = running.folder / "now"
    return file.exists() and file.read_text().strip() == "done"


def wait(running: Run, process: subprocess.Popen[bytes]) -> int | None:
    """Wait for the session's end; answer with the seconds after which a block took too long."""
    at, since = now(running), time.monotonic()
    while process.poll() is None:
        time.sleep(LOOKS_EVERY_SECONDS)
        if (latest := now(running)) != at:
            at, since = latest, time.monotonic()
        if at is not None and time.monotonic() - since > at[0].timeout:
            return at[0].timeout
    return None


def end(process: subprocess.Popen[bytes]) -> None:
    """End the session and all that it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        time.sleep(LOOKS_EVERY_SECONDS)
    process.wait()


def failed(running: Run, late: int | None) -> Problem:
    """How the session ended before the page did."""
    at = now(running)
    if at is None:
        return Problem(running.page.shown, "a command ended the session, or it could not be started.")
    block, number, part = at
    first = block.before_line if part == "before" else block.line
    try:
        line = first + int((running.folder / "failed").read_text().split()[0]) - 1
    except (OSError, ValueError, IndexError):
        line = first
    words = f"it took more than {late} s" if late else "a command failed, or ended the session"
    shown = quoted("printed", running.text(number, part, "out"))
    shown += quoted("and on standard error", running.text(number, part, "err"))
    return Problem(f"{running.page.shown}:{line if not late else first}", f"{words}.{shown}")


def different(running: Run) -> list[Problem]:
    """The blocks that have printed something else than the page says."""
    at = now(running)
    ended = range(len(running.page.blocks) if at is None else at[1])
    found = []
    for number in ended:
        block = running.page.blocks[number]
        if block.printed is None or block.beside or block.not_run is not None:
            continue
        got = running.text(number, "block", "out")
        if not matches(block.printed.language, block.printed.text, got):
            found.append(otherwise(running, number, block, got))
    return found


def unseen(running: Run) -> list[Problem]:
    """The second terminals that have not printed what the page says, and do not do so soon."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    found = []
    for number, block in enumerate(running.page.blocks):
        if block.printed is None or not block.beside:
            continue
        while not begins(block.printed.text, running.text(number, "block", "out")):
            if time.monotonic() > deadline:
                found.append(otherwise(running, number, block, running.text(number, "block", "out")))
                break
            time.sleep(LOOKS_EVERY_SECONDS)
    return found


def otherwise(running: Run, number: int, block: Block, got: str) -> Problem:
    """A block that has printed something else."""
    assert block.printed is not None
    shown = quoted("the page says", block.printed.text) + quoted("printed", got)
    shown += quoted("and on standard error", running.text(number, "block", "err"))
    return Problem(f"{running.page.shown}:{block.printed.line}", f"the commands before it print something else.{shown}")


def quoted(title: str, text: str) -> str:
    """A text under its title, or nothing."""
    lines = text.strip("\n").splitlines()
    return "".join(f"\n    {line}" for line in (f"{title}:", *(f"  | {entry}" for entry in lines[-40:]))) if lines else ""
