"""A small client of hookbell's HTTP API."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

from cloud import direct_opener
from say import Failure, line

TIMEOUT_SECONDS = 30
TRIES = 5


class Api:
    """Speaks to one deployment with one key."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key
        self.opener = direct_opener()

    def get(self, path: str) -> Any:
        """GET, expecting 200."""
        return self.call("GET", path)

    def post(self, path: str, body: object = None, expected: int = 200) -> Any:
        """POST a JSON body, expecting a status."""
        return self.call("POST", path, body, expected)

    def delete(self, path: str) -> None:
        """DELETE, expecting 204."""
        self.call("DELETE", path, expected=204)

    def call(self, method: str, path: str, body: object = None, expected: int = 200) -> Any:
        """Make a call and answer with the JSON; wait and repeat when there were too many."""
        for _ in range(TRIES):
            status, retry_after, text = self.exchange(method, path, body)
            if status != 429:
                break
            line(f"  too many requests a minute for this key: waiting {retry_after} s")
            time.sleep(retry_after)
        if status != expected:
            raise Failure(
                f"{method} {path} answered {status} instead of {expected}: {text[:500]}",
                "look at the function's log: make logs FUNCTION=api",
            )
        return json.loads(text) if text else None

    def exchange(self, method: str, path: str, body: object) -> tuple[int, int, str]:
        """One request; answer with the status, the seconds of Retry-After, and the text."""
        headers = {"authorization": self.key}
        data = None
        if body is not None:
            headers["content-type"] = "application/json"
            data = minified(body)
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with self.opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                return answer.status, 0, answer.read().decode()
        except urllib.error.HTTPError as error:
            retry_after = int(error.headers.get("retry-after") or 1)
            return error.code, retry_after, error.read().decode(errors="replace")
        except OSError as error:
            raise Failure(
                f"{method} {self.url}{path} got no answer: {error}",
                "start the local stack: make up",
            ) from error


def minified(value: object) -> bytes:
    """JSON without a byte of white space, keys in their order."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
