"""Looks through all that the functions have logged for what must never be in a log.

First it puts texts of its own wherever a customer's bytes go in (payloads, query strings, headers,
receivers' answers, records that are none), and then searches for these, for every secret that it
knows, and for whatever has the shape of one. By itself it does so on the stack of `make up`.
"""

from __future__ import annotations

import json
import re
import secrets
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import aws
import fixtures
import logs
import stack
from api import Api
from catalogue import event_types
from doors import Doors
from receiver import Receiver
from say import Failure, Steps, explained_failures
from settings import for_up

# What has the shape of a secret, a key, a token, a session or a signature.
SHAPES = {
    "a signing secret": r"whsec_[A-Za-z0-9+/]{16}",
    "a private key": r"whsk_[A-Za-z0-9+/]{16}",
    "an API key": r"\bsk_[A-Za-z0-9_-]{32}",
    "a portal token": r"\bpt_[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16}",
    "a session": r"hookbell=[A-Za-z0-9_-]{16}",
    "a signature": r"\bv1a?,[A-Za-z0-9+/]{16}",
    "a query string": r"https?://[^\s\"\\]*\?[^\s\"\\]",
    "an Authorization header": r"(?i)\bbearer\s+[A-Za-z0-9_.-]{8}",
}

# Shorter texts of an example stand in logs for other reasons, as a type's name does.
TELLING_LENGTH = 12

PROFILE = "slothbox"

# What something consumes. The others hold what lies there for a person.
QUEUES = ("eventsQueueUrl", "deliveriesQueueUrl", "deliveriesDeadLetterQueueUrl")
SETTLED_WITHIN_SECONDS = 90

Needles = dict[str, str]


def main() -> None:
    """Look through the logs of the stack of `make up`."""
    with explained_failures(), TemporaryDirectory() as folder:
        running = stack.read(for_up())
        with Steps(1).step("Looking for secrets and payloads in the logs") as step:
            needles = plant(running)
            file = Path(folder) / "functions.log"
            logs.save(running, file)
            step.outcome = search([file], needles)


def plant(running: stack.Stack) -> Needles:
    """Put telling texts wherever they can go in; answer with them and with all secrets known."""
    run = secrets.token_hex(8)
    needles = {
        kind: f"telltale-{kind.replace(' ', '-')}-{run}"
        for kind in ("payload", "query", "header", "answer", "record", "description", "input")
    }
    api = Api(running["apiUrl"], running["adminKey"])
    organization = f"leaks-{run}"
    managing = f"/organizations/{organization}/webhooks"
    sending = f"/webhooks/organizations/{organization}"
    with Receiver(running["serverCertificate"], running["serverKey"]) as receiver:
        api.post(f"{sending}/initialize", {"profile": PROFILE}, expected=201)
        for name, status in (("good", 200), ("bad", 500), ("gone", 410)):
            path = f"/{name}?key={needles['query']}"
            inbox = receiver.open_inbox(path, status, needles["answer"])
            endpoint = api.post(managing, wanted(inbox.url, needles), expected=201)
            needles[f"secret of {name}"] = inbox.secret = str(endpoint["secret"])
            if name == "good":
                delivered = f"{managing}/{endpoint['endpoint']['endpointId']}"
        rolled = api.post(f"{delivered}/secret/roll", {})
        needles["rolled secret"] = str(rolled["secret"])
        send(running, api, organization, needles)
        fixtures.await_delivery(api, f"{delivered}/deliveries")
        settle(running)
    query = quote(needles["query"])
    for path in (managing, f"{delivered}/deliveries", f"{sending}/messages"):
        api.exchange("GET", f"{path}?cursor={query}&eventType={query}", None)
    text = needles["input"]
    for body in ({"url": f"https://{text}@8.8.8.8/"}, {"eventTypes": [text]}, text):
        api.exchange("POST", managing, body)
    needles["portal token"] = str(api.post(f"{sending}/app-portal-access")["token"])
    made = api.post(f"/organizations/{organization}/api-keys", {"role": "member"}, expected=201)
    needles["member's key"] = str(made["key"])
    good = (needles["portal token"], needles["member's key"])
    for key in (*good, f"Bearer {text}", "sk_" + "x" * 32):
        Api(running["apiUrl"], key).exchange("GET", managing, None)
    needles["admin key"] = running["adminKey"]
    needles["encryption key"] = encryption_key(running)
    return needles


def wanted(url: str, needles: Needles) -> dict[str, object]:
    """An endpoint that has all that can be kept of one."""
    return {
        "url": url,
        "eventTypes": ["*"],
        "description": needles["description"],
        "headers": {"X-Telltale": needles["header"]},
        "v1a": True,
        "svixHeaders": True,
    }


