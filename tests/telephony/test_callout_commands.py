"""The two commands: one number, and a list of them."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account
from telephony.models import Application, CallList, Callout, Menu
from tests.builders import an_application
from tests.telephony.callout_scenes import CALLEE, a_caller, a_survey

pytestmark = pytest.mark.django_db


@pytest.fixture
def application() -> Application:
    return an_application()


@pytest.fixture
def account(application: Application) -> Account:
    return a_caller(name="Harbour")


def run(*arguments: Any) -> dict[str, Any]:
    out = StringIO()
    call_command(*map(str, arguments), "--json", stdout=out)
    return json.loads(out.getvalue())


def test_somebody_is_called(account: Account) -> None:
    said = run("call_out", "Harbour", "+44 7700 900123", "--say", "Your table is ready.", "--reference", "7")
    callout = Callout.objects.get()
    assert said == {
        "id": str(callout.pk),
        "destination": CALLEE,
        "caller_id": callout.caller_id,
        "kind": "text",
        "state": "calling",
        "due_at": callout.due_at.isoformat(),
        "call": str(callout.calls.get().pk),
        "limit_seconds": 60,
        "held": "0.060000",
        "detail": "",
    }
    assert run("call_out", "Harbour", CALLEE, "--say", "Again.", "--reference", "7")["id"] == said["id"]


def test_somebody_is_called_at_a_time_on_their_clock(account: Account) -> None:
    said = run("call_out", "Harbour", CALLEE, "--conference", "team", "--greeting", "Welcome.",
               "--at", "2026-12-01 09:00", "--time-zone", "Asia/Tokyo", "--earliest", "09:00", "--latest", "20:00",
               "--attempts", 3,
               "--retry-seconds", 60, "--made-by", "desk")  # fmt: skip
    callout = Callout.objects.get()
    assert (said["state"], said["call"], said["held"]) == ("waiting", None, "0.000000")
    assert said["due_at"] == "2026-12-01T00:00:00+00:00"
    assert (callout.kind, callout.conference_id, callout.text) == ("conference", "team", "Welcome.")
    assert (callout.most_attempts, callout.retry_seconds, callout.made_by) == (3, 60, "desk")


def test_a_menu_is_played_by_its_name(account: Account) -> None:
    version = a_survey()
    Menu.objects.update(name="survey")
    run("call_out", "Harbour", CALLEE, "--menu", "survey", "--on-machine", "hang_up")
    callout = Callout.objects.get()
    assert (callout.menu_version_id, callout.on_machine) == (version, "hang_up")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["Harbour", "07700 900123", "--say", "Hello."], "Begin the number with +"),
        (["Nobody", CALLEE, "--say", "Hello."], "Nobody"),
        (["Harbour", CALLEE, "--say", ""], "no text"),
        (["Harbour", CALLEE, "--menu", "none"], "There is no menu called 'none'."),
        (["Harbour", CALLEE, "--say", "Hello.", "--greeting", "Hi."], "--say"),
        (["Harbour", CALLEE], "one of the arguments"),
        (["Harbour", CALLEE, "--say", "a", "--menu", "b"], "not allowed with"),
        (["Harbour", CALLEE, "--say", "a", "--at", "tomorrow"], "is not a time such as"),
        (["Harbour", CALLEE, "--say", "a", "--earliest", "9"], "09:00"),
        (["Harbour", CALLEE, "--say", "a", "--earliest", "09:00+01:00"], "leave the zone out"),
        (["Harbour", CALLEE, "--say", "a", "--attempts", "0"], "whole number from 1"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(account: Account, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        run("call_out", *arguments)
    assert not Callout.objects.exists()


def test_a_callout_that_cannot_begin_says_so_and_is_kept(application: Application) -> None:
    a_caller(name="Poor", balance="0.01")
    with pytest.raises(CommandError, match="credit was not enough"):
        run("call_out", "Poor", CALLEE, "--say", "Hello.")
    assert Callout.objects.get().state == Callout.State.FAILED


def test_a_list_is_loaded(account: Account, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("number,text\n+447700900101,\n+447700900102,Hello you.\n")
    said = run("load_call_list", file, "--account", "Harbour", "--name", "Tables", "--say", "Hello.", "--at-once", 3)
    one = CallList.objects.get()
    assert said == {"read": 2, "call_list": one.pk, "refused": []}
    assert (one.name, one.at_once, one.per_minute, one.callouts.count()) == ("Tables", 3, 30, 2)


def test_a_list_with_bad_rows_is_not_loaded_and_every_one_is_named(account: Account, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("number\n+447700900101\nnobody\n" + "07700\n" * 30)
    out = StringIO()
    with pytest.raises(CommandError, match="correct the 31 refused rows"):
        call_command("load_call_list", str(file), "--account", "Harbour", "--name", "T", "--say", "Hello.", stdout=out)
    assert "line 3: A number has only digits" in out.getvalue()
    assert "and 11 more" in out.getvalue()
    assert not CallList.objects.exists()


@pytest.mark.parametrize(("name", "words"), [("missing.csv", "cannot be read"), ("empty.csv", "name the columns")])
def test_a_file_that_is_no_list_is_refused(account: Account, tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "empty.csv").touch()
    with pytest.raises(CommandError, match=words):
        run("load_call_list", tmp_path / name, "--account", "Harbour", "--name", "T", "--say", "Hello.")
