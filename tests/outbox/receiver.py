"""The outside: takes what is carried to it, and remembers in order what really arrived, and when."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """`arrived` is the oracle: keys and moments, only ever added to."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.arrived: list[tuple[str, float]] = []

    def times(self, key: str) -> int:
        return sum(one == key for one, _ in self.arrived)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a port of its own, in a thread."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.arrived.append((self.path[1:], time.time()))
            self._answer(200)

        def do_GET(self) -> None:
            self._answer(200 if receiver.times(self.path[1:]) else 404)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """The tests look at what arrived."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver = Receiver(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
