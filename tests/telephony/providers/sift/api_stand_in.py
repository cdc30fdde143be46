"""A stand-in for Sift's API: a real HTTP server that answers as told, in turn, and remembers what it was asked."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from telephony.providers.sift.client import SiftClient

ACCOUNT = "573e49212d2c62e6"
AUTH_TOKEN = "an-auth-token-that-nobody-can-guess"
APPLICATION = "3bb34721cbe2e221"
FIXTURES = Path(__file__).parents[3] / "fixtures" / "sift"


def sample(name: str) -> Any:
    """What the API says, from a file; `{api}` in it stands for the API's address."""
    return json.loads((FIXTURES / f"{name}.json").read_text())


class Asked(NamedTuple):
    """One request as it arrived; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> list[tuple[str, str]]:
        assert self.headers["content-type"] == "application/x-www-form-urlencoded"
        return parse_qsl(self.body.decode(), strict_parsing=True)

    @property
    def has_basic(self) -> bool:
        expected = base64.b64encode(f"{ACCOUNT}:{AUTH_TOKEN}".encode()).decode()
        return self.headers.get("authorization") == f"Basic {expected}"


class Says(NamedTuple):
    """One answer. `{api}` in its values stands for the API's address."""

    values: Any
    status: int = 200
    headers: dict[str, str] = {}

    def bytes_at(self, api: str) -> bytes:
        if isinstance(self.values, bytes):
            return self.values
        return json.dumps(self.values).replace("{api}", api).encode()


@dataclass
class Api:
    """Gives each of its answers once, the last for ever."""

    answers: list[Says]
    address: str = ""
    asked: list[Asked] = field(default_factory=list)
    silence: Event = field(default_factory=Event)

    def client(self, *, suffix: str = "/v0", deadline_seconds: float = 10) -> SiftClient:
        return SiftClient(self.address + suffix, ACCOUNT, AUTH_TOKEN, deadline_seconds=deadline_seconds)

    def only_request(self) -> Asked:
        """The one request there was, proved to be ours."""
        (asked,) = self.asked
        assert asked.has_basic
        return asked


@contextmanager
def answering(*answers: Says, silent: bool = False) -> Iterator[Api]:
    """An API that gives these answers in turn. A silent one takes seconds to answer, or until the test is over."""
    api = Api(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            api.asked.append(Asked(self.command, self.path, headers, body))
            if silent:
                api.silence.wait(3)
            try:
                self._answer()
            except OSError:
                self.close_connection = True  # nobody waits any more

        def _answer(self) -> None:
            answer = api.answers.pop(0) if len(api.answers) > 1 else api.answers[0]
            said = answer.bytes_at(api.address)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value.replace("{api}", api.address))
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = _serve  # noqa: N815

        def log_message(self, *_: object) -> None:
            """The tests' output stays quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    api.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield api
    finally:
        api.silence.set()
        server.shutdown()
        thread.join()
        server.server_close()
