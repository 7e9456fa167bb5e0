"""`make release-notes VERSION=v0.1.0`: what CHANGELOG.md says of a version, which has to be the workspace's."""

from __future__ import annotations

import os
import re

from package import version
from say import Failure, explained_failures, line
from settings import ROOT


def main() -> None:
    """Print the notes."""
    with explained_failures():
        line(notes(os.environ.get("VERSION", ""), (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")))


def notes(tag: str, changelog: str) -> str:
    """The section of a version, or a failure where it is missing or empty."""
    wanted = tag.removeprefix("v")
    if wanted != version():
        raise Failure(f"The tag is {tag}, and the workspace's version is {version()}.", "set the one or the other.")
    section = re.search(rf"^## \[{re.escape(wanted)}\][^\n]*\n(.*?)(?=^## |\Z)", changelog, re.M | re.S)
    if section is None or not section[1].strip():
        raise Failure(f"CHANGELOG.md says nothing of {wanted}.", "write what has changed.")
    return section[1].strip()


if __name__ == "__main__":
    main()
