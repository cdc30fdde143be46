"""Everything that work which leaves the house depends on, running for real and ready to be hurt."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import redis

from config.embedded_servers import EmbeddedValkey

CHECKOUT = Path(__file__).resolve().parents[2]


class Broker:
    """A Valkey that can lose what it has, or stand still."""

    def __init__(self, server: EmbeddedValkey) -> None:
        self._process_id = server.process_id
        self._link = redis.Redis.from_url(server.url(), socket_timeout=5)

    def flush(self) -> bool:
        """Everything in it is gone; False when it stands still and takes no orders."""
        try:
            self._link.flushall()
        except redis.RedisError:
            return False
        return True

    def stand_still(self) -> None:
        """It takes connections and answers nothing."""
        os.kill(self._process_id, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self._process_id, signal.SIGCONT)

    def close(self) -> None:
        self._link.close()


class Program:
    """A process of ours that can be killed outright and is started again, as a supervisor would."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command = list(command)
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it unless it runs."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                self._command, cwd=CHECKOUT, env=self._environment, start_new_session=True, stdin=subprocess.DEVNULL
            )

    @property
    def children(self) -> list[int]:
        """Its child processes: a worker's hands."""
        assert self._process is not None
        with suppress(OSError):
            pid = self._process.pid
            return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return []

    def kill(self) -> None:
        """It and all of its own, with no time to say anything."""
        if self._process is not None and self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def kill_a_child(self, which: int) -> None:
        """One of its hands."""
        if children := self.children:
            with suppress(ProcessLookupError):
                os.kill(children[which % len(children)], signal.SIGKILL)


@contextmanager
def programs(environment: Mapping[str, str], **commands: Sequence[str]) -> Iterator[dict[str, Program]]:
    """The programs by name; all are gone afterwards."""
    running = {name: Program(command, environment) for name, command in commands.items()}
    try:
        yield running
    finally:
        for program in running.values():
            program.kill()


class Receiver:
    """A customer's system: remembers the id of everything it took, and loses its answers as it likes."""

    def __init__(self) -> None:
        self.url = ""
        self.ids: list[str] = []
        self.lost_one_in = 0
        self._lock = threading.Lock()

    def take(self, webhook_id: str) -> bool:
        """Note it; False when the answer is to be lost."""
        with self._lock:
            self.ids.append(webhook_id)
            return not (self.lost_one_in and len(self.ids) % self.lost_one_in == 0)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on this machine, without TLS."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if not receiver.take(self.headers["webhook-id"]):
                self.close_connection = True
                return
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        yield receiver
        server.shutdown()


def python(*arguments: str) -> list[str]:
    """A command line with our interpreter."""
    return [sys.executable, *arguments]


def sooner_or_later(condition: Any, within_seconds: float) -> bool:
    """Wait for it; False when it does not come true in time."""
    give_up_at = time.monotonic() + within_seconds
    while time.monotonic() < give_up_at:
        if condition():
            return True
        time.sleep(0.2)
    return bool(condition())
