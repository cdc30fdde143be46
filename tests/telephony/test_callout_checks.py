"""What may be called: one sentence for each thing that is wrong, and nothing written or held before all is right."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from accounts.models import Account, CallerNumber
from accounts.registration import suspend
from billing.models import Hold
from outbox.models import Row
from telephony.callout_menus import why_not_in_a_callout
from telephony.callouts import CalloutRefused
from telephony.menus import Action, Destination, Digits, Keys, Menu, Pin, Question, say
from telephony.models import Application, Callout, Payer
from tests.builders import a_menu, an_access_number, an_account, an_application
from tests.telephony.callout_scenes import CALLEE, OWN, a_caller, a_survey, promised

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def there(*fields: int) -> datetime:
    """A time on the callee's clock."""
    return datetime(*fields)  # noqa: DTZ001


@pytest.fixture
def application() -> Application:
    return an_application(caller_id="+442079460099")


@pytest.fixture
def account(application: Application) -> Account:
    return a_caller(deny=["4420"])


def refused(account: Account | None, **changes: Any) -> CalloutRefused:
    with pytest.raises(CalloutRefused) as refusal:
        promised(account, now=NOW, **changes)
    assert not Callout.objects.exists()
    assert not Hold.objects.exists()
    assert not Row.objects.exists()
    assert str(refusal.value).endswith(".")
    return refusal.value


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"destination": ""}, "destination", "There is no number."),
        ({"destination": "07700 900123"}, "destination", "Begin the number with +"),
        ({"destination": "+44 7700 900123;ext=1"}, "destination", "only digits"),
        ({"destination": "+442079460123"}, "destination", "rules do not allow"),
        ({"text": ""}, "text", "no text to speak"),
        ({"text": " \n\t "}, "text", "no text to speak"),
        ({"text": "a" * 601}, "text", "The text has 601 characters; at most 600 can be spoken."),
        ({"text": "a\0b"}, "text", "control character"),
        ({"text": "a\ud800b"}, "text", "control character"),
        ({"kind": "carrier pigeon"}, "kind", "speaks a text"),
        ({"kind": Callout.Kind.MENU}, "menu", "which menu"),
        ({"kind": Callout.Kind.MENU, "menu_version_id": 999_999}, "menu", "no such version"),
        ({"kind": Callout.Kind.CONFERENCE}, "conference_id", "1 to 64"),
        ({"kind": Callout.Kind.CONFERENCE, "conference_id": "c" * 65}, "conference_id", "1 to 64"),
        ({"kind": Callout.Kind.CONFERENCE, "conference_id": "a\x07"}, "conference_id", "control character"),
        (
            {"kind": Callout.Kind.CONFERENCE, "conference_id": "team", "on_machine": Callout.OnMachine.HANG_UP},
            "on_machine",
            "answering machine",
        ),
        ({"conference_id": "team"}, "conference_id", "Only a callout into a conference"),
        ({"menu_version_id": 1}, "menu", "Only a callout that plays a menu"),
        ({"locale": ""}, "locale", "en-US"),
        ({"locale": "en_US!"}, "locale", "en-US"),
        ({"locale": "e" * 11}, "locale", "en-US"),
        ({"locale": "english"}, "locale", "en-US"),
        ({"locale": "en-us"}, "locale", "en-US"),
        ({"reference": "r" * 101}, "reference", "at most 100"),
        ({"reference": "r\0"}, "reference", "control character"),
        ({"most_attempts": 0}, "most_attempts", "1 to 10"),
        ({"most_attempts": 11}, "most_attempts", "1 to 10"),
        ({"retry_seconds": 0}, "retry_seconds", "7 days"),
        ({"retry_seconds": 604_801}, "retry_seconds", "7 days"),
        ({"earliest": time(20), "latest": time(9)}, "latest", "ends before it begins"),
        ({"earliest": time(9), "latest": time(9)}, "latest", "ends before it begins"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone", "Europe/Stockholm"),
        ({"not_before": NOW + timedelta(days=367)}, "not_before", "a year ahead"),
        ({"not_before": there(9999, 12, 31, 23), "time_zone": "America/New_York"}, "not_before", "a year ahead"),
        ({"not_before": there(1, 1, 1), "time_zone": "Asia/Tokyo"}, "not_before", "a year ahead"),
        ({"caller_id": "nobody"}, "caller_id", "only digits"),
        ({"caller_id": "+442079460777"}, "caller_id", "+44 20 7946 0777 is not a verified number of the account"),
        ({"caller_id": "+442079460099"}, "caller_id", "is not a verified number of the account"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, dict) else "",
)
def test_what_cannot_be_called_is_refused_in_one_sentence(
    account: Account, changes: dict[str, Any], field: str, words: str
) -> None:
    refusal = refused(account, **changes)
    assert words in str(refusal)
    assert refusal.field == field


