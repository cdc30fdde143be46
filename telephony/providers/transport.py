"""One HTTP request with an end: so many seconds in all, so many bytes at most, no redirects.

A read timeout alone ends nothing, since a server that sends a byte a second never trips it. Here a timer cuts
the connection when the time is up, wherever it is: in the TLS handshake, in the headers or in the body.

Whether a request was sent at all decides whether paid work may be tried again. It is sent once a connection is made,
TLS included: never before, and never after the deadline.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Timer
from typing import Any, cast

from requests import PreparedRequest, RequestException, Response, Session
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError

from telephony.providers.base import NotSent, ProviderTrouble

LONGEST_WAIT_SECONDS = 86_400


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the body as sent, and the headers by their names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def retry_after_seconds(self) -> int | None:
        """The seconds of a Retry-After header, which may be a number or a date. At most a day."""
        text = self.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit() and len(text) < 10:
            return min(int(text), LONGEST_WAIT_SECONDS)
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0, min(int((moment - datetime.now(UTC)).total_seconds()), LONGEST_WAIT_SECONDS))


class _Straight(Session):
    """Goes nowhere else. A redirect that is not followed is read by `requests` all the same, without any bound."""

    def get_redirect_target(self, resp: Response) -> None:
        return None


class _WatchedAdapter(HTTPAdapter):
    """Sees its connections being made, and can cut them. `is_connected` once anything of ours may have been sent."""

    def __init__(self, ends_at: float) -> None:
        super().__init__()
        self.is_connected = False
        self._ends_at = ends_at
        self._lines: list[socket.socket] = []

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> HTTPConnectionPool:
        pool = cast(HTTPConnectionPool, super().get_connection_with_tls_context(*args, **options))
        make = pool.ConnectionCls

        def watched(*args: Any, **options: Any) -> HTTPConnection:
            connection = cast(HTTPConnection, make(*args, **options))
            dial, connect = connection._new_conn, connection.connect

            def remember() -> socket.socket:
                line = dial()
                # A second handle: TLS takes the first away, and keeps its own to itself until the handshake is over.
                self._lines.append(line.dup())
                return line

            def note() -> None:
                connect()
                if time.monotonic() >= self._ends_at:
                    # Whoever waits for us has stopped by now, and may be asking whether it was done.
                    raise TimeoutError("It took too long to be connected.")
                self.is_connected = True

            connection._new_conn = remember  # type: ignore[method-assign]
            connection.connect = note  # type: ignore[method-assign]
            return connection

        pool.ConnectionCls = watched  # type: ignore[assignment]  # called like the class, which depends on TLS
        return pool

    def cut(self) -> None:
        """End every read and write at once, wherever it is."""
        for line in self._lines:
            with suppress(OSError):  # the other side may have gone
                line.shutdown(socket.SHUT_RDWR)

    def forget(self) -> None:
        """Give back what was kept for `cut`."""
        for line in self._lines:
            line.close()


def fetch(request: PreparedRequest, *, deadline_seconds: float, limit_bytes: int, who: str) -> Answer:
    """The answer of the provider called `who` to a request.

    Raises NotSent when no connection was made, another ProviderTrouble without an answer in time and within bounds.
    """
    ends_at = time.monotonic() + deadline_seconds
    adapter = _WatchedAdapter(ends_at)
    timer = Timer(deadline_seconds, adapter.cut)
    timer.daemon = True
    timer.start()
    try:
        with _Straight() as session:
            for scheme in ("http://", "https://"):
                session.mount(scheme, adapter)
            with session.send(request, stream=True, allow_redirects=False, timeout=deadline_seconds) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                answer = Answer(response.status_code, _read(response.raw, limit_bytes + 1), headers)
    except (RequestException, HTTPError, OSError) as broken:
        if not adapter.is_connected:
            raise NotSent(f"{who} could not be reached, so nothing was sent.") from broken
        raise ProviderTrouble(f"{who} could not be reached, or did not answer in time.") from broken
    finally:
        timer.cancel()
        adapter.forget()
    # A body without a length looks complete when it is cut.
    if time.monotonic() >= ends_at:
        raise ProviderTrouble(f"{who} took longer than {deadline_seconds} seconds to answer.")
    if len(answer.body) > limit_bytes:
        raise ProviderTrouble(f"{who} answered with more than {limit_bytes} bytes.")
    return answer


def _read(stream: Any, most_bytes: int) -> bytes:
    """The body up to so many bytes. Read to its very end, since only there a missing rest is noticed."""
    body = b""
    while len(body) < most_bytes and (block := stream.read(most_bytes - len(body), decode_content=False)):
        body += block
    return body
