"""Where the local run keeps its files, and what can be chosen through the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / "infra" / "local"
VENV = ROOT / ".venv"
TEMPLATE = ROOT / "template.yaml"
REQUIREMENTS = LOCAL / "requirements.txt"
TEST_REQUIREMENTS = LOCAL / "test-requirements.txt"
BENCH_REQUIREMENTS = ROOT / "infra" / "bench" / "requirements.txt"
VERIFIERS = LOCAL / "verifiers"
BUILD_FOLDER = ROOT / ".aws-sam" / "build"
EVENTS_FOLDER = ROOT / "events"

STACK_NAME = "hookbell"
REGION = "us-east-1"
ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Settings:
    """One local run: `make up`, `make test` and `make bench` have one each, and they never meet."""

    folder: Path
    port: int
    time_scale: str

    @property
    def endpoint(self) -> str:
        """The address at which the local AWS listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def logs(self) -> Path:
        """The folder of the logs that the steps write."""
        return self.folder / "log"

    @property
    def certificates(self) -> Path:
        """The folder of the receiver's certificates."""
        return self.folder / "certs"

    @property
    def stack_file(self) -> Path:
        """What the demo, the tests and a person need to know about the deployed stack."""
        return self.folder / "stack.json"


def for_up() -> Settings:
    """The settings of `make up`, from PORT and TIME_SCALE. The folder may be a link: of a copy of the repository in which
    a test does what a page says."""
    return Settings(
        folder=(ROOT / ".local").resolve(),
        port=int(os.environ.get("PORT", "4566")),
        time_scale=os.environ.get("TIME_SCALE", "0.0002"),
    )


def for_test() -> Settings:
    """The settings of `make test`, from TEST_PORT and TEST_TIME_SCALE."""
    return Settings(
        folder=ROOT / ".local" / "test",
        port=int(os.environ.get("TEST_PORT", "4577")),
        time_scale=os.environ.get("TEST_TIME_SCALE", "0.0002"),
    )


def for_bench() -> Settings:
    """The settings of `make bench`, from BENCH_PORT. It measures how long things take, so no wait is shortened."""
    return Settings(
        folder=ROOT / ".local" / "bench",
        port=int(os.environ.get("BENCH_PORT", "4588")),
        time_scale="1",
    )


def shown(path: Path) -> str:
    """A path as a person reads it: relative to the repository where it is inside."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
