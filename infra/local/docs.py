"""`make docs`: does what the pages for people say, in the order in which they say it, on the running stack."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aws
import cargo
import stack
from commands import run_logged
from documents.pages import Page, all_pages
from documents.session import Problem, run as run_page
from say import Failure, explained_failures, line
from settings import LOCAL, ROOT, Settings, for_up, shown

# Pages wait for the stack more than they compute.
AT_ONCE = 4

HOOKBELL = ROOT / "target" / "debug" / "hookbell"


def main() -> None:
    """Run the pages on the stack of `make up`."""
    settings = for_up()
    line(run(settings, stack.read(settings)))


def run(settings: Settings, running: stack.Stack) -> str:
    """Run all pages, or those that PAGE names; answer with how many there were."""
    pages = chosen(os.environ.get("PAGE", ""))
    folder = ROOT / ".local" / "docs"
    build_cli(settings)
    environment = surroundings(settings, running, folder)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        beside = [page for page in pages if not page.alone]
        problems = [found for some in pool.map(lambda page: timed(page, settings, environment, folder), beside) for found in some]
    for page in (page for page in pages if page.alone):
        problems += timed(page, settings, environment, folder)
    if problems:
        raise Failure(
            "what the pages say is not so:\n"
            + "\n".join(f"\n  {problem.place}: {problem.words}" for problem in problems),
            f"repair the page, or what it is about; what was run is in {shown(folder)}/, and one page alone is run by "
            "make docs PAGE=QUICKSTART.",
        )
    return summary(pages)


def build_cli(settings: Settings) -> None:
    """Build `hookbell`, with the features that the tests have: then nothing is compiled twice."""
    log = settings.logs / "build-cli.log"
    command = [*cargo.BUILD, "--bin", HOOKBELL.name, *cargo.AS_FOR_TESTS]
    if not run_logged(command, log, os.environ):
        raise Failure("The CLI does not compile.", "repair what the log names.", log)


def chosen(names: str) -> list[Page]:
    """The pages of these names, or all."""
    pages = [page for page in all_pages() if page.blocks]
    wanted = {Path(name).stem for name in names.split()}
    unknown = wanted - {page.name for page in pages}
    if unknown:
        raise Failure(
            f"There is no page with commands named {', '.join(sorted(unknown))}.",
            f"name one of {', '.join(page.name for page in pages)}.",
        )
    return [page for page in pages if not wanted or page.name in wanted]


def surroundings(settings: Settings, running: stack.Stack, folder: Path) -> dict[str, str]:
    """What the pages find in their environment: the contract with whoever writes one."""
    programs = folder / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    link = programs / "hookbell"
    link.unlink(missing_ok=True)
    link.symlink_to(HOOKBELL)
    reached = aws.environment(settings)
    return {
        **reached,
        "PATH": os.pathsep.join([str(programs), str(LOCAL / "bin"), reached["PATH"]]),
        "HOOKBELL_STACK": str(settings.stack_file),
        "API": running["apiUrl"],
        "KEY": running["adminKey"],
        # So that a page's own `make up` finds what is running.
        "PORT": str(settings.port),
        "TIME_SCALE": settings.time_scale,
    }


def timed(page: Page, settings: Settings, environment: Mapping[str, str], folder: Path) -> list[Problem]:
    """Run a page, and print how long it took."""
    started = time.monotonic()
    problems = run_page(page, settings, environment, folder / page.name)
    verdict = "done" if not problems else "NOT SO"
    line(f"  {page.shown:<22} {len(page.blocks):>3} blocks  {time.monotonic() - started:>5.1f} s  {verdict}")
    return problems


def summary(pages: list[Page]) -> str:
    """How much was run, and what not."""
    blocks = [block for page in pages for block in page.blocks]
    left = [f"{page.shown}:{block.line} ({block.not_run})" for page in pages for block in page.blocks if block.not_run]
    ran = f"{len(blocks) - len(left)} blocks of {len(pages)} pages"
    return ran + (f"; not run: {', '.join(left)}" if left else "")


if __name__ == "__main__":
    with explained_failures():
        main()
