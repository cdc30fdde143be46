"""A provider's REST API that says whatever a test wants, and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Answers = Callable[[str], tuple[int, bytes]]


def says(status: str = "FINAL", **fields: Any) -> Answers:
    """The same about every call; `fields` replace those of a call that was talked for 61 seconds."""

    def answer(call_id: str) -> tuple[int, bytes]:
        values = {
            "callId": call_id,
            "status": status,
            "result": "ANSWERED",
            "reason": "CALLERHANGUP",
            "duration": 61,
            "to": {"type": "number", "endpoint": "+447700900123"},
            "debit": {"currencyId": "USD", "amount": 0.0123},
            **fields,
        }
        return 200, json.dumps(values).encode()

    return answer


def only(status: int, body: bytes = b"{}") -> Answers:
    """Always the same status and bytes."""
    return lambda call_id: (status, body)


@dataclass
class RestApi:
    """Where it is, what it answers, and which calls it was asked about, in order."""

    answers: Answers
    url: str = ""
    asked: list[str] = field(default_factory=list)


@contextmanager
def serving(answers: Answers) -> Iterator[RestApi]:
    api = RestApi(answers)

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            call_id = self.path.rpartition("/")[2]
            api.asked.append(call_id)
            status, body = api.answers(call_id)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PATCH = do_POST = _serve  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
