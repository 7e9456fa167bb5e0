"""The code for receivers, as the page of an endpoint shows it, run against requests that were delivered there."""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import subprocess
import sys
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
from settings import EVENTS_FOLDER, ROOT, VENV
from stack import Stack

LANGUAGES = ["Python", "JavaScript", "Rust", "Go"]
NODE_MODULES = VENV / "verifiers" / "node_modules"
CARGO_FOLDER = ROOT / "target" / "verify-rust"
GO_CACHE = ROOT / "target" / "verify-go"

ARRIVES_WITHIN_SECONDS = 30
TEN_MINUTES = timedelta(minutes=10)
FOREIGN_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

# Each reads a list of {module, secret, headers, body}, and writes a list of what that module's code said: {event}, or
# {refused} with its words. What the code does not say of itself (another exception, a panic) ends the program.
PYTHON = """
import json, os, runpy, sys
from standardwebhooks.webhooks import EmptyWebhookSecretError, WebhookVerificationError

def verdict(module, secret, headers, body):
    os.environ["WEBHOOK_SECRET"] = secret
    try:
        verified = runpy.run_path(f"{module}.py")["verified"]
        return {"event": verified(headers, body.encode())}
    except (EmptyWebhookSecretError, WebhookVerificationError, ValueError) as error:
        return {"refused": repr(error)}

json.dump([verdict(**request) for request in json.load(sys.stdin)], sys.stdout)
"""

JAVASCRIPT = """
import { readFileSync } from "node:fs";

const verdict = async ({ module, secret, headers, body }, index) => {
  process.env.WEBHOOK_SECRET = secret;
  try {
    const { verified } = await import(`./${module}.js?${index}`);
    return { event: verified(headers, body) };
  } catch (error) {
    return { refused: `${error.name}: ${error.message}` };
  }
};

const verdicts = [];
for (const request of JSON.parse(readFileSync(0, "utf8"))) {
  verdicts.push(await verdict(request, verdicts.length));
}
process.stdout.write(JSON.stringify(verdicts));
"""

RUST = """
#![deny(warnings)]
use http::{HeaderMap, HeaderName};
use serde_json::{Value, json};
MODULES
fn verdict(request: &Value) -> Value {
    let text = |name: &str| request[name].as_str().unwrap();
    let headers = request["headers"].as_object().unwrap().iter();
    let headers: HeaderMap = headers
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.as_str().unwrap().parse().unwrap()))
        .collect();
    let verified = match text("module") { CHOICES _ => panic!("no such module") };
    match verified(text("secret"), &headers, text("body").as_bytes()) {
        Ok(event) => json!({ "event": event }),
        Err(error) => json!({ "refused": error.to_string() }),
    }
}

fn main() {
    let requests: Vec<Value> = serde_json::from_reader(std::io::stdin()).unwrap();
    println!("{}", Value::from(requests.iter().map(verdict).collect::<Vec<_>>()));
}
"""

# The lock is the repository's, and it says which 1.x.
CARGO = """
[package]
name = "verify"
edition = "2024"
[dependencies]
http = "1"
serde_json = "1"
standardwebhooks = "1"
[workspace]
"""

GO = """
package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	IMPORTS
)

var verified = map[string]func(string, *http.Request) ([]byte, error){CHOICES}

func main() {
	var requests []struct {
		Module, Secret, Body string
		Headers              map[string]string
	}
	if err := json.NewDecoder(os.Stdin).Decode(&requests); err != nil {
		panic(err)
	}
	verdicts := make([]any, len(requests))
	for i, request := range requests {
		r := httptest.NewRequest("POST", "/", strings.NewReader(request.Body))
		for name, value := range request.Headers {
			r.Header.Set(name, value)
		}
		body, err := verified[request.Module](request.Secret, r)
		if err != nil {
			verdicts[i] = map[string]string{"refused": err.Error()}
		} else {
			verdicts[i] = map[string]any{"event": json.RawMessage(body)}
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(verdicts); err != nil {
		panic(err)
	}
}
"""


