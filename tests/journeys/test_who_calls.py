"""Who may call, whose number is shown, and what number is really dialled."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Account, CallerNumber
from accounts.numbers import NumberUnreadable, parse_number
from billing.models import Hold
from telephony.models import Call
from tests.builders import a_deck, an_account, an_application, available
from tests.sinch_caller import LEFT_OUT, SinchCaller, a_call_id

NOT_IDENTIFIED = "This number cannot be used without signing in. Please call from the app."


@pytest.mark.parametrize("origin", ["PSTN", "pstn", "SIP", "SERVER", "N/A", "", "mxp2", LEFT_OUT, 7], ids=repr)
def test_t2_only_a_signed_in_app_user_can_spend_money(sinch: SinchCaller, account: Account, origin: object) -> None:
    reply = sinch.send(sinch.ice(a_call_id(), originationType=origin))
    assert (reply.action, reply.spoken) == ("hangup", NOT_IDENTIFIED)
    assert available(account) == Decimal(5)


def test_t2_two_hundred_made_up_caller_numbers_get_nowhere(deck: object) -> None:
    """Among them the account's own number, which a fraudster can show as well as its owner can."""
    owner = an_account(numbers=["+442079460123"], client_user="owner")
    sinch = SinchCaller(an_application(default_account=owner))
    access_number = {"type": "did", "endpoint": "+442079460999"}
    for number in range(100):
        made_up = sinch.ice(a_call_id(), originationType="PSTN", cli=f"442079460{number + 100}", user=LEFT_OUT)
        for body in (made_up, made_up | {"to": access_number, "callid": a_call_id()}):
            assert sinch.send(body).action == "hangup"
    assert available(owner) == Decimal(5)
    assert not Hold.objects.exists()


@pytest.mark.parametrize("user", ["", "Alice", "alice ", " alice", "ALICE", "al\u0069\u0307ce", "bob", LEFT_OUT, 7])
def test_an_app_user_is_known_by_the_exact_name(sinch: SinchCaller, account: Account, user: object) -> None:
    reply = sinch.send(sinch.ice(a_call_id(), user=user))
    assert (reply.action, reply.spoken) == ("hangup", "We do not know this caller. Please sign in to the app again.")
    assert Call.objects.get().account is None


def test_t3_without_a_verified_number_no_caller_id_is_shown_whatever_the_caller_claims(
    sinch: SinchCaller, account: Account
) -> None:
    CallerNumber.objects.create(account=account, number="+442079460001", verified_at=None)
    for claimed in ("442079460001", "+442079460555", "Bank <+442079460555>", "private"):
        reply = sinch.send(sinch.ice(a_call_id(), cli=claimed))
        assert reply.svaml["action"]["cli"] == "private"


def test_t3_a_callers_own_verified_number_is_shown_and_nobody_elses(deck: object) -> None:
    an_account(numbers=["+442079460777"])
    an_account(numbers=["+442079460001", "+442079460002"], client_user="carol", calls_at_once=4)
    sinch = SinchCaller(an_application(caller_id="+442079460900"), user="carol")
    shown = {
        claimed: sinch.send(sinch.ice(a_call_id(), cli=claimed)).svaml["action"]["cli"]
        for claimed in ("", "442079460002", "442079460777", "private")
    }
    assert shown == {
        "": "+442079460001",
        "442079460002": "+442079460002",
        "442079460777": "+442079460001",
        "private": "+442079460001",
    }


def test_t3_the_applications_number_is_shown_for_an_account_without_one(account: Account) -> None:
    sinch = SinchCaller(an_application(caller_id="+442079460900"))
    reply = sinch.send(sinch.ice(a_call_id(), cli="442079460555"))
    assert reply.svaml["action"]["cli"] == "+442079460900"
    assert Call.objects.get().shown_caller_id == "+442079460900"


TRICKY = [
    "00447700900123", "0447700900123", "07700900123", "tel:+447700900123", "+44 7700 900123", "+44(0)7700900123",
    "+4477009001\u0662\u0663", "\uff0b447700900123", "+447700900123#", "+447700900123w99", "+447700900123;ext=9",
    "+447700900123,,9", "+4477 00900123 ", "++447700900123", "+44-7700-900123", "447700900123", "44 7700 900123",
    "+447700900123\u0000", "+447700900123\n+448712345678", "+1202555012\u00b3", "011447700900123", "+0447700900123",
    "sip:+447700900123@example.com", "+44770090012e3", "4.47700900123e11", "+4487 12345678", "0x1A", "", "+",
]  # fmt: skip


@pytest.mark.parametrize("dialled", TRICKY, ids=repr)
def test_t4_what_is_priced_is_what_is_dialled(sinch: SinchCaller, dialled: str) -> None:
    reply = sinch.send(sinch.ice(a_call_id(), to=dialled))
    if reply.action == "hangup":
        assert not Hold.objects.exists()
        return
    number = reply.svaml["action"]["number"]
    assert parse_number(number) == number == Call.objects.get().destination
    assert number == "+447700900123"
    assert Hold.objects.get().rate.prefix == "44"


@given(st.text(alphabet="+0123456789 ()-#*,;wpx\u0661\uff11\u200e", max_size=25))
def test_t4_a_number_is_read_the_same_the_second_time(text: str) -> None:
    try:
        number = parse_number(text)
    except NumberUnreadable:
        return
    assert parse_number(number) == number
    assert number[0] == "+"
    assert number[1:].isascii()
    assert number[1:].isdigit()


def test_an_account_calls_only_where_it_is_allowed(deck: object) -> None:
    a_deck({"44": "0.06", "61": "0.06", "46": "0.06"})
    an_account(client_user="carol", allow=["44", "46"], deny=["4479"])
    sinch = SinchCaller(an_application(), user="carol")
    answers = {
        to: sinch.send(sinch.ice(a_call_id(), to=to)).action for to in ("+442079460000", "+46701740605", "+61491570156")
    }
    assert answers == {"+442079460000": "connectPstn", "+46701740605": "connectPstn", "+61491570156": "hangup"}


def test_calls_at_once_are_bounded_and_a_slot_becomes_free_again(deck: object) -> None:
    an_account(client_user="carol", calls_at_once=2)
    sinch = SinchCaller(an_application(), user="carol")
    first, second, third = a_call_id(), a_call_id(), a_call_id()
    assert [sinch.send(sinch.ice(id)).action for id in (first, second, third)] == ["connectPstn"] * 2 + ["hangup"]
    sinch.send(sinch.dice(first, 1))
    assert sinch.send(sinch.ice(a_call_id())).action == "connectPstn"
