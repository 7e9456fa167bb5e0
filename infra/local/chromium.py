"""The browser that the tests drive: Debian's Chromium, installed where there is none."""

from __future__ import annotations

import os
import shutil

from commands import run_logged
from say import Failure
from settings import ROOT

LOG = ROOT / ".local" / "log" / "chromium.log"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """The path of a Chromium: the one that CHROMIUM names, or the first on PATH."""
    named = os.environ.get("CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


def install() -> None:
    """Install Debian's package, as root or by sudo."""
    advice = "install Chromium, or name one: make test CHROMIUM=/path/to/chrome"
    if shutil.which("apt-get") is None:
        raise Failure("There is no Chromium, and no apt-get to install it with.", advice)
    command = "apt-get update && apt-get install --yes --no-install-recommends chromium"
    shell = ["env", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", command]
    if os.geteuid() != 0:
        if shutil.which("sudo") is None:
            raise Failure("There is no Chromium, and only root can install it.", advice)
        shell = ["sudo", "--non-interactive", *shell]
    if not run_logged(shell, LOG, os.environ) or find() is None:
        raise Failure("Chromium could not be installed.", advice, LOG)
