"""Events come twice, late, in any order, or contradict each other: the books end the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from accounts.models import Account
from billing import charging
from billing.models import Entry, Hold, Posting
from postgres.work import in_one_transaction
from telephony import calls, endings
from telephony.models import CDR, Call, ReceivedEvent
from tests import books
from tests.builders import an_account, an_application, available, balance, held, house
from tests.sinch_caller import LEFT_OUT, SinchCaller, a_call_id, post

EVENTS = ("ice", "ace", "pie", "dice")
DEARER = {"duration": 61, "debit": {"currencyId": "USD", "amount": 0.0124}}
REPETITIONS: dict[str, Callable[[Sequence[str]], list[str]]] = {
    "once": list,
    "each twice": lambda order: [name for name in order for _ in range(2)],
    "all twice": lambda order: [*order, *order],
    "there and back": lambda order: [*order, *reversed(order)],
}


@pytest.mark.parametrize("repeated", REPETITIONS)
@pytest.mark.parametrize("order", list(permutations(EVENTS)), ids="-".join)
def test_c6_every_order_of_events_ends_in_the_same_books(
    sinch: SinchCaller, account: Account, order: Sequence[str], repeated: str
) -> None:
    call_id = a_call_id()
    bodies = {name: getattr(sinch, name)(call_id) for name in EVENTS}
    over = False
    for name in REPETITIONS[repeated](order):
        reply = sinch.send(bodies[name])
        assert reply.status == 200
        if over and name != "dice":
            assert reply.action == "hangup"
        over = over or name == "dice"

    assert (balance(account), held(account)) == (Decimal("4.88"), Decimal(0))
    assert house(Entry.House.REVENUE) == Decimal("0.12")
    assert not Entry.objects.filter(house__startswith="loss").exists()
    assert not Hold.objects.filter(state=Hold.State.OPEN).exists()
    assert [(c.duration_seconds, c.charge, c.account) for c in CDR.objects.all()] == [(61, Decimal("0.12"), account)]


def test_c1_the_same_question_gets_the_same_answer_byte_for_byte(sinch: SinchCaller, account: Account) -> None:
    call_id = a_call_id()
    replies = [sinch.send(sinch.ice(call_id)) for _ in range(5)]
    assert len({reply.body for reply in replies}) == 1
    assert replies[0].action == "connectPstn"
    assert Hold.objects.count() == Call.objects.count() == ReceivedEvent.objects.count() == 1
    assert held(account) == Decimal("0.12")


def test_c1_the_answer_stays_the_same_when_the_world_has_changed(sinch: SinchCaller, account: Account) -> None:
    call_id = a_call_id()
    before = sinch.send(sinch.ice(call_id))
    for _ in range(3):
        sinch.send(sinch.ice(a_call_id()))
    assert sinch.send(sinch.ice(call_id)).body == before.body


def test_h3_a_recorded_request_sent_again_changes_nothing(sinch: SinchCaller, account: Account) -> None:
    """The very same bytes and headers, as a thief or a proxy would send them again."""
    call_id = a_call_id()
    for name in EVENTS:
        raw = _raw(getattr(sinch, name)(call_id))
        headers = sinch.headers(raw)
        first = post(raw, headers)
        before = books.fingerprint()
        again = post(raw, headers)
        assert (again.status, again.body) == (first.status, first.body)
        assert books.fingerprint() == before


def test_c3_a_question_about_a_settled_call_is_hung_up(sinch: SinchCaller, account: Account) -> None:
    call_id = a_call_id()
    raw = _raw(sinch.ice(call_id))
    headers = sinch.headers(raw)
    post(raw, headers)
    sinch.send(sinch.dice(call_id))
    for again in (post(raw, headers), sinch.send(raw)):
        assert (again.action, again.spoken) == ("hangup", "This call has ended.")
    assert Hold.objects.count() == 1
    assert held(account) == 0


def test_c4_a_repeated_hang_up_is_charged_once(sinch: SinchCaller, account: Account) -> None:
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    for _ in range(4):
        assert sinch.send(sinch.dice(call_id)).status == 200
    assert balance(account) == Decimal("4.88")
    assert Posting.objects.filter(kind=Posting.Kind.SETTLEMENT).count() == CDR.objects.count() == 1
    assert ReceivedEvent.objects.filter(kind="ended").count() == 1


@pytest.mark.parametrize(
    "other", [{"duration": 120 + 1}, {"duration": 3}, {"duration": 0, "result": "NOANSWER"}, DEARER]
)
def test_c5_of_two_different_hang_ups_the_first_wins_and_the_second_is_kept(
    sinch: SinchCaller, account: Account, other: dict[str, Any]
) -> None:
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    sinch.send(sinch.dice(call_id, 61))
    second = sinch.dice(call_id, **other)
    assert sinch.send(second).status == 200
    assert balance(account) == Decimal("4.88")
    assert CDR.objects.count() == 1
    conflict = ReceivedEvent.objects.get(outcome="conflict")
    assert bytes(conflict.body) == _raw(second)
    assert conflict.error == "Settled before: answered, 61 s. No money moved."


def test_c7_a_hang_up_that_overtakes_its_own_question_leaves_no_hold(sinch: SinchCaller, account: Account) -> None:
    """The caller gave up while we were thinking: the hang-up was decided first, the question afterwards."""
    call_id = a_call_id()
    sinch.send(sinch.dice(call_id, 0, "CANCEL"))
    assert sinch.send(sinch.ice(call_id)).action == "hangup"
    assert not Hold.objects.exists()
    assert available(account) == Decimal(5)


def test_c8_a_hang_up_without_its_beginning_is_charged_to_the_apps_user(sinch: SinchCaller, account: Account) -> None:
    call_id = a_call_id()
    assert sinch.send(sinch.dice(call_id, 61)).status == 200
    assert balance(account) == Decimal("4.88")
    cdr = CDR.objects.get()
    assert (cdr.account, cdr.charge, cdr.review) == (account, Decimal("0.12"), "its beginning never reached us")
    assert not Hold.objects.exists()


def test_c8_what_the_wallet_cannot_pay_is_our_loss(deck: object) -> None:
    account = an_account(balance="0.05", client_user="carol")
    sinch = SinchCaller(an_application(), user="carol")
    sinch.send(sinch.dice(a_call_id(), 61))
    assert balance(account) == 0
    assert house(Entry.House.LOSS_UNRESERVED) == Decimal("-0.07")
    assert house(Entry.House.REVENUE) == Decimal("0.12")


@pytest.mark.parametrize(
    "unknown",
    [
        {"user": "nobody we know"},
        {"user": LEFT_OUT},
        {"to": {"type": "conference", "endpoint": "room"}},
        {"to": LEFT_OUT},
    ],
    ids=["stranger", "no user", "conference", "no destination"],
)
def test_c8_a_hang_up_that_fits_nobody_is_written_down_and_charged_to_nobody(
    sinch: SinchCaller, account: Account, unknown: dict[str, Any]
) -> None:
    assert sinch.send(sinch.dice(a_call_id(), 61, **unknown)).status == 200
    assert balance(account) == Decimal(5)
    cdr = CDR.objects.get()
    assert (cdr.charge, cdr.posting, cdr.provider_cost) == (Decimal(0), None, Decimal("0.0123"))
    assert "its beginning never reached us" in cdr.review


def test_c10_a_hang_up_after_the_call_was_given_up_is_booked_once_as_far_as_there_is_money(
    sinch: SinchCaller, account: Account
) -> None:
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    _give_up(sinch, call_id)
    assert available(account) == Decimal(5)

    for _ in range(3):
        sinch.send(sinch.dice(call_id, 61))
    assert balance(account) == Decimal("4.88")
    assert house(Entry.House.LOSS_LATE) == 0
    given_up, late = CDR.objects.order_by("revision")
    assert (given_up.source, given_up.charge) == (CDR.Source.EXPIRED, Decimal(0))
    assert (late.source, late.charge) == (CDR.Source.EVENT, Decimal("0.12"))
    assert "the hang-up came after the call had been given up" in late.review


def test_c10_what_was_spent_meanwhile_is_a_late_loss(deck: object) -> None:
    account = an_account(balance="0.12", client_user="carol", calls_at_once=1)
    sinch = SinchCaller(an_application(), user="carol")
    late, meanwhile = a_call_id(), a_call_id()
    sinch.send(sinch.ice(late))
    _give_up(sinch, late)
    sinch.send(sinch.ice(meanwhile))
    sinch.send(sinch.dice(meanwhile, 60))
    sinch.send(sinch.dice(late, 120))
    assert (balance(account), held(account)) == (Decimal(0), Decimal(0))
    assert house(Entry.House.LOSS_LATE) == Decimal("-0.06")


def test_c26_two_applications_may_use_the_same_call_id(sinch: SinchCaller, account: Account) -> None:
    other = SinchCaller(an_application())
    for caller, duration in ((sinch, 60), (other, 120)):
        assert caller.send(caller.ice("the same")).action == "connectPstn"
        caller.send(caller.dice("the same", duration))
    assert balance(account) == Decimal("4.82")
    assert Call.objects.count() == CDR.objects.count() == 2


def test_c27_an_unknown_event_and_unknown_fields_are_kept_and_do_nothing(sinch: SinchCaller, account: Account) -> None:
    call_id = a_call_id()
    reply = sinch.send({"event": "hologram", "callid": call_id, "applicationKey": sinch.application.key, "x": [1]})
    assert (reply.status, reply.body) == (200, b"{}")
    assert ReceivedEvent.objects.get().kind == "unknown"
    assert sinch.send(sinch.ice(call_id, futureField={"a": [1, 2]}, another=True)).action == "connectPstn"
    sinch.send(sinch.dice(call_id, 60, carbonFootprint="3 g"))
    assert balance(account) == Decimal("4.94")
    assert b"carbonFootprint" in bytes(ReceivedEvent.objects.get(kind="ended").body)


def test_c24_the_answer_to_a_menu_never_leads_to_another_number(sinch: SinchCaller, account: Account) -> None:
    """A menu that re-routes would be a second authorisation. We have none, so nothing is re-routed."""
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    for value in ("1", "+448712345678", "00448712345678#"):
        menu = {"menuId": "main", "type": "Return", "value": value}
        reply = sinch.send(sinch.pie(call_id, menuResult=menu, timestamp=f"2026-03-02T08:15:3{len(value) % 10}Z"))
        assert reply.svaml["action"] == {"name": "continue"}
    assert held(account) == Decimal("0.12")


def test_second_looks_at_a_call_nobody_authorised_end_it(sinch: SinchCaller) -> None:
    for body in (sinch.ace(a_call_id()), sinch.pie(a_call_id())):
        assert sinch.send(body).action == "hangup"


def test_news_about_a_call_changes_no_money(sinch: SinchCaller, account: Account) -> None:
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    for _ in range(2):
        assert sinch.send(sinch.notify(call_id)).body == b""
    assert ReceivedEvent.objects.filter(kind="notified").count() == 1
    assert held(account) == Decimal("0.12")


def test_a_reply_the_provider_refused_is_shown_to_a_person(sinch: SinchCaller) -> None:
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    sinch.send(sinch.notify(call_id, type="error", errorCode="InvalidSvaml", errorMsg="no such action"))
    assert Call.objects.get().review == "the provider refused our reply: InvalidSvaml"


@pytest.mark.parametrize("minutes", [-6, 6])
@pytest.mark.parametrize("event", ["ice", "ace", "pie"])
def test_h4_an_old_question_is_refused(sinch: SinchCaller, account: Account, event: str, minutes: int) -> None:
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    reply = sinch.send(getattr(sinch, event)(a_call_id()), at=at)
    assert (reply.status, reply.body) == (401, b"")
    assert not ReceivedEvent.objects.exists()


@pytest.mark.parametrize(("hours_late", "late"), [(0, False), (1, True), (23.9, True)])
def test_h4_a_late_hang_up_is_booked_and_flagged(
    sinch: SinchCaller, account: Account, hours_late: float, late: bool
) -> None:
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    assert sinch.send(sinch.dice(call_id), at=datetime.now(UTC) - timedelta(hours=hours_late)).status == 200
    assert balance(account) == Decimal("4.88")
    assert ReceivedEvent.objects.get(kind="ended").late is late


def test_h4_a_hang_up_older_than_a_day_is_refused(sinch: SinchCaller, account: Account) -> None:
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    assert sinch.send(sinch.dice(call_id), at=datetime.now(UTC) - timedelta(hours=24, minutes=1)).status == 401
    assert held(account) == Decimal("0.12")


def _give_up(sinch: SinchCaller, call_id: str) -> None:
    id = calls.call_id(sinch.application.pk, call_id)

    def work() -> None:
        call = calls.read(calls.lock(id))
        reservation = charging.read_reservation(charging.find_reservation(id))
        assert call is not None
        endings.give_up(call, reservation, datetime.now(UTC))

    in_one_transaction(work)


def _raw(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()
