"""A stand-in for Sinch's REST API: a real HTTP server that behaves as told and remembers what it was asked.

What it is asked is checked against the sandbox's own reading of the signature scheme, which shares no code with ours.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple

from sandbox import signing
from telephony.providers.base import Access
from telephony.providers.sinch import SinchClient
from telephony.providers.sinch.rest import Authentication
from tests.telephony.providers.sinch.samples import KEY, SECRET

Behaviour = Callable[[BaseHTTPRequestHandler], None]


class Asked(NamedTuple):
    """One request as it arrived; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def is_signed(self) -> bool:
        """Whether the signature fits every byte that was sent."""
        text = signing.string_to_sign(
            method=self.method,
            path=self.path,
            body=self.body,
            content_type=self.headers["content-type"],
            timestamp=self.headers["x-timestamp"],
        )
        return self.headers["authorization"] == f"Application {KEY}:{signing.signature(SECRET, text)}"

    @property
    def has_basic(self) -> bool:
        """Whether it carries key and secret, and no signature."""
        expected = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        return self.headers["authorization"] == f"Basic {expected}" and "x-timestamp" not in self.headers


@dataclass
class Api:
    """Behaves as told and remembers what it was asked."""

    address: str = ""
    behaviour: Behaviour | None = None
    requests: list[Asked] = field(default_factory=list)

    @property
    def access(self) -> Access:
        """Where and as whom an adapter speaks to it."""
        return Access(self.address, KEY, SECRET)

    def client(
        self, *, deadline_seconds: float = 10, prefix: str = "", authentication: Authentication = Authentication.SIGNED
    ) -> SinchClient:
        return SinchClient(
            self.address + prefix, KEY, SECRET, authentication=authentication, deadline_seconds=deadline_seconds
        )

    def answers(self, body: bytes, status: int = 200, **headers: str) -> None:
        def behaviour(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.send_header("content-length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        self.behaviour = behaviour

    def says(self, values: Any, status: int = 200) -> None:
        """Answer with these values as JSON."""
        self.answers(json.dumps(values).encode(), status)

    def says_in_turn(self, *answers: tuple[int, Any]) -> None:
        """Answer each request with the next status and values; the last goes on."""
        left = list(answers)

        def behaviour(handler: BaseHTTPRequestHandler) -> None:
            status, values = left.pop(0) if len(left) > 1 else left[0]
            body = json.dumps(values).encode()
            handler.send_response(status)
            handler.send_header("content-length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        self.behaviour = behaviour

    def only_request(self) -> Asked:
        """The one request there was, proved to be ours."""
        (asked,) = self.requests
        assert asked.is_signed
        return asked


@contextmanager
def serving() -> Iterator[Api]:
    told = Api()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            told.requests.append(Asked(self.command, self.path, headers, body))
            assert told.behaviour
            try:
                told.behaviour(self)
            except OSError:
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

        def log_message(self, *_: object) -> None:
            """The tests' output stays quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    told.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.socket.close()
