"""Organizations, and the people who look after them with a browser."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Response

from api import Api
from catalogue import event_types
from receiver import Inbox, Receiver
from stack import Stack

PATIENCE_MS = 20_000

# What a page may weigh as it is sent, with its style and its scripts.
MOST_BYTES = 100_000

# What a browser's console calls an error, and is none.
USUAL = ("status of 4", "htmx:afterRequest", "htmx:sendAbort")


@dataclass
class Organization:
    """An organization that no other test knows."""

    id: str
    profile: str
    api: Api
    receiver: Receiver
    console: str

    @classmethod
    def new(cls, stack: Stack, receiver: Receiver, profile: str) -> Organization:
        """Make one of that profile."""
        api = Api(stack["apiUrl"], stack["adminKey"])
        organization = cls(
            f"org_{secrets.token_hex(6)}", profile, api, receiver, f"{stack['apiUrl']}/console"
        )
        api.post(organization.sending("/initialize"), {"profile": profile}, expected=201)
        return organization

    def sending(self, rest: str) -> str:
        """A path of the API that sends messages."""
        return f"/webhooks/organizations/{self.id}{rest}"

    def managing(self, rest: str = "") -> str:
        """A path of the API that manages endpoints."""
        return f"/organizations/{self.id}/webhooks{rest}"

    def address(self, rest: str = "") -> str:
        """The address of a page of its console."""
        return f"{self.console}/organizations/{self.id}{rest}"

    def portal_link(self) -> str:
        """A link into its console."""
        return str(self.api.post(self.sending("/app-portal-access"))["url"])

    def key(self, role: str) -> str:
        """A new key of that role."""
        made = self.api.post(f"/organizations/{self.id}/api-keys", {"role": role}, expected=201)
        return str(made["key"])

    def inbox(self, status: int = 200, answer: str = "") -> Inbox:
        """A place at the receiver that answers so."""
        return self.receiver.open_inbox(f"/{secrets.token_hex(6)}", status, answer)

    def endpoint(self, name: str = "Billing", inbox: Inbox | None = None, **more: Any) -> str:
        """The id of a new endpoint that gets every event, by default at a place that answers 200."""
        inbox = inbox or self.inbox()
        body = {"url": inbox.url, "eventTypes": ["*"], "description": name, **more}
        made = self.api.post(self.managing(), body, expected=201)
        inbox.secret = made["secret"]
        return str(made["endpoint"]["endpointId"])

    def send(
        self, payload: object | None = None, event_id: str | None = None, nth: int = 0
    ) -> str:
        """The id of the message of a new event: of the catalogue's nth type, with its example."""
        kind = event_types(self.profile)[nth]
        body = {"eventType": kind.name, "payload": payload or kind.example}
        if event_id is not None:
            body["eventId"] = event_id
        return str(self.api.post(self.sending("/send"), body)["id"])

    def deliveries(self, endpoint: str, status: str) -> list[Any]:
        """The newest deliveries of an endpoint that have a status, as the API shows them."""
        path = self.managing(f"/{endpoint}/deliveries?limit=100&status={status}")
        return list(self.api.get(path)["deliveries"])

    def get(self, endpoint: str) -> Any:
        """An endpoint as the API shows it."""
        return self.api.get(self.managing(f"/{endpoint}"))["endpoint"]


@dataclass
class Person:
    """Somebody with a browser. What goes wrong behind a page is noted, and asked for at the end."""

    context: BrowserContext
    page: Page
    origin: str
    problems: list[str] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)

    @classmethod
    @contextmanager
    def at(cls, browser: Browser, stack: Stack, **options: Any) -> Iterator[Person]:
        """Open a browser window; when it is closed, nothing may have gone wrong behind its pages."""
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        somebody = cls(context, page, stack["apiUrl"].split("/restapis")[0])
        somebody.watch()
        try:
            yield somebody
        finally:
            context.close()
        assert not somebody.problems, somebody.problems

    def watch(self) -> None:
        """Note errors of scripts, refusals by the policy, and requests that go elsewhere."""
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        self.page.on("dialog", lambda dialog: self.problems.append(f"dialog: {dialog.message}"))
        self.page.on("request", lambda request: self.note_address(request.url))
        self.page.on("response", lambda response: self.responses.append(response))
        self.page.on(
            "console",
            # A page that says what is wrong with a form is an error to the browser, and a search that
            # the next letter has overtaken is one to htmx.
            lambda said: said.type == "error"
            and not any(usual in said.text for usual in USUAL)
            and self.problems.append(f"console: {said.text}"),
        )

    def note_address(self, url: str) -> None:
        """Note a request that does not go to the console's own host."""
        if not url.startswith((self.origin, "data:", "about:")):
            self.problems.append(f"a request to {url}")

    def follow(self, link: str) -> None:
        """Follow a link into the console, and wait until it has led there."""
        self.page.goto(link)
        self.page.wait_for_url("**/endpoints")

    def sign_in(self, console: str, key: str) -> None:
        """Sign in by pasting a key."""
        self.page.goto(f"{console}/sign-in")
        self.page.get_by_label("API key").fill(key)
        self.page.get_by_role("button", name="Sign in").click()

    def weigh(self, address: str) -> int:
        """The bytes that were sent for a page and all that it asked for."""
        self.responses.clear()
        self.page.goto(address)
        self.page.wait_for_load_state("networkidle")
        return sum(weight(response) for response in self.responses)

    def button(self, name: str) -> Locator:
        """The button of that name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def link(self, name: str) -> Locator:
        """The link of that name."""
        return self.page.get_by_role("link", name=name, exact=True)

    def field(self, label: str) -> Locator:
        """The field of that label."""
        return self.page.get_by_label(label, exact=True)

    def choice(self, label: str) -> Locator:
        """The list to choose from of that label."""
        return self.page.get_by_role("combobox", name=label, exact=True)

    def row(self, text: str) -> Locator:
        """The row of a list that has a text."""
        return self.page.get_by_role("row").filter(has_text=text)


def weight(response: Response) -> int:
    """The bytes of a response's body, as they were sent."""
    if response.status in range(300, 400):
        return 0
    return response.request.sizes()["responseBodySize"]


def wait_until(holds: Callable[[], bool]) -> None:
    """Ask again and again until something holds."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "it does not come true"
        time.sleep(0.1)
