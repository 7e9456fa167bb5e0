"""All pages: for everybody, on every screen, small, and right by themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from people import MOST_BYTES, Organization, Person, wait_until
from receiver import Receiver
from settings import VENV
from stack import Stack

AXE = VENV / "verifiers" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SCREENSHOTS = Path(os.environ["HOOKBELL_SCREENSHOTS"])
SCHEMES = ("light", "dark")
WIDTHS = {"phone": 390, "wide": 1280}
NARROWEST = 320
TABLET = 820
SIGN_IN = "sign-in"

# Those of the README, in docs/images.
PICTURES = (("endpoint", "light"), ("message", "dark"))


@pytest.fixture(scope="module")
def pages(stack: Stack, receiver: Receiver) -> dict[str, str]:
    """Every page by its name: of an organization in which something has happened, and of one in which nothing has."""
    full = Organization.new(stack, receiver, "slothbox")
    inbox = full.inbox()
    good = full.endpoint("Billing sync", inbox)
    bad = full.endpoint("Warehouse", full.inbox(503, "Come back later"))
    full.endpoint("Audit log", full.inbox(), eventTypes=["member.added", "member.removed"])
    messages = [full.send(nth=nth) for nth in range(12)]
    wait_until(lambda: len(full.deliveries(good, "delivered")) == len(messages))
    deliveries = full.deliveries(good, "delivered")
    replay = {"after": "2026-01-01T00:00:00Z", "status": "delivered"}
    full.api.post(full.managing(f"/{good}/replay"), replay, expected=202)
    wait_until(lambda: len(full.deliveries(good, "delivered")) == 2 * len(messages))
    inbox.status, inbox.answer = 500, "The disk is full"
    full.send(nth=1)
    full.send(nth=2)
    wait_until(lambda: len(full.deliveries(good, "failed")) == 2)
    full.api.call("PATCH", full.managing(f"/{bad}"), {"status": "disabled"})
    full.key("owner")
    empty = Organization.new(stack, receiver, "slothbox")
    long = Organization.new(stack, receiver, "slothbox")
    longest = f"A name of many words, and one {'x' * 100}"
    url = f"{long.inbox().url}/{'part-of-a-path/' * 100}"
    endless = long.endpoint(longest, long.inbox(), url=url)
    went = long.send(event_id="9" * 256)
    delivery = f"/endpoints/{good}/deliveries/{deliveries[0]['deliveryId']}"
    of_full = {
        "endpoints": "/endpoints",
        "endpoints-none-found": "/endpoints?q=nothing",
        "endpoint": f"/endpoints/{good}",
        "endpoint-disabled": f"/endpoints/{bad}",
        "endpoint-new": "/endpoints/new",
        "endpoint-edit": f"/endpoints/{good}/edit",
        "endpoint-delete": f"/endpoints/{good}/delete",
        "endpoint-rotate": f"/endpoints/{good}/rotate",
        "delivery": delivery,
        "replay": f"/endpoints/{good}/replay",
        "messages": "/messages",
        "message": f"/messages/{messages[0]}",
        "keys": "/keys",
        "not-found": "/endpoints/whe_none",
    }
    of_long = {
        "endpoints-long": "/endpoints",
        "endpoint-long": f"/endpoints/{endless}",
        "endpoint-long-delete": f"/endpoints/{endless}/delete",
        "message-long": f"/messages/{went}",
    }
    of_empty = {"endpoints-empty": "/endpoints", "messages-empty": "/messages", "keys-empty": "/keys"}
    return {
        "organizations": f"{full.console}/organizations?q={full.id}",
        **{name: full.address(rest) for name, rest in of_full.items()},
        **{name: empty.address(rest) for name, rest in of_empty.items()},
        **{name: long.address(rest) for name, rest in of_long.items()},
        # Whoever is signed in is led on from there: this comes last.
        SIGN_IN: f"{full.console}/sign-in",
    }


@pytest.fixture(params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> str:
    """Whether the browser likes pages to be light or dark."""
    return str(request.param)


@pytest.fixture
def admin(browser: Browser, stack: Stack, scheme: str) -> Iterator[Person]:
    """Whoever runs the deployment, whose calls are not counted."""
    with Person.at(browser, stack, color_scheme=scheme, reduced_motion="reduce") as somebody:
        somebody.sign_in(f"{stack['apiUrl']}/console", stack["adminKey"])
        somebody.page.wait_for_url("**/organizations")
        yield somebody


def test_everybody_can_use_every_page(
    admin: Person, scheme: str, pages: dict[str, str]
) -> None:
    found = []
    for name, address in pages.items():
        visit(admin, name, address)
        for summary in admin.page.locator("details:not([open], .menu) > summary").all():
            if summary.is_visible():
                summary.click()
        found += violations(name, admin)
    assert not found, "\n".join(found)


def test_every_page_fits_every_screen(admin: Person, scheme: str, pages: dict[str, str]) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for name, address in pages.items():
        visit(admin, name, address)
        for width in (NARROWEST, TABLET):
            fit(name, admin, width)
        for screen, width in WIDTHS.items():
            fit(name, admin, width)
            file = SCREENSHOTS / f"{name}.{screen}.{scheme}.png"
            admin.page.screenshot(path=file, full_page=True)
        if (name, scheme) in PICTURES:
            admin.page.screenshot(path=SCREENSHOTS / f"{name}.png")


def test_a_page_weighs_little_even_when_nothing_of_it_is_there_yet(
    browser: Browser, stack: Stack, pages: dict[str, str]
) -> None:
    with Person.at(browser, stack) as somebody:
        somebody.sign_in(f"{stack['apiUrl']}/console", stack["adminKey"])
        somebody.page.wait_for_url("**/organizations")
        session = somebody.context.storage_state()
    for name, address in pages.items():
        with Person.at(browser, stack, storage_state=session) as somebody:
            if name == SIGN_IN:
                somebody.context.clear_cookies()
            weight = somebody.weigh(address)
        assert 1000 < weight < MOST_BYTES, f"{name} weighs {weight} bytes"


def test_the_dialog_and_the_menu_are_for_everybody_too(
    admin: Person, scheme: str, pages: dict[str, str]
) -> None:
    admin.page.goto(pages["endpoints"])
    admin.page.get_by_label("Actions for Billing sync").click()
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    admin.page.screenshot(path=SCREENSHOTS / f"menu.wide.{scheme}.png")
    admin.link("Delete").click()
    expect(admin.page.get_by_role("dialog")).to_be_visible()
    found = violations("dialog", admin)
    assert not found, "\n".join(found)
    admin.page.screenshot(path=SCREENSHOTS / f"dialog.wide.{scheme}.png")


def test_the_present_tab_is_told_apart_where_colours_are_the_systems(
    browser: Browser, stack: Stack, pages: dict[str, str]
) -> None:
    with Person.at(browser, stack, forced_colors="active") as somebody:
        somebody.sign_in(f"{stack['apiUrl']}/console", stack["adminKey"])
        somebody.page.wait_for_url("**/organizations")
        somebody.page.goto(pages["endpoints"])
        colour = "tab => getComputedStyle(tab).borderBottomColor"
        tabs = [tab.evaluate(colour) for tab in somebody.page.locator(".tabs a").all()]
        assert tabs.count(tabs[0]) == 1, tabs


def fit(name: str, person: Person, width: int) -> None:
    """Look at a page on a screen of that width; nothing of it may stand outside."""
    person.page.set_viewport_size({"width": width, "height": 900})
    found = person.page.evaluate("document.documentElement.scrollWidth")
    assert found <= width, f"{name} is {found} wide at {width}"


def visit(person: Person, name: str, address: str) -> None:
    """Go to a page."""
    if name == SIGN_IN:
        person.context.clear_cookies()
    person.page.goto(address)


def violations(name: str, person: Person) -> list[str]:
    """What axe finds wrong with the page that somebody looks at."""
    person.page.evaluate(AXE.read_text(encoding="utf-8"))
    script = "tags => axe.run({ runOnly: tags }).then(found => found.violations)"
    return [
        f"{name}: {violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in person.page.evaluate(script, TAGS)
        for node in violation["nodes"]
    ]
