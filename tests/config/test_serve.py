"""`manage.py serve`: everything starts together, and nothing is left of it."""

from __future__ import annotations

import signal
from pathlib import Path

from config.embedded_servers import free_port
from tests.config.machine import PATIENCE_SECONDS, a_given_machine, machine, status


def test_with_nothing_set_up_it_brings_everything_along_and_leaves_no_process(tmp_path: Path) -> None:
    port = str(free_port())
    with machine(tmp_path, SECRET_KEY="", FIELD_KEY="") as own:
        serving = own.start("serve", "--port", port, "--workers", "1")
        own.wait_until_said(serving, f"Serving at http://127.0.0.1:{port}")
        assert status(f"http://127.0.0.1:{port}/readyz") == 200
        running = "\n".join(own.processes().values())
        celery = "celery --quiet -A config.celery"
        parts = ("granian", "manage.py relay", f"{celery} worker", "--queues paid", "--queues celery", f"{celery} beat")
        for part in (*parts, "keep postgres"):
            assert part in running
        assert (tmp_path / "var" / "secrets.env").stat().st_mode & 0o777 == 0o600
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(PATIENCE_SECONDS) == 0
        assert own.said(serving).endswith("Stopped.\n")
        own.wait_until_empty()
        assert status(f"http://127.0.0.1:{port}/readyz") == 0


def test_behind_its_public_name_it_becomes_ready_and_a_kill_ends_all_of_it(tmp_path: Path) -> None:
    port = str(free_port())
    public = {"PUBLIC_URL": "https://calls.example.com", "ALLOWED_HOSTS": ""}
    with a_given_machine(tmp_path, **public) as own:
        serving = own.start("serve", "--host", "0.0.0.0", "--port", port, "--workers", "1")
        own.wait_until_said(serving, "Serving at")
        assert status(f"http://127.0.0.1:{port}/readyz") == 400  # not its name
        assert status(f"http://127.0.0.1:{port}/readyz", Host="calls.example.com") == 200
        assert len(own.processes()) >= 6
        serving.kill()
        assert serving.wait(PATIENCE_SECONDS) == -signal.SIGKILL
        own.wait_until_empty()


def test_when_the_port_is_taken_it_says_so_and_starts_nothing(tmp_path: Path) -> None:
    with a_given_machine(tmp_path) as own:
        port = own.environment["DATABASE_URL"].rpartition(":")[2].partition("/")[0]
        serving = own.start("serve", "--port", port, "--workers", "1")
        assert serving.wait(PATIENCE_SECONDS) == 1
        assert f"Port {port} is taken: end what uses it, or choose another with --port." in own.said(serving)
        own.wait_until_empty()
