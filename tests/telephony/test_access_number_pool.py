"""Somebody is given an access number that suits where they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.utils import timezone

from telephony import access_number_pool
from telephony.access_number_pool import Offered, suitable
from telephony.models import Application, Call, CallThrough
from tests.builders import a_deck, an_access_number, an_account, an_application
from tests.telephony.received import NOW

BRITISH = "+442079460199"
SWEDISH = "+46846500401"
AMERICAN = "+12025550123"


@pytest.fixture
def application() -> Application:
    return an_application()


def offered(account_id: int = 0) -> Sequence[Offered]:
    return access_number_pool.read(access_number_pool.find(account_id))


def one(number: str, *countries: str, is_default: bool = False) -> Offered:
    usual = {"is_default": is_default, "deck_ids": (), "provider": "sinch"}
    return Offered(id=len(number), number=number, countries=countries, **usual)


ALL = [one(BRITISH, "GB"), one(SWEDISH, "SE"), one(AMERICAN, "US", is_default=True)]


@pytest.mark.parametrize(
    ("wanted", "countries", "expected"),
    [
        (SWEDISH, ["GB"], SWEDISH),
        ("", ["SE", "GB"], SWEDISH),
        ("", ["FR", "GB"], BRITISH),
        ("", ["", "GB"], BRITISH),
        ("", ["FR", ""], AMERICAN),
        ("+442079460000", ["SE"], SWEDISH),
    ],
)
def test_the_one_wanted_then_the_countries_then_the_default_one(
    wanted: str, countries: list[str], expected: str
) -> None:
    assert [each.number for each in suitable(ALL, wanted=wanted, countries=countries)] == [expected]


def test_a_number_whose_provider_ends_calls_in_time_comes_first() -> None:
    unlimited = Offered(id=1, number="+442079460198", countries=("GB",), is_default=False, deck_ids=(), provider="sift")
    found = suitable([unlimited, *ALL], wanted="", countries=["GB"])
    assert [each.number for each in found] == [BRITISH, unlimited.number]


def test_nothing_suits_where_there_is_none_for_the_country_and_no_default_one() -> None:
    assert suitable(ALL[:2], wanted="", countries=["FR", "DE"]) == []


@pytest.mark.django_db
def test_a_number_is_of_the_country_its_digits_tell_unless_it_says_another(application: Application) -> None:
    an_access_number(application, BRITISH, is_offered=True, leads="nowhere")
    an_access_number(application, SWEDISH, is_offered=True, leads="nowhere", country="NO")
    assert [each.countries[0] for each in offered()] == ["GB", "NO"]


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"enabled": False}, {"is_offered": False}])
def test_a_number_that_is_off_or_not_offered_is_given_to_nobody(
    application: Application, change: dict[str, bool]
) -> None:
    an_access_number(application, **{"is_offered": True, "leads": "nowhere", **change})
    assert offered() == []


@pytest.mark.django_db
def test_a_number_whose_application_is_off_is_given_to_nobody(application: Application) -> None:
    an_access_number(application, is_offered=True, leads="nowhere")
    Application.objects.update(enabled=False)
    assert offered() == []


@pytest.mark.django_db
def test_a_number_that_is_full_is_given_to_nobody_until_a_call_has_ended(application: Application) -> None:
    number = an_access_number(application, is_offered=True, leads="nowhere", calls_at_once=1)
    assert len(offered()) == 1
    call = Call.objects.create(
        id="6f2b1c1e-52f4-4d0a-9a55-000000000001",
        application=application,
        provider_call_id="one",
        destination=BRITISH,
        state=Call.State.ANSWERED,
        begun_at=NOW,
        access_number=number,
    )
    assert offered() == []
    Call.objects.filter(pk=call.pk).update(state=Call.State.ENDED, ended_at=NOW)
    assert len(offered()) == 1


@pytest.mark.django_db
def test_what_is_promised_to_others_counts_as_a_call(application: Application) -> None:
    number = an_access_number(application, is_offered=True, leads="nowhere", calls_at_once=1)
    account, now = an_account(), timezone.now()
    CallThrough.objects.create(
        account=account,
        access_number=number,
        destination=SWEDISH,
        made_at=now,
        expires_at=now + timedelta(seconds=60),
    )
    assert offered() == []
    assert len(offered(account.pk)) == 1, "one's own may be replaced"
    CallThrough.objects.update(expires_at=now - timedelta(seconds=1))
    assert len(offered()) == 1


@pytest.mark.django_db
def test_an_access_number_knows_the_decks_that_price_its_calls(application: Application) -> None:
    deck = a_deck({"44": "0.06"}).deck
    an_access_number(application, is_offered=True, leads="nowhere").rate_decks.add(deck)
    assert offered()[0].deck_ids == (deck.pk,)
