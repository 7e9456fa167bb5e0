"""What a release consists of, and what makes it. Nothing is built."""

from __future__ import annotations

import re
import subprocess
import tempfile
import unittest
import zipfile
from pathlib import Path

import yaml
from materials import bill
from notes import notes
from package import FUNCTIONS, pack, template, version
from say import Failure
from settings import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: ([\w./-]+)@([0-9a-f]{40}) # v\d+\.\d+\.\d+$")


class PackageTests(unittest.TestCase):
    """What is packed."""

    def test_two_runs_make_the_same_bytes(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for function in FUNCTIONS.values():
                (folder / "built" / function).mkdir(parents=True)
                (folder / "built" / function / "bootstrap").write_bytes(function.encode() * 1000)
            sums = []
            for dist in (folder / "one", folder / "two"):
                pack(dist, folder / "built", "x86_64", None)
                sums.append((dist / "SHA256SUMS-x86_64").read_text())
            self.assertEqual(sums[0], sums[1])
            bundle = zipfile.ZipFile(folder / "one" / f"hookbell-{version()}-x86_64.zip")
            inside = {entry.split("/", 1)[1] for entry in bundle.namelist()}
            self.assertLessEqual({"template.yaml", "api.zip", "sender.zip", "dlq.zip", "LICENSE"}, inside)
            api = zipfile.ZipFile(folder / "one" / f"hookbell-{version()}-x86_64" / "api.zip").infolist()
            self.assertEqual([(entry.filename, entry.external_attr >> 16) for entry in api], [("bootstrap", 0o100755)])

    def test_the_template_builds_nothing(self) -> None:
        text = template("arm64")
        self.assertNotIn("BuildMethod", text)
        self.assertEqual(re.findall(r"CodeUri: (\S+)", text), ["api.zip", "sender.zip", "dlq.zip"])
        self.assertIn("Default: arm64", text)

    def test_the_bill_names_what_is_linked_and_not_what_only_tests_need(self) -> None:
        names = {entry["name"] for entry in bill(version())["components"]}
        self.assertLessEqual({"hookbell-api", "rustls", "aws-sdk-dynamodb", "askama"}, names)
        self.assertTrue(names.isdisjoint({"proptest", "hookbell-testkit", "toml"}))

    def test_notes_are_those_of_the_workspaces_version(self) -> None:
        changelog = f"# C\n\n## [Unreleased]\n\nA\n\n## [{version()}] - 2026-01-01\n\nB\n\n## [0.0.1]\n\nC\n"
        self.assertEqual(notes(f"v{version()}", changelog), "B")
        for tag, text in (("v9.9.9", changelog), (f"v{version()}", "# C\n")):
            with self.assertRaises(Failure):
                notes(tag, text)


class WorkflowTests(unittest.TestCase):
    """What GitHub runs."""

    def test_every_action_is_pinned_by_a_commit(self) -> None:
        for file in WORKFLOWS:
            for text in file.read_text().splitlines():
                if "uses:" in text:
                    self.assertRegex(text, PINNED, file.name)

    def test_every_workflow_says_what_it_may(self) -> None:
        self.assertGreaterEqual(len(WORKFLOWS), 2)
        for file in WORKFLOWS:
            workflow = yaml.safe_load(file.read_text())
            self.assertEqual(workflow["permissions"], {"contents": "read"}, file.name)
            self.assertIn("concurrency", workflow, file.name)
            for name, job in workflow["jobs"].items():
                self.assertIn("timeout-minutes", job, f"{file.name}, {name}")

    def test_what_is_made_can_be_made(self) -> None:
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
        for file in WORKFLOWS:
            called = set(re.findall(r"\bmake (?:--silent )?([a-z-]+)", file.read_text()))
            self.assertLessEqual(called, targets, file.name)

    def test_they_are_as_the_schema_of_workflows_says(self) -> None:
        linter = Path(ROOT, ".venv", "bin", "check-jsonschema")
        if not linter.exists():
            self.skipTest("check-jsonschema is not installed: make test brings it")
        command = [linter, "--builtin-schema", "vendor.github-workflows", *WORKFLOWS]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)


if __name__ == "__main__":
    unittest.main()
