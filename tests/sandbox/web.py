"""A tiny web server for a softphone: real HTTP, scripted answers, every request kept as it came."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass(frozen=True)
class Asked:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Says:
    """An answer; without a content type the header is missing. A body may come in pieces, whenever they are ready."""

    status: int = 200
    content_type: str = "text/xml"
    body: str | Iterable[str] = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Web:
    """`answers` are given one after the other, the last for ever; a function decides by the request."""

    answers: list[Says | Callable[[Asked], Says]]
    url: str = ""
    asked: list[Asked] = field(default_factory=list)

    def answer(self, asked: Asked) -> Says:
        self.asked.append(asked)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(asked) if callable(answer) else answer


@contextmanager
def web(*answers: Says | Callable[[Asked], Says]) -> Iterator[Web]:
    served = Web(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def handle_anything(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            said = served.answer(Asked(self.command, self.path, dict(self.headers.items()), body))
            self.send_response(said.status)
            for name, value in {"Content-Type": said.content_type, **said.headers}.items():
                if value:
                    self.send_header(name, value)
            self.end_headers()
            with suppress(ConnectionError):
                for piece in [said.body] if isinstance(said.body, str) else said.body:
                    self.wfile.write(piece.encode())

        do_GET = do_POST = do_PUT = do_DELETE = handle_anything  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
