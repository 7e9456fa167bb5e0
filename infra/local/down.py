"""`make down`: stops the local AWS, and says what is gone with it.

It uses the standard library alone, so that `make clean` works without the tools.
"""

from __future__ import annotations

import sys

from cloud import Cloud
from say import explained_failures, line
from settings import Settings, for_bench, for_test, for_up, shown


def main() -> None:
    """Stop the local AWS of `make up`, and with --all those of interrupted tests and benchmarks too."""
    with explained_failures():
        stop(for_up())
        if "--all" in sys.argv[1:]:
            stop(for_test())
            stop(for_bench())


def stop(settings: Settings) -> None:
    """Stop one local AWS."""
    if Cloud(settings).stop():
        line(f"Stopped the local AWS in {shown(settings.folder)}, with its stack and its data.")
        line(f"Removed {shown(settings.stack_file)}. Certificates, logs and builds are kept.")
    else:
        line(f"No local AWS was running in {shown(settings.folder)}.")


if __name__ == "__main__":
    main()
