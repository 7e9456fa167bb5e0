"""A stand-in for the systems that endpoints come from: of Svix's public API, and of Slothbox's, what an import reads,
over endpoints that are made up.

    python infra/local/sources.py FILE

serves a few of them until it is stopped, and writes its URL into FILE.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

# What they are called with.
TOKEN = "testsk_migration"
KEY = "sk_migration"

URL = "https://example.com/webhooks"
TIME = "2026-01-01T00:00:00Z"

# The most entries of a page.
LONGEST_PAGE = 250

Endpoint = dict[str, Any]


def endpoint(identifier: str, **changed: Any) -> Endpoint:
    """An endpoint as a list has it."""
    values = {
        **{"id": identifier, "url": URL, "description": "From elsewhere", "disabled": False, "filterTypes": None},
        **{"channels": None, "rateLimit": None, "uid": None, "metadata": {}, "version": 1},
        **{"createdAt": TIME, "updatedAt": TIME},
    }
    return {**values, **changed}


def secret(identifier: str) -> str:
    """An endpoint's secret: 32 bytes."""
    return "whsec_" + base64.b64encode(hashlib.sha256(identifier.encode()).digest()).decode()


class Source:
    """Applications by their uids, each with its endpoints, as Svix has them; their ids are made of the uids.
    Organizations are the same as Slothbox has them."""

    def __init__(
        self,
        applications: dict[str, list[Endpoint]],
        sensitive: dict[str, list[str]] | None = None,
        organizations: dict[str, list[Endpoint]] | None = None,
    ) -> None:
        self.applications = applications
        self.sensitive = sensitive or {}
        self.organizations = organizations or {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler(self.answer))
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.server_port}"

    def start(self) -> None:
        """Serve beside whatever else is done."""
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path: str, query: dict[str, list[str]]) -> Any:
        """What it says of a path; nothing of those that it does not know."""
        match path.strip("/").split("/"):
            case ["api", "v1", "app"]:
                return page([application(uid) for uid in self.applications], query)
            case ["api", "v1", "app", identifier, "endpoint"]:
                return page(self.applications[identifier.removeprefix("app_")], query)
            case ["api", "v1", "app", _, "endpoint", identifier, "secret"]:
                return {"key": secret(identifier)}
            case ["api", "v1", "app", _, "endpoint", identifier, "headers"]:
                return {"headers": {}, "sensitive": self.sensitive.get(identifier, [])}
            case ["api", "v1", "app", _, "endpoint", _, "transformation"]:
                return {"code": None, "enabled": False}
            case ["organizations", identifier, "webhooks"]:
                return {"endpoints": [as_slothbox(entry) for entry in self.organizations[identifier]]}
            case ["organizations", _, "webhooks", identifier, "secret"]:
                return {"secret": secret(identifier)}
            case _:
                return None


def as_slothbox(entry: Endpoint) -> dict[str, Any]:
    """An endpoint as a list of Slothbox's has it."""
    return {
        **{"endpointId": entry["id"], "url": entry["url"], "eventTypes": entry["filterTypes"] or ["*"]},
        **{"description": entry["description"], "status": "enabled", "ordered": False, "createdAt": TIME},
    }


def application(uid: str) -> dict[str, Any]:
    """An application as a list has it."""
    times = {"createdAt": TIME, "updatedAt": TIME}
    return {"id": f"app_{uid}", "uid": uid, "name": uid, "metadata": {}, "rateLimit": None, **times}


def page(entries: list[dict[str, Any]], query: dict[str, list[str]]) -> dict[str, Any]:
    """The entries behind the iterator, as many as were asked for."""
    limit = min(int(query.get("limit", ["50"])[0]), LONGEST_PAGE)
    # An iterator is a place in the list here, where Svix's own is the last entry's id.
    begin = int(query.get("iterator", ["0"])[0])
    end = min(begin + limit, len(entries))
    return {"data": entries[begin:end], "iterator": str(end), "prevIterator": None, "done": end == len(entries)}


def handler(answer: Callable[[str, dict[str, list[str]]], Any]) -> type[BaseHTTPRequestHandler]:
    """Serves those answers to whoever has the token."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body leave together.
        wbufsize = 1 << 16

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            expected = KEY if url.path.startswith("/organizations/") else f"Bearer {TOKEN}"
            if self.headers.get("authorization") != expected:
                return self.reply(401, {"code": "authentication_failed", "detail": "Invalid token"})
            found = answer(url.path, parse_qs(url.query))
            if found is None:
                return self.reply(404, {"code": "not_found", "detail": "Entity not found"})
            return self.reply(200, found)

        def reply(self, status: int, body: Any) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


def main() -> None:
    """Serve what the page about migrations takes over."""
    file = Path(sys.argv[1])
    source = Source(
        {
            "migrating-1": [
                endpoint("ep_1", filterTypes=["sandbox.created"]),
                endpoint("ep_2", channels=["project-7"]),
            ],
            "migrating-2": [endpoint("ep_3"), endpoint("ep_4", disabled=True)],
        },
        sensitive={"ep_3": ["Authorization"]},
        organizations={"migrating-3": [endpoint("ep_5")]},
    )
    draft = file.with_suffix(".draft")
    draft.write_text(source.url, encoding="utf-8")
    draft.replace(file)
    source.server.serve_forever()


if __name__ == "__main__":
    main()