def send(running: stack.Stack, api: Api, organization: str, needles: Needles) -> None:
    """Send an event by each door, and what is none."""
    doors, broken = Doors(running, api), needles["record"]
    one = next(item for item in event_types(PROFILE) if not item.is_system)
    payload = {**one.example, "telltale": needles["payload"]}
    doors.rest(organization, one.name, payload)
    doors.queue(organization, one.name, payload)
    doors.queue_from_eventbridge(organization, one.name, payload)
    doors.queue(organization, broken, payload)
    doors.put({"organizationId": organization, "type": one.name, "data": [broken]})
    for key in ("type", "timestamp", "id"):
        record = {"organizationId": organization, "type": one.name, "data": {}}
        doors.put({**record, key: f"{broken} "})
    for queue in QUEUES:
        url = running[queue]  # type: ignore[literal-required]
        for body in (f'{{"{broken}": ', f'{{"endedBecause":"{broken}","attempt":"{broken}"}}'):
            doors.sqs.send_message(QueueUrl=url, MessageBody=body)
    sent = {"eventType": one.name, "payload": needles["payload"]}
    api.exchange("POST", f"/webhooks/organizations/{organization}/send", sent)


def settle(running: stack.Stack) -> None:
    """Wait until all of it has been dealt with, retries included, or nearly so."""
    sqs = aws.client("sqs", running["awsEndpointUrl"])
    deadline = time.monotonic() + SETTLED_WITHIN_SECONDS
    while time.monotonic() < deadline:
        counts = 0
        for queue in QUEUES:
            url = running[queue]  # type: ignore[literal-required]
            told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            counts += sum(int(count) for name, count in told.items() if name.startswith("Approx"))
        if counts == 0:
            return
        time.sleep(0.5)


def encryption_key(running: stack.Stack) -> str:
    """The key that everything else is derived from."""
    lambdas = aws.client("lambda", running["awsEndpointUrl"])
    configuration = lambdas.get_function_configuration(FunctionName=running["senderFunctionName"])
    secret = configuration["Environment"]["Variables"]["ENCRYPTION_KEY_SECRET_ARN"]
    client = aws.client("secretsmanager", running["awsEndpointUrl"])
    return str(client.get_secret_value(SecretId=secret)["SecretString"])


def search(files: Iterable[Path], needles: Needles) -> str:
    """Fail where a line has any of it; answer with how much was looked through."""
    patterns = compiled(needles)
    check_itself(patterns, needles)
    count, found = 0, []
    for file in files:
        for number, text in enumerate(lines(file), 1):
            count += 1
            found += [f"{file.name}:{number} has {kind}" for kind in kinds(text, patterns)]
    if not count:
        raise Failure("There are no logs to look through.", "look at the functions' log groups.")
    if found:
        shown = "\n".join(f"  {one}" for one in found[:20])
        raise Failure(
            f"What must not be logged was logged, in {len(found)} lines:\n{shown}",
            "open the file at that line, and take it out of what is logged there.",
        )
    return f"{count} lines, none with any of {len(patterns)} secrets, texts and shapes"


def compiled(needles: Needles) -> dict[str, re.Pattern[str]]:
    """What to look for, by what it is."""
    exact = {f"the {kind}": re.escape(text) for kind, text in {**needles, **examples()}.items()}
    return {kind: re.compile(pattern) for kind, pattern in {**SHAPES, **exact}.items()}


def examples() -> Needles:
    """The telling values in the catalogue's examples, which most tests send."""
    found: Needles = {}
    for one in event_types(PROFILE):
        if not one.is_system:
            for text in values(one.example):
                has_letters = text.lower() != text.upper()
                if len(text) >= TELLING_LENGTH and has_letters and not set(text) & set(" ."):
                    found[f"example's {text[:6]}…"] = text
    return found


def values(value: object) -> Iterator[str]:
    """The texts in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from values(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from values(inner)


def kinds(text: str, patterns: dict[str, re.Pattern[str]]) -> list[str]:
    """What of it stands in a line, as it is or within JSON within JSON."""
    plain = text.replace("\\", "")
    return [kind for kind, pattern in patterns.items() if pattern.search(plain)]


def check_itself(patterns: dict[str, re.Pattern[str]], needles: Needles) -> None:
    """Fail unless each of it would be found, if it were there."""
    planted = {
        "a signing secret": "whsec_" + "A" * 44,
        "a private key": "whsk_" + "A" * 88,
        "an API key": "sk_" + "a" * 32,
        "a portal token": "pt_" + "A" * 40 + "." + "B" * 43,
        "a session": "__Host-hookbell=" + "A" * 54,
        "a signature": "msg_1 v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
        "a query string": "https://example.com/hook?a=b",
        "an Authorization header": "authorization: Bearer abc.defgh",
        **{f"the {kind}": text for kind, text in needles.items()},
    }
    for kind, text in planted.items():
        said = json.dumps({"said": f"x {text} y"})
        line = json.dumps({"level": "INFO", "fields": {"error": said}})
        if kind not in kinds(line, patterns):
            raise Failure(f"{kind} would not be found in a log.", "mend infra/local/leaks.py.")
    harmless = '{"message":"delivery.attempted","host":"example.com","organization_id":"org_1"}'
    if kinds(harmless, patterns):
        raise Failure("An ordinary line is taken for a leak.", "mend infra/local/leaks.py.")


def lines(file: Path) -> Iterator[str]:
    """The lines of a log."""
    with file.open(encoding="utf-8", errors="replace") as opened:
        yield from opened


if __name__ == "__main__":
    sys.exit(main())
