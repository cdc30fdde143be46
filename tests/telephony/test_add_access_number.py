"""The command adds an access number as the staff's form would, or says in one sentence why not."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from telephony import menus
from telephony.admin.menu_links import broken_links
from telephony.menus import Action, Digits, Keys, Question, Sound, say
from telephony.models import AccessNumber, Application
from tests.builders import a_deck, a_menu, an_account, an_application
from tests.telephony.sift_scenes import a_sift_application

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


class TestSift:
    """A provider that cannot play a menu is not given one, whoever asks."""

    @pytest.fixture
    def application(self) -> Application:
        return a_sift_application()

    def test_a_menu_that_it_can_play_is_bound(self, application: Application) -> None:
        a_menu((Question("a", say("Hello."), Digits(4)),), name="survey")
        add(application, NUMBER, "--menu", "survey")
        assert AccessNumber.objects.get().menu is not None

    def test_one_in_another_language_is_refused(self, application: Application) -> None:
        a_menu((Question("a", say("Hola."), Digits(4)),), name="survey", locale="es-ES")
        with pytest.raises(CommandError, match="cannot play that: a: Sift speaks English only"):
            add(application, NUMBER, "--menu", "survey")
        with pytest.raises(CommandError, match="speaks English only"):
            add(application, NUMBER, "--leads", "card", "--locale", "es-ES")
        assert not AccessNumber.objects.exists()

    def test_so_is_one_that_hands_callers_on_to_such_a_menu(self, application: Application) -> None:
        spanish = a_menu((Question("a", say("Hola."), Digits(4)),), name="spanish", locale="es-ES")
        keys = Keys({"1": Action.transfer(spanish.pk), "2": Action.hang_up()})
        a_menu((Question("choose", say("Press 1 or 2."), keys),), name="languages")
        with pytest.raises(CommandError, match="speaks English only"):
            add(application, NUMBER, "--menu", "languages")

    def test_a_menu_that_is_bound_is_not_changed_into_one_it_cannot_play(self, application: Application) -> None:
        menu = a_menu((Question("a", say("Hello."), Digits(4)),), name="survey")
        add(application, NUMBER, "--menu", "survey")
        sound = asked_menu((Question("a", (Sound("https://example.com/hello.ogg"),), Digits(4)),))
        (problem,) = broken_links(sound, menu.pk)
        assert "+44 20 7946 0199" in str(problem)
        assert ".wav" in str(problem)
        spanish = a_menu((Question("a", say("Hola."), Digits(4)),), name="spanish", locale="es-ES")
        keys = Keys({"1": Action.transfer(spanish.pk), "2": Action.hang_up()})
        (problem,) = broken_links(asked_menu((Question("choose", say("Press 1 or 2."), keys),)), menu.pk)
        assert "English only" in str(problem)
        other = a_menu((Question("a", say("Hello."), Digits(4)),), name="other")
        assert broken_links(sound, other.pk) == []


def asked_menu(questions: tuple[Question, ...]) -> menus.Menu:
    return menus.Menu(start=questions[0].name, questions=questions)
