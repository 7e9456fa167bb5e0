"""The second half of `make test`: the tests against a running stack, the fuzzer, and what the pages
say.

It has a local AWS of its own, on another port and in another folder, and stops it at the end.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import aws
import browser
import cargo
import deploying
import docs
import fuzz
import leaks
import logs
import ringing
import stack
from own_stack import own_stack
from say import Failure, Steps, explained_failures, line
from settings import ROOT, Settings, for_test, shown

TOTAL_STEPS = 12


def main() -> None:
    """Bring a stack up, run everything against it, and stop it whatever happened."""
    settings = for_test()
    with explained_failures():
        steps = Steps(TOTAL_STEPS)
        try:
            with own_stack(settings, steps) as running:
                try:
                    test(settings, running, steps)
                finally:
                    logs.save(running, settings.logs / "functions.log")
        finally:
            line(f"Stopped the local AWS of the tests. Logs are in {shown(settings.logs)}/.")
        line("All tests passed.")


def test(settings: Settings, running: stack.Stack, steps: Steps) -> None:
    """Run the tests that need the stack, the browser, the fuzzer and the pages, one of which runs the demo; then read the
    logs."""
    instances = settings.logs / "instances"
    shutil.rmtree(instances, ignore_errors=True)
    instances.mkdir(parents=True)
    docs.build_cli(settings)
    environment = {
        **aws.environment(settings),
        "HOOKBELL_STACK": str(settings.stack_file),
        # Of the instances that the tests run themselves.
        "HOOKBELL_FUNCTION_LOGS": str(instances),
        # They wait for each other's answers more than they compute.
        "RUST_TEST_THREADS": "8",
    }
    with steps.step("Running the tests against the stack"):
        command = [*cargo.TEST, "--no-fail-fast", *cargo.on_a_stack()]
        if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
            raise Failure(
                "A test failed.",
                f"its output is above; what the functions logged is in {shown(settings.logs)}/.",
            )
    # It waits for what it has killed, for minutes: the next two are run meanwhile.
    with ThreadPoolExecutor(1) as pool:
        broken = pool.submit(break_what_is_around, settings, environment)
        with steps.step(f"Fuzzing the API by its own description (about {fuzz.SECONDS} s)") as step:
            step.outcome = fuzz.run(settings, running)
        with steps.step("Driving the console by a browser") as step:
            step.outcome = browser.run(settings)
        with steps.step("Killing the functions and failing AWS around them, begun before the last two"):
            broken.result()
    with steps.step("Doing what the pages say") as step:
        step.outcome = docs.run(settings, running)
    with steps.step("Deploying as the deploy role") as step:
        step.outcome = deploying.run(settings)
    with steps.step("Ringing the alarms") as step:
        step.outcome = ringing.run(running)
    with steps.step("Looking for secrets and payloads in all that was logged") as step:
        needles = leaks.plant(running)
        logs.save(running, settings.logs / "functions.log")
        files = [settings.logs / "functions.log", *sorted(instances.iterdir())]
        step.outcome = leaks.search(files, needles)


def break_what_is_around(settings: Settings, environment: Mapping[str, str]) -> None:
    """Run the short chaos, with its output in a log."""
    log = settings.logs / "chaos.log"
    with log.open("wb") as output:
        command = [*cargo.TEST, "--test", cargo.CHAOS]
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=output, stderr=output, check=False)
    if done.returncode != 0:
        raise Failure("Something accepted was lost, or sent too often.", "the log says what.", log)


if __name__ == "__main__":
    main()
