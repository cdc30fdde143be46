"""The load: clients with one connection each, every one placing call after call, in a process of its own.

A call is an ICE, its answer read and checked, and a DiCE. Everything is signed before the clock starts and the HTTP
is as little as it can be, because the load shares the machine with what it measures.
"""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from benchmarks.machine import CHECKOUT
from benchmarks.measured import Round, round_of
from benchmarks.signed_calls import CALLBACK_PATH, SignedCall, random_calls

ANSWER_LIMIT_SECONDS = 10.0
EMPTY_CHUNK = b"0\r\n\r\n"
# More than two cores can place; a round that uses all of them up ends early.
CALLS_PER_SECOND_AT_MOST = 2_500


class WrongAnswer(Exception):
    """The server said something else than it should, or nothing."""


def run(port: int, *, seconds: float, accounts: int, seed: int, clients: int = 8, path: str = CALLBACK_PATH) -> Round:
    """One round of load. Raises WrongAnswer at the first answer that is not right."""
    order = [port, seconds, accounts, seed, clients, path]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load", json.dumps(order)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise WrongAnswer((done.stderr.strip().splitlines() or ["the load ended at once"])[-1])
    return Round(**json.loads(done.stdout))


class _Client:
    """One connection and the call it is placing."""

    def __init__(self, port: int) -> None:
        self.link = socket.create_connection(("127.0.0.1", port), ANSWER_LIMIT_SECONDS)
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.call: SignedCall | None = None
        self.sent_at = 0.0
        self._answer = b""
        self._asks = False

    def ask(self, call: SignedCall) -> None:
        self.call, self._asks = call, True
        self._send(call.ice)

    def hang_up(self) -> None:
        assert self.call is not None
        self._asks = False
        self._send(self.call.dice)

    def is_answered(self) -> bool:
        """Read what has come; True once the answer is whole. Raises WrongAnswer when it is not the right one."""
        got = self.link.recv(65_536)
        if not got:
            raise WrongAnswer("the server closed the connection")
        self._answer += got
        head, blank, body = self._answer.partition(b"\r\n\r\n")
        if not blank or not _is_whole(head.lower(), body):
            return False
        right = b'"connectPstn"' in body if self._asks else body in (b"", EMPTY_CHUNK)
        if not head.startswith(b"HTTP/1.1 200") or not right:
            raise WrongAnswer(f"{'ICE' if self._asks else 'DiCE'} was answered {self._answer!r}")
        return True

    @property
    def was_asking(self) -> bool:
        return self._asks

    def _send(self, request: bytes) -> None:
        self._answer = b""
        self.sent_at = time.perf_counter()
        self.link.sendall(request)


def place_calls(port: int, calls: Iterator[SignedCall], *, clients: int, seconds: float) -> Round:
    """Place calls until the time is over or there are none left; calls begun are always ended."""
    latencies_ms: list[float] = []
    with selectors.DefaultSelector() as waiting:
        began = time.perf_counter()
        for client in [_Client(port) for _ in range(clients)]:
            waiting.register(client.link, selectors.EVENT_READ, client)
            client.ask(next(calls))
        while waiting.get_map():
            ready = waiting.select(ANSWER_LIMIT_SECONDS)
            if not ready:
                raise WrongAnswer(f"no answer within {ANSWER_LIMIT_SECONDS:g} s")
            for key, _ in ready:
                client = key.data
                if not client.is_answered():
                    continue
                now = time.perf_counter()
                latencies_ms.append((now - client.sent_at) * 1000)
                if client.was_asking:
                    client.hang_up()
                elif now - began < seconds and (call := next(calls, None)):
                    client.ask(call)
                else:
                    waiting.unregister(client.link)
                    client.link.close()
        return round_of(time.perf_counter() - began, latencies_ms)


def _is_whole(lowered_head: bytes, body: bytes) -> bool:
    if b"transfer-encoding: chunked" in lowered_head:
        return body.endswith(EMPTY_CHUNK)
    _, found, rest = lowered_head.partition(b"content-length:")
    return len(body) >= (int(rest.split(b"\r\n", 1)[0]) if found else 0)


def main(arguments: Sequence[str]) -> None:
    """Called by `run`."""
    port, seconds, accounts, seed, clients, path = json.loads(arguments[0])
    count = int(seconds * CALLS_PER_SECOND_AT_MOST)
    calls = list(random_calls(path, count=count, accounts=accounts, seed=seed))
    measured = place_calls(port, iter(calls), clients=clients, seconds=seconds)
    print(json.dumps(vars(measured)))


if __name__ == "__main__":
    main(sys.argv[1:])
