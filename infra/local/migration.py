"""`make migration`: takes SIZE endpoints over from a stand-in for Svix, twice, and says what that cost.

It runs on the stack of `make up`, with organizations of its own each time.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from dataclasses import dataclass
from typing import Any

import docs
import stack
from api import Api
from say import Failure, Steps, explained_failures, line
from settings import Settings, for_up, shown
from sources import TOKEN, Source, endpoint

# Endpoints of an organization.
OF_EACH = 10

# An address, so that what is measured is not how long names take to be resolved here.
URL = "https://8.8.8.8/webhooks"
TOTAL_STEPS = 5


@dataclass(frozen=True)
class Run:
    """What `hookbell import` came to, and what it took."""

    summary: dict[str, Any]
    seconds: float
    cpu_seconds: float
    peak_mb: float

    @property
    def told(self) -> str:
        """It in a line."""
        done, calls = self.summary, self.summary["calls"]
        return (
            f"{done['make']} made, {done['change']} changed, {done['same']} the same, {done['cannot']} not; "
            f"calls: {calls['source']} to the source, {calls['hookbell']} to hookbell, {calls['writes']} that write; "
            f"{self.seconds:.0f} s, {self.cpu_seconds:.1f} s of CPU, {self.peak_mb:.0f} MB at most"
        )


def main() -> None:
    """Import, import again, and compare."""
    settings, size = for_up(), int(os.environ.get("SIZE") or "10000")
    with explained_failures():
        running = stack.read(settings)
        steps = Steps(TOTAL_STEPS)
        with steps.step("Building hookbell"):
            docs.build_cli(settings)
        prefix = f"migration-{time.time_ns():x}"
        applications = {
            f"{prefix}-{first}": [endpoint(f"ep_{n}", url=URL) for n in range(first, min(first + OF_EACH, size))]
            for first in range(0, size, OF_EACH)
        }
        source = Source(applications)
        source.start()
        with steps.step("What an import would do") as step:
            planned = run(settings, source)
            check("the dry run", planned, make=size, writes=0)
            step.outcome = planned.told
        with steps.step("The import") as step:
            first = run(settings, source, "--apply")
            check("the import", first, make=size, writes=size + len(applications))
            step.outcome = first.told
        with steps.step("Looking at what is there"):
            before = fingerprint(running, applications)
        with steps.step("The import once more") as step:
            second = run(settings, source, "--apply")
            check("the second import", second, same=size, writes=0)
            step.outcome = second.told
        if fingerprint(running, applications) != before:
            raise Failure("The second import has changed endpoints.", "compare what the API lists before and after.")
        each = first.summary["calls"]
        line(
            f"{size} endpoints of {len(applications)} organizations: {each['source'] / size:.2f} calls to the source "
            f"and {each['hookbell'] / size:.2f} to hookbell for each endpoint; the second import changed nothing."
        )


def run(settings: Settings, source: Source, *options: str) -> Run:
    """Run the tool, and measure it."""
    command = [str(docs.HOOKBELL), "import", "svix", "--server", source.url, "--profile", "slothbox", "--json"]
    environment = {**os.environ, "HOOKBELL_STACK": str(settings.stack_file), "HOOKBELL_SOURCE_TOKEN": TOKEN}
    for name in ("HOOKBELL_API_URL", "HOOKBELL_KEY"):
        environment.pop(name, None)
    file, log = settings.logs / "migration.jsonl", settings.logs / "migration.log"
    started = time.monotonic()
    with file.open("wb") as out, log.open("wb") as errors:
        process = subprocess.Popen([*command, *options], env=environment, stdout=out, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failure(f"hookbell import ended with {process.returncode}.", f"read {shown(file)} and {shown(log)}.")
    with file.open(encoding="utf-8") as lines:
        *_, last = lines
    cpu = usage.ru_utime + usage.ru_stime
    return Run(json.loads(last)["summary"], seconds, cpu, usage.ru_maxrss / 1024)


def check(what: str, done: Run, writes: int, **expected: int) -> None:
    """Hold what was done to what had to be."""
    found = {**{name: done.summary[name] for name in expected}, "writes": done.summary["calls"]["writes"]}
    if found != {**expected, "writes": writes}:
        raise Failure(f"{what} came to {found}.", f"it has to come to {expected} with {writes} calls that write.")


def fingerprint(running: stack.Stack, applications: dict[str, Any]) -> str:
    """Changes whenever an endpoint does, by whatever it is that the API shows: `updatedAt` too."""
    api, seen = Api(running["apiUrl"], running["adminKey"]), hashlib.sha256()
    for uid in applications:
        listed = api.get(f"/organizations/{uid}/webhooks")
        seen.update(json.dumps(listed, sort_keys=True).encode())
    return seen.hexdigest()


if __name__ == "__main__":
    main()
