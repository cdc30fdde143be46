"""`manage.py run`: what it prints is true."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import psycopg
import pytest
import requests
from pytest_django.fixtures import Settings

from accounts.models import User
from config.embedded_servers import free_port
from config.management.commands import run
from tests.config.machine import PATIENCE_SECONDS, Machine, a_given_machine, status


def test_it_says_where_to_sign_in_and_both_people_can(tmp_path: Path) -> None:
    address, sandbox_port = f"http://127.0.0.1:{free_port()}", str(free_port())
    with a_given_machine(tmp_path) as own:
        running = own.start("run", "--port", address.rpartition(":")[2], "--sandbox-port", sandbox_port)
        said = own.wait_until_said(running, "Ctrl-C ends it.")
        people = dict(re.findall(r"^  (?:staff|customer) +\S+ +(\S+@\S+) +(\S+)$", said, re.MULTILINE))
        assert list(people) == ["staff@ringfence.example", "customer@ringfence.example"]
        assert f"sandbox    http://127.0.0.1:{sandbox_port}" in said
        assert status(f"{address}/readyz") == 200
        for email, password in people.items():
            page = _sign_in(address, email, password)
            assert "Harbour Cafe" in page.get(f"{address}/").text or email.startswith("staff")
            assert (page.get(f"{address}/admin/").url == f"{address}/admin/") == email.startswith("staff")
        stranger = _sign_in(address, "staff@ringfence.example", "wrong")
        assert stranger.get(f"{address}/admin/").url != f"{address}/admin/"
        _a_call_from_the_sandbox_is_charged(own, address)
        running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE_SECONDS) == 0
        own.wait_until_empty()


@pytest.mark.django_db
def test_of_a_password_that_somebody_changed_it_says_nothing(tmp_path: Path, settings: Settings) -> None:
    settings.BASE_DIR = tmp_path
    command = run.Command()
    command.people(None)
    assert f"{run.STAFF}   (its own password)" not in command.where_to_look("http://here", "http://there")
    staff = User.objects.get(email=run.STAFF)
    staff.set_password("something of my own")
    staff.save()
    command.people(None)
    said = command.where_to_look("http://here", "http://there")
    assert f"{run.STAFF}   (its own password)" in said
    assert f"{run.CUSTOMER}   {(tmp_path / 'var' / 'password').read_text()}" in said


def _sign_in(address: str, email: str, password: str) -> requests.Session:
    """As a browser does: the form, its cookie, its hidden field."""
    page = requests.Session()
    form = page.get(f"{address}/accounts/login/").text
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
    assert token
    values = {"login": email, "password": password, "csrfmiddlewaretoken": token[1]}
    answer = page.post(f"{address}/accounts/login/", data=values, headers={"Referer": f"{address}/accounts/login/"})
    assert answer.status_code == 200
    return page


def _a_call_from_the_sandbox_is_charged(own: Machine, address: str) -> None:
    def cdrs() -> int:
        with psycopg.connect(own.database_url) as session:
            row = session.execute("SELECT count(*) FROM telephony_cdr WHERE charge > 0 AND caller = 'harbour'")
            return row.fetchone()[0]

    before = cdrs()
    placed = own.run("sandbox", "--calls", "3", "--user", "harbour", "--target", f"{address}/callbacks/sinch/")
    assert placed.returncode == 0, placed.stderr
    assert cdrs() > before
