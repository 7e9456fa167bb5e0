"""`make bench`: measures what hookbell costs, on the binaries that `make up` has deployed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import aws
import stack
from cloud import port_taken
from commands import run_logged
from say import Failure, Steps, explained_failures, line
from settings import BUILD_FOLDER, ROOT, for_up, shown

FOLDER = ROOT / "target" / "bench"
BINARIES = FOLDER / "binaries"
BUILD_LOG = FOLDER / "build.log"
LOG = FOLDER / "bench.log"
FUNCTIONS_LOG = FOLDER / "functions.log"

# What is measured is a process of its own, so it does not matter how the benchmark itself was built.
CARGO = ["cargo", "bench", "--package", "hookbell-bench", "--profile", "dev", "--locked"]

# The first two are done here, the rest by the benchmark: see benches/main.rs.
TOTAL_STEPS = 5

# Whose binaries are copied, and what the functions are called in template.yaml. Their log lines
# begin with these names.
DEPLOYED = {"api": "ApiFunction", "sender": "SenderFunction"}
BASE = "base"


def main() -> None:
    """Measure, print the report, and fail where what is required is not kept."""
    settings = for_up()
    running = stack.read(settings)
    if not port_taken(urlsplit(running["awsEndpointUrl"]).port or 80):
        raise Failure("The local stack has ended.", "start it again: make up")
    environment = {
        **aws.environment(settings),
        "HOOKBELL_STACK": str(settings.stack_file),
        "HOOKBELL_BINARIES": str(BINARIES),
        # What failed is to be the end of the log.
        "RUST_BACKTRACE": "0",
    }
    steps = Steps(TOTAL_STEPS)
    with steps.step("Copying the binaries, and zipping them as `sam deploy` does"):
        collect(os.environ.get("BASE", ""))
    with steps.step("Building the benchmark (first time about two minutes)"):
        if not run_logged([*CARGO, "--no-run"], BUILD_LOG, environment):
            raise Failure("The benchmark does not compile.", "repair what the log names.", BUILD_LOG)
    measure(environment)
    conclude()


def collect(base: str) -> None:
    """Copy what is measured: a build that goes on meanwhile changes nothing of it."""
    sources = {
        name: (BUILD_FOLDER / function / "bootstrap", "build and deploy it: make up")
        for name, function in DEPLOYED.items()
    }
    if base:
        advice = "name the `bootstrap` that `make up` leaves in target/lambda/api/ of another checkout."
        sources[BASE] = (ROOT / base, advice)
    shutil.rmtree(BINARIES, ignore_errors=True)
    BINARIES.mkdir(parents=True)
    for name, (source, advice) in sources.items():
        if not source.is_file():
            raise Failure(f"There is no file {shown(source)}.", advice)
        shutil.copy(source, BINARIES / name)
        with zipfile.ZipFile(BINARIES / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(source, "bootstrap")


def measure(environment: dict[str, str]) -> None:
    """Run the benchmark, and show what it says; what the functions log goes to a file."""
    functions = tuple(f"{name}: " for name in (*DEPLOYED, BASE))
    with LOG.open("wb") as log, FUNCTIONS_LOG.open("w", encoding="utf-8") as functions_log:
        process = subprocess.Popen(
            CARGO, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
        assert process.stdout is not None
        try:
            for text in process.stdout:
                if text.startswith(functions):
                    functions_log.write(text)
                else:
                    line(text.rstrip("\n"))
        except BaseException:
            process.terminate()
            raise
        finally:
            process.wait()
    if process.returncode != 0:
        raise Failure("The benchmark broke off.", "read why in the log.", LOG)


def conclude() -> None:
    """Print the report."""
    text, data = FOLDER / "report.txt", FOLDER / "report.json"
    line(f"\n{text.read_text(encoding='utf-8')}")
    line(f"This is in {shown(text)}, and for programs in {shown(data)}.")
    limits = json.loads(data.read_text(encoding="utf-8"))["limits"]
    broken = sum(not limit["kept"] for limit in limits)
    if broken:
        raise Failure(
            f"{broken} of the {len(limits)} limits above are not kept.",
            "find what has made it grow. Times grow on a machine that does other work too; bytes do not.",
        )


if __name__ == "__main__":
    with explained_failures():
        main()