def test_a_number_without_a_known_country_needs_a_time_zone(account: Account) -> None:
    satellite = {"destination": "+88299555010", "earliest": time(9)}
    assert "give the time zone" in str(refused(account, **satellite))
    assert promised(account, now=NOW, time_zone="UTC", **satellite).due_at == NOW


def test_a_window_that_never_opens_everywhere_needs_a_time_zone(account: Account) -> None:
    changes = {"destination": "+12025550123", "earliest": time(9), "latest": time(11)}
    assert refused(account, **changes).field == "time_zone"
    found = promised(account, now=NOW, time_zone="America/New_York", **changes)
    assert found.due_at == datetime(2026, 11, 20, 14, tzinfo=UTC)


def test_an_account_that_is_not_active_has_nobody_called(account: Account) -> None:
    suspend(account)
    refusal = refused(account)
    assert (refusal.field, str(refusal)) == ("account", "The account was not active.")


@pytest.mark.parametrize("account_id", [0, -1, 2_147_483_647])
def test_an_account_that_is_none_has_nobody_called(account: Account, account_id: int) -> None:
    assert refused(account, account_id=account_id).field == "account"


def test_somebody_has_to_pay(application: Application) -> None:
    assert refused(None).field == "account"


def test_one_of_our_own_numbers_is_not_called(account: Account, application: Application) -> None:
    an_access_number(application, number=CALLEE, account=account)
    assert "come back to us" in str(refused(account))


def test_without_an_application_that_places_callouts_nobody_is_called(
    account: Account, application: Application
) -> None:
    application.enabled = False
    application.save()
    an_application("sinch_sms", key="plan", secret="token")
    assert refused(account).field == "application"


def test_an_account_that_is_not_verified_calls_only_its_own_verified_numbers(application: Application) -> None:
    account = a_caller(verified=False)
    assert "not verified yet" in str(refused(account))
    CallerNumber.objects.create(account=account, number=CALLEE)
    assert "not verified yet" in str(refused(account))
    other = an_account(verified=True, numbers=["+447700900124"])
    assert refused(account, destination=other.caller_numbers.get().number).field == "destination"
    assert promised(account, destination=OWN).destination == OWN


def test_the_first_verified_number_is_shown_unless_another_is_wished_for(
    account: Account, application: Application
) -> None:
    CallerNumber.objects.create(account=account, number="+442079460002", verified_at=NOW)
    assert promised(account).caller_id == OWN
    assert promised(account, caller_id="+44 20 7946 0002").caller_id == "+442079460002"


@pytest.mark.parametrize("state", [{"verified_at": None}, {"verified_at": NOW, "is_shown": False}])
def test_a_number_that_may_not_be_shown_is_no_caller_id(
    account: Account, application: Application, state: dict[str, Any]
) -> None:
    CallerNumber.objects.create(account=account, number="+442079460002", **state)
    assert refused(account, caller_id="+442079460002").field == "caller_id"


def test_an_account_without_a_number_shows_that_of_the_application(application: Application) -> None:
    assert promised(a_caller(numbers=[])).caller_id == application.caller_id


def test_without_any_number_to_show_nobody_is_called_and_it_says_what_to_do() -> None:
    an_application()
    assert "verify one of the account" in str(refused(a_caller(numbers=[])))


