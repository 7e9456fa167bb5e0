"""An HTTPS server that takes deliveries, and checks each signature with an independent library.

It listens on a free port of this machine. Each inbox is a path of its own, with the secret of the
endpoint that points there and the status with which it answers.
"""

from __future__ import annotations

import queue
import ssl
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from types import TracebackType
from typing import Any

from standardwebhooks.webhooks import Webhook

IDLE_SECONDS = 30


@dataclass
class Inbox:
    """One path of the receiver. Its secret is known once the endpoint has been created."""

    url: str
    status: int
    secret: str = ""
    answer: str = ""


@dataclass(frozen=True)
class Arrival:
    """One request that reached an inbox."""

    inbox: Inbox
    at: float
    message_id: str
    body: bytes
    problem: str | None

    @property
    def verified(self) -> bool:
        """Whether the signature belongs to the body, the message id and the timestamp."""
        return self.problem is None


class Receiver:
    """The server, and the requests that have arrived and were not taken yet."""

    def __init__(self, certificate: str, key: str, port: int = 0) -> None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        tls.set_alpn_protocols(["http/1.1"])
        self.server = Server(("127.0.0.1", port), tls)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> Receiver:
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        """Where the receiver listens."""
        return f"https://127.0.0.1:{self.server.server_port}"

    def open_inbox(self, path: str, status: int = 200, answer: str = "") -> Inbox:
        """Take requests at a path, and answer them with a status and a body."""
        inbox = Inbox(url=self.url + path, status=status, answer=answer)
        self.server.inboxes[path] = inbox
        return inbox

    def next_arrival(self, timeout: float) -> Arrival | None:
        """The next request, or nothing when none has come in that many seconds."""
        try:
            return self.server.arrivals.get(timeout=max(timeout, 0.001))
        except queue.Empty:
            return None


class Server(ThreadingHTTPServer):
    """A thread for each connection, the TLS handshake included, so that none holds up another."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], tls: ssl.SSLContext) -> None:
        super().__init__(address, Handler)
        self.tls = tls
        self.inboxes: dict[str, Inbox] = {}
        self.arrivals: queue.SimpleQueue[Arrival] = queue.SimpleQueue()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Handle one connection, in its own thread."""
        connection: socket = request
        connection.settimeout(IDLE_SECONDS)
        with self.tls.wrap_socket(connection, server_side=True) as secured:
            Handler(secured, client_address, self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a connection that broke: the sender's record shows it."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Reads a request, records it, and answers as its inbox says."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:  # noqa: N802  (the name is http.server's)
        """Take one delivery."""
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        inbox = self.server.inboxes.get(self.path)
        if inbox is None:
            self.answer(404)
            return
        arrival = Arrival(
            inbox=inbox,
            at=time.monotonic(),
            message_id=self.headers.get("webhook-id", ""),
            body=body,
            problem=signature_problem(inbox.secret, body, dict(self.headers.items())),
        )
        self.server.arrivals.put(arrival)
        self.answer(inbox.status, inbox.answer.encode())

    def answer(self, status: int, body: bytes = b"") -> None:
        """Answer with a status and a body."""
        self.send_response(status)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: whoever takes the arrivals does."""


def signature_problem(secret: str, body: bytes, headers: dict[str, str]) -> str | None:
    """Why the signature does not verify, or nothing when it does."""
    try:
        Webhook(secret).verify(body, headers)
    except Exception as error:  # The library raises various kinds for various broken headers.
        return f"{type(error).__name__}: {error}"
    return None
