"""A tiny application server: real HTTP, scripted answers, everything it was sent kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

Event = dict[str, Any]
PATH = "/callbacks/sinch/"


@dataclass(frozen=True)
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> Event:
        return json.loads(self.body, parse_float=Decimal)


@dataclass
class Application:
    """What arrived, in the order of arrival.

    `replies` gives the answer to an event: SVAML, or (status, bytes or pieces of it[, headers]).
    """

    replies: Callable[[Event], object]
    url: str = ""
    received: list[Received] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def events(self, name: str | None = None) -> list[Event]:
        return [each.event for each in self.received if name in (None, each.event["event"])]

    @property
    def names(self) -> list[str]:
        return [event["event"] for event in self.events()]


class Server(ThreadingHTTPServer):
    request_queue_size = 128


CONTINUE = {"action": {"name": "continue"}}
HANGUP = {"action": {"name": "hangup"}}


def replies(ice: object, ace: object = CONTINUE, pie: object = HANGUP) -> Callable[[Event], object]:
    """Always the same answer to ICE, to ACE and to PIE; {} to everything else."""
    answers = {"ice": ice, "ace": ace, "pie": pie}
    return lambda event: answers.get(event["event"], {})


def menu(menu_id: str = "main", **properties: object) -> dict[str, object]:
    """One menu; without properties, one that asks for a number of up to 15 digits."""
    return {"id": menu_id, "mainPrompt": f"#tts[{menu_id}]", **(properties or {"maxDigits": 15})}


def options(**actions: str) -> list[dict[str, object]]:
    """Options by key, k1="return(x)" for the key 1."""
    return [{"dtmf": key.removeprefix("k"), "action": action} for key, action in actions.items()]


def run_menu(*menus: dict[str, object], **properties: object) -> dict[str, object]:
    """A reply that runs menus, the first of them first."""
    first = menus[0]["id"] if menus else "main"
    return {"action": {"name": "runMenu", "mainMenu": first, "menus": list(menus), **properties}}


def connect(number: str = "+12025550123", **properties: object) -> dict[str, object]:
    """The commonest reply to ICE."""
    return {"action": {"name": "connectPstn", "number": number, **properties}}


@contextmanager
def application(answering: Callable[[Event], object]) -> Iterator[Application]:
    app = Application(answering)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with app.lock:
                app.received.append(Received(self.path, headers, body))
            reply = app.replies(json.loads(body, parse_float=Decimal))
            answer = reply if isinstance(reply, tuple) else (200, json.dumps(reply).encode())
            status, content, *more = answer
            self.send_response(status)
            for name, value in (more[0] if more else {}).items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(ConnectionError):
                for piece in [content] if isinstance(content, bytes) else content:
                    self.wfile.write(piece)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    app.url = f"http://127.0.0.1:{server.server_address[1]}{PATH}"
    try:
        yield app
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
