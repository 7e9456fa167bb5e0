"""Checks what has to be on the machine, and installs the tools into .venv.

It runs before .venv exists, so it uses the standard library alone.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

if sys.version_info < (3, 10):
    sys.exit(
        "FAILED: Python {}.{} is too old.\n\n"
        "What to do: install Python 3.10 or later, and name it if it is not the first on PATH:\n"
        "  make up PYTHON=python3.12".format(*sys.version_info)
    )

from commands import run_logged
from debian import PACKAGES
from say import Failure, Steps, explained_failures
from settings import BENCH_REQUIREMENTS, REQUIREMENTS, ROOT, TEST_REQUIREMENTS, VENV, VERIFIERS

PYTHON = VENV / "bin" / "python"
STAMP = VENV / "requirements.sha256"
TESTS_STAMP = VENV / "test-requirements.sha256"
BENCH_STAMP = VENV / "bench-requirements.sha256"
PIP_LOG = ROOT / ".local" / "log" / "pip.log"
NPM_LOG = ROOT / ".local" / "log" / "npm.log"

# Where the libraries of JavaScript go that the tests verify signatures and pages with.
NODE_FOLDER = VENV / "verifiers"
PACKAGE_FILES = (VERIFIERS / "package.json", VERIFIERS / "package-lock.json")
TESTS_FILES = (TEST_REQUIREMENTS, *PACKAGE_FILES)

GB = 1_000_000_000

# The tools and what `make test` builds take some 12 GB, and `make up` alone a third of that. With less than this neither
# is worth beginning.
ROOM = 4 * GB

ADVICE = (
    "look whether the package indexes of Python and Node can be reached (a proxy goes into "
    "HTTPS_PROXY), then run the same command again."
)


def main() -> None:
    """Check and install: as the first two steps of a command, or silently if there is no need."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, help="how many steps the whole command has")
    parser.add_argument("--tests", action="store_true", help="also what only `make test` needs")
    parser.add_argument("--bench", action="store_true", help="also what only `make bench` needs")
    arguments = parser.parse_args()
    with explained_failures():
        if arguments.steps is None:
            check_prerequisites()
            if not installed():
                with Steps(1).step("Installing the tools into .venv (about a minute)"):
                    install()
            if arguments.tests and not tests_installed():
                with Steps(1).step("Installing what the tests need into .venv (about a minute)"):
                    install_for_tests()
            if arguments.bench and not bench_installed():
                with Steps(1).step("Installing what the benchmark draws with into .venv"):
                    install_for_bench()
            for package in PACKAGES if arguments.tests else ():
                if package.find() is None:
                    with Steps(1).step(f"Installing {package.program}, {package.purpose}"):
                        package.install()
            return
        steps = Steps(arguments.steps)
        with steps.step("Checking what this machine has") as step:
            step.outcome = check_prerequisites()
        with steps.step("Installing the tools into .venv (first time about a minute)") as step:
            if installed():
                step.outcome = "already there"
            else:
                install()


def check_prerequisites() -> str:
    """Check the machine, the Python and the Rust; answer with what was found."""
    if platform.system() != "Linux":
        raise Failure(
            f"The local stack does not run on {platform.system()}.",
            "use Linux (a virtual machine, a container or WSL 2 will do): the functions are built "
            "for AWS Lambda, and the local AWS runs those Linux binaries as they are.",
        )
    try:
        import ensurepip  # noqa: F401  (Debian and Ubuntu package it apart from Python)
    except ImportError:
        raise Failure(
            "This Python cannot make a virtual environment.",
            "install its venv package, for example `sudo apt install python3-venv`.",
        ) from None
    rust = check_rust()
    if shutil.which("cc") is None:
        raise Failure(
            "There is no C compiler, which Rust links with.",
            "install one, for example `sudo apt install build-essential`.",
        )
    check_room()
    return f"Python {platform.python_version()}, Rust {rust}"


