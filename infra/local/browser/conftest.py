"""What the tests of the console share: a browser, a stack, and an organization of their own."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from debian import CHROMIUM
from people import Organization, Person
from receiver import Receiver
from stack import Stack

ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The deployed stack."""
    return json.loads(Path(os.environ["HOOKBELL_STACK"]).read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests; each person in it has cookies of their own."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM.find(), args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def receiver(stack: Stack) -> Iterator[Receiver]:
    """Where endpoints of the tests are."""
    with Receiver(stack["serverCertificate"], stack["serverKey"]) as running:
        yield running


@pytest.fixture
def organization(stack: Stack, receiver: Receiver) -> Organization:
    """A new organization."""
    return Organization.new(stack, receiver, "slothbox")


@pytest.fixture
def person(browser: Browser, stack: Stack) -> Iterator[Person]:
    """Somebody with a browser who has not signed in."""
    with Person.at(browser, stack) as somebody:
        yield somebody


@pytest.fixture
def owner(person: Person, organization: Organization) -> Person:
    """Somebody who has come into the organization's console by a portal link."""
    person.follow(organization.portal_link())
    return person
