"""A tiny application server for Sift: a handler per path, as in the source document, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from sandbox import DESK_SIFT_ACCOUNT, DESK_SIFT_TOKEN, Sandbox
from tests.sandbox.web import Asked, Says, Web, web

AUTH = (DESK_SIFT_ACCOUNT, DESK_SIFT_TOKEN)
NUMBER, CALLER, CALLEE = "+12025550100", "+12025550199", "+442079460101"
Handler = Callable[[Any], object]

HANG_UP = {"name": "HangUp"}


def say(text: str = "Hello.", **more: object) -> dict[str, object]:
    return {"name": "Say", "text": text, **more}


def call_phone(number: str = CALLEE, **more: object) -> dict[str, object]:
    return {"name": "CallPhone", "phone_number": number, **more}


def routine(*commands: Mapping[str, object]) -> dict[str, object]:
    return {"routine": list(commands)}


@dataclass
class Server:
    """handlers by path: each gets the JSON and gives JSON, a text, or status and text. url ends with a slash."""

    handlers: dict[str, Handler]
    web: Web | None = None

    @property
    def url(self) -> str:
        assert self.web is not None
        return f"{self.web.url}/"

    def told(self, path: str = "") -> list[Any]:
        assert self.web is not None
        return [json.loads(each.body) for each in self.web.asked if path in ("", each.target.strip("/"))]

    def answer(self, asked: Asked) -> Says:
        handler = self.handlers.get(asked.target.strip("/"))
        if handler is None:
            return Says(404, "text/plain", "nothing here")
        answer = handler(json.loads(asked.body))
        if isinstance(answer, tuple):
            return Says(answer[0], "text/plain", answer[1])
        if isinstance(answer, str):
            return Says(200, "text/html", answer)
        return Says(200, "application/json", json.dumps(answer))


@contextmanager
def serving(**handlers: Handler | Mapping[str, object] | str) -> Iterator[Server]:
    """Serve; whatever is no function is always the answer."""
    functions: dict[str, Handler] = {
        path: each if callable(each) else (lambda document, each=each: each) for path, each in handlers.items()
    }
    server = Server(functions)
    with web(server.answer) as server.web:
        yield server


@dataclass
class Desk:
    """A platform with one application and one number, and its REST API."""

    platform: Sandbox
    server: Server
    url: str

    def __post_init__(self) -> None:
        self.sift = self.platform.sift
        self.app = self.sift.add_application("desk", f"{self.server.url}incoming")
        self.sift.register(NUMBER, self.app)

    def dial(self, **more: Any) -> Any:
        return self.sift.phone_to_number(CALLER, NUMBER, **more)

    def dialled(self, **more: Any) -> Any:
        """Somebody dials, and everything comes to its end."""
        call = self.dial(**more)
        self.platform.run()
        return call

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        return requests.request(method, f"{self.url}/v0/{path}", **{"auth": AUTH, "timeout": 10, **more})

    def created(self, number: str = CALLEE, status: str = "status") -> Any:
        """A connection is created over REST."""
        data = {"phone_number": number, "status_url": f"{self.server.url}{status}"}
        response = self.ask("POST", "connections", data=data)
        assert response.status_code == 201
        return self.sift.find(response.json()["connection_id"])


@contextmanager
def desk(**handlers: Handler | Mapping[str, object] | str) -> Iterator[Desk]:
    with desk_with({}, **handlers) as found:
        yield found


@contextmanager
def desk_with(platform: Mapping[str, Any], **handlers: Handler | Mapping[str, object] | str) -> Iterator[Desk]:
    """The same, of a platform that was made with these arguments."""
    with serving(**handlers) as server:
        made = Sandbox(target=server.url, **platform)
        with made.rest_server() as url:
            yield Desk(made, server, url)
