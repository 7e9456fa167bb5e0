"""`make up`: from the tools to a running hookbell, and its demo."""

from __future__ import annotations

import build
import demo
import stack
from certificates import Certificates
from cloud import Cloud
from say import Steps, explained_failures
from settings import Settings, for_up

# The first two are the tools' own: see tools.py.
TOTAL_STEPS = 7
STEPS_OF_THE_TOOLS = 2


def main() -> None:
    """Bring the stack up and run the demo on it. What is already there is left as it is."""
    settings = for_up()
    with explained_failures():
        steps = Steps(TOTAL_STEPS, done=STEPS_OF_THE_TOOLS)
        running = bring_up(settings, Cloud(settings), steps)
        with steps.step("Running the demo") as step:
            step.outcome = demo.run(running)
        demo.introduce(running)


def bring_up(settings: Settings, cloud: Cloud, steps: Steps) -> stack.Stack:
    """Certificates, local AWS, build and deployment: four steps, each quick if nothing changed."""
    certificates = Certificates.inside(settings.certificates)
    with steps.step("Making certificates for HTTPS on this machine") as step:
        if certificates.usable():
            step.outcome = "already there"
        else:
            certificates.make()
            # Running functions have read the bundle of the authority that was replaced.
            cloud.stop()
    with steps.step("Starting the local AWS") as step:
        step.outcome = cloud.ensure_running()
    with steps.step("Building the functions (first time about 5 minutes)") as step:
        step.outcome = build.build(settings)
    with steps.step("Deploying the stack") as step:
        step.outcome = stack.deploy(settings, certificates)
    return stack.read(settings)


if __name__ == "__main__":
    main()
