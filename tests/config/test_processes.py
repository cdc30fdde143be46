"""Processes that start together and end together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config import processes
from config.embedded_servers import free_port
from config.processes import ProcessEnded, running, wait_until_ready, watch

PATIENCE_SECONDS = 20
FOR_EVER = [sys.executable, "-c", "import signal; signal.pause()"]
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
# Somebody who runs the tests in the background may have had SIGINT ignored, which every child inherits.
A_FAMILY = """
import os, signal, sys, time
from config.processes import running
signal.signal(signal.SIGINT, signal.default_int_handler)
with running({"one": [sys.executable, "-c", "import signal; signal.pause()"], "two": ["sleep", "600"]}) as started:
    print(*(process.pid for process in started.values()), flush=True)
    time.sleep(600)
"""


def is_alive(process_id: int) -> bool:
    status = Path(f"/proc/{process_id}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def test_all_end_when_the_block_ends() -> None:
    with running({"one": FOR_EVER, "two": FOR_EVER}) as started:
        assert all(process.poll() is None for process in started.values())
    assert [process.returncode for process in started.values()] == [-signal.SIGTERM] * 2


def test_all_end_when_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), running({"one": FOR_EVER}) as started:
        raise ZeroDivisionError
    assert started["one"].returncode == -signal.SIGTERM


def test_when_one_cannot_be_started_the_others_end(tmp_path: Path) -> None:
    trace = tmp_path / "pid"
    program = f"import os, pathlib, signal; pathlib.Path({str(trace)!r}).write_text(str(os.getpid())); signal.pause()"
    with (
        pytest.raises(FileNotFoundError),
        running({"one": [sys.executable, "-c", program], "two": [str(tmp_path / "no such program")]}),
    ):
        raise AssertionError("unreachable")
    assert not trace.exists() or not is_alive(int(trace.read_text()))


def test_who_does_not_listen_is_killed(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(processes, "STOPPING_SECONDS", 0.2)
    with running({"deaf": [sys.executable, "-c", STUBBORN]}) as started:
        while "deaf" not in capfd.readouterr().err:
            time.sleep(0.01)
    assert started["deaf"].returncode == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_whatever_ends_the_parent_ends_the_children(number: signal.Signals) -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "-c", A_FAMILY]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout is not None
        children = [int(word) for word in parent.stdout.readline().split()]
        assert len(children) == 2
        parent.send_signal(number)
        parent.wait()
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while left := [child for child in children if is_alive(child)]:
        if time.monotonic() > give_up_at:
            for child in left:
                os.kill(child, signal.SIGKILL)
            pytest.fail(f"still there: {left}")
        time.sleep(0.01)


def test_the_process_that_ended_is_named() -> None:
    with (
        running({"web": FOR_EVER, "worker": [sys.executable, "-c", "raise SystemExit(3)"]}) as started,
        pytest.raises(ProcessEnded, match="The worker process ended with status 3"),
    ):
        watch(started)


def test_a_web_process_that_ends_is_never_ready() -> None:
    address = f"http://127.0.0.1:{free_port()}"
    with running({"web": [sys.executable, "-c", ""]}) as started, pytest.raises(ProcessEnded, match=address):
        wait_until_ready(address, started["web"])


def test_waiting_for_a_web_process_that_does_not_listen_has_an_end() -> None:
    address = f"http://127.0.0.1:{free_port()}"
    with running({"web": FOR_EVER}) as started, pytest.raises(ProcessEnded, match="did not become ready"):
        wait_until_ready(address, started["web"], at_most_seconds=0.3)
