"""Verifies requests with a stock library of Python: `verify.py standardwebhooks` or `verify.py svix`.

Reads a list of `{secret, headers, body}` and writes a list of what the library said: null where it
accepted the request, else its words.
"""

from __future__ import annotations

import importlib
import json
import sys


def main() -> None:
    """Verify each request of the list on standard input."""
    library = importlib.import_module(f"{sys.argv[1]}.webhooks")
    verdicts = [verdict(library.Webhook, **request) for request in json.load(sys.stdin)]
    json.dump(verdicts, sys.stdout)


def verdict(webhook: type, secret: str, headers: dict[str, str], body: str) -> str | None:
    """What the library says against a request."""
    try:
        webhook(secret).verify(body, headers)
    except Exception as error:  # The libraries raise various kinds for various broken headers.
        return f"{type(error).__name__}: {error}"
    return None


if __name__ == "__main__":
    main()
