"""Looks whether the links of the pages lead anywhere: to files that are in the repository, and headings that are on a page."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from documents import repository
from settings import ROOT

FENCED = re.compile(r"^( *)(`{3,})[^\n]*\n.*?^\1\2[ ]*$", re.S | re.M)
CODE = re.compile(r"`+[^`\n]*`+")
LINK = re.compile(r"!?\[(?:[^\][]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^\[[^\]]+\]:\s*<?(\S+?)>?\s*$", re.M)
HEADING = re.compile(r"^#{1,6}[ ]+(.+?)[ ]*#*$", re.M)
ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:|^//", re.I)


def pages() -> list[Path]:
    """All pages of the repository, those of folders included."""
    return [file for file in repository.files() if file.suffix == ".md"]


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere, each with its line."""
    text = page.read_text(encoding="utf-8")
    prose = blanked(CODE, blanked(FENCED, text))
    found = []
    for pattern in (LINK, REFERENCE):
        for link in pattern.finditer(prose):
            # The text of a link may hold code, which is blank here; its target does not.
            why = nowhere(page, link[1])
            if why:
                found.append(f"{page.relative_to(ROOT)}:{prose.count(chr(10), 0, link.start(1)) + 1}: {link[1]}: {why}")
    return found


def blanked(pattern: re.Pattern[str], text: str) -> str:
    """A text with what matches made blank, and every line where it was."""
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def nowhere(page: Path, target: str) -> str | None:
    """Why a link leads nowhere, or nothing. What is on another host is not looked at."""
    if ELSEWHERE.match(target):
        return None
    path, _, anchor = target.partition("#")
    file = (page.parent / unquote(path)).resolve() if path else page
    if not file.exists():
        return "there is no such file"
    if not file.is_relative_to(ROOT):
        return "it leads out of the repository"
    if anchor and file.suffix == ".md" and unquote(anchor) not in anchors(file):
        return "there is no such heading"
    return None


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in a link, as GitHub does it."""
    names: set[str] = set()
    for heading in HEADING.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
        name = slug(heading)
        again = next(number for number in range(1000) if (f"{name}-{number}" if number else name) not in names)
        names.add(f"{name}-{again}" if again else name)
    return names


def slug(heading: str) -> str:
    """A heading as an anchor: lower case, no punctuation, hyphens for spaces."""
    words = LINK.sub(lambda link: re.sub(r"^!?\[|\].*$", "", link[0]), heading).lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
