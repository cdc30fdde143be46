"""One call from first ring to end, as Sinch tells it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from accounts.models import Account
from accounts.registration import reactivate, suspend
from billing.exceptions import InsufficientFunds
from billing.models import Entry, Hold, Posting
from billing.money import Money
from billing.topups import correct, credit
from telephony.models import CDR, Call, ReceivedEvent
from tests.builders import a_deck, an_account, an_application, available, balance, held, house
from tests.sinch_caller import LEFT_OUT, SinchCaller, a_call_id


def test_a_call_is_authorised_answered_and_charged(sinch: SinchCaller, account: Account) -> None:
    call_id = a_call_id()

    reply = sinch.send(sinch.ice(call_id))
    assert (reply.status, reply.action) == (200, "connectPstn")
    assert reply.svaml["action"] == {
        "name": "connectPstn",
        "number": "+447700900123",
        "locale": "en-US",
        "cli": "private",
        "maxDuration": 120,
        "dialTimeout": 45,
    }
    assert (balance(account), held(account)) == (Decimal(5), Decimal("0.12"))

    reply = sinch.send(sinch.ace(call_id))
    assert (reply.status, reply.svaml) == (200, {"instructions": [], "action": {"name": "continue"}})
    assert Call.objects.get().state == Call.State.ANSWERED

    reply = sinch.send(sinch.dice(call_id, 61))
    assert (reply.status, reply.body) == (200, b"")
    assert (balance(account), held(account)) == (Decimal("4.88"), Decimal(0))
    assert house(Entry.House.REVENUE) == Decimal("0.12")

    cdr = CDR.objects.get()
    assert (cdr.account, cdr.duration_seconds, cdr.billed_seconds, cdr.result) == (account, 61, 120, "answered")
    assert (cdr.price, cdr.charge, cdr.loss, cdr.currency) == (Decimal("0.12"), Decimal("0.12"), Decimal(0), "USD")
    assert (cdr.provider_cost, cdr.provider_currency) == (Decimal("0.0123"), "USD")
    assert cdr.posting.kind == Posting.Kind.SETTLEMENT
    assert (cdr.revision, cdr.source, cdr.review) == (0, CDR.Source.EVENT, "")


def test_what_sinch_sent_is_kept_byte_for_byte_with_the_decision(sinch: SinchCaller) -> None:
    body = b'{"event":"ice" ,"callid":"spaced" , "to":{"type":"number","endpoint":"+447700900123"},"user":"alice",'
    body += b'"originationType":"MXP","domain":"pstn"}  '
    sinch.send(body, content_type="text/plain; charset=utf-8")
    event = ReceivedEvent.objects.get()
    assert bytes(event.body) == body
    assert (event.kind, event.outcome, event.late) == ("incoming", "decided", False)
    assert event.content_type == "text/plain; charset=utf-8"
    assert event.decision["decision"] == "connect"


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ("NOANSWER", "TIMEOUT"),
        ("NOANSWER", "NOCREDITPARTNER"),
        ("BUSY", "CALLEEHANGUP"),
        ("DENIED", "CALLEEHANGUP"),
        ("CANCEL", "CALLERHANGUP"),
        ("FAILED", "GENERALERROR"),
        ("N/A", "N/A"),
    ],
)
@pytest.mark.parametrize("duration", [0, LEFT_OUT])
def test_c22_a_call_that_only_rang_costs_nothing(
    sinch: SinchCaller, account: Account, result: str, reason: str, duration: object
) -> None:
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    sinch.send(sinch.dice(call_id, duration, result, reason=reason, debit={"currencyId": "USD", "amount": 0.0}))
    assert available(account) == Decimal(5)
    assert Hold.objects.get().state == Hold.State.RELEASED
    assert not Posting.objects.filter(kind=Posting.Kind.SETTLEMENT).exists()
    cdr = CDR.objects.get()
    assert (cdr.charge, cdr.duration_seconds, cdr.posting) == (Decimal(0), 0, None)


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({}, "0.000000"),
        ({"connection_fee": "0.05"}, "0.050000"),
        ({"minimum_charge": "0.03"}, "0.030000"),
        ({"connection_fee": "0.05", "minimum_charge": "0.03"}, "0.050000"),
        ({"minimum_charge": "0.03", "grace_seconds": 5}, "0.000000"),
    ],
)
def test_c23_a_call_answered_for_no_time_costs_the_fee_or_the_minimum(
    sinch: SinchCaller, account: Account, terms: dict[str, object], expected: str
) -> None:
    a_deck([{"prefix": "44", "price_per_minute": "0.06", **terms}])
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    sinch.send(sinch.dice(call_id, 0))
    assert balance(account) == Decimal(5) - Decimal(expected)
    assert held(account) == 0


def test_c14_a_new_price_during_a_call_does_not_change_that_call(sinch: SinchCaller, account: Account) -> None:
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    a_deck({"44": "0.01"})
    sinch.send(sinch.dice(call_id, 60))
    assert balance(account) == Decimal("4.94")
    later = a_call_id()
    sinch.send(sinch.ice(later))
    sinch.send(sinch.dice(later, 60))
    assert balance(account) == Decimal("4.93")


def test_c15_a_suspended_account_gets_no_new_call_and_its_running_call_settles(
    sinch: SinchCaller, account: Account
) -> None:
    running, refused, again = a_call_id(), a_call_id(), a_call_id()
    sinch.send(sinch.ice(running))
    suspend(account)

    reply = sinch.send(sinch.ice(refused))
    assert (reply.action, reply.spoken) == ("hangup", "Your account is not active. Please contact support.")
    assert sinch.send(sinch.ace(running)).action == "continue"
    sinch.send(sinch.dice(running, 60))
    assert (balance(account), held(account)) == (Decimal("4.94"), Decimal(0))

    reactivate(account)
    assert sinch.send(sinch.ice(again)).action == "connectPstn"


def test_c16_a_top_up_during_a_call_serves_other_calls_and_not_that_one(deck: object) -> None:
    account = an_account(balance="0.06", client_user="carol", calls_at_once=2)
    sinch = SinchCaller(an_application(), user="carol")
    first, second = a_call_id(), a_call_id()
    before = sinch.send(sinch.ice(first))
    assert before.limit_seconds == 60
    assert sinch.send(sinch.ice(second)).action == "hangup"

    credit(account, Money.of("0.06", "USD"), reference="during the call")
    assert sinch.send(sinch.ice(first)).body == before.body
    assert sinch.send(sinch.ice(a_call_id())).limit_seconds == 60
    sinch.send(sinch.dice(first, 60))
    assert (balance(account), held(account)) == (Decimal("0.06"), Decimal("0.06"))


def test_c17_money_held_for_a_call_cannot_be_taken_away(deck: object) -> None:
    account = an_account(balance="1.00", client_user="carol", calls_at_once=1, longest_call_seconds=600)
    sinch = SinchCaller(an_application(), user="carol")
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    assert held(account) == Decimal("0.60")
    with pytest.raises(InsufficientFunds):
        correct(account, Money.of("-0.41", "USD"), reason="a refund", made_by="staff", reference="too much")
    correct(account, Money.of("-0.40", "USD"), reason="a refund", made_by="staff", reference="what is left")
    sinch.send(sinch.dice(call_id, 600))
    assert (balance(account), held(account)) == (Decimal(0), Decimal(0))
    assert house(Entry.House.LOSS_OVERRUN) == 0


def test_c21_what_the_provider_let_run_too_long_is_paid_as_far_as_there_is_money(deck: object) -> None:
    account = an_account(balance="0.06", client_user="carol", calls_at_once=1)
    sinch = SinchCaller(an_application(), user="carol")
    call_id = a_call_id()
    assert sinch.send(sinch.ice(call_id)).limit_seconds == 60
    sinch.send(sinch.dice(call_id, 65))
    assert balance(account) == 0
    assert house(Entry.House.REVENUE) == Decimal("0.12")
    assert house(Entry.House.LOSS_OVERRUN) == Decimal("-0.06")
    cdr = CDR.objects.get()
    assert (cdr.price, cdr.charge, cdr.loss) == (Decimal("0.12"), Decimal("0.06"), Decimal("0.06"))
    assert "0.060000 USD could not be charged" in cdr.review


def test_c21_an_overrun_is_paid_from_what_is_available_beyond_the_hold(sinch: SinchCaller, account: Account) -> None:
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    sinch.send(sinch.dice(call_id, 121))
    assert balance(account) == Decimal("4.82")
    assert house(Entry.House.LOSS_OVERRUN) == 0


@pytest.mark.parametrize("at_once", [1, 2, 30])
def test_the_whole_credit_can_be_talked_away_and_not_a_cent_more(deck: object, at_once: int) -> None:
    account = an_account(client_user="carol", calls_at_once=at_once, longest_call_seconds=14_400)
    sinch = SinchCaller(an_application(), user="carol")
    for _ in range(400):
        call_id = a_call_id()
        reply = sinch.send(sinch.ice(call_id))
        if reply.action == "hangup":
            break
        sinch.send(sinch.dice(call_id, reply.limit_seconds))
        assert available(account) >= 0
    assert balance(account) == Decimal("0.02")  # less than a minute's 0.06
    assert reply.spoken == "You do not have enough credit for this call. Please top up."


def test_a_call_between_app_users_is_free_and_unlimited_by_money(sinch: SinchCaller, account: Account) -> None:
    call_id = a_call_id()
    reply = sinch.send(sinch.ice(call_id, to={"type": "username", "endpoint": "bob"}, domain="mxp"))
    assert reply.svaml["action"] == {"name": "connectMxp", "destination": {"type": "username", "endpoint": "bob"}}
    assert held(account) == 0
    sinch.send(sinch.dice(call_id, 3_000, to={"type": "username", "endpoint": "bob"}))
    assert balance(account) == Decimal(5)
    assert CDR.objects.get().duration_seconds == 3_000


def test_a_priced_call_between_app_users_is_held_and_charged(account: Account) -> None:
    a_deck({"app": "0.01", "44": "0.06"})
    sinch = SinchCaller(an_application())
    call_id = a_call_id()
    to_bob = {"type": "username", "endpoint": "bob"}
    assert sinch.send(sinch.ice(call_id, to=to_bob, domain="mxp")).action == "connectMxp"
    assert held(account) == Decimal("2.40")
    sinch.send(sinch.dice(call_id, 90, to=to_bob))
    assert (balance(account), held(account)) == (Decimal("4.98"), Decimal(0))


@pytest.mark.parametrize(
    ("kind", "spoken"),
    [
        ("conference", "This kind of call is not available."),
        ("sip", "This kind of call is not available."),
        ("did", "This kind of call is not available."),
        ("email", "This kind of call is not available."),
        ("carrier-pigeon", "This kind of call is not available."),
    ],
)
def test_a_kind_of_destination_we_do_not_offer_is_refused(sinch: SinchCaller, kind: str, spoken: str) -> None:
    reply = sinch.send(sinch.ice(a_call_id(), to={"type": kind, "endpoint": "+447700900123"}))
    assert (reply.action, reply.spoken) == ("hangup", spoken)
    assert Call.objects.get().state == Call.State.REFUSED


@pytest.mark.parametrize(
    ("number", "spoken"),
    [
        ("+12025550123", "Calls to this number are not available."),
        ("+448712345678", "Calls to this number cost more than your account allows."),
        ("+44", "This number is not valid. Please check it and dial again."),
    ],
)
def test_a_destination_without_a_fair_price_is_refused(sinch: SinchCaller, number: str, spoken: str) -> None:
    reply = sinch.send(sinch.ice(a_call_id(), to=number))
    assert (reply.action, reply.spoken) == ("hangup", spoken)
    assert not Hold.objects.exists()


def test_a_refused_call_stays_refused_and_its_hang_up_costs_nothing(sinch: SinchCaller, account: Account) -> None:
    call_id = a_call_id()
    refused = sinch.send(sinch.ice(call_id, to="+12025550123"))
    assert sinch.send(sinch.ice(call_id, to="+12025550123")).body == refused.body
    assert sinch.send(sinch.ace(call_id)).action == "hangup"
    sinch.send(sinch.dice(call_id, 0, "N/A"))
    call = Call.objects.get()
    assert (call.state, call.refusal) == (Call.State.REFUSED, "no_rate")
    assert balance(account) == Decimal(5)


def test_a_refused_call_that_was_connected_anyway_is_shown_to_a_person(sinch: SinchCaller, account: Account) -> None:
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id, to="+12025550123"))
    sinch.send(sinch.dice(call_id, 30))
    assert balance(account) == Decimal(5)
    assert "it was connected although we refused it" in CDR.objects.get().review


def test_an_application_may_have_an_account_that_pays_for_unknown_users(account: Account) -> None:
    sinch = SinchCaller(an_application(default_account=account), user="a passer-by")
    call_id = a_call_id()
    assert sinch.send(sinch.ice(call_id)).action == "connectPstn"
    sinch.send(sinch.dice(call_id, 60))
    assert balance(account) == Decimal("4.94")