@dataclass(frozen=True)
class Request:
    """A request as it has arrived, or has been made to look."""

    headers: dict[str, str]
    body: str

    def with_header(self, name: str, value: str | None) -> Request:
        """With another value, or without one, in each header of that last word (`webhook-` and `svix-`)."""
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
    """An endpoint, the code that its page shows, and two requests that it got: the second after its secret was rolled."""

    module: str
    prefix: str
    code: dict[str, str]
    secret: str
    request: Request
    rolled_secret: str
    overlapping: Request

    def signed(self, at: datetime, webhook: Webhook) -> Request:
        """The first request, signed by the stock library at a time, with the headers alone that the code names."""
        message, body = self.request.headers["webhook-id"], self.request.body
        signature = webhook.sign(message, at, body)
        parts = {"id": message, "timestamp": str(int(at.timestamp())), "signature": signature}
        return Request({f"{self.prefix}-{part}": text for part, text in parts.items()}, body)

    def cases(self) -> Iterator[Case]:
        """What has to be accepted, and what refused."""
        came, secret, now = self.request, self.secret, datetime.now(timezone.utc)
        webhook = Webhook(secret)
        # HMAC fills a key up with zeros, so this one is the empty one, which the library does not take.
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
    """Keeps the requests that come, whole, and answers 200. Its address is not https, which is allowed locally."""

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


def python(code: dict[str, str], requests: str, folder: Path) -> str:
    """What the Python says."""
    write(folder, {"main.py": PYTHON, **{f"{module}.py": text for module, text in code.items()}})
    return said([sys.executable, "main.py"], folder, requests)


def javascript(code: dict[str, str], requests: str, folder: Path) -> str:
    """What the JavaScript says. An import finds a library beside the module alone, whatever NODE_PATH says."""
    (folder / "node_modules").symlink_to(NODE_MODULES)
    modules = {f"{module}.js": text for module, text in code.items()}
    write(folder, {"package.json": '{"type": "module"}', "main.js": JAVASCRIPT, **modules})
    return said([str(VENV / "bin" / "node"), "main.js"], folder, requests)


def rust(code: dict[str, str], requests: str, _: Path) -> str:
    """What the Rust says. It is built where the next run finds what was built."""
    main = RUST.replace("MODULES", "".join(f"mod {module};\n" for module in code))
    main = main.replace("CHOICES", "".join(f'"{module}" => {module}::verified,' for module in code))
    modules = {f"src/{module}.rs": text for module, text in code.items()}
    write(CARGO_FOLDER, {"Cargo.toml": CARGO, "src/main.rs": main, **modules})
    shutil.copyfile(ROOT / "Cargo.lock", CARGO_FOLDER / "Cargo.lock")
    cargo = ["cargo", "run", "--quiet", "--offline", "--target-dir", str(CARGO_FOLDER / "target")]
    return said(cargo, CARGO_FOLDER, requests)


def go(code: dict[str, str], requests: str, folder: Path) -> str:
    """What the Go says, which `go vet` finds nothing wrong with."""
    main = GO.replace("IMPORTS", "\n\t".join(f'{module} "verify/{module}"' for module in code))
    main = main.replace("CHOICES", ", ".join(f'"{module}": {module}.Verified' for module in code))
    modules = {f"{module}/verify.go": text for module, text in code.items()}
    write(folder, {"go.mod": "module verify\n\ngo 1.19\n", "main.go": main, **modules})
    said(["go", "vet", "./..."], folder)
    return said(["go", "run", "."], folder, requests)


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files of a folder, less those that are so already, which then need not be built again."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def said(command: list[str], folder: Path, text: str = "") -> str:
    """What a program writes when it is given a text."""
    environment = {**os.environ, "GOCACHE": str(GO_CACHE)}
    ran = subprocess.run(
        command, cwd=folder, env=environment, input=text, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{' '.join(command)}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


RUN = {"Python": python, "JavaScript": javascript, "Rust": rust, "Go": go}
NO_GO = pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go on PATH")


@pytest.mark.parametrize("language", [*LANGUAGES[:-1], pytest.param(LANGUAGES[-1], marks=NO_GO)])
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
