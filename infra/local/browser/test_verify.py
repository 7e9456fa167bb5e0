"""The code for receivers as the page of an endpoint shows it, run against delivered requests."""

from __future__ import annotations

import json
import queue
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta, timezone
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect
from standardwebhooks import Webhook

from people import Organization, Person
from receiver import Handler, Inbox, Receiver
from samples import LANGUAGES, RUN
from settings import EVENTS_FOLDER
from stack import Stack


ARRIVES_WITHIN_SECONDS = 30
TEN_MINUTES = timedelta(minutes=10)
FOREIGN_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

@dataclass(frozen=True)
class Request:
    """A request as it has arrived, or has been made to look."""

    headers: dict[str, str]
    body: str

    def with_header(self, name: str, value: str | None) -> Request:
        """With another value in the headers that end so, of either prefix; or without them."""
        others = {key: kept for key, kept in self.headers.items() if not key.endswith(f"-{name}")}
        changed = {key: value for key in self.headers.keys() - others.keys() if value is not None}
        return replace(self, headers={**others, **changed})


@dataclass(frozen=True)
class Case:
    """A request, the secret that the code is given, and whether it has to accept."""

    name: str
    request: Request
    secret: str
    accepted: bool

    def is_met_by(self, verdict: dict[str, object]) -> bool:
        """Whether a verdict is the event of the body, or a refusal."""
        if self.accepted:
            return verdict == {"event": json.loads(self.request.body)}
        return verdict.keys() == {"refused"}


@dataclass(frozen=True)
class Endpoint:
    """An endpoint, the code that its page shows, and a request from before and after a rotation."""

    module: str
    prefix: str
    code: dict[str, str]
    secret: str
    request: Request
    rolled_secret: str
    overlapping: Request

    def signed(self, at: datetime, webhook: Webhook) -> Request:
        """The first request as the stock library signs it, with no headers but the code's own."""
        message, body = self.request.headers["webhook-id"], self.request.body
        signature = webhook.sign(message, at, body)
        parts = {"id": message, "timestamp": str(int(at.timestamp())), "signature": signature}
        return Request({f"{self.prefix}-{part}": text for part, text in parts.items()}, body)

    def cases(self) -> Iterator[Case]:
        """What has to be accepted, and what refused."""
        came, secret, now = self.request, self.secret, datetime.now(timezone.utc)
        webhook = Webhook(secret)
        # HMAC fills a key up with zeros: this is the empty one, which the library does not take.
        nobodys = Webhook(b"\0")
        # The first letter of the first value.
        changed = replace(came, body=re.sub(r'(":")[a-z]', r"\1?", came.body, count=1))
        old = str(int((now - TEN_MINUTES).timestamp()))
        yield Case("as it came", came, secret, True)
        yield Case("one byte of the body changed", changed, secret, False)
        yield Case("another secret", came, FOREIGN_SECRET, False)
        yield Case("its timestamp made older", came.with_header("timestamp", old), secret, False)
        yield Case("another message's id", came.with_header("id", "msg_other"), secret, False)
        yield Case("no signature", came.with_header("signature", None), secret, False)
        yield Case("half a signature", came.with_header("signature", "v1"), secret, False)
        yield Case("signed now", self.signed(now, webhook), secret, True)
        yield Case("signed ten minutes ago", self.signed(now - TEN_MINUTES, webhook), secret, False)
        yield Case("signed in ten minutes", self.signed(now + TEN_MINUTES, webhook), secret, False)
        yield Case("signed with no secret, and none set", self.signed(now, nobodys), "", False)
        yield Case("two signatures, the old secret", self.overlapping, secret, True)
        yield Case("two signatures, the new secret", self.overlapping, self.rolled_secret, True)
        yield Case("two signatures, another secret", self.overlapping, FOREIGN_SECRET, False)


