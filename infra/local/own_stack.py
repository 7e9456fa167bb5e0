"""A local AWS for one command alone, which is stopped when the command ends, whatever has happened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import stack
from cloud import Cloud
from say import Steps
from settings import Settings
from up import bring_up

# Of `bring_up`, as the command counts them.
STEPS = 4


@contextmanager
def own_stack(settings: Settings, steps: Steps) -> Iterator[stack.Stack]:
    """Bring a stack up, lend it, and stop it."""
    cloud = Cloud(settings)
    # A run that was killed may have left one, with its data.
    cloud.stop()
    try:
        yield bring_up(settings, cloud, steps)
    finally:
        cloud.stop()
