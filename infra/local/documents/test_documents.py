"""What is expected of the pages, and of what runs them. No stack is needed."""

from __future__ import annotations

import re
import tempfile
import unittest
from pathlib import Path

from documents import links, outputs, pages, repository, session
from documents.pages import Page
from say import Failure
from settings import ROOT, Settings


class Folder(unittest.TestCase):
    """A test with a folder of its own, inside the repository."""

    def setUp(self) -> None:
        (ROOT / ".local").mkdir(exist_ok=True)
        held = tempfile.TemporaryDirectory(dir=ROOT / ".local")
        self.addCleanup(held.cleanup)
        self.folder = Path(held.name)

    def page(self, text: str) -> Page:
        """A page that says so."""
        file = self.folder / "PAGE.md"
        file.write_text(text, encoding="utf-8")
        return pages.read(file)


class ReadingTests(Folder):
    """How a page is read."""

    def test_what_follows_a_block_at_once_is_what_it_prints(self) -> None:
        page = self.page("# P\n\n```sh\necho a\n```\n\n```text\na\n```\n\n```sh\necho b\n```\n\nIt says:\n\n```text\nc\n```\n")
        first, second = page.blocks
        assert first.printed is not None
        self.assertEqual((first.line, first.commands, first.printed.text, first.printed.line), (4, "echo a\n", "a\n", 8))
        self.assertIsNone(second.printed)

    def test_a_comment_says_more_of_the_block_that_follows_it(self) -> None:
        page = self.page(
            "<!-- test timeout=9\nA=1\n-->\n```sh\n:\n```\n<!-- test B=2 -->\n```sh\n:\n```\n"
            "<!-- not run: why -->\n\n```sh\n:\n```\n<!-- second terminal -->\n```sh\n:\n```\n"
            "<!-- test C=3 -->\n\nBut here is a sentence.\n\n```sh\n:\n```\n"
        )
        timed, inline, left, beside, plain = page.blocks
        self.assertEqual((timed.before.strip(), timed.timeout), ("A=1", 9))
        self.assertEqual(inline.before.strip(), "B=2")
        self.assertEqual(left.not_run, "why")
        self.assertTrue(beside.beside)
        self.assertEqual(plain.before, "")

    def test_commands_in_a_block_that_nobody_runs_are_refused(self) -> None:
        for language in ("", "bash", "console"):
            with self.assertRaises(Failure):
                self.page(f"```{language}\nmake up\n```\n")
        self.assertEqual(self.page("```text\nmake up\n```\n\n```\na ──► b\n```\n").blocks, [])

    def test_a_block_without_an_end_is_refused(self) -> None:
        with self.assertRaises(Failure):
            self.page("```sh\necho\n")


class OutputTests(unittest.TestCase):
    """How outputs are compared."""

    def test_an_ellipsis_stands_for_anything(self) -> None:
        self.assertTrue(outputs.matches("text", "id msg_… at\n…\nend\n", "id msg_01 at\nx\ny\nend  \n"))
        self.assertFalse(outputs.matches("text", "id msg_…\n", "id whe_01\n"))
        self.assertFalse(outputs.matches("text", "a.c", "abc"))

    def test_json_may_be_laid_out_for_reading(self) -> None:
        said = '{\n  "id": "msg_…",\n  "text": "a  b", …\n}\n'
        self.assertTrue(outputs.matches("json", said, '{"id":"msg_1","text":"a  b","more":1}'))
        self.assertFalse(outputs.matches("json", said, '{"id":"msg_1","text":"a b","more":1}'))

    def test_what_goes_on_has_to_begin_as_it_is_said_to(self) -> None:
        self.assertTrue(outputs.begins("one\n", "one\ntwo\n"))
        self.assertFalse(outputs.begins("two\n", "one\ntwo\n"))


