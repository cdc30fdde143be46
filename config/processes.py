"""The processes of one machine: started together, ended together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from config.embedded_servers import die_with_parent

STOPPING_SECONDS = 15

# What a process says is no answer of ours: standard output belongs to the command that started it.
STANDARD_ERROR = 2


class ProcessEnded(RuntimeError):
    """A process that should have gone on has ended."""


def must_be_free(host: str, port: int, option: str) -> None:
    """Raise ProcessEnded with what to do when somebody listens there already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise ProcessEnded(f"Port {port} is taken: end what uses it, or choose another with {option}.") from None


def web(host: str, port: int, workers: int, threads: int) -> list[str]:
    """The production web server: WSGI, a few processes with a few threads each, one database connection a thread."""
    return [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port),
        "--workers", str(workers), "--blocking-threads", str(threads), "--backlog", "1024", "--no-ws",
        "--log-level", "warning", "config.wsgi:application",
    ]  # fmt: skip


def relay() -> list[str]:
    """The relay: hands the outbox's rows to the worker."""
    return [sys.executable, "manage.py", "relay"]


def worker(*queues: str) -> list[str]:
    """A worker that does what the relay and the timetable ask for: of all queues, or of these only."""
    names = queues or (settings.PAID_QUEUE, settings.CELERY_TASK_DEFAULT_QUEUE)
    return [
        sys.executable, "-m", "celery", "--quiet", "-A", "config.celery", "worker",
        "--pool", "prefork", "--concurrency", "2",
        "--queues", ",".join(names), "--hostname", f"{'-'.join(names)}@%h",
        "--loglevel", "warning", "--without-gossip", "--without-mingle",
    ]  # fmt: skip


def everything(host: str, port: int, workers: int) -> dict[str, list[str]]:
    """All of Ringfence on one machine, by the names under which each is spoken of."""
    return {
        "web": web(host, port, workers, settings.WEB_THREADS),
        "relay": relay(),
        "worker": worker(settings.CELERY_TASK_DEFAULT_QUEUE),
        "worker for paid work": worker(settings.PAID_QUEUE),
        "timetable": timetable(),
    }


def timetable() -> list[str]:
    """The timetable. Its own notes are a convenience; every job reads from PostgreSQL what there is to do."""
    notes = Path(settings.BASE_DIR) / "var" / "timetable"
    notes.parent.mkdir(exist_ok=True)
    return [
        sys.executable, "-m", "celery", "--quiet", "-A", "config.celery", "beat", "--schedule", str(notes),
        "--loglevel", "warning", "--pidfile", "",
    ]  # fmt: skip


def be_reached_at(address: str) -> None:
    """Let the processes started from now on be called at this address of the machine, whatever the world calls us.

    A provider on this machine is told to report there, and finds us by no other name. The path stays the public one.
    """
    os.environ["PUBLIC_URL"] = address + urlsplit(settings.PUBLIC_URL).path.rstrip("/")
    os.environ["ALLOWED_HOSTS"] = ",".join(dict.fromkeys([*settings.ALLOWED_HOSTS, "127.0.0.1"]))


@contextmanager
def running(commands: Mapping[str, Sequence[str]]) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Start the commands; end them all, politely first, when the block ends however it ends.

    SIGTERM ends the block as Ctrl-C does, with KeyboardInterrupt. Should we be killed outright, they end with us.
    """
    started: dict[str, subprocess.Popen[bytes]] = {}
    before = signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        for name, command in commands.items():
            started[name] = subprocess.Popen(  # noqa: S603 - our own commands
                list(command),
                cwd=settings.BASE_DIR,
                stdout=STANDARD_ERROR,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        yield started
    finally:
        signal.signal(signal.SIGTERM, before)
        for process in started.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOPPING_SECONDS
        for process in started.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _as_interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def watch(started: Mapping[str, subprocess.Popen[bytes]]) -> None:
    """Wait as long as all of them run. Raises ProcessEnded with the name of the first that does not."""
    while True:
        for name, process in started.items():
            if process.poll() is not None:
                raise ProcessEnded(f"The {name} process ended with status {process.returncode}: see its last lines.")
        time.sleep(0.5)


def wait_until_ready(address: str, process: subprocess.Popen[bytes], *, at_most_seconds: float = 30) -> None:
    """Wait until the web process can answer a call. Raises ProcessEnded when it ends or never becomes ready."""
    deadline = time.monotonic() + at_most_seconds
    # By the name the world uses: Django answers to no other, whatever address we reach it at.
    name = settings.ALLOWED_HOSTS[0].removeprefix(".")
    question = urllib.request.Request(f"{address}/readyz", headers={"Host": name})  # noqa: S310 - our own address
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(question, timeout=2) as answer:  # noqa: S310 - our own address
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise ProcessEnded(f"The web process did not become ready at {address}.")
