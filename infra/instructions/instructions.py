"""`make instructions`: counts what each path of an event costs, and compares it with what was accepted."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypedDict

import tomlkit

from commands import run_logged
from debian import VALGRIND
from say import Failure, Steps, explained_failures, line
from settings import ROOT, shown

HERE = ROOT / "infra" / "instructions"
ACCEPTED = HERE / "accepted.json"
FOLDER = ROOT / "target" / "instructions"
BINARY = FOLDER / "instructions"
BUILD_LOG = FOLDER / "build.log"
LOG = FOLDER / "valgrind.log"
COUNTED = FOLDER / "counted.json"

CARGO = ["cargo", "build", "--package", "hookbell-instructions", "--locked", "--config", str(HERE / "profile.toml")]
BUILT = ROOT / "target" / "debug" / "instructions"

# Each path goes so many times, and so many: by the difference the start does not count. From fifty on the heap is as it
# stays.
FEW, MANY = 50, 150

# Without the cache, counting is all that it does.
COUNTER = ["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]

# Nothing of the environment here: even its length shows. The C library chooses functions by the processor, some of
# them for instructions of which each step is counted: it is told to do without.
ENVIRONMENT = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX_Fast_Unaligned_Load,-ERMS"}

# Two runs differ by an instruction or two: no two starts are quite the same. Elsewhere addresses may be aligned
# otherwise, which makes up to 0.3 %. With another compiler or C library all of it is other code.
TOLERANCE = 0.01
WIDE_TOLERANCE = 0.25

# A path of a few hundred instructions may take some more.
LEAST = 10

ACCEPT = "make instructions ACCEPT=1"


class Figures(TypedDict):
    """Instructions by path, and what they were counted with."""

    countedWith: dict[str, str]
    instructions: dict[str, int]


def main() -> None:
    """Count, and compare or accept."""
    valgrind = VALGRIND.find()
    if valgrind is None:
        raise Failure("There is no Valgrind, which counts instructions.", "install it: sudo apt install valgrind")
    steps = Steps(2)
    with steps.step("Building what every event goes through (first time about half a minute)"):
        build()
    with steps.step("Counting its instructions") as step:
        now = count(valgrind)
        step.outcome = f"{len(now['instructions'])} paths"
    write(COUNTED, now)
    accepted: Figures = json.loads(ACCEPTED.read_text(encoding="utf-8"))
    if os.environ.get("ACCEPT"):
        write(ACCEPTED, now)
        show(accepted["instructions"], now["instructions"], set(now["instructions"]))
        line(f"\n{shown(ACCEPTED)} is written; commit it with what has changed the figures.")
    else:
        compare(accepted, now)


def build() -> None:
    """Build the binary, and copy it: a build that goes on meanwhile changes nothing of it."""
    if not run_logged([*CARGO, *optimised_as_shipped()], BUILD_LOG, os.environ):
        raise Failure("It does not compile.", "repair what the log names.", BUILD_LOG)
    shutil.copy(BUILT, BINARY)


def optimised_as_shipped() -> list[str]:
    """Arguments of cargo that optimise each package as Cargo.toml says of what is shipped."""
    release = tomlkit.parse((ROOT / "Cargo.toml").read_text(encoding="utf-8")).unwrap()["profile"]["release"]
    levels = {"profile.dev": release["opt-level"]}
    for package, settings in release.get("package", {}).items():
        levels[f"profile.dev.package.{package}"] = settings["opt-level"]
    return [f"--config={profile}.opt-level={json.dumps(level)}" for profile, level in levels.items()]


def count(valgrind: str) -> Figures:
    """Count every path, as many at once as there are processors: it does not matter how long they take."""
    listed = subprocess.run([BINARY], capture_output=True, text=True, check=True).stdout.split()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = list(pool.map(lambda path: count_path(valgrind, path), listed))
    return {"countedWith": tools(valgrind), "instructions": dict(zip(listed, counts, strict=True))}


def count_path(valgrind: str, path: str) -> int:
    """The instructions of going a path once."""
    few, many = (count_run(valgrind, path, times) for times in (FEW, MANY))
    return round((many - few) / (MANY - FEW))


def count_run(valgrind: str, path: str, times: int) -> int:
    """The instructions of a whole run, which is told nothing of where it is."""
    command = [valgrind, *COUNTER, f"./{BINARY.name}", path, str(times)]
    run = subprocess.run(command, cwd=FOLDER, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    # Instructions that were executed: "I refs:  640,938".
    counted = re.search(r"\bI +refs: +([\d,]+)", run.stderr)
    if run.returncode != 0 or counted is None:
        LOG.write_text(run.stderr, encoding="utf-8")
        raise Failure(f"The instructions of {path} could not be counted.", "read why in the log.", LOG)
    return int(counted.group(1).replace(",", ""))


def tools(valgrind: str) -> dict[str, str]:
    """What has a say in the figures, beside the code."""
    compiler = answer("rustc", "--version", "--verbose")
    host = next(text.removeprefix("host: ") for text in compiler if text.startswith("host: "))
    return {
        "rustc": compiler[0],
        "target": host,
        "libc": " ".join(platform.libc_ver()),
        "valgrind": answer(valgrind, "--version")[0],
    }


def answer(*command: str) -> list[str]:
    """The lines that a command prints."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def compare(accepted: Figures, now: Figures) -> None:
    """Say what has changed, and fail where a path has become dearer, or was not accepted."""
    other = [name for name, tool in now["countedWith"].items() if tool != accepted["countedWith"].get(name)]
    for name in other:
        before, after = accepted["countedWith"].get(name), now["countedWith"][name]
        line(f"Accepted were figures with {before}; these are with {after}.")
    if "target" in other:
        line(f"Instructions of two processors do not compare. The figures are in {shown(COUNTED)}.")
        return
    if other:
        line("That makes other figures, so only what has changed by much is told.")
    tolerance = WIDE_TOLERANCE if other else TOLERANCE
    limit = f"over {tolerance * 100:.0f} %"
    old, new = accepted["instructions"], now["instructions"]
    both = [path for path in new if path in old]
    dearer = [path for path in both if new[path] - old[path] > allowed(old[path], tolerance)]
    cheaper = [path for path in both if old[path] - new[path] > allowed(old[path], tolerance)]
    unmatched = sorted(old.keys() ^ new.keys())
    show(old, new, {*dearer, *cheaper, *unmatched})
    if dearer:
        raise Failure(
            f"Of {len(new)} paths these take {limit} more instructions than were accepted: {', '.join(dearer)}.",
            f"find what has made it dearer ({shown(HERE)}/README.md shows how), or, if it is worth it, accept the new "
            f"figure: {ACCEPT}",
        )
    if unmatched:
        raise Failure(
            f"These paths are only in the program, or only in {shown(ACCEPTED)}: {', '.join(unmatched)}.",
            f"accept the figures of those that are there: {ACCEPT}",
        )
    if cheaper:
        line(f"\nThese are cheaper by {limit}. Accept that, so that they stay so: {ACCEPT}")
    line(f"None of {len(new)} paths takes {limit} more instructions than were accepted.")


def allowed(accepted: int, tolerance: float) -> float:
    """How many instructions a path may differ by."""
    return max(accepted * tolerance, LEAST)


def show(old: dict[str, int], new: dict[str, int], paths: set[str]) -> None:
    """Print the figures of some paths, in the program's order."""
    if not paths:
        return
    line(f"\n  {'instructions':<30}{'accepted':>12}{'now':>12}{'change':>10}")
    for path in [*new, *(path for path in old if path not in new)]:
        if path in paths:
            before, after = old.get(path), new.get(path)
            change = f"{after / before - 1:+.1%}" if before and after else ""
            line(f"  {path:<30}{figure(before):>12}{figure(after):>12}{change:>10}")


def figure(instructions: int | None) -> str:
    """A figure as a person reads it."""
    return "none" if instructions is None else f"{instructions:,}"


def write(file: Path, figures: Figures) -> None:
    """Leave figures for the next comparison, or for other programs."""
    file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with explained_failures():
        main()