class SessionTests(Folder):
    """How a page is run."""

    def problems(self, text: str) -> list[session.Problem]:
        """What is found wrong with a page."""
        settings = Settings(self.folder / "local", 0, "1")
        return session.run(self.page(text), settings, {"PATH": "/usr/bin:/bin"}, self.folder / "run")

    def test_blocks_share_a_session_in_a_copy_of_the_repository(self) -> None:
        text = "```sh\nA=1\ncd infra\n```\n```sh\necho $A; test -f ../README.md; rm ../README.md\n```\n```text\n1\n```\n"
        self.assertEqual(self.problems(text), [])
        self.assertTrue((ROOT / "README.md").exists())

    def test_a_failed_command_is_shown_with_its_line(self) -> None:
        (problem,) = self.problems("# P\n\n```sh\necho before\nls /nowhere\necho after\n```\n```sh\necho never\n```\n")
        self.assertTrue(problem.place.endswith("PAGE.md:5"), problem)
        self.assertIn("before", problem.words)
        self.assertIn("/nowhere", problem.words)

    def test_another_output_is_shown_beside_the_pages(self) -> None:
        (problem,) = self.problems("```sh\necho got\n```\n```text\nwanted\n```\n```sh\n:\n```\n")
        self.assertTrue(problem.place.endswith("PAGE.md:5"), problem)
        self.assertIn("wanted", problem.words)
        self.assertIn("got", problem.words)

    def test_an_end_before_the_last_block_is_a_problem(self) -> None:
        (problem,) = self.problems("```sh\nexit 0\n```\n```sh\necho never\n```\n")
        self.assertIn("ended", problem.words)

    def test_a_block_that_takes_too_long_is_ended_with_all_that_it_started(self) -> None:
        pid = self.folder / "pid"
        text = f"<!-- test timeout=1 -->\n```sh\n(echo $BASHPID > {pid}; exec sleep 3600) &\nsleep 3600\n```\n"
        (problem,) = self.problems(text)
        self.assertIn("more than 1 s", problem.words)
        status = Path("/proc", pid.read_text().strip(), "stat")
        # Nobody may have asked yet how it ended: then it is a zombie.
        self.assertTrue(not status.exists() or status.read_text().split(") ")[1].startswith("Z"))

    def test_a_second_terminal_goes_on_beside_the_page(self) -> None:
        pipe = self.folder / "pipe"
        text = (
            f"<!-- test mkfifo {pipe} -->\n```sh\n:\n```\n"
            f"<!-- second terminal -->\n```sh\necho listening\ncat {pipe}\nsleep 60\n```\n```text\nlistening\nhello\n```\n"
            f"```sh\necho hello > {pipe}\n```\n"
        )
        self.assertEqual(self.problems(text), [])

    def test_what_only_the_test_runs_fails_at_its_own_line(self) -> None:
        (problem,) = self.problems("# P\n\n<!-- test\ntrue\nfalse\n-->\n```sh\n:\n```\n")
        self.assertTrue(problem.place.endswith("PAGE.md:5"), problem)


class FactTests(unittest.TestCase):
    """What pages repeat of what stands elsewhere."""

    def test_the_code_for_receivers_is_the_consoles(self) -> None:
        page = (ROOT / "docs" / "RECEIVING.md").read_text(encoding="utf-8")
        folder = ROOT / "functions" / "api" / "templates" / "console" / "verify"
        samples = [file.read_text(encoding="utf-8").replace("{{ prefix }}", "webhook").rstrip() for file in folder.iterdir()]
        self.assertEqual(len(samples), 4)
        for sample in samples:
            self.assertIn(f"\n{sample}\n```\n", page)

    def test_every_parameter_of_the_template_is_a_limit_with_its_default(self) -> None:
        template = (ROOT / "template.yaml").read_text(encoding="utf-8")
        parameters = re.search(r"^Parameters:\n(.*?)^\S", template, re.M | re.S)
        assert parameters is not None
        entry = re.compile(r"^  (\w+):\n(?:    .*\n)*?    Default: (.*)\n", re.M)
        wanted = {name: default.strip('"') or "(none)" for name, default in entry.findall(parameters[1])}
        page = (ROOT / "docs" / "LIMITS.md").read_text(encoding="utf-8")
        written = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", page, re.M))
        self.assertEqual(written, wanted)

    def test_what_git_ignores_is_not_of_the_repository(self) -> None:
        ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
        self.assertEqual({name.strip("/") for name in ignored if name.startswith("/")}, repository.AT_THE_ROOT)
        everywhere = {name.strip("/") for name in ignored if not name.startswith("/")}
        self.assertEqual(everywhere | {".git"}, repository.EVERYWHERE)
        # Folders of the sources may have the same names.
        self.assertIn(ROOT / "crates" / "domain" / "src" / "target" / "tests.rs", list(repository.files()))

    def test_every_page_is_in_the_map(self) -> None:
        map = (ROOT / "README.md").read_text(encoding="utf-8")
        missing = [page.name for page in (ROOT / "docs").glob("*.md") if f"](docs/{page.name})" not in map]
        self.assertEqual(missing, [])


class LinkTests(Folder):
    """Where links lead."""

    def test_links_of_all_pages_lead_somewhere(self) -> None:
        self.assertEqual([link for page in links.pages() for link in links.broken(page)], [])

    def test_what_leads_nowhere_is_noticed(self) -> None:
        page = self.folder / "PAGE.md"
        page.write_text(
            "# One `two`, three\n\n[a](#one-two-three) [b](#four) [c](gone.md)\n[`d`](PAGE.md#five) `[e](e.md)`\n"
            "[f](https://example.com/)\n\n```text\n[g](g.md)\n```\n",
            encoding="utf-8",
        )
        found = [entry.split(": ", 1)[1] for entry in links.broken(page)]
        self.assertEqual(
            found,
            ["#four: there is no such heading", "gone.md: there is no such file", "PAGE.md#five: there is no such heading"],
        )


if __name__ == "__main__":
    unittest.main()
