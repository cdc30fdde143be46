"""Embedded servers, for real: processes are started, killed and looked for."""

import os
import pwd
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from config import embedded, env, server_user
from config.embedded_servers import EmbeddedServer

CHECKOUT = Path(__file__).resolve().parent.parent.parent
PATIENCE_SECONDS = 30

KEEP_ONE_RUNNING = """
import sys, time
from pathlib import Path
from config import embedded
server = {"postgres": embedded.EmbeddedPostgres, "valkey": embedded.EmbeddedValkey}[sys.argv[1]]
with server(Path(sys.argv[2]), durable=False) as running:
    print(running.process_id, running.url(), flush=True)
    sys.stdin.read()
"""

# Root first makes sure that the programs are where anybody can run them; Python itself may be in a closed place.
BECOME_ORDINARY = """
import os, pwd
from config import embedded, embedded_servers, server_user
os.environ["PG_BIN"] = str(server_user.reachable(embedded_servers.find_postgres_programs()))
if os.geteuid() == 0:
    ordinary = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(ordinary.pw_gid)
    os.setuid(ordinary.pw_uid)
"""

USE_THE_KEPT_ONE = """
import sys
from pathlib import Path
from config import embedded
print(embedded.attach_or_start("postgres", Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the servers' user may enter, which pytest's own `tmp_path` is not."""
    with server_user.throwaway_folder() as place:
        place.chmod(0o755)
        yield place


