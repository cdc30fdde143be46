"""One transaction: pipelined, committed or undone as a whole, tried again when the database asks for it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from threading import Barrier, Event, Thread

import psycopg
import pytest
from django.db import connection, transaction
from psycopg.pq import TransactionStatus

from postgres.base import DeadlinePassed
from postgres.deadline import deadline
from postgres.statements import ask, tell
from postgres.work import ATTEMPTS, in_one_transaction
from tests.postgres.scratch import another_session, backend_pid, scratch, values

__all__ = ["scratch"]

pytestmark = pytest.mark.usefixtures("scratch")


def is_clean() -> bool:
    raw = connection.connection
    return (
        raw.info.transaction_status == TransactionStatus.IDLE
        and raw.autocommit
        and connection.get_autocommit()
        and not connection.in_atomic_block
    )


def a_tell_fails() -> None:
    tell("INSERT INTO scratch (id) VALUES (1)")
    tell("UPDATE scratch SET value = 5")


def a_tell_fails_before_an_answer_is_read() -> None:
    tell("INSERT INTO scratch (id) VALUES (1)")
    tell("UPDATE scratch SET value = 5")
    ask("SELECT 1").row()


def an_ask_fails() -> None:
    tell("UPDATE scratch SET value = 5")
    ask("INSERT INTO scratch (id) VALUES (1) RETURNING id").row()


def an_ask_fails_and_a_later_answer_is_read() -> None:
    ask("INSERT INTO scratch (id) VALUES (1) RETURNING id")
    ask("UPDATE scratch SET value = 5 RETURNING 1").row()


FAILING = [
    a_tell_fails,
    a_tell_fails_before_an_answer_is_read,
    an_ask_fails,
    an_ask_fails_and_a_later_answer_is_read,
]


def test_what_was_told_is_committed() -> None:
    in_one_transaction(lambda: tell("UPDATE scratch SET value = 7 WHERE id = 1"))
    with another_session() as other:
        assert other.execute("SELECT value FROM scratch WHERE id = 1").fetchone() == (7,)
    assert is_clean()


def test_answers_may_be_read_in_any_order_and_after_the_commit() -> None:
    first, second = in_one_transaction(lambda: (ask("SELECT 1"), ask("SELECT 2 UNION ALL SELECT 3 ORDER BY 1")))
    assert second.rows() == [(2,), (3,)]
    assert first.row() == (1,)


@pytest.mark.parametrize("work", FAILING)
def test_a_failing_statement_raises_its_own_error_and_undoes_everything(work: Callable[[], None]) -> None:
    pid = backend_pid()
    with pytest.raises(psycopg.errors.UniqueViolation, match="scratch_pkey"):
        in_one_transaction(work)
    assert values() == {1: 0, 2: 0}
    assert is_clean()
    assert backend_pid() == pid


@pytest.mark.parametrize("work", FAILING)
def test_inside_an_outer_transaction_only_the_work_is_undone(work: Callable[[], None]) -> None:
    with transaction.atomic():
        tell("INSERT INTO scratch (id) VALUES (3)")
        with pytest.raises(psycopg.errors.UniqueViolation, match="scratch_pkey"):
            in_one_transaction(work)
        in_one_transaction(lambda: tell("INSERT INTO scratch (id) VALUES (4)"))
    assert values() == {1: 0, 2: 0, 3: 0, 4: 0}
    assert is_clean()


def test_a_rule_checked_at_commit_refuses_the_commit() -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="scratch_parent_fkey"):
        in_one_transaction(lambda: tell("INSERT INTO scratch (id, parent) VALUES (3, 99)"))
    assert values() == {1: 0, 2: 0}
    assert is_clean()


def test_a_failure_that_the_work_hides_is_never_taken_for_a_commit() -> None:
    def work() -> str:
        tell("UPDATE scratch SET value = 5")
        with pytest.raises(psycopg.errors.DivisionByZero):
            ask("SELECT 1/0").row()
        return "done"

    with pytest.raises(psycopg.Error):
        in_one_transaction(work)
    assert values() == {1: 0, 2: 0}
    assert is_clean()


def test_a_failure_hidden_twice_is_never_taken_for_a_commit() -> None:
    def work() -> str:
        tell("UPDATE scratch SET value = 5")
        with pytest.raises(psycopg.errors.DivisionByZero):
            ask("SELECT 1/0").row()
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            ask("SELECT 1").row()
        return "done"

    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        in_one_transaction(work)
    assert values() == {1: 0, 2: 0}
    assert is_clean()


def test_an_exception_of_the_work_undoes_it() -> None:
    def work() -> None:
        tell("UPDATE scratch SET value = 5")
        raise KeyError("ours")

    with pytest.raises(KeyError, match="ours"):
        in_one_transaction(work)
    assert values() == {1: 0, 2: 0}
    assert is_clean()


def test_a_statement_of_djangos_own_is_refused_because_it_would_run_beside_the_transaction() -> None:
    def work() -> None:
        tell("UPDATE scratch SET value = 5")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE scratch SET value = 6")

    with pytest.raises(RuntimeError, match="asked and told"):
        in_one_transaction(work)
    assert values() == {1: 0, 2: 0}
    assert is_clean()


@pytest.mark.parametrize(("answers", "waits"), [(0, 1), (1, 2), (2, 3)])
def test_each_answer_and_the_commit_cost_one_round_trip(answers: int, waits: int, tmp_path: Path) -> None:
    def work() -> None:
        tell("UPDATE scratch SET value = 1")
        for _ in range(answers):
            ask("SELECT 1").row()
            tell("UPDATE scratch SET value = 2")

    in_one_transaction(work)
    log = tmp_path / "wire"
    pgconn = connection.connection.pgconn
    with log.open("w") as file:
        pgconn.trace(file.fileno())
        in_one_transaction(work)
        pgconn.untrace()
    messages = [line.split("\t")[1:4:2] for line in log.read_text().splitlines()]
    turns = [a for a, b in pairwise(messages) if a[0] == "F" and b[0] == "B"]
    assert len(turns) == waits


# --- trying again ----------------------------------------------------------------------------------------------------


def test_a_deadlock_is_tried_again_until_both_have_worked() -> None:
    both_hold_one_row = Barrier(2, timeout=20)
    one_has_worked = Event()
    attempts: list[int] = []

    def run(first: int, second: int) -> None:
        def work() -> None:
            is_first_attempt = attempts.count(first) == 0
            attempts.append(first)
            if not is_first_attempt:
                # Else the loser may take its row before the winner does, and they meet in a second deadlock.
                assert one_has_worked.wait(20)
            tell("SET LOCAL lock_timeout = 0")
            ask("UPDATE scratch SET value = value + 1 WHERE id = %s RETURNING id", [first]).row()
            if is_first_attempt:
                both_hold_one_row.wait()
            ask("UPDATE scratch SET value = value + 1 WHERE id = %s RETURNING id", [second]).row()

        try:
            in_one_transaction(work)
            one_has_worked.set()
        finally:
            connection.close()

    threads = [Thread(target=run, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert values() == {1: 2, 2: 2}
    assert len(attempts) == 3


def test_a_lock_that_took_too_long_is_tried_again() -> None:
    attempts: list[int] = []
    with another_session() as other:
        other.execute("BEGIN")
        other.execute("UPDATE scratch SET value = 1 WHERE id = 1")

        def work() -> None:
            attempts.append(1)
            if len(attempts) == 2:
                other.execute("COMMIT")
            tell("SET LOCAL lock_timeout = '20ms'")
            tell("UPDATE scratch SET value = value + 1 WHERE id = 1")

        in_one_transaction(work)
    assert len(attempts) == 2
    assert values() == {1: 2, 2: 0}


def terminated_by_the_server() -> None:
    ask("SELECT pg_terminate_backend(pg_backend_pid())").row()


def cut_on_the_way() -> None:
    wire = socket.socket(fileno=os.dup(connection.connection.fileno()))
    with wire:
        wire.shutdown(socket.SHUT_RDWR)
    ask("SELECT 1").row()


@pytest.mark.parametrize("lose", [terminated_by_the_server, cut_on_the_way])
def test_a_lost_connection_is_replaced_and_the_work_tried_again(lose: Callable[[], None]) -> None:
    pid = backend_pid()
    attempts: list[int] = []

    def work() -> None:
        attempts.append(1)
        tell("UPDATE scratch SET value = value + 1 WHERE id = 1")
        if len(attempts) == 1:
            lose()

    in_one_transaction(work)
    assert len(attempts) == 2
    assert values() == {1: 1, 2: 0}
    assert backend_pid() != pid
    assert is_clean()


def test_a_connection_lost_while_nothing_ran_is_replaced_once_it_was_noticed() -> None:
    with another_session() as other:
        other.execute("SELECT pg_terminate_backend(%s)", [backend_pid()])
    with pytest.raises(psycopg.OperationalError):
        ask("SELECT 1").row()
    assert values() == {1: 0, 2: 0}


def test_a_twin_that_wrote_the_same_key_first_is_found_by_the_second_try() -> None:
    def work() -> str:
        if ask("SELECT 1 FROM scratch WHERE id = 3").row():
            return "found"
        with another_session() as twin:
            twin.execute("INSERT INTO scratch (id) VALUES (3)")
        tell("INSERT INTO scratch (id) VALUES (3)")
        return "written"

    assert in_one_transaction(work) == "found"


@pytest.mark.parametrize(
    ("sql", "expected", "times"),
    [
        ("INSERT INTO scratch (id) VALUES (1)", psycopg.errors.UniqueViolation, ATTEMPTS),
        ("SELECT pg_terminate_backend(pg_backend_pid())", psycopg.OperationalError, ATTEMPTS),
        ("UPDATE scratch SET value = -1", psycopg.errors.CheckViolation, 1),
        ("SELECT 1/0", psycopg.errors.DivisionByZero, 1),
        ("SELECT nothing", psycopg.errors.UndefinedColumn, 1),
    ],
)
def test_what_helps_is_tried_three_times_and_what_cannot_help_once(
    sql: str, expected: type[psycopg.Error], times: int
) -> None:
    attempts: list[int] = []

    def work() -> None:
        attempts.append(1)
        tell(sql)

    with pytest.raises(expected):
        in_one_transaction(work)
    assert len(attempts) == times
    assert values() == {1: 0, 2: 0}
    assert is_clean()


def test_inside_an_outer_transaction_nothing_is_tried_again() -> None:
    attempts: list[int] = []

    def work() -> None:
        attempts.append(1)
        tell("INSERT INTO scratch (id) VALUES (1)")

    with transaction.atomic(), pytest.raises(psycopg.errors.UniqueViolation):
        in_one_transaction(work)
    assert len(attempts) == 1


def test_the_deadline_ends_the_wait_for_a_lock_and_nothing_is_tried_again() -> None:
    attempts: list[int] = []

    def work() -> None:
        attempts.append(1)
        tell("SET LOCAL lock_timeout = 0")
        tell("SET LOCAL statement_timeout = 0")
        ask("UPDATE scratch SET value = 2 WHERE id = 1 RETURNING id").row()

    with another_session() as other:
        other.execute("BEGIN")
        other.execute("UPDATE scratch SET value = 1 WHERE id = 1")
        with deadline(0.2), pytest.raises(DeadlinePassed):
            in_one_transaction(work)
        other.execute("ROLLBACK")
    assert len(attempts) == 1
    assert 2 not in values().values()
    assert is_clean()
