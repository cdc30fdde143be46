"""One HTTP request with an end: so many seconds in all, so many bytes at most, no redirects.

A read timeout alone ends nothing, since a server that sends a byte a second never trips it. Here a timer cuts
the connection when the time is up, wherever it is: in the headers or in the body.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Timer
from typing import Any, cast

from requests import PreparedRequest, RequestException, Session
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError

from telephony.providers.base import ProviderTrouble


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the body as sent, and the headers by their names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class _WatchedAdapter(HTTPAdapter):
    """Remembers the sockets it opens, so that they can be cut. A connection forgets its own too early for that."""

    def __init__(self) -> None:
        super().__init__()
        self._sockets: list[socket.socket] = []

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> HTTPConnectionPool:
        pool = cast(HTTPConnectionPool, super().get_connection_with_tls_context(*args, **options))
        make = pool.ConnectionCls

        def watched(*args: Any, **options: Any) -> HTTPConnection:
            connection = cast(HTTPConnection, make(*args, **options))
            connect = connection.connect

            def remember() -> None:
                connect()
                self._sockets.append(connection.sock)

            connection.connect = remember  # type: ignore[method-assign]
            return connection

        pool.ConnectionCls = watched  # type: ignore[assignment]  # called like the class, which depends on TLS
        return pool

    def cut(self) -> None:
        """End every read and write at once, wherever it is."""
        for opened in self._sockets:
            # What is closed already need not be cut. TLS's own shutdown would pull the rug from under its reader.
            with suppress(OSError):
                socket.socket.shutdown(opened, socket.SHUT_RDWR)


def fetch(request: PreparedRequest, *, deadline_seconds: float, limit_bytes: int) -> Answer:
    """The answer to a request. Raises ProviderTrouble when there is none in time or within bounds."""
    adapter = _WatchedAdapter()
    timer = Timer(deadline_seconds, adapter.cut)
    timer.daemon = True
    ends_at = time.monotonic() + deadline_seconds
    timer.start()
    try:
        with Session() as session:
            for scheme in ("http://", "https://"):
                session.mount(scheme, adapter)
            with session.send(request, stream=True, allow_redirects=False, timeout=deadline_seconds) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                answer = Answer(response.status_code, _read(response.raw, limit_bytes + 1), headers)
    except (RequestException, HTTPError, OSError) as broken:
        raise ProviderTrouble("Sinch could not be reached, or did not answer in time.") from broken
    finally:
        timer.cancel()
    # A body without a length looks complete when it is cut.
    if time.monotonic() >= ends_at:
        raise ProviderTrouble(f"Sinch took longer than {deadline_seconds} seconds to answer.")
    if len(answer.body) > limit_bytes:
        raise ProviderTrouble(f"Sinch answered with more than {limit_bytes} bytes.")
    return answer


def _read(stream: Any, most_bytes: int) -> bytes:
    """The body up to so many bytes. Read to its very end, since only there a missing rest is noticed."""
    body = b""
    while len(body) < most_bytes and (block := stream.read(most_bytes - len(body), decode_content=False)):
        body += block
    return body
