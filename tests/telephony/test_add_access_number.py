"""The command adds an access number as the staff's form would, or says in one sentence why not."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from telephony.models import AccessNumber, Application
from tests.builders import a_deck, an_account, an_application

pytestmark = pytest.mark.django_db

NUMBER = "+442079460199"


@pytest.fixture
def application() -> Application:
    return an_application()


def add(application: Application, *words: str) -> None:
    call_command("add_access_number", *words, "--application", application.key)


def test_a_number_for_cards_and_apps(application: Application, capsys: pytest.CaptureFixture[str]) -> None:
    deck = a_deck({"44": "0.06"}).deck
    more = (
        "--leads",
        "card",
        "--locale",
        "es-ES",
        "--offered",
        "--default",
        "--calls-at-once",
        "5",
        "--deck",
        deck.name,
    )
    add(application, "020 7946 0199".replace("020", "+44 20"), *more, "--json")
    number = AccessNumber.objects.get()
    assert json.loads(capsys.readouterr().out) == {
        "number": NUMBER, "leads": "calling_card", "offered": True, "enabled": True, "new": True,
    }  # fmt: skip
    assert (number.locale, number.is_default, number.calls_at_once) == ("es-ES", True, 5)
    assert list(number.rate_decks.all()) == [deck]


def test_a_known_number_is_changed(application: Application) -> None:
    account = an_account(numbers=["+447700900123"])
    add(application, NUMBER, "--account", account.name)
    add(application, NUMBER, "--leads", "nowhere", "--off")
    number = AccessNumber.objects.get()
    assert (number.leads, number.enabled, number.account) == ("nowhere", False, None)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((NUMBER,), "an account has to pay"),
        (("12345", "--leads", "card"), "Begin the number with"),
        ((NUMBER, "--leads", "card", "--country", "XX"), "two letters"),
        ((NUMBER, "--leads", "card", "--deck", "none"), "none"),
        ((NUMBER, "--menu", "none"), "There is no menu of this name."),
    ],
)
def test_what_cannot_work_is_said(application: Application, words: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        add(application, *words)
    assert not AccessNumber.objects.exists()


def test_an_unknown_application_is_said() -> None:
    with pytest.raises(CommandError, match="no application with this key"):
        call_command("add_access_number", NUMBER, "--application", "none")
