"""The backend gives up in time: on a server that never answers, and on one that freezes in the middle."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection
from django.db.utils import OperationalError

from postgres.base import DatabaseWrapper, DeadlinePassed
from postgres.deadline import deadline

pytestmark = pytest.mark.django_db


class Relay:
    """Passes one connection on to the real server until it is told to freeze."""

    def __init__(self, host: str, port: int) -> None:
        self.frozen = Event()
        self._over = Event()
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        self._listener.settimeout(10)
        client = self._listener.accept()[0]
        server = socket.create_connection(self._server)
        other = {client: server, server: client}
        with client, server, selectors.DefaultSelector() as selector:
            for side in other:
                selector.register(side, selectors.EVENT_READ)
            while not self._over.is_set():
                for key, _ in selector.select(0.05):
                    if self.frozen.is_set():
                        continue
                    data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                    if not data:
                        return
                    other[key.fileobj].sendall(data)  # type: ignore[index]


def wrapper_to(**changes: Any) -> DatabaseWrapper:
    return DatabaseWrapper({**connection.settings_dict, **changes}, alias="through-a-relay")


@contextmanager
def a_relay() -> Iterator[Relay]:
    info = connection.connection.info
    relay = Relay(info.hostaddr or info.host, info.port)
    try:
        yield relay
    finally:
        relay.close()


def cause_of(error: BaseException) -> BaseException | None:
    return error.__cause__


def test_a_server_that_never_answers_a_new_connection_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        wrapper = wrapper_to(HOST="127.0.0.1", PORT=str(silent.getsockname()[1]))
        with deadline(0.2), pytest.raises(OperationalError) as caught:
            wrapper.ensure_connection()
        assert isinstance(cause_of(caught.value), DeadlinePassed)


def test_a_server_that_refuses_is_reported_as_such() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    with deadline(30), pytest.raises(OperationalError, match="refused"):
        wrapper_to(HOST="127.0.0.1", PORT=port).ensure_connection()


def test_a_server_that_freezes_is_given_up_in_time_and_its_connection_replaced() -> None:
    connection.ensure_connection()
    with a_relay() as relay:
        wrapper = wrapper_to(HOST="127.0.0.1", PORT=str(relay.port))
        with wrapper.cursor() as cursor:
            cursor.execute("SELECT 1")
        lost = wrapper.connection
        relay.frozen.set()
        with deadline(0.2), wrapper.cursor() as cursor, pytest.raises(OperationalError) as caught:
            cursor.execute("SELECT 1")
        assert isinstance(cause_of(caught.value), DeadlinePassed)
        assert lost.closed
    wrapper.settings_dict.update(HOST=connection.settings_dict["HOST"], PORT=connection.settings_dict["PORT"])
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT 2")
        assert cursor.fetchone() == (2,)
    wrapper.close()


def test_with_time_enough_a_deadline_changes_nothing() -> None:
    wrapper = wrapper_to()
    with deadline(60), wrapper.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    wrapper.close()


def test_a_transaction_switched_on_by_hand_works_as_in_plain_django() -> None:
    wrapper = wrapper_to()
    wrapper.set_autocommit(False)
    with wrapper.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE by_hand (n integer) ON COMMIT PRESERVE ROWS")
        wrapper.commit()
        cursor.execute("INSERT INTO by_hand VALUES (1)")
        wrapper.rollback()
        cursor.execute("SELECT count(*) FROM by_hand")
        assert cursor.fetchone() == (0,)
        cursor.execute("INSERT INTO by_hand VALUES (1)")
        wrapper.commit()
        wrapper.set_autocommit(True)
        cursor.execute("SELECT count(*) FROM by_hand")
        assert cursor.fetchone() == (1,)
    wrapper.close()