def check_room() -> None:
    """There has to be room on the disk for the tools, where they are not there yet."""
    free = shutil.disk_usage(ROOT).free
    if not venv_works() and free < ROOM:
        raise Failure(
            f"The disk has {free / GB:.1f} GB left. The tools and builds take 4 GB, and those of the tests 12.",
            f"make room on the disk that holds {ROOT}; the target directories of other builds are "
            "often large.",
        )


def check_rust() -> str:
    """The version of the Rust on PATH, which has to be the workspace's `rust-version` or later."""
    wanted = re.search(r'^rust-version = "([\d.]+)"', (ROOT / "Cargo.toml").read_text(), re.M)
    minimum = wanted.group(1) if wanted else "1.94.1"
    advice = (
        f"install Rust {minimum} or later from https://rustup.rs (rustup update), "
        "and open a new shell so that cargo is on PATH."
    )
    if shutil.which("cargo") is None or shutil.which("rustc") is None:
        raise Failure("There is no Rust on PATH.", advice)
    answer = subprocess.run(
        ["rustc", "--version"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r"rustc ([\d.]+)", answer)
    if found is None:
        raise Failure("`rustc --version` does not answer.", advice)
    if numbers(found.group(1)) < numbers(minimum):
        raise Failure(f"Rust {found.group(1)} is too old.", advice)
    return found.group(1)


def numbers(version: str) -> tuple[int, ...]:
    """A version as numbers that compare."""
    return tuple(int(part) for part in version.split("."))


def installed() -> bool:
    """Whether .venv works and holds exactly what the requirements file asks for."""
    if not STAMP.exists() or STAMP.read_text() != digest(REQUIREMENTS):
        return False
    return venv_works()


def tests_installed() -> bool:
    """Whether .venv holds exactly what the files of the tests' requirements ask for."""
    return TESTS_STAMP.exists() and TESTS_STAMP.read_text() == digest(*TESTS_FILES)


def bench_installed() -> bool:
    """Whether .venv holds exactly what the file of the benchmark's requirements asks for."""
    return BENCH_STAMP.exists() and BENCH_STAMP.read_text() == digest(BENCH_REQUIREMENTS)


def venv_works() -> bool:
    """Whether .venv has a Python that starts: one that was upgraded or moved away does not."""
    return PYTHON.exists() and subprocess.run([PYTHON, "-c", ""], check=False).returncode == 0


def install() -> None:
    """Make .venv if needed, and install the requirements."""
    if not venv_works():
        make_venv = [sys.executable, "-m", "venv", "--clear", str(VENV)]
        if not run_logged(make_venv, PIP_LOG, os.environ):
            raise Failure("The virtual environment .venv could not be made.", ADVICE, PIP_LOG)
    pip_install(REQUIREMENTS)
    STAMP.write_text(digest(REQUIREMENTS))


def install_for_tests() -> None:
    """Install what only the tests need; Node itself is among it."""
    pip_install(TEST_REQUIREMENTS)
    NODE_FOLDER.mkdir(exist_ok=True)
    for file in PACKAGE_FILES:
        shutil.copyfile(file, NODE_FOLDER / file.name)
    npm = [str(VENV / "bin" / "npm"), "ci", "--prefix", str(NODE_FOLDER), "--ignore-scripts"]
    in_venv = {**os.environ, "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
    if not run_logged([*npm, "--no-audit", "--no-fund"], NPM_LOG, in_venv):
        raise Failure("The verifiers of JavaScript could not be installed.", ADVICE, NPM_LOG)
    TESTS_STAMP.write_text(digest(*TESTS_FILES))


def install_for_bench() -> None:
    """Install what only the benchmark needs."""
    pip_install(BENCH_REQUIREMENTS)
    BENCH_STAMP.write_text(digest(BENCH_REQUIREMENTS))


def pip_install(requirements: Path) -> None:
    """Install what a file asks for into .venv."""
    pip = [str(PYTHON), "-m", "pip", "install", "--no-cache-dir", "--requirement", str(requirements)]
    if not run_logged(pip, PIP_LOG, os.environ):
        raise Failure("The tools could not be installed.", ADVICE, PIP_LOG)


def digest(*files: Path) -> str:
    """Changes whenever one of the files does."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


if __name__ == "__main__":
    main()
