"""The machine under test: a PostgreSQL as safe as in production, its databases, and web servers in front of them."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from config import env, processes, server_user
from config.embedded import EmbeddedPostgres

CHECKOUT = Path(__file__).resolve().parent.parent
FIELD_KEY = base64.urlsafe_b64encode(b"32 bytes for a benchmark, open!!").decode()
READY_LIMIT_SECONDS = 30.0
STOP_LIMIT_SECONDS = 10.0
CALLERS_CHOICES = ("PATH", "HOME", "WEB_WORKERS", "WEB_THREADS")
SAFETY_SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers")


@dataclass(frozen=True)
class Database:
    """One database of the server; `url` holds its password, `server` is the server's process."""

    url: str
    server: int

    def connect(self) -> psycopg.Connection:
        """A connection that commits every statement by itself."""
        return psycopg.connect(self.url, autocommit=True)

    def copy(self, name: str) -> Database:
        """A second database with the same schema and rows; nobody may be connected to this one."""
        base, _, own = self.url.rpartition("/")
        with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(own)))
        return Database(f"{base}/{name}", self.server)


@dataclass(frozen=True)
class WebServer:
    """The production server on a port of 127.0.0.1; `process` is the one that started its workers."""

    port: int
    process: int


@contextlib.contextmanager
def durable_postgres() -> Iterator[Database]:
    """An empty PostgreSQL in a temporary folder with production's safety: what is committed survives a power cut."""
    with server_user.throwaway_folder() as root, EmbeddedPostgres(root, durable=True) as server:
        yield Database(server.url(), server.process_id)


def safety_of(database: Database) -> str:
    """The settings that decide what a commit costs, as the server names them."""
    with database.connect() as connection:
        version = connection.execute("SHOW server_version").fetchone()
        shown = [
            f"{name} {row[0]}" for name in SAFETY_SETTINGS if (row := connection.execute(f"SHOW {name}").fetchone())
        ]
    return f"PostgreSQL {version[0] if version else '?'}, {', '.join(shown)}"


def migrate(database: Database) -> None:
    """Our real schema: tables, constraints, indexes, triggers."""
    subprocess.run(
        [sys.executable, "-m", "django", "migrate", "--verbosity", "0"],
        env=environment(database),
        cwd=CHECKOUT,
        check=True,
    )


def environment(database: Database, settings: str = "config.settings") -> dict[str, str]:
    """A production's variables; of the caller's only where programs are and how many web workers there shall be."""
    given = {name: os.environ[name] for name in CALLERS_CHOICES if name in os.environ}
    return given | _variables(database.url) | {"DJANGO_SETTINGS_MODULE": settings}


def _variables(database_url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SECRET_KEY": "a-key-for-benchmarks-only-" + "0123456789" * 4,
        "FIELD_KEY": FIELD_KEY,
        "PUBLIC_URL": "http://127.0.0.1:8000",
    }


def web_shape() -> tuple[int, int]:
    """Web workers and threads in each of them, as the settings have it."""
    given = {name: os.environ[name] for name in CALLERS_CHOICES if name in os.environ}
    read = env.read(given | _variables("postgresql://127.0.0.1/none"))
    return read.web_workers, read.web_threads


@contextlib.contextmanager
def web_server(
    database: Database, settings: str = "config.settings", application: str = "config.wsgi:application"
) -> Iterator[WebServer]:
    """The production server in front of a database, once it answers; by default with Ringfence in it."""
    port = _free_port()
    *command, _ = processes.web("127.0.0.1", port, *web_shape())
    process = subprocess.Popen([*command, application], env=environment(database, settings), cwd=CHECKOUT)
    try:
        _wait_until_it_answers(port, process)
        yield WebServer(port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_it_answers(port: int, process: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + READY_LIMIT_SECONDS
    while time.monotonic() < give_up_at and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0) as link:
            link.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            if link.recv(64).startswith(b"HTTP/1.1"):
                return
        time.sleep(0.05)
    raise RuntimeError("The web server did not start.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
