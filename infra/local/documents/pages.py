"""Reads a page: its blocks of commands, what they are said to print, and what only the test runs.

A ```sh block is run. A ```text or ```json block that follows it at once is what it prints, with `…` for anything. An HTML
comment directly before a ```sh block says more about it:

    <!-- test                        shell lines that only the test runs, before the block
    <!-- test timeout=300            the block may take so many seconds
    <!-- second terminal -->         the block goes on while the page does; its output is compared at the page's end
    <!-- not run: why -->            the block is not run

A block of any other language after <!-- file NAME --> is written into that file, for the blocks after it.

`<!-- alone -->` anywhere on a page: no other page is run meanwhile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from say import Failure
from settings import ROOT

# What is a block of commands, in a language that nobody runs, has to say so.
RUN, PRINTED = "sh", ("text", "json")
NEVER_RUN = ("", "bash", "shell", "console", "shell-session", "zsh")

TIMEOUT_SECONDS = 120

FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<language>[\w+-]*)[^`]*$")
COMMENT = re.compile(r"<!--(.*?)-->", re.S)
OPTION = re.compile(r"\s*timeout=(\d+)")


@dataclass(frozen=True)
class Printed:
    """What a block is said to print."""

    line: int
    language: str
    text: str


@dataclass(frozen=True)
class Block:
    """A block of commands. Lines are counted from 1; `line` is that of the first command."""

    line: int
    commands: str
    before: str = ""
    before_line: int = 0
    timeout: int = TIMEOUT_SECONDS
    beside: bool = False
    not_run: str | None = None
    printed: Printed | None = None


@dataclass(frozen=True)
class Page:
    """A page and its blocks."""

    path: Path
    blocks: list[Block] = field(default_factory=list)
    alone: bool = False

    @property
    def name(self) -> str:
        """What the page is called on the command line: RECEIVING for docs/RECEIVING.md."""
        return self.path.stem

    @property
    def shown(self) -> str:
        """Its path in the repository."""
        return str(self.path.relative_to(ROOT)) if self.path.is_relative_to(ROOT) else str(self.path)


def all_pages() -> list[Page]:
    """The pages whose commands are run."""
    return [read(path) for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))]


def read(path: Path) -> Page:
    """Read a page, or fail where it cannot be understood."""
    text = path.read_text(encoding="utf-8")
    page = Page(path, alone="<!-- alone -->" in text)
    lines = text.split("\n")
    place = 0
    # Where a comment ends and nothing but blank lines has followed, and what is in it.
    comment: tuple[int, str] | None = None
    # Whether the last block of commands has had nothing after it.
    open_block = False
    while place < len(lines):
        fence = FENCE.match(lines[place])
        if fence:
            end = closing(page, lines, place, fence["ticks"])
            body = [without(line, fence["indent"]) for line in lines[place + 1 : end]]
            open_block = take(page, fence["language"], place + 2, body, comment, open_block)
            comment, place = None, end + 1
        elif lines[place].lstrip().startswith("<!--"):
            start = place
            while "-->" not in lines[place]:
                place += 1
                if place == len(lines):
                    raise Failure(f"{page.shown}:{start + 1}: a comment has no end.", "close it by -->.")
            inside = COMMENT.search("\n".join(lines[start : place + 1]))
            comment, open_block, place = (start + 1, inside[1] if inside else ""), False, place + 1
        else:
            if lines[place].strip():
                comment, open_block = None, False
            place += 1
    return page


def closing(page: Page, lines: list[str], start: int, ticks: str) -> int:
    """The line that closes a block."""
    for place in range(start + 1, len(lines)):
        if lines[place].strip() == ticks:
            return place
    raise Failure(f"{page.shown}:{start + 1}: a block has no end.", "close it as it was opened.")


def without(line: str, indent: str) -> str:
    """A line of a block that is indented as a whole, as in a list."""
    return line.removeprefix(indent)


def take(
    page: Page, language: str, line: int, body: list[str], comment: tuple[int, str] | None, open_block: bool
) -> bool:
    """Take a block; say whether what it prints may follow."""
    text = "".join(f"{entry}\n" for entry in body)
    if language == RUN:
        page.blocks.append(explained(page, Block(line, text), comment))
        return True
    if comment and (named := re.fullmatch(r"\s*file\s+(\S+)\s*", comment[1])):
        # Quoted, so that the shell takes every line as it is.
        page.blocks.append(Block(line, f"cat > {named[1]} <<'END-OF-FILE'\n{text}END-OF-FILE\n"))
        return False
    if language in PRINTED and open_block:
        page.blocks[-1] = replace(page.blocks[-1], printed=Printed(line, language, text))
    elif language in NEVER_RUN and comment is None and is_commands(text):
        raise Failure(
            f"{page.shown}:{line}: commands that nobody runs.",
            "write ```sh; where they cannot be run, put <!-- not run: why --> before; ```text for what is none.",
        )
    return False


def is_commands(text: str) -> bool:
    """Whether a block of no language looks like commands."""
    return re.search(r"^\s*(\$ |aws |cargo |curl |hookbell |make |python3? |sam )", text, re.M) is not None


def explained(page: Page, block: Block, comment: tuple[int, str] | None) -> Block:
    """A block with what the comment before it says."""
    if comment is None:
        return block
    line, text = comment
    words = text.strip()
    if words == "second terminal":
        return replace(block, beside=True)
    if words.startswith("not run:"):
        return replace(block, not_run=words.removeprefix("not run:").strip())
    if re.match(r"test\b", words) is None:
        return block
    head, _, rest = text.partition("\n")
    option = OPTION.match(head.strip().removeprefix("test"))
    inline = OPTION.sub("", head.strip().removeprefix("test"), count=1) if option else head.strip().removeprefix("test")
    return replace(
        block,
        before=f"{inline.strip()}\n{rest}",
        before_line=line,
        timeout=int(option[1]) if option else TIMEOUT_SECONDS,
    )
