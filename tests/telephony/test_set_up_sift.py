"""The command that makes our application at Sift and registers numbers, against the sandbox's API."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command

from sandbox import DESK_SIFT_ACCOUNT, DESK_SIFT_TOKEN, Sandbox
from sandbox.misbehaviour import Mishap
from sandbox.sift import Sift
from telephony.applications import add_application, callback_address
from telephony.management.commands.set_up_sift import MOST_SHOWN
from telephony.models import Application
from tests.builders import an_application

pytestmark = pytest.mark.django_db

NUMBER = "+12025550123"
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def sift() -> Iterator[Sift]:
    """The account at Sift, whose API is served, with our credentials for it."""
    platform = Sandbox(target="http://127.0.0.1:1/")
    with platform.rest_server() as url:
        an_application("sift", key=DESK_SIFT_ACCOUNT, secret=DESK_SIFT_TOKEN, base_url=url, name="Our calls at Sift")
        yield platform.sift


def set_up(*words: str, key: str = DESK_SIFT_ACCOUNT) -> None:
    call_command("set_up_sift", "--application", key, *words)


def ours() -> Application:
    return Application.objects.get()


def test_the_application_is_made_once_with_our_address_and_found_again(
    sift: Sift, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up("--json")
    (made,) = sift.applications
    assert (made.name, made.on_incoming) == ("Our calls at Sift", callback_address(ours()))
    told = {"application": ours().pk, "remote_id": made.app_id, "registered": ""}
    assert json.loads(capsys.readouterr().out) == told
    assert ours().remote_id == made.app_id
    set_up("--json")
    assert json.loads(capsys.readouterr().out) == told
    assert sift.applications == [made]


def test_it_is_found_among_the_applications_of_others_on_any_page(sift: Sift) -> None:
    sift.page_size = 2
    for name in ("one", "two", "three", "four"):
        sift.add_application(name, on_incoming=f"https://{name}.example/")
    made = sift.add_application("made by hand", on_incoming=callback_address(ours()))
    set_up()
    assert ours().remote_id == made.app_id
    assert len(sift.applications) == 5


def test_one_whose_making_was_not_answered_is_found_and_not_made_again(sift: Sift) -> None:
    sift.misbehave(None, Mishap.LOST)  # the list is answered, the making is not
    with pytest.raises(CommandError, match="did not answer"):
        set_up()
    assert ours().remote_id == ""
    set_up()
    assert [made.app_id for made in sift.applications] == [ours().remote_id]


def test_the_password_in_our_address_is_told_to_sift_and_to_nobody_else(
    sift: Sift, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up("--register", NUMBER)
    (before,) = sift.applications
    add_application("sift", key=DESK_SIFT_ACCOUNT, secret=DESK_SIFT_TOKEN, callback_salt="open sesame")
    capsys.readouterr()
    set_up()
    (_, made) = sift.applications
    assert made.on_incoming.startswith(f"http://{DESK_SIFT_ACCOUNT}:open%20sesame@")
    assert (ours().remote_id, before.app_id == made.app_id) == (made.app_id, False)
    said = capsys.readouterr().out
    assert f"until now it was {before.app_id}: numbers of that one still ask at its old address" in said
    for secret in ("sesame", DESK_SIFT_TOKEN, ours().callback_token):
        assert secret not in said


@pytest.mark.parametrize("as_list", [True, False])
def test_numbers_that_can_be_had_are_listed_as_the_guide_shows_them_and_as_the_reference_does(
    sift: Sift, as_list: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    sift.numbers_as_list, sift.page_size = as_list, 7
    set_up("--available", "us", "--json")
    listed = json.loads(capsys.readouterr().out)["available"]
    assert listed == [f"+12025550{line}" for line in range(100, 100 + MOST_SHOWN)]
    set_up("--available", "US")
    assert capsys.readouterr().out.split() == listed
    set_up("--available", "XX")
    assert capsys.readouterr().out == "There are none.\n"
    assert not sift.applications  # merely looking makes nothing


def test_a_number_is_registered_for_our_application(sift: Sift, capsys: pytest.CaptureFixture[str]) -> None:
    set_up("--register", "+1 (202) 555-0123", "--json")
    assert json.loads(capsys.readouterr().out)["registered"] == NUMBER
    assert sift.numbers == {NUMBER: sift.application(ours().remote_id)}
    with pytest.raises(CommandError, match=r"409: .*belongs to an application already"):
        set_up("--register", NUMBER)
    assert len(sift.numbers) == 1


@pytest.mark.parametrize("words", [("--register", "12"), ("--register", ""), ("--register", "everything")])
def test_a_number_that_is_none_is_said_before_anything_is_made(sift: Sift, words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=r"^[A-Z].*\.$"):
        set_up(*words)
    assert (sift.applications, sift.numbers, ours().remote_id) == ([], {}, "")


@pytest.mark.parametrize("country", ["U1", "USA", "", "../applications", "é1"])
def test_a_country_that_is_none_is_said(sift: Sift, country: str) -> None:
    with pytest.raises(CommandError, match="takes a country as two letters, like US"):
        set_up("--available", country)


def test_one_thing_is_done_at_a_time(sift: Sift) -> None:
    with pytest.raises(CommandError, match="not allowed with"):
        set_up("--available", "US", "--register", NUMBER)
    assert not sift.applications


@pytest.mark.parametrize("provider", ["sift", "sinch"])
def test_an_account_nobody_added_is_said(provider: str) -> None:
    an_application(provider)
    key = Application.objects.get().key if provider == "sinch" else "0000000000000000"
    with pytest.raises(CommandError, match="There is no application at Sift with this key: add it with"):
        set_up(key=key)


def test_a_wrong_auth_token_is_said_and_not_shown(sift: Sift) -> None:
    add_application("sift", key=DESK_SIFT_ACCOUNT, secret="another-auth-token")
    for words in ((), ("--available", "US"), ("--register", NUMBER)):
        with pytest.raises(CommandError, match="401: The account id or the auth token is wrong") as refused:
            set_up(*words)
        assert "another-auth-token" not in str(refused.value)
    assert (sift.applications, ours().remote_id) == ([], "")


def test_sift_being_away_is_said() -> None:
    an_application("sift", key=DESK_SIFT_ACCOUNT, secret=DESK_SIFT_TOKEN, base_url=NOWHERE)
    for words in ((), ("--available", "US"), ("--register", NUMBER)):
        with pytest.raises(CommandError, match=r"^Sift could not be reached, so nothing was sent\.$"):
            set_up(*words)
    assert ours().remote_id == ""


@pytest.mark.parametrize("mishap", [Mishap.ERROR_BEFORE, Mishap.BUSY, Mishap.REDIRECT, Mishap.GARBAGE])
def test_an_answer_that_is_none_is_said(sift: Sift, mishap: Mishap) -> None:
    sift.misbehave(mishap)
    with pytest.raises(CommandError, match=r"^Sift.*\.$"):
        set_up()
    assert ours().remote_id == ""


def test_an_address_of_the_api_that_is_none_is_said(sift: Sift) -> None:
    Application.objects.update(base_url="http://user:secret@127.0.0.1:1")
    with pytest.raises(CommandError, match="has no user name and no password in it") as refused:
        set_up()
    assert "secret" not in str(refused.value)
