"""The HTTP server under the REST API: requests in, and answers out, well or badly."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import cast
from urllib.parse import urlsplit

from sandbox import wire
from sandbox.api import ApiError, Request, Response, Transmission

log = logging.getLogger(__name__)

LONGEST_BODY_BYTES = 1 << 20
FLOOD_PIECE_BYTES, FLOOD_PIECES = 1 << 16, 1 << 14
DRIP_SECONDS = 0.05


class Server(ThreadingHTTPServer):
    """Answers every request by `answer`, each in a thread of its own; `stop` cuts short whoever dawdles."""

    request_queue_size = 128

    def __init__(self, address: tuple[str, int], answer: Callable[[Request], Response]) -> None:
        super().__init__(address, DeskHandler)
        self.answer = answer
        self.stop = Event()


@contextmanager
def serve(answer: Callable[[Request], Response], host: str, port: int) -> Iterator[str]:
    """Serve in the background; gives the base URL.

    Raises OSError when the port is taken.
    """
    server = Server((host, port), answer)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_address[1]}"
    finally:
        server.stop.set()
        server.shutdown()
        thread.join()
        server.server_close()


class DeskHandler(BaseHTTPRequestHandler):
    """One connection."""

    timeout = 30

    @property
    def _desk(self) -> Server:
        return cast(Server, self.server)

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > LONGEST_BODY_BYTES:
            self._send(ApiError(40003, "Invalid request").response())
            return
        body = self.rfile.read(int(length))
        address = urlsplit(self.path)
        # A client that has given up waiting is no fault of ours.
        with suppress(ConnectionError):
            self._transmit(self._desk.answer(Request(self.command, address.path, headers, body, address.query)))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def _transmit(self, response: Response) -> None:
        match response.transmission:
            case Transmission.DROPPED:
                self.close_connection = True
                with suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                return
            case Transmission.LATE:
                self._desk.stop.wait(response.late_seconds)
            case Transmission.DRIPPING | Transmission.FLOOD as how:
                self._never_end(response.status, how)
                return
        self._send(response)

    def _never_end(self, status: int, how: Transmission) -> None:
        stop = self._desk.stop
        piece = b" " if how is Transmission.DRIPPING else b" " * FLOOD_PIECE_BYTES
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        for _ in range(FLOOD_PIECES):
            self.wfile.write(piece)
            if stop.wait(DRIP_SECONDS) if how is Transmission.DRIPPING else stop.is_set():
                return

    def _send(self, response: Response) -> None:
        content = response.content
        if content is None:
            content = b"" if response.body is None else wire.dumps(response.body)
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if content:
            self.send_header("Content-Type", response.content_type)
        if response.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Into our own log, quietly."""
        log.debug(format, *args)
