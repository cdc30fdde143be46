"""One PostgreSQL and one Valkey for all commands of this checkout, kept under `var/`.

The first command that needs a server starts its *keeper*: a process of its own that runs the server until the
last command using it has ended, however that ended. Three locks per server, all let go of by the kernel when
their holder dies, make that exact:

* `starting`: exclusive, for as long as a command looks whether the server runs and starts it if not;
* `using`: shared by every command that uses the server; who gets it exclusively, the keeper, may stop it;
* `keeping`: exclusive, for as long as the keeper lives; an address without it is a dead keeper's.

A killed keeper takes its server along, and the next command starts both again.
"""

from __future__ import annotations

import atexit
import base64
import contextlib
import fcntl
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from config import env, server_user
from config.embedded_servers import (
    EmbeddedPostgres,
    EmbeddedServer,
    EmbeddedServerError,
    EmbeddedValkey,
    throwaway_postgres,
    throwaway_valkey,
)

__all__ = [
    "EmbeddedPostgres",
    "EmbeddedServerError",
    "EmbeddedValkey",
    "attach_or_start",
    "ensure_broker",
    "ensure_database",
    "ensure_secrets",
    "for_command",
    "reset",
    "throwaway_postgres",
    "throwaway_valkey",
]

CHECKOUT = Path(__file__).resolve().parent.parent
VAR = CHECKOUT / "var"

SERVERS: dict[str, type[EmbeddedServer]] = {"postgres": EmbeddedPostgres, "valkey": EmbeddedValkey}

KEEPER_POLL_SECONDS = 0.1
LEAVE_LIMIT_SECONDS = 10.0

# For commands that load the settings but open no connection; nothing listens there.
NO_DATABASE = "postgresql://127.0.0.1:1/none"
NO_BROKER = "redis://127.0.0.1:1/0"


@contextlib.contextmanager
def for_command(*, needs_database: bool, throwaway: bool = False) -> Iterator[bool]:
    """Whatever the environment leaves out, for one command of `manage.py`.

    Gives True when the database is one of ours, not one that was given. A throwaway database is empty and gone
    afterwards; it is for showing, not for keeping.
    A wrong environment or a server that does not start ends the process with 1 and one sentence.
    """
    try:
        ensure_secrets()
        ours = not env.read_embedded_choices().database_url
        if throwaway and ours:
            with throwaway_postgres() as postgres, throwaway_valkey() as valkey:
                os.environ["DATABASE_URL"] = postgres.url()
                os.environ["REDIS_URL"] = env.read_embedded_choices().redis_url or valkey.url()
                yield True
                return
        if needs_database:
            ensure_database()
            ensure_broker()
        else:
            given = env.read_embedded_choices()
            os.environ["DATABASE_URL"] = given.database_url or NO_DATABASE
            os.environ["REDIS_URL"] = given.redis_url or NO_BROKER
        yield ours and needs_database
    except (env.ConfigurationError, EmbeddedServerError) as error:
        sys.exit(str(error))


def ensure_secrets(var: Path = VAR) -> None:
    """Without a `DATABASE_URL`: take `SECRET_KEY` and `FIELD_KEY` from `var/secrets.env`, made once.

    Call it before `ensure_database`. With a `DATABASE_URL` nothing is made up: both must be given.
    """
    given = env.read_embedded_choices()
    if given.database_url or (given.secret_key and given.field_key):
        return
    var.mkdir(exist_ok=True)
    path = var / "secrets.env"
    with _locked(var / "secrets.lock", fcntl.LOCK_EX):
        if not path.exists():
            field_key = base64.urlsafe_b64encode(os.urandom(32)).decode()
            text = f"SECRET_KEY={secrets.token_urlsafe(48)}\nFIELD_KEY={field_key}\n"
            _write_own(path, text)
    for line in path.read_text().splitlines():
        name, _, value = line.partition("=")
        if not os.environ.get(name):
            os.environ[name] = value


def ensure_database(var: Path = VAR) -> None:
    """Without a `DATABASE_URL`: set it to the kept PostgreSQL's, which runs until this process ends."""
    if not env.read_embedded_choices().database_url:
        os.environ["DATABASE_URL"] = attach_or_start("postgres", var)


def ensure_broker(var: Path = VAR) -> None:
    """Without a `REDIS_URL`: set it to the kept Valkey's, which runs until this process ends."""
    if not env.read_embedded_choices().redis_url:
        os.environ["REDIS_URL"] = attach_or_start("valkey", var)


