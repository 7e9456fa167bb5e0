"""`make bench`: what hookbell costs, measured on the deployed binaries and on a local AWS of its own."""

from __future__ import annotations

import os
import zipfile

import aws
import latency
import own_stack
import report
import stack
from program import DEPLOYED, Program
from report import FOLDER, LATENCY, MEASURED
from say import Failure, Steps, explained_failures, line
from settings import ROOT, Settings, for_bench

PROGRAM = Program("hookbell-bench", FOLDER)
FUNCTIONS_LOG = FOLDER / "functions.log"

# Another build of api, to compare with.
BASE = "base"

# What a person may choose: a variable of make, and under which name the program reads it.
CHOICES = (
    *("REPEATS", "BATCH", "ENDPOINTS", "PAYLOAD", "LATENCY", "FAILURES", "EVENTS"),
    *("BACKLOG", "ORGANIZATIONS"),
)

# In ONLY, beside the program's groups: what is measured here.
END_TO_END = "latency"


def main() -> None:
    """Measure, draw up the report, and fail where a limit is not kept."""
    settings = for_bench()
    only = [name for name in os.environ.get("ONLY", "").replace(",", " ").split() if name]
    by_program = [name for name in only if name != END_TO_END]
    wants_program, wants_latency = not only or bool(by_program), not only or END_TO_END in only
    steps = Steps(own_stack.STEPS + 1 + 2 * wants_program + wants_latency + 1)
    # What an earlier run has measured is no part of this one.
    for file, is_measured in ((MEASURED, wants_program), (LATENCY, wants_latency)):
        if is_measured:
            file.unlink(missing_ok=True)
    report.begin({name: os.environ[name] for name in ("ONLY", *CHOICES) if os.environ.get(name)})
    with own_stack.own_stack(settings, steps) as running:
        with steps.step("Copying the binaries, and zipping them as `sam deploy` does"):
            collect(os.environ.get("BASE", ""))
        if wants_latency:
            measure_latency(running, steps)
        if wants_program:
            measure_costs(settings, by_program, steps)
    with steps.step("Drawing up the report"):
        drawn = report.draw_up()
    report.show(drawn)


def collect(base: str) -> None:
    """Copy what is measured, and weigh what is uploaded."""
    PROGRAM.collect()
    names = list(DEPLOYED)
    if base:
        advice = "name the `bootstrap` that a build leaves in target/lambda/api/ of another checkout."
        PROGRAM.add(BASE, ROOT / base, advice)
        names.append(BASE)
    for name in names:
        with zipfile.ZipFile(PROGRAM.binaries / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(PROGRAM.binaries / name, "bootstrap")


def measure_latency(running: stack.Stack, steps: Steps) -> None:
    """From end to end, before anything else is on the stack."""
    title = f"Sending {latency.EVENTS} events through each door, one at a time"
    with steps.step(title) as step:
        step.outcome = latency.measure(running, LATENCY)


def measure_costs(settings: Settings, only: list[str], steps: Steps) -> None:
    """Build the program and run it; what the functions log goes to a file."""
    environment = {
        **aws.environment(settings),
        **choices(only),
        "HOOKBELL_STACK": str(settings.stack_file),
        "HOOKBELL_BINARIES": str(PROGRAM.binaries),
        # What failed is to be the end of the log.
        "RUST_BACKTRACE": "0",
    }
    with steps.step("Building the benchmark (first time about two minutes)"):
        PROGRAM.build(environment)
    functions = tuple(f"{name}: " for name in (*DEPLOYED, BASE))
    with steps.step("Measuring what each scenario costs"), FUNCTIONS_LOG.open("w", encoding="utf-8") as log:

        def show(text: str) -> None:
            if text.startswith(functions):
                log.write(f"{text}\n")
            else:
                line(text)

        if not PROGRAM.run(environment, show):
            raise Failure("The benchmark broke off.", "read why in the log.", PROGRAM.log)
        if not MEASURED.exists():
            raise Failure("The benchmark has left no numbers.", "read why in the log.", PROGRAM.log)


def choices(only: list[str]) -> dict[str, str]:
    """What was chosen, as the program reads it."""
    chosen = {f"BENCH_{name}": os.environ[name] for name in CHOICES if os.environ.get(name)}
    if only:
        chosen["BENCH_ONLY"] = ",".join(only)
    return chosen


if __name__ == "__main__":
    with explained_failures():
        main()
