"""`make chaos`: breaks everything around what `make up` has deployed, and looks for what was lost."""

from __future__ import annotations

import shutil
import subprocess
from urllib.parse import urlsplit

import aws
import stack
from cloud import port_taken
from commands import run_logged
from say import Failure, Steps, explained_failures, line
from settings import BUILD_FOLDER, ROOT, for_up, shown

FOLDER = ROOT / "target" / "chaos"
BINARIES = FOLDER / "binaries"
BUILD_LOG = FOLDER / "build.log"
LOG = FOLDER / "chaos.log"
REPORT = FOLDER / "report.json"

# It runs binaries that are there, so it does not matter how it was built itself.
CARGO = ["cargo", "bench", "--package", "hookbell-chaos", "--profile", "dev", "--locked"]

# Whose binaries are copied, and what the functions are called in template.yaml.
DEPLOYED = {"api": "ApiFunction", "sender": "SenderFunction", "dlq": "DlqFunction"}


def main() -> None:
    """Run it, show its report, and fail where something was found that must not be."""
    settings = for_up()
    running = stack.read(settings)
    if not port_taken(urlsplit(running["awsEndpointUrl"]).port or 80):
        raise Failure("The local stack has ended.", "start it again: make up")
    environment = {
        **aws.environment(settings),
        "HOOKBELL_STACK": str(settings.stack_file),
        "HOOKBELL_BINARIES": str(BINARIES),
        "CHAOS_REPORT": str(REPORT),
    }
    steps = Steps(3)
    with steps.step("Copying the binaries"):
        collect()
    with steps.step("Building what breaks them (first time about a minute)"):
        if not run_logged([*CARGO, "--no-run"], BUILD_LOG, environment):
            raise Failure("It does not compile.", "repair what the log names.", BUILD_LOG)
    with steps.step("Breaking everything, and looking for what was lost"):
        with LOG.open("wb") as log:
            process = subprocess.run(CARGO, cwd=ROOT, env=environment, stderr=log, check=False)
    line(f"For programs this is in {shown(REPORT)}; what the functions logged is in {shown(FOLDER)}/functions.log.")
    if process.returncode != 0:
        raise Failure("Something was found that must not be.", "read it above, and why in the log.", LOG)


def collect() -> None:
    """Copy what is run: a build that goes on meanwhile changes nothing of it."""
    shutil.rmtree(BINARIES, ignore_errors=True)
    BINARIES.mkdir(parents=True)
    for name, function in DEPLOYED.items():
        source = BUILD_FOLDER / function / "bootstrap"
        if not source.is_file():
            raise Failure(f"There is no file {shown(source)}.", "build and deploy it: make up")
        shutil.copy(source, BINARIES / name)


if __name__ == "__main__":
    with explained_failures():
        main()
