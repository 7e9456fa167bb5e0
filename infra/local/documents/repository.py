"""The files of the repository, whether it is a clone or was unpacked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from settings import ROOT

# What .gitignore names at the root and everywhere, and git's own. Compared with .gitignore by a test.
AT_THE_ROOT = {"target", ".venv", ".local", ".aws-sam", "dist"}
EVERYWHERE = {"__pycache__", ".git"}


def files(root: Path = ROOT) -> Iterator[Path]:
    """Every file, in an order that does not change."""
    for path in sorted(root.iterdir()):
        if path.name in EVERYWHERE or path.is_symlink() or (root == ROOT and path.name in AT_THE_ROOT):
            continue
        if path.is_dir():
            yield from files(path)
        else:
            yield path
