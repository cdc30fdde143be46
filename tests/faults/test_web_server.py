"""The real web server in a process of its own, on a PostgreSQL of its own behind a wire that can be cut.

P5, P6: the database is stopped, silent or frozen while calls come in. S4: an application changes its secret.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import requests

from config.embedded import throwaway_postgres
from telephony.models import Application
from tests.builders import A_SECRET
from tests.faults.wire import Wire
from tests.sinch_caller import Answered, SinchCaller, a_call_id, signed_headers

CHECKOUT = Path(__file__).resolve().parents[2]
THREADS = 3
ANSWERED_WITHIN_SECONDS = 2.0
KEY = "00000000-0000-4000-8000-00000000fa17"
SINCH = SinchCaller(Application(provider="sinch", key=KEY))

OPENING = f"""
import django; django.setup()
from tests.builders import a_deck, an_account, an_application
a_deck({{"44": "0.06"}})
an_account(client_user="alice", calls_at_once=30, balance="500")
an_application(key={KEY!r})
"""

OTHER_SECRET = "AAECAwQFBgcICQoLDA0ODw=="
REGISTERING = """
import django; django.setup()
from telephony.applications import add_application
add_application("sinch", key={key!r}, secret={secret!r}, previous_secret={previous!r})
"""


@dataclass
class Desk:
    """A web server whose database can be taken away."""

    url: str
    wire: Wire
    database_url: str
    postmaster: int
    environment: dict[str, str]

    def send(self, body: dict[str, object], key: str = KEY, secret: str = A_SECRET) -> tuple[Answered, float]:
        """The reply, and how many seconds it took."""
        raw = json.dumps(body).encode()
        headers = signed_headers(raw, key=key, secret=secret)
        began = time.monotonic()
        response = requests.post(self.url, data=raw, headers=headers, timeout=30)
        return Answered(response.status_code, response.content), time.monotonic() - began

    def run(self, program: str) -> None:
        """What staff do meanwhile, in a process of their own."""
        subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, env=self.environment, check=True)

    def charged(self, call_id: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(
                "SELECT duration_seconds, charge::text FROM telephony_cdr r JOIN telephony_call c ON c.id = r.call_id "
                "WHERE c.provider_call_id = %s",
                [call_id],
            ).fetchall()


@contextmanager
def stopped(desk: Desk) -> Iterator[None]:
    """Connections are refused, as by a server that is not there."""
    desk.wire.cut()
    try:
        yield
    finally:
        desk.wire.mend()


@contextmanager
def silent(desk: Desk) -> Iterator[None]:
    """Connections are accepted and nothing is ever answered."""
    desk.wire.silence()
    try:
        yield
    finally:
        desk.wire.mend()


@contextmanager
def frozen(desk: Desk) -> Iterator[None]:
    """PostgreSQL and all its processes stand still; the kernel still takes connections for them."""
    processes = [desk.postmaster, *_children(desk.postmaster)]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with throwaway_postgres() as postgres, Wire(urlsplit(postgres.url()).port or 0) as wire:
        parts = urlsplit(postgres.url())
        behind_wire = postgres.url().replace(f":{parts.port}/", f":{wire.port}/")
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_URL": behind_wire}
        environment.pop("CALLBACK_DEADLINE_SECONDS", None)
        for arguments in (["-m", "django", "migrate", "--verbosity", "0"], ["-c", OPENING]):
            subprocess.run([sys.executable, *arguments], cwd=CHECKOUT, env=environment, check=True)
        with _web_server(environment) as url:
            yield Desk(url, wire, postgres.url(), postgres.process_id, environment)


def test_p5_p6_while_the_database_is_away_no_call_begins_and_no_hang_up_is_lost(desk: Desk) -> None:
    for away in (stopped, silent, frozen):
        _take_it_away(desk, away)


def _take_it_away(desk: Desk, away: Callable[[Desk], AbstractContextManager[None]]) -> None:
    running, wanted = a_call_id(), a_call_id()
    assert desk.send(SINCH.ice(running))[0].action == "connectPstn"

    with away(desk):
        asked = [desk.send(SINCH.ice(wanted)) for _ in range(THREADS + 2)]
        answered, _ = desk.send(SINCH.ace(running))
        ended, seconds_of_ended = desk.send(SINCH.dice(running, 61))
        refused, seconds_of_refused = desk.send(SINCH.ice(wanted) | {"callid": "a forged copy"})
        unsigned = requests.post(desk.url, data=b"{}", timeout=30)

    assert {(reply.status, reply.action) for reply, _ in asked} == {(200, "hangup")}
    assert asked[0][0].spoken == "The service is not available at the moment. Please try again later."
    assert answered.action == "continue"  # its limit was given before
    assert (ended.status, ended.body) == (503, b"")  # so that Sinch tries its fallback address
    assert refused.action == "hangup"
    assert (unsigned.status_code, unsigned.content) == (401, b"")
    # The machine that runs the tests has other work too: one slow answer among many is not ours.
    waited = [seconds for _, seconds in asked]
    assert statistics.median([*waited, seconds_of_ended, seconds_of_refused]) < ANSWERED_WITHIN_SECONDS

    assert _sooner_or_later(lambda: desk.send(SINCH.dice(running, 61))[0].status == 200)
    assert desk.charged(running) == [(61, "0.120000")]
    assert desk.send(SINCH.ice(a_call_id()))[0].action == "connectPstn"


def test_p5_a_frozen_database_does_not_use_up_the_web_servers_threads(desk: Desk) -> None:
    with frozen(desk), ThreadPoolExecutor(THREADS) as callers:
        rounds = [list(callers.map(desk.send, [SINCH.ice(a_call_id()) for _ in range(THREADS)])) for _ in range(3)]
    assert {reply.action for replies in rounds for reply, _ in replies} == {"hangup"}
    medians = [statistics.median(seconds for _, seconds in replies) for replies in rounds]
    assert statistics.median(medians) < ANSWERED_WITHIN_SECONDS


def test_s4_a_running_web_server_sees_new_changed_and_disabled_applications(desk: Desk) -> None:
    key = "00000000-0000-4000-8000-00000000beef"
    sinch = SinchCaller(Application(provider="sinch", key=key))

    def status(secret: str) -> int:
        return desk.send(sinch.notify(a_call_id()), key, secret)[0].status

    assert status(A_SECRET) == 401
    desk.run(REGISTERING.format(key=key, secret=A_SECRET, previous=""))
    assert _sooner_or_later(lambda: status(A_SECRET) == 200)

    desk.run(REGISTERING.format(key=key, secret=OTHER_SECRET, previous=A_SECRET))
    assert _sooner_or_later(lambda: status(A_SECRET) == status(OTHER_SECRET) == 200)
    desk.run(REGISTERING.format(key=key, secret=OTHER_SECRET, previous=""))
    assert _sooner_or_later(lambda: status(A_SECRET) == 401)
    assert status(OTHER_SECRET) == 200

    with psycopg.connect(desk.database_url) as connection:
        connection.execute("UPDATE telephony_application SET enabled = false WHERE key = %s", [key])
    assert _sooner_or_later(lambda: status(OTHER_SECRET) == 401)


@contextmanager
def _web_server(environment: dict[str, str]) -> Iterator[str]:
    port = _free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    command += [
        "--workers",
        "1",
        "--blocking-threads",
        str(THREADS),
        "--log-level",
        "warning",
        "config.wsgi:application",
    ]
    server = subprocess.Popen(command, cwd=CHECKOUT, env=environment | {"ALLOWED_HOSTS": "127.0.0.1"})
    url = f"http://127.0.0.1:{port}/callbacks/sinch/"
    try:
        assert _sooner_or_later(lambda: requests.get(url, timeout=5).status_code == 405)
        yield url
    finally:
        server.terminate()
        server.wait(30)


def _sooner_or_later(condition: Callable[[], bool]) -> bool:
    give_up_at = time.monotonic() + 60
    while time.monotonic() < give_up_at:
        try:
            if condition():
                return True
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
