"""`make chaos`: breaks everything around what `make up` has deployed, and looks for what was lost."""

from __future__ import annotations

from urllib.parse import urlsplit

import aws
import stack
from cloud import port_taken
from program import Program
from say import Failure, Steps, explained_failures, line
from settings import ROOT, for_up, shown

PROGRAM = Program("hookbell-chaos", ROOT / "target" / "chaos")
REPORT = PROGRAM.folder / "report.json"


def main() -> None:
    """Run it, show its report, and fail where something was found that must not be."""
    settings = for_up()
    running = stack.read(settings)
    if not port_taken(urlsplit(running["awsEndpointUrl"]).port or 80):
        raise Failure("The local stack has ended.", "start it again: make up")
    environment = {
        **aws.environment(settings),
        "HOOKBELL_STACK": str(settings.stack_file),
        "HOOKBELL_BINARIES": str(PROGRAM.binaries),
        "CHAOS_REPORT": str(REPORT),
    }
    steps = Steps(3)
    with steps.step("Copying the binaries"):
        PROGRAM.collect()
    with steps.step("Building what breaks them (first time about a minute)"):
        PROGRAM.build(environment)
    with steps.step("Breaking everything, and looking for what was lost"):
        succeeded = PROGRAM.run(environment)
    functions_log = shown(PROGRAM.folder / "functions.log")
    line(f"For programs this is in {shown(REPORT)}; what the functions logged is in {functions_log}.")
    if not succeeded:
        raise Failure("Something was found that must not be.", "read it above, and why in the log.", PROGRAM.log)


if __name__ == "__main__":
    with explained_failures():
        main()
