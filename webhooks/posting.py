"""One POST to a customer's system: to an address that was checked, with an end, and believing nothing it says.

The name is looked up once. Every IP it leads to must be public, and one of exactly those IPs is connected to, while
certificate, SNI and Host stay the name's: a name that is rebound between the check and the connection gains nothing.
No proxy, `.netrc` or cookie of ours is involved, and no redirect is followed. Nothing here knows the database.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPException
from threading import Thread
from typing import Any, cast

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from webhooks.addresses import Target, is_public

SECONDS_IN_ALL = 15.0
SECONDS_TO_CONNECT = 5.0
MOST_BYTES = 64 * 1024
MOST_IPS_TRIED = 4

Resolve = Callable[[str, int], Sequence[str]]
Connect = Callable[[str, int, float], socket.socket]


class NotAnswered(Exception):
    """Nothing that counts as an answer came; the message is one sentence for the customer."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back: a status, the headers by their names in lower case, and the beginning of the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def look_up(host: str, port: int) -> Sequence[str]:
    """Every IP of the name, as the system knows them. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def connect(ip: str, port: int, seconds: float) -> socket.socket:
    """A connection to this IP. Raises OSError."""
    return socket.create_connection((ip, port), timeout=seconds)


@cache
def public_trust() -> ssl.SSLContext:
    """The certificate authorities that everything else of ours trusts as well."""
    return ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)


@dataclass(frozen=True, kw_only=True)
class Network:
    """How names become IPs, IPs connections, and who is trusted."""

    resolve: Resolve = look_up
    connect: Connect = connect
    trust: Callable[[], ssl.SSLContext] = public_trust


INTERNET = Network()


def post(
    target: Target,
    body: bytes,
    headers: Mapping[str, str],
    *,
    network: Network = INTERNET,
    seconds: float = SECONDS_IN_ALL,
) -> Answer:
    """What the target says to this body, in so many seconds from the look-up of its name to the end of its answer.

    Of an answer at most 64 KiB are read; once its status is here, a rest that does not come is done without.
    Raises NotAnswered, also when the address turns out not to be public: then nothing was sent anywhere.
    """
    time_left = _TimeLeft(seconds)
    ips = _checked_ips(target, network.resolve, time_left)
    try:
        with _connected(target, ips, network, time_left) as connection:
            return _exchange(_Wire(connection, time_left), target, body, headers)
    except TimeoutError:
        raise NotAnswered(f"There was no answer within {seconds:g} seconds.") from None
    except ssl.SSLCertVerificationError as error:
        raise NotAnswered(f"The certificate does not prove the name: {error.verify_message}.") from None
    except ssl.SSLError as error:
        raise NotAnswered(f"TLS failed: {error.reason or 'no reason was given'}.") from None
    except (OSError, HTTPException, ValueError) as error:
        raise NotAnswered(f"The connection broke off, or spoke no HTTP ({type(error).__name__}).") from None


class _TimeLeft:
    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds

    def seconds(self) -> float:
        """What is left. Raises TimeoutError when that is nothing."""
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _checked_ips(target: Target, resolve: Resolve, time_left: _TimeLeft) -> Sequence[str]:
    """The IPs to connect to. One that is not public spoils them all: it may be the one that is used next time."""
    ips = [target.host] if target.is_ip else _resolved(target, resolve, time_left)
    if not target.is_private and not all(map(is_public, ips)):
        raise NotAnswered(f"{target.host} leads to an address that is not public: nothing was sent.")
    return ips[:MOST_IPS_TRIED]


def _resolved(target: Target, resolve: Resolve, time_left: _TimeLeft) -> Sequence[str]:
    """Looking up a name cannot be interrupted, so it is waited for from beside."""
    found: Future[Sequence[str]] = Future()

    def ask() -> None:
        try:
            found.set_result(resolve(target.host, target.port))
        except Exception as error:
            found.set_exception(error)

    Thread(target=ask, name="resolving", daemon=True).start()
    try:
        ips = found.result(time_left.seconds())
    except (FutureTimeout, TimeoutError):
        raise NotAnswered(f"{target.host} could not be looked up in time.") from None
    except (OSError, UnicodeError):
        raise NotAnswered(f"{target.host} could not be looked up.") from None
    if not ips:
        raise NotAnswered(f"{target.host} has no address.")
    return ips


def _connected(target: Target, ips: Sequence[str], network: Network, time_left: _TimeLeft) -> socket.socket:
    connection = _first_open(target, ips, network, time_left)
    if not target.is_tls:
        return connection
    try:
        connection.settimeout(time_left.seconds())
        return network.trust().wrap_socket(connection, server_hostname=target.host)
    except BaseException:
        connection.close()
        raise


def _first_open(target: Target, ips: Sequence[str], network: Network, time_left: _TimeLeft) -> socket.socket:
    for ip in ips:
        try:
            return network.connect(ip, target.port, min(SECONDS_TO_CONNECT, time_left.seconds()))
        except OSError:
            time_left.seconds()  # when time is up, that is what is told
    raise NotAnswered(f"{target.host} did not take the connection on port {target.port}.")


def _exchange(wire: _Wire, target: Target, body: bytes, headers: Mapping[str, str]) -> Answer:
    http = HTTPConnection(target.host, target.port)
    http.auto_open = 0  # it has the one connection it gets
    http.sock = cast(Any, wire)
    http.request("POST", target.path, body, {"Host": target.host_header, "Connection": "close", **headers})
    with http.getresponse() as response:
        said = {name.lower(): value for name, value in response.getheaders()}
        return Answer(status=response.status, headers=said, body=_beginning_of(response))


def _beginning_of(stream: Any) -> bytes:
    """As much of the body as comes in time and within bounds."""
    body = b""
    try:
        while block := stream.read1(MOST_BYTES):
            body += block
    except (OSError, HTTPException, ValueError):
        return body
    return body


class _Wire:
    """What `http.client` takes for a socket: every wait is bounded by the time left.

    Time-outs of a socket start afresh with every byte, so a server that sends one a second would never trip them.
    """

    def __init__(self, connection: socket.socket, time_left: _TimeLeft) -> None:
        self._connection = connection
        self._time_left = time_left

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._connection.settimeout(self._time_left.seconds())
            view = view[self._connection.send(view) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Received(self._connection, self._time_left))

    def close(self) -> None:
        """Whoever opened the connection closes it; the body may still be on its way."""


class _Received(io.RawIOBase):
    """The answer's bytes, headers and all, in the time left and no more of them than we read."""

    def __init__(self, connection: socket.socket, time_left: _TimeLeft) -> None:
        self._connection = connection
        self._time_left = time_left
        self._bytes_left = MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)[: self._bytes_left]
        if not view:
            raise ValueError("the answer is longer than is read")
        self._connection.settimeout(self._time_left.seconds())
        count = self._connection.recv_into(view)
        self._bytes_left -= count
        return count
