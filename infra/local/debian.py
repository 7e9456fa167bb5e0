"""Debian's packages of what only the tests need, installed where there is none."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

from commands import run_logged
from say import Failure
from settings import ROOT


@dataclass(frozen=True)
class Package:
    """A program, and what Debian calls it."""

    program: str
    purpose: str
    name: str
    commands: tuple[str, ...]
    # The variable by which another one can be named.
    variable: str | None = None

    def find(self) -> str | None:
        """The program's path: what the variable says, or the first on PATH."""
        named = os.environ.get(self.variable) if self.variable else None
        return named or next((path for command in self.commands if (path := shutil.which(command))), None)

    def install(self) -> None:
        """Install it, as root or by sudo."""
        another = f", or name one: make test {self.variable}=/path/to/it" if self.variable else ""
        advice = f"install {self.program}{another}."
        if shutil.which("apt-get") is None:
            raise Failure(f"There is no {self.program}, and no apt-get to install it with.", advice)
        command = f"apt-get update && apt-get install --yes --no-install-recommends {self.name}"
        shell = ["env", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", command]
        if os.geteuid() != 0:
            if shutil.which("sudo") is None:
                raise Failure(f"There is no {self.program}, and only root can install it.", advice)
            shell = ["sudo", "--non-interactive", *shell]
        log = ROOT / ".local" / "log" / f"{self.name}.log"
        if not run_logged(shell, log, os.environ) or self.find() is None:
            raise Failure(f"{self.program} could not be installed.", advice, log)


CHROMIUM = Package(
    program="Chromium",
    purpose="which the tests of the console drive",
    name="chromium",
    commands=("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    variable="CHROMIUM",
)
VALGRIND = Package(
    program="Valgrind",
    purpose="which counts instructions",
    name="valgrind",
    commands=("valgrind",),
)
PACKAGES = (CHROMIUM, VALGRIND)
