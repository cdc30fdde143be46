"""What an app shows beside the keypad: money left, and prices while a number is being typed."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from billing import price_list
from billing.price_list import Prices, Tariff
from softphone import lines
from softphone.checking import typed_digits
from softphone.models import Line, Softphone
from tests.builders import a_deck, an_access_number, an_account, an_application
from tests.softphone.scenes import a_line

pytestmark = pytest.mark.django_db

PREFIX_PRICES = {"4420": "0.02", "447": "0.15", "46": "0.01", "1202": "0"}
NOTHING = {"rateString": "", "callRateString": "", "messageRateString": "", "smartCallRateString": "",
           "smartMessageRateString": "", "error": 0}  # fmt: skip


@pytest.fixture
def account() -> Account:
    a_deck(PREFIX_PRICES)
    return an_account(balance="12.40", numbers=["+46701740605"])


@pytest.fixture
def line(account: Account) -> Line:
    return a_line(account, name="ana")


def ask(client: Client, path: str, line: Line, **parameters: str) -> dict[str, Any]:
    given = {"username": line.client_user.name, "token": line.token, "format": "json", **parameters}
    answer = client.get(path, given)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = json.loads(answer.content, parse_float=Decimal)
    return found


def rate(client: Client, line: Line, typed: str, **parameters: str) -> dict[str, Any]:
    return ask(client, "/acrobits/rate/", line, targetNumber=typed, **parameters)


# --- what may be spent -----------------------------------------------------------------------------------------------


def test_the_balance_is_said_for_people_and_for_programs(client: Client, line: Line) -> None:
    assert ask(client, "/acrobits/balance/", line) == {
        "error": 0, "balanceString": "$12.40", "balance": Decimal("12.40"), "currency": "USD",
    }  # fmt: skip


def test_the_balance_in_xml_is_as_the_product_documents_it(client: Client) -> None:
    line = a_line(an_account(balance="12.40", currency="EUR"))
    body = f"username={line.client_user.name}&token={line.token}"
    answer = client.post("/acrobits/balance/", body, content_type="application/x-www-form-urlencoded")
    assert answer.content.decode() == (
        "<response><error>0</error><balanceString>&#8364;12.40</balanceString><balance>12.40</balance>"
        "<currency>EUR</currency></response>"
    )


@pytest.mark.parametrize(
    ("balance", "credit", "language", "said", "figure"),
    [
        ("1234.5", "0", "en", "$1,234.50", "1234.50"),
        ("1234.5", "0", "es", "1.234,50 $", "1234.50"),
        ("0.061200", "0", "en", "$0.06", "0.0612"),
        ("0", "0", "en", "$0.00", "0.00"),
        ("0", "2.50", "en", "$2.50", "2.50"),
        ("100", "0", "en", "$100.00", "100.00"),
    ],
)
def test_the_balance_is_what_may_still_be_spent_in_the_apps_language(
    client: Client, balance: str, credit: str, language: str, said: str, figure: str
) -> None:
    line = a_line(an_account(balance=balance, credit_limit=credit))
    found = ask(client, "/acrobits/balance/", line, lang=language)
    assert (found["balanceString"], str(found["balance"])) == (said, figure)


def test_an_account_without_a_wallet_gets_a_sentence_and_no_page(client: Client, line: Line) -> None:

    bare = a_line(Account.objects.create(name="no wallet"))
    answer = client.get("/acrobits/balance/", {"username": bare.client_user.name, "token": bare.token})
    assert answer.status_code == 503
    assert b"<message>" in answer.content


# --- what a number costs ---------------------------------------------------------------------------------------------


def test_a_number_that_is_not_typed_to_its_end_may_cost_a_range(client: Client, line: Line) -> None:
    assert rate(client, line, "+447")["callRateString"] == "$0.15/min"
    assert rate(client, line, "+442")["callRateString"] == "$0.02/min"
    a_deck({**PREFIX_PRICES, "4475": "0.30"})
    assert rate(client, line, "+447")["callRateString"] == "$0.15–0.30/min"
    assert rate(client, line, "+4475")["callRateString"] == "$0.30/min"
    assert rate(client, line, "00447", lang="es")["callRateString"] == "0,15–0,30 $/min"


def test_texts_and_calls_between_apps_have_prices_of_their_own(client: Client, line: Line) -> None:
    a_deck({"44": "0.06"}, service="texts")
    found = rate(client, line, "+447700900123")
    assert found == {
        "error": 0, "rateString": "$0.15/min", "callRateString": "$0.15/min", "messageRateString": "$0.06",
        "smartCallRateString": "free", "smartMessageRateString": "$0.06",
    }  # fmt: skip
    a_deck({**PREFIX_PRICES, "app": "0.001"})
    assert rate(client, line, "+447700900123")["smartCallRateString"] == "$0.001/min"


def test_what_costs_nothing_is_free_in_every_language(client: Client, line: Line) -> None:
    assert rate(client, line, "+12025550123")["callRateString"] == "free"
    assert rate(client, line, "+12025550123", lang="es")["callRateString"] == "gratis"


@pytest.mark.parametrize(
    "typed", ["", "+", "+4", "+44", "+61491570156", "07700900123", "*123#", "sip:ana@sip.example.com", "1" * 500, "0"]
)
def test_what_is_unknown_or_too_short_is_empty_and_no_error(client: Client, line: Line, typed: str) -> None:
    found = rate(client, line, typed)
    assert found == (NOTHING if typed != "+61491570156" else NOTHING | {"smartCallRateString": "free"})


def test_the_app_says_how_many_digits_are_enough(client: Client, line: Line) -> None:
    Softphone.objects.update(least_rate_digits=5)
    assert rate(client, line, "+4477") == NOTHING
    assert rate(client, line, "+44770")["callRateString"] == "$0.15/min"


def test_a_national_number_is_read_where_the_line_is_at_home(client: Client, account: Account, line: Line) -> None:
    assert rate(client, line, "070 174 06 05") == NOTHING
    lines.point(line, callback_number=account.caller_numbers.get(), access_number=None)
    assert rate(client, line, "070 174 06 05")["callRateString"] == "$0.01/min"


def test_what_comes_in_by_a_dearer_way_is_said_at_its_price(client: Client, account: Account) -> None:
    number = an_access_number(an_application(), is_offered=True, leads="nowhere")
    number.rate_decks.set([a_deck({"44": "0.09"}, name="by London").deck])
    line = a_line(account, access_number=number)
    assert rate(client, line, "+447700900123")["callRateString"] == "$0.09/min"


def test_a_deck_that_comes_into_force_counts_at_once(client: Client, line: Line) -> None:
    assert rate(client, line, "+447700900123")["callRateString"] == "$0.15/min"
    a_deck({"44": "0.07"})
    assert rate(client, line, "+447700900123")["callRateString"] == "$0.07/min"


def test_prices_are_asked_of_the_database_once_and_so_is_that_there_are_none(
    client: Client, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    prices = price_list.prices

    def counted(tariff: Tariff, typed: str, at: datetime) -> Prices:
        asked.append(typed)
        return prices(tariff, typed, at)

    monkeypatch.setattr(price_list, "prices", counted)
    first = [rate(client, line, typed) for typed in ("+447700900123", "+61491570156")]
    again = [rate(client, line, typed) for typed in ("+447700900123", "+61491570156")]
    assert (first, asked) == (again, ["447700900123", "61491570156"])


@pytest.mark.parametrize("path", ["/acrobits/balance/", "/acrobits/rate/"])
def test_nobody_is_told_anything_without_a_proof(client: Client, line: Line, path: str) -> None:
    answer = client.get(path, {"username": "ana", "token": "wrong", "to": "+447"})
    assert answer.status_code == 401
    assert b"<message>" in answer.content


def test_what_people_type_is_read_as_far_as_it_goes() -> None:
    assert typed_digits("+44 (0)20 7946 0000") == "442079460000"
    assert [typed_digits(text) for text in ("+46-70", "00 46 70", "46701740605", "+0", "+46x")] == [
        "4670", "4670", "", "", "",
    ]  # fmt: skip
