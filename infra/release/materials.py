"""The bill of materials of a release: every crate that is in a function or in the CLI, as CycloneDX."""

from __future__ import annotations

import json
import subprocess
import tomllib
from typing import Any

from settings import ROOT

PROGRAMS = ("hookbell-api", "hookbell-sender", "hookbell-dlq", "hookbell-cli")

# What `make cli` builds the CLI with.
CLI_FEATURES = "hookbell-cli/sign-in"

PLATFORM = ("--filter-platform", "x86_64-unknown-linux-gnu")


def bill(version: str) -> dict[str, Any]:
    """The bill. It holds no time and no number of its own, so one state of the sources has one bill."""
    metadata = cargo_metadata()
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: normal(node) for node in metadata["resolve"]["nodes"]}
    checksums = locked()
    reached = reachable(nodes, [id for id, package in packages.items() if package["name"] in PROGRAMS])
    ordered = sorted(reached, key=lambda id: (packages[id]["name"], packages[id]["version"]))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "bom-ref": "hookbell", "name": "hookbell", "version": version},
        },
        "components": [component(packages[id], checksums) for id in ordered],
        "dependencies": [
            {"ref": reference(packages[id]), "dependsOn": sorted(reference(packages[other]) for other in nodes[id])}
            for id in ordered
        ],
    }


def cargo_metadata() -> dict[str, Any]:
    """What Cargo knows of the workspace, for Linux as Lambda has it."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--features", CLI_FEATURES, *PLATFORM]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def normal(node: dict[str, Any]) -> list[str]:
    """What a package is linked with: neither tests' dependencies nor the build's."""
    return [dep["pkg"] for dep in node["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])]


def reachable(nodes: dict[str, list[str]], roots: list[str]) -> set[str]:
    """All that is linked into the roots, and they themselves."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        id = waiting.pop()
        if id not in found:
            found.add(id)
            waiting += nodes[id]
    return found


def locked() -> dict[tuple[str, str], str]:
    """The checksums of Cargo.lock."""
    entries = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    return {(entry["name"], entry["version"]): entry["checksum"] for entry in entries if "checksum" in entry}


def reference(package: dict[str, Any]) -> str:
    """A package by its URL."""
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package: dict[str, Any], checksums: dict[tuple[str, str], str]) -> dict[str, Any]:
    """A package as the bill names it."""
    entry: dict[str, Any] = {
        "type": "library",
        "bom-ref": reference(package),
        "name": package["name"],
        "version": package["version"],
        "purl": reference(package),
    }
    if package.get("license"):
        # Older crates write "MIT/Apache-2.0" for a choice.
        entry["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    checksum = checksums.get((package["name"], package["version"]))
    if checksum:
        entry["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return entry