def attach_or_start(kind: str, var: Path = VAR) -> str:
    """The address of the kept server of that kind, `postgres` or `valkey`, for as long as this process lives.

    Raises `EmbeddedServerError` when it cannot be started.
    """
    run = _run_folder(var)
    with _locked(run / f"{kind}.starting", fcntl.LOCK_EX):
        using = _open_lock(run / f"{kind}.using")
        fcntl.flock(using, fcntl.LOCK_SH)  # waits while a keeper stops the server
        address = run / f"{kind}.url"
        if _is_kept(run, kind) and address.exists():
            url = address.read_text()
        else:
            address.unlink(missing_ok=True)
            url = _start_keeper(kind, var)
    atexit.register(_leave, os.getpid(), using, address)
    return url


def reset(var: Path = VAR) -> None:
    """Delete what the kept servers hold. Raises `EmbeddedServerError` while a command uses one."""
    run = _run_folder(var)
    for kind in SERVERS:
        with _locked(run / f"{kind}.starting", fcntl.LOCK_EX):
            using = _open_lock(run / f"{kind}.using")
            try:
                while _is_kept(run, kind):
                    if _taken(using, fcntl.LOCK_SH) and not _taken(using, fcntl.LOCK_EX):
                        raise EmbeddedServerError(f"The kept {kind} is in use: stop what runs, then reset.")
                    fcntl.flock(using, fcntl.LOCK_UN)  # nobody uses it: its keeper is about to stop it
                    time.sleep(KEEPER_POLL_SECONDS)
            finally:
                os.close(using)
            shutil.rmtree(server_user.data_folder(var, kind), ignore_errors=True)


def keep(kind: str, var: Path, data: Path) -> None:
    """The keeper's life: start, tell the address on standard output, stop when nobody uses the server."""
    run = _run_folder(var)
    address = run / f"{kind}.url"
    with _locked(run / f"{kind}.keeping", fcntl.LOCK_EX):
        server = SERVERS[kind](data, durable=True)
        try:
            server.start()
        except EmbeddedServerError as error:
            print(json.dumps({"error": str(error)}), flush=True)  # noqa: T201 - read by the command
            return
        _write_own(address, server.url())
        print(json.dumps({"url": server.url()}), flush=True)  # noqa: T201 - read by the command
        using = _open_lock(run / f"{kind}.using")
        while server.is_running() and not _taken(using, fcntl.LOCK_EX):
            time.sleep(KEEPER_POLL_SECONDS)
        server.stop()
        address.unlink(missing_ok=True)


def _start_keeper(kind: str, var: Path) -> str:
    data = server_user.data_folder(var, kind)
    with (_run_folder(var) / f"{kind}.log").open("ab") as log:
        keeper = subprocess.Popen(  # noqa: S603 - our own arguments
            [sys.executable, "-m", "config.embedded", "keep", kind, str(var.resolve()), str(data.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=CHECKOUT,
            start_new_session=True,  # it outlives us while others use its server
            text=True,
        )
    assert keeper.stdout is not None  # noqa: S101 - asked for above
    with keeper.stdout:
        answer = json.loads(keeper.stdout.readline() or '{"error": "its keeper ended at once"}')
    keeper.returncode = 0  # not ours to wait for; without this Python warns about a process left running
    if "error" in answer:
        raise EmbeddedServerError(answer["error"])
    return str(answer["url"])


def _is_kept(run: Path, kind: str) -> bool:
    keeping = _open_lock(run / f"{kind}.keeping")
    try:
        return not _taken(keeping, fcntl.LOCK_EX)
    finally:
        os.close(keeping)


def _leave(user_process: int, using: int, address: Path) -> None:
    """Stop using a server; if nobody else does, wait until its keeper has stopped it."""
    if os.getpid() != user_process:
        return  # a forked child shares the lock and must not let go of it for its parent
    fcntl.flock(using, fcntl.LOCK_UN)
    give_up_at = time.monotonic() + LEAVE_LIMIT_SECONDS
    while address.exists() and time.monotonic() < give_up_at:
        nobody_uses_it = _taken(using, fcntl.LOCK_EX)
        if not nobody_uses_it and _taken(using, fcntl.LOCK_SH):
            break  # others do
        fcntl.flock(using, fcntl.LOCK_UN)
        time.sleep(KEEPER_POLL_SECONDS / 3)
    os.close(using)


def _run_folder(var: Path) -> Path:
    folder = var / "run"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


@contextlib.contextmanager
def _locked(path: Path, mode: int) -> Iterator[None]:
    lock = _open_lock(path)
    try:
        fcntl.flock(lock, mode)
        yield
    finally:
        os.close(lock)


def _taken(lock: int, mode: int) -> bool:
    try:
        fcntl.flock(lock, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_own(path: Path, text: str) -> None:
    """For our own eyes, whole or not at all."""
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def _main(word: str, *arguments: str) -> None:
    """`keep KIND VAR DATA` is how a keeper is started; `reset` is what `make reset` says."""
    if word == "keep":
        kind, var, data = arguments
        keep(kind, Path(var), Path(data))
    else:
        try:
            reset()
        except EmbeddedServerError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    _main(*sys.argv[1:])
