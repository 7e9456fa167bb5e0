"""`make package`: what a release consists of, in dist/, for one architecture.

    hookbell-<version>-<architecture>.zip     a template and three functions, for `sam deploy` without Rust
    hookbell-cli-<version>-<architecture>     the program for a terminal
    hookbell-<version>-<architecture>.cdx.json  a bill of materials (CycloneDX)
    SHA256SUMS-<architecture>                 of all of them

The same binaries make the same bytes, whenever and wherever: entries stand in an order, and carry no time of their own.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "local"))

import aws
import build
from commands import run_logged
from materials import bill
from say import Failure, Steps, explained_failures, line
from settings import ROOT, Settings, for_up, shown

DIST = ROOT / "dist"
FUNCTIONS = {"api": "ApiFunction", "sender": "SenderFunction", "dlq": "DlqFunction"}
ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}

# No file of a zip is older than this, which is as old as they get.
LONG_AGO = (1980, 1, 1, 0, 0, 0)

# Beside the template: what it refers to, and what is made to be used with it.
BESIDE = (
    *("LICENSE", "CHANGELOG.md", "samconfig.toml", "infra/*.yaml", "infra/snippets/*.yaml"),
    *("infra/gradual/gradual.py", "infra/gradual/resources.yaml"),
)


def main() -> None:
    """Build, and pack what was built."""
    architecture = os.environ.get("ARCHITECTURE") or ARCHITECTURES[platform.machine()]
    with explained_failures():
        steps = Steps(3)
        with steps.step(f"Building the functions for {architecture}"):
            folder = built(for_up(), architecture)
        with steps.step("Building the CLI") as step:
            program = cli(for_up(), architecture)
            step.outcome = "done" if program else "not for another architecture than this machine's"
        with steps.step("Packing") as step:
            files = pack(DIST, folder, architecture, program)
            step.outcome = f"{len(files)} files in {shown(DIST)}/"
        line((DIST / f"SHA256SUMS-{architecture}").read_text().rstrip())


def version() -> str:
    """The workspace's version."""
    return str(tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"])


def built(settings: Settings, architecture: str) -> Path:
    """The folder with a folder for each function. What `make up` has built is taken as it is."""
    if architecture == "x86_64":
        build.build(settings)
        return build.BUILD_FOLDER
    folder = ROOT / ".aws-sam" / architecture
    log = settings.logs / f"build-{architecture}.log"
    command = [
        *("sam", "build", "--beta-features", "--template-file", str(ROOT / "template.yaml")),
        *("--build-dir", str(folder), "--parameter-overrides", f"Architecture={architecture}"),
    ]
    if not run_logged(command, log, aws.environment(settings)):
        raise Failure("`sam build` failed.", "repair what the log names.", log)
    return folder


def cli(settings: Settings, architecture: str) -> Path | None:
    """The CLI as `make cli` builds it, where it can be built here."""
    if ARCHITECTURES.get(platform.machine()) != architecture:
        return None
    log = settings.logs / "build-cli.log"
    if not run_logged(["make", "--no-print-directory", "cli"], log, os.environ):
        raise Failure("The CLI does not compile.", "repair what the log names.", log)
    return ROOT / "target" / "tool" / "hookbell"


def pack(dist: Path, folder: Path, architecture: str, program: Path | None) -> list[Path]:
    """Write the files of a release; those of another architecture stay."""
    dist.mkdir(exist_ok=True)
    name = f"hookbell-{version()}-{architecture}"
    bundle = dist / f"{name}.zip"
    stage = dist / name
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir()
    for function, logical in FUNCTIONS.items():
        zipped(stage / f"{function}.zip", {"bootstrap": (folder / logical / "bootstrap").read_bytes()})
    (stage / "template.yaml").write_text(template(architecture), encoding="utf-8")
    for pattern in BESIDE:
        for file in sorted(ROOT.glob(pattern)):
            target = stage / file.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    inside = sorted(path for path in stage.rglob("*") if path.is_file())
    zipped(bundle, {f"{name}/{path.relative_to(stage)}": path.read_bytes() for path in inside})
    materials = dist / f"{name}.cdx.json"
    materials.write_text(json.dumps(bill(version()), indent=1) + "\n", encoding="utf-8")
    files = [bundle, materials]
    if program is not None:
        copy = dist / f"hookbell-cli-{version()}-{architecture}"
        shutil.copy(program, copy)
        files.append(copy)
    sums = "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(files))
    (dist / f"SHA256SUMS-{architecture}").write_text(sums)
    return files


def zipped(file: Path, entries: Mapping[str, bytes]) -> None:
    """Write a zip whose bytes depend on its entries alone."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(entries):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            # A file, which everybody may read and, where it is a program, start.
            entry.create_system = 3
            entry.external_attr = (0o100755 if name == "bootstrap" else 0o100644) << 16
            archive.writestr(entry, entries[name])


def template(architecture: str) -> str:
    """The template with what was built in the place of what is to be built."""
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    text, sources = re.subn(r"^( +CodeUri: )functions/(\w+)$", r"\1\2.zip", text, flags=re.M)
    text, methods = re.subn(r"^ +Metadata: \{ BuildMethod: .*\n", "", text, flags=re.M)
    text, defaults = re.subn(r"^(  Architecture:\n    Type: String\n    Default: )\w+$", rf"\g<1>{architecture}", text, flags=re.M)
    if (sources, methods, defaults) != (len(FUNCTIONS), len(FUNCTIONS), 1):
        raise Failure("template.yaml is not as infra/release/package.py knows it.", "look at what template() replaces there.")
    return text


if __name__ == "__main__":
    main()
