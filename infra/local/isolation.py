"""`make isolation`: an organization whose receivers all hang beside one that is not to notice, at full size.

It has a local AWS of its own, whose waits are as long as in earnest, and stops it at the end.
"""

from __future__ import annotations

import os
import subprocess

import aws
import cargo
from own_stack import own_stack
from say import Failure, Steps, explained_failures
from settings import ROOT, for_test

TOTAL_STEPS = 5


def main() -> None:
    """Bring a stack up, run the test against it, and stop it whatever happened."""
    settings = for_test()
    with explained_failures():
        steps = Steps(TOTAL_STEPS)
        with own_stack(settings, steps):
            environment = {
                **aws.environment(settings),
                "HOOKBELL_STACK": str(settings.stack_file),
                "HOOKBELL_ISOLATION": os.environ.get("SIZE") or "100x60",
            }
            command = [*cargo.TEST, "--test", "isolation", "--", "--nocapture"]
            with steps.step("Measuring"):
                if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
                    raise Failure("Receivers that hang delay others.", "the numbers are above.")


if __name__ == "__main__":
    main()