@pytest.fixture
def command() -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts a Python program of ours that runs until its standard input is closed."""
    with ExitStack() as running:

        def start(program: str, *arguments: object, **options: Any) -> "subprocess.Popen[str]":
            process = subprocess.Popen(
                [sys.executable, "-c", program, *map(str, arguments)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=CHECKOUT,
                **options,
            )
            running.enter_context(process)
            return process

        yield start


def answer(process: "subprocess.Popen[str]") -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


def end(process: "subprocess.Popen[str]") -> None:
    process.communicate(timeout=PATIENCE_SECONDS)


def is_alive(process_id: int) -> bool:
    status = Path(f"/proc/{process_id}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def until_gone(process_id: int) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while is_alive(process_id):
        assert time.monotonic() < give_up_at, f"process {process_id} is still there"
        time.sleep(0.01)


def one_value(url: str, query: str) -> Any:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def keeper_of(var: Path) -> int:
    """The process that runs this kept server: the parent of the one PostgreSQL names first in its file."""
    server = (var / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0]
    status = Path(f"/proc/{server}/status").read_text()
    return int(status.partition("PPid:")[2].split()[0])


def test_a_throwaway_postgres_answers_and_leaves_nothing() -> None:
    with embedded.throwaway_postgres() as server:
        assert one_value(server.url(), "SELECT lower('ÅÄÖ')") == "åäö"
        assert one_value(server.url(), "SHOW data_checksums") == "on"
        assert one_value(server.url(), "SHOW listen_addresses") == "127.0.0.1"
        process_id, root = server.process_id, server.root
    assert not is_alive(process_id)
    assert not root.exists()


def test_a_throwaway_valkey_answers_only_with_its_password_and_leaves_nothing() -> None:
    with embedded.throwaway_valkey() as server:
        with redis.Redis.from_url(server.url()) as client:
            assert client.ping()
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        stranger = redis.Redis.from_url("redis://" + server.url().partition("@")[2])
        with stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        process_id, root = server.process_id, server.root
    assert not is_alive(process_id)
    assert not root.exists()


def test_a_stranger_without_the_password_is_refused() -> None:
    with embedded.throwaway_postgres() as server:
        address = server.url().partition("@")[2]
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgresql://ringfence:wrong@{address}")


@pytest.mark.parametrize("kind", ["postgres", "valkey"])
def test_a_server_is_gone_when_its_parent_was_killed(
    kind: str, folder: Path, command: Callable[..., "subprocess.Popen[str]"]
) -> None:
    parent = command(KEEP_ONE_RUNNING, kind, folder / kind)
    process_id = int(answer(parent)[0])
    assert is_alive(process_id)
    parent.kill()
    until_gone(process_id)


def test_a_server_starts_again_right_after_its_parent_was_killed(
    folder: Path, command: Callable[..., "subprocess.Popen[str]"]
) -> None:
    first = command(KEEP_ONE_RUNNING, "postgres", folder / "postgres")
    _, url = answer(first)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE written (number int)")
    first.kill()
    second = command(KEEP_ONE_RUNNING, "postgres", folder / "postgres")
    _, url = answer(second)
    assert one_value(url, "SELECT count(*) FROM written") == 0


def test_a_start_is_tried_again_while_a_predecessor_still_holds_the_data(folder: Path) -> None:
    predecessor = embedded.EmbeddedPostgres(folder / "postgres", durable=False).start()
    ending = threading.Timer(1, predecessor.stop)
    ending.start()
    with embedded.EmbeddedPostgres(folder / "postgres", durable=False) as server:
        assert one_value(server.url(), "SELECT 1") == 1
    ending.join()


def test_a_crashed_postgres_starts_again_with_what_it_had(folder: Path) -> None:
    server = embedded.EmbeddedPostgres(folder / "postgres", durable=True)
    with server:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert one_value(server.url(), f"SHOW {setting}") == "on"
        with psycopg.connect(server.url()) as connection:
            connection.execute("CREATE TABLE written AS SELECT 1 AS number")
        os.kill(server.process_id, signal.SIGKILL)
        server.stop()
        server.start()
        assert one_value(server.url(), "SELECT number FROM written") == 1


def test_the_servers_never_run_as_root() -> None:
    with embedded.throwaway_postgres() as postgres, embedded.throwaway_valkey() as valkey:
        servers: list[EmbeddedServer] = [postgres, valkey]
        for server in servers:
            assert Path(f"/proc/{server.process_id}").stat().st_uid != 0


def test_an_ordinary_user_runs_the_server_as_himself(
    folder: Path, command: Callable[..., "subprocess.Popen[str]"]
) -> None:
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    os.chown(folder, user.pw_uid, user.pw_gid)
    parent = command(BECOME_ORDINARY + KEEP_ONE_RUNNING, "postgres", folder / "postgres")
    process_id, url = answer(parent)
    assert Path(f"/proc/{process_id}").stat().st_uid == user.pw_uid
    assert one_value(url, "SELECT 1") == 1


def test_root_in_a_closed_folder_keeps_data_and_programs_outside(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(server_user, "OUTSIDE", folder)
    monkeypatch.setattr(server_user, "_unprivileged_user", lambda: pwd.getpwuid(os.geteuid()))
    closed = tmp_path / "closed"
    programs = closed / "package" / "prefix" / "bin"
    programs.mkdir(parents=True)
    (programs / "postgres").write_text("program")
    (closed / "package.libs").mkdir()
    (closed / "package.libs" / "library").write_text("library")
    closed.chmod(0o700)

    data = server_user.data_folder(closed / "var", "postgres")
    copy = server_user.reachable(programs)

    assert data.is_relative_to(folder)
    assert str(data.parent) in capsys.readouterr().err
    assert server_user.data_folder(closed / "var", "postgres") == data
    assert capsys.readouterr().err == ""
    assert copy.is_relative_to(folder)
    assert (copy / "postgres").read_text() == "program"
    assert (copy / "../../../package.libs/library").read_text() == "library"
    assert server_user.reachable(programs) == copy


def test_commands_at_the_same_time_share_one_server(
    folder: Path, command: Callable[..., "subprocess.Popen[str]"]
) -> None:
    users = [command(USE_THE_KEPT_ONE, folder) for _ in range(3)]
    urls = {answer(user)[0] for user in users}
    assert len(urls) == 1
    url = urls.pop()
    for user in users[:2]:
        end(user)
        assert one_value(url, "SELECT 1") == 1, "the one who started it may end first"
    keeper = keeper_of(folder)
    end(users[2])
    until_gone(keeper)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_a_killed_command_or_keeper_leaves_nothing_and_the_next_starts_cleanly(
    folder: Path, command: Callable[..., "subprocess.Popen[str]"]
) -> None:
    first = command(USE_THE_KEPT_ONE, folder)
    with psycopg.connect(answer(first)[0]) as connection:
        connection.execute("CREATE TABLE written AS SELECT 1 AS number")
    keeper = keeper_of(folder)
    first.kill()
    until_gone(keeper)

    second = command(USE_THE_KEPT_ONE, folder)
    assert answer(second)
    os.kill(keeper_of(folder), signal.SIGKILL)
    third = command(USE_THE_KEPT_ONE, folder)
    assert one_value(answer(third)[0], "SELECT number FROM written") == 1


def test_reset_deletes_kept_data_but_not_under_a_running_command(
    folder: Path, command: Callable[..., "subprocess.Popen[str]"]
) -> None:
    user = command(USE_THE_KEPT_ONE, folder)
    assert answer(user)
    with pytest.raises(embedded.EmbeddedServerError, match="in use"):
        embedded.reset(folder)
    end(user)
    embedded.reset(folder)
    assert not (folder / "postgres").exists()


def test_secrets_are_made_once_and_only_without_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = ("SECRET_KEY", "FIELD_KEY")
    for name in secrets:
        monkeypatch.setenv(name, "")
    embedded.ensure_secrets(tmp_path)
    assert not (tmp_path / "secrets.env").exists(), "the tests were given a database"

    monkeypatch.setenv("DATABASE_URL", "")
    embedded.ensure_secrets(tmp_path)
    made = {name: os.environ[name] for name in secrets}
    assert (tmp_path / "secrets.env").stat().st_mode & 0o777 == 0o600
    given = {"DATABASE_URL": "postgresql://db/ringfence", "REDIS_URL": "redis://queue"}
    assert env.read(made | given).field_keys == [made["FIELD_KEY"]]

    for name in secrets:
        monkeypatch.setenv(name, "")
    embedded.ensure_secrets(tmp_path)
    assert made == {name: os.environ[name] for name in secrets}
