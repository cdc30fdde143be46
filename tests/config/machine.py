"""A machine of its own for commands that serve: a copy of the code, a database, and a way to find every process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import requests

from config.embedded import throwaway_valkey

CHECKOUT = Path(__file__).resolve().parents[2]
CODE = (
    "accounts", "billing", "config", "outbox", "postgres", "sandbox", "softphone", "static", "telephony", "templates",
    "webhooks",
    "manage.py",
)  # fmt: skip
MARK = "RINGFENCE_TEST_MACHINE"
PATIENCE_SECONDS = 60


@dataclass
class Machine:
    """Processes started here, and theirs, carry the machine's name in their environment."""

    folder: Path
    environment: dict[str, str]
    name: str
    output: dict[int, Path] = field(default_factory=dict)

    @property
    def database_url(self) -> str:
        return self.environment["DATABASE_URL"]

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A command of `manage.py`; what it says is in `said`."""
        path = self.folder / f"output-{uuid4().hex}"
        with path.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.output[process.pid] = path
        return process

    def said(self, process: subprocess.Popen[bytes]) -> str:
        return self.output[process.pid].read_text()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of `manage.py` to its end."""
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )

    def wait_until_said(self, process: subprocess.Popen[bytes], words: str) -> str:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while words not in self.said(process):
            assert process.poll() is None, self.said(process)
            assert time.monotonic() < give_up_at, self.said(process)
            time.sleep(0.05)
        return self.said(process)

    def processes(self) -> dict[int, str]:
        """What runs of this machine: process id to command line."""
        return {
            int(folder.name): command.decode().replace("\0", " ")
            for folder in Path("/proc").glob("[0-9]*")
            if self._is_ours(folder) and (command := _read(folder / "cmdline"))
        }

    def wait_until_empty(self) -> None:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while running := self.processes():
            assert time.monotonic() < give_up_at, running
            time.sleep(0.05)

    def end_everything(self) -> None:
        for process_id in self.processes():
            try:
                os.kill(process_id, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def _is_ours(self, folder: Path) -> bool:
        return f"{MARK}={self.name}".encode() in _read(folder / "environ").split(b"\0")


@contextmanager
def machine(folder: Path, **environment: str) -> Iterator[Machine]:
    """Without a DATABASE_URL it brings its own servers along. Nothing of it is left in the end."""
    for name in CODE:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(
                source, folder / name
            )  # with what Python has compiled: a dozen processes need not do it again
        else:
            shutil.copy(source, folder / name)
    name = uuid4().hex
    given = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "REDIS_URL")}
    own = Machine(folder, given | environment | {MARK: name}, name)
    try:
        yield own
    finally:
        own.end_everything()


@contextmanager
def an_empty_database() -> Iterator[str]:
    """A database on the tests' server, gone in the end; gives its address."""
    server = os.environ["DATABASE_URL"]
    name = f"machine_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as session:
        session.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        finally:
            session.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def a_given_machine(folder: Path, **environment: str) -> Iterator[Machine]:
    """A machine whose database and broker were given to it, both empty."""
    with (
        an_empty_database() as database_url,
        throwaway_valkey() as valkey,
        machine(folder, DATABASE_URL=database_url, REDIS_URL=valkey.url(), **environment) as own,
    ):
        yield own


def status(address: str, **headers: str) -> int:
    """Of the answer to a GET; 0 when nobody listens."""
    try:
        return requests.get(address, headers=headers, timeout=10).status_code
    except requests.ConnectionError:
        return 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it ended meanwhile
        return b""