class Recorder(ThreadingHTTPServer):
    """Keeps the requests that come, whole, and answers 200. Locally it need not be https."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Recording)
        self.arrivals: queue.SimpleQueue[Request] = queue.SimpleQueue()

    @property
    def inbox(self) -> Inbox:
        """Where endpoints send to."""
        return Inbox(f"http://127.0.0.1:{self.server_port}/", status=200)

    def request_of(self, message: str) -> Request:
        """The request of a message, as soon as it is there."""
        while True:
            arrived = self.arrivals.get(timeout=ARRIVES_WITHIN_SECONDS)
            if arrived.headers["webhook-id"] == message:
                return arrived


class Recording(Handler):
    """Reads one request."""

    server: Recorder

    def do_POST(self) -> None:  # noqa: N802  (the name is http.server's)
        """Keep it."""
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.arrivals.put(Request(dict(self.headers.items()), body.decode()))
        self.answer(200)


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    """Where the endpoints of these tests are."""
    with Recorder() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture(scope="module")
def endpoints(
    browser: Browser, stack: Stack, receiver: Receiver, recorder: Recorder
) -> list[Endpoint]:
    """An endpoint of each profile, and one more of each that wants svix- headers too."""
    profiles = sorted(path.parent.name for path in EVENTS_FOLDER.glob("*/profile.toml"))
    with Person.at(browser, stack) as admin:
        admin.sign_in(f"{stack['apiUrl']}/console", stack["adminKey"])
        admin.page.wait_for_url("**/organizations")
        return [
            observed(admin, Organization.new(stack, receiver, profile), recorder, prefix)
            for profile in profiles
            for prefix in ("webhook", "svix")
        ]


def observed(
    admin: Person, organization: Organization, recorder: Recorder, prefix: str
) -> Endpoint:
    """A new endpoint of an organization, after its two requests."""
    inbox = recorder.inbox
    endpoint = organization.endpoint("Verified", inbox, svixHeaders=prefix == "svix")
    request = recorder.request_of(organization.send())
    rolled = organization.api.post(organization.managing(f"/{endpoint}/secret/roll"))["secret"]
    overlapping = recorder.request_of(organization.send())
    assert len(overlapping.headers["webhook-signature"].split()) == 2
    admin.page.goto(organization.address(f"/endpoints/{endpoint}"))
    code = {language: shown(admin, language).inner_text() for language in LANGUAGES}
    module = f"{organization.profile}_{prefix}"
    return Endpoint(module, prefix, code, inbox.secret, request, rolled, overlapping)


def shown(person: Person, language: str) -> Locator:
    """The code in a language, unfolded on the page."""
    code = person.page.get_by_label(language, exact=True)
    if not code.is_visible():
        person.page.locator("summary").get_by_text(language, exact=True).click()
    return code


NO_GO = pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go on PATH")


@pytest.mark.parametrize(
    "language", ["Python", "JavaScript", "Rust", pytest.param("Go", marks=NO_GO)]
)
def test_the_code_accepts_what_was_sent_and_nothing_else(
    language: str, endpoints: list[Endpoint], tmp_path: Path
) -> None:
    code = {endpoint.module: endpoint.code[language] for endpoint in endpoints}
    cases = [(endpoint.module, case) for endpoint in endpoints for case in endpoint.cases()]
    requests = [
        {"module": module, "secret": case.secret, **asdict(case.request)} for module, case in cases
    ]
    verdicts = json.loads(RUN[language](code, json.dumps(requests), tmp_path))
    wrong = [
        f"{module}, {case.name}: {verdict}"
        for (module, case), verdict in zip(cases, verdicts, strict=True)
        if not case.is_met_by(verdict)
    ]
    assert not wrong, "\n".join(wrong)


def test_copy_puts_the_code_on_the_clipboard_as_it_is_shown(
    owner: Person, organization: Organization
) -> None:
    endpoint = organization.endpoint()
    owner.page.goto(organization.address(f"/endpoints/{endpoint}"))
    assert owner.page.locator("details[name=code] > summary").all_inner_texts() == LANGUAGES
    for language in LANGUAGES:
        code = shown(owner, language)
        code.select_text()
        owner.page.keyboard.press("Control+C")
        by_hand = owner.page.evaluate("navigator.clipboard.readText()")
        owner.button(f"Copy the {language} code").click()
        expect(owner.button(f"Copy the {language} code")).to_have_text("Copied")
        by_button = owner.page.evaluate("navigator.clipboard.readText()")
        assert by_button == by_hand == code.inner_text(), language