def test_what_we_pay_shows_our_number_and_asks_nothing_of_the_account(application: Application) -> None:
    account = a_caller(verified=False, deny=["44"])
    suspend(account)
    assert promised(account, paid_by=Payer.HOUSE).caller_id == application.caller_id
    assert promised(None, paid_by=Payer.HOUSE).account is None


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (Question("who", say("PIN?"), Pin()), "“who” asks for a PIN"),
        (Question("where", say("Where to?"), Destination()), "“where” asks for a number to connect to"),
        (Question("a", say("?"), Keys({"1": Action.connect(CALLEE)})), "“a” connects the call onwards"),
        (Question("a", say("?"), Keys({"1": Action.connect_account(1)})), "“a” connects the call onwards"),
        (Question("a", say("?"), Keys({"1": Action.speak_balance()})), "“a” asks for a PIN"),
        (Question("a", say("?"), Keys({"1": Action.ask_pin()})), "“a” asks for a PIN"),
        (Question("a", say("?"), Keys({"1": Action.ask_destination()})), "“a” asks for a number to connect to"),
        (Question("a", say("?"), Keys({"1": Action.transfer(1)})), "“a” goes on in another menu"),
    ],
)
def test_a_menu_that_leads_out_of_the_callout_is_refused_with_its_question(question: Question, words: str) -> None:
    first = Question("first", say("Hello."), Keys({"1": Action.goto(question.name), "2": Action.hang_up()}))
    assert words in why_not_in_a_callout(Menu(start="first", questions=(first, question)))


def test_a_menu_that_only_asks_and_keeps_is_played(account: Account) -> None:
    assert why_not_in_a_callout(Menu(start="a", questions=(Question("a", say("?"), Digits(4)),))) == ""
    version = a_survey()
    assert promised(account, kind=Callout.Kind.MENU, text="", menu_version_id=version).menu_version_id == version


def test_a_menu_is_looked_at_in_the_version_that_is_played(account: Account) -> None:
    menu = a_menu([Question("a", say("?"), Keys({"1": Action.connect(CALLEE)}))])
    refusal = refused(account, kind=Callout.Kind.MENU, text="", menu_version_id=menu.versions.get().pk)
    assert str(refusal) == "The question “a” connects the call onwards, which a menu cannot do in a callout."


@pytest.mark.parametrize(
    ("changes", "due_at"),
    [
        ({}, NOW),
        ({"not_before": NOW - timedelta(days=1)}, NOW),
        ({"not_before": NOW + timedelta(hours=3)}, NOW + timedelta(hours=3)),
        ({"not_before": there(2026, 12, 1, 9)}, datetime(2026, 12, 1, 9, tzinfo=UTC)),
        ({"not_before": there(2027, 6, 1, 9)}, datetime(2027, 6, 1, 8, tzinfo=UTC)),
        ({"not_before": there(2026, 12, 1, 9), "time_zone": "Asia/Tokyo"}, datetime(2026, 12, 1, tzinfo=UTC)),
        ({"earliest": time(9), "latest": time(11)}, datetime(2026, 11, 21, 9, tzinfo=UTC)),
        ({"earliest": time(13)}, datetime(2026, 11, 20, 13, tzinfo=UTC)),
        (
            {"not_before": there(2026, 12, 1, 3), "earliest": time(9), "latest": time(20)},
            datetime(2026, 12, 1, 9, tzinfo=UTC),
        ),
    ],
)
def test_a_callout_is_due_when_it_is_wished_for_and_day_where_the_callee_is(
    account: Account, changes: dict[str, Any], due_at: datetime
) -> None:
    assert promised(account, now=NOW, **changes).due_at == due_at


def test_in_a_country_with_several_zones_it_is_day_in_all_of_them(account: Account) -> None:
    found = promised(
        account,
        now=NOW,
        destination="+12025550123",
        not_before=there(2026, 12, 1, 9),
        earliest=time(9),
        latest=time(20),
    )
    assert found.due_at == datetime(2026, 12, 1, 19, tzinfo=UTC), "nine on Adak and in Hawaii"
