"""A program of infra/ that runs the binaries which are deployed: it measures them, or breaks what is around them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from commands import run_logged
from say import Failure, line
from settings import BUILD_FOLDER, ROOT, shown

# Whose binaries are copied, and what the functions are called in template.yaml.
DEPLOYED = {"api": "ApiFunction", "sender": "SenderFunction", "dlq": "DlqFunction"}


@dataclass(frozen=True)
class Program:
    """The benchmark target of a package, and the folder of its files. It runs binaries that are there, so it does not
    matter how it was built itself."""

    package: str
    folder: Path

    @property
    def binaries(self) -> Path:
        """The copies of what is deployed."""
        return self.folder / "binaries"

    @property
    def command(self) -> list[str]:
        """How it is started."""
        return ["cargo", "bench", "--package", self.package, "--profile", "dev", "--locked"]

    def collect(self) -> None:
        """Copy what is run: a build that goes on meanwhile changes nothing of it."""
        shutil.rmtree(self.binaries, ignore_errors=True)
        self.binaries.mkdir(parents=True)
        for name, function in DEPLOYED.items():
            self.add(name, BUILD_FOLDER / function / "bootstrap", "build and deploy it: make up")

    def add(self, name: str, source: Path, advice: str) -> None:
        """Copy one binary."""
        if not source.is_file():
            raise Failure(f"There is no file {shown(source)}.", advice)
        shutil.copy(source, self.binaries / name)

    def build(self, environment: Mapping[str, str]) -> None:
        """Compile it."""
        log = self.folder / "build.log"
        if not run_logged([*self.command, "--no-run"], log, environment):
            raise Failure(f"{self.package} does not compile.", "repair what the log names.", log)

    def run(self, environment: Mapping[str, str], show: Callable[[str], None] = line) -> bool:
        """Run it, and show each line that it prints; say whether it succeeded. What it says of failures is in `log`."""
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                self.command, cwd=ROOT, env=dict(environment), stdout=subprocess.PIPE, stderr=log, text=True
            )
            assert process.stdout is not None
            try:
                for text in process.stdout:
                    show(text.rstrip("\n"))
            except BaseException:
                process.terminate()
                raise
            finally:
                process.wait()
        return process.returncode == 0

    @property
    def log(self) -> Path:
        """Its standard error."""
        return self.folder / "program.log"
