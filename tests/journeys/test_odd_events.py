"""Signed, but wrong: kept raw, answered 200 or 400, and no money moves."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Account
from billing.models import Hold
from telephony.models import CDR, Call, ReceivedEvent
from tests.builders import an_application, available, balance, held
from tests.sinch_caller import LEFT_OUT, SinchCaller, a_call_id


@pytest.mark.parametrize(
    "duration",
    [
        -1,
        -0.5,
        1.5,
        True,
        False,
        "",
        "abc",
        "-1",
        "1.0",
        "1e3",
        "0x10",
        [],
        {},
        [61],
        {"seconds": 61},
        LEFT_OUT,
        None,
        181,
        14_461,
        10_000_001,
        10**25,
        "999999999",
    ],
    ids=repr,
)
def test_c18_a_duration_that_cannot_be_true_moves_no_money(sinch: SinchCaller, account: Account, duration: Any) -> None:
    call_id = a_call_id()
    assert sinch.send(sinch.ice(call_id)).limit_seconds == 120
    odd = sinch.dice(call_id, duration)
    reply = sinch.send(odd)
    assert (reply.status, reply.body) == (200, b"")
    assert (balance(account), held(account)) == (Decimal(5), Decimal("0.12"))
    kept = ReceivedEvent.objects.get(kind="ended")
    assert (kept.outcome, bytes(kept.body)) == ("quarantined", json.dumps(odd).encode())
    assert kept.error

    sinch.send(sinch.dice(call_id, 61))
    assert (balance(account), held(account)) == (Decimal("4.88"), Decimal(0))


@pytest.mark.parametrize("duration", [61, "61", 61.0, "061", 180], ids=repr)
def test_c18_a_duration_that_can_be_read_is_charged(sinch: SinchCaller, account: Account, duration: Any) -> None:
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    sinch.send(sinch.dice(call_id, duration))
    assert balance(account) == (Decimal("4.82") if duration == 180 else Decimal("4.88"))
    assert held(account) == 0


@pytest.mark.parametrize(
    "debit",
    [
        {"currencyId": "USD", "amount": -1},
        {"currencyId": "USD", "amount": 10**9 + 1},
        {"currencyId": "USD", "amount": "12"},
        {"currencyId": "USD", "amount": True},
        {"currencyId": "USD", "amount": None},
        {"currencyId": "", "amount": 0.01},
        {"currencyId": "US", "amount": 0.01},
        {"currencyId": 7, "amount": 0.01},
        {"amount": 0.01},
        "free of charge",
        [],
        7,
    ],
    ids=repr,
)
def test_c19_a_cost_that_cannot_be_true_is_noted_and_the_customer_pays_our_price(
    sinch: SinchCaller, account: Account, debit: Any
) -> None:
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    sinch.send(sinch.dice(call_id, 61, debit=debit))
    assert balance(account) == Decimal("4.88")
    cdr = CDR.objects.get()
    assert cdr.provider_cost is None
    assert cdr.review


def test_c19_a_cost_far_above_our_price_is_shown_to_a_person(sinch: SinchCaller, account: Account) -> None:
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    sinch.send(sinch.dice(call_id, 61, debit={"currencyId": "USD", "amount": 0.61}))
    cdr = CDR.objects.get()
    assert (balance(account), cdr.provider_cost) == (Decimal("4.88"), Decimal("0.61"))
    assert cdr.review == "the provider charged 0.61 USD"


@pytest.mark.parametrize(("currency", "kept"), [("usd", "USD"), ("EUR", "EUR"), ("XYZ", "XYZ")])
def test_c20_the_cost_keeps_its_own_currency_and_our_price_is_charged(
    sinch: SinchCaller, account: Account, currency: str, kept: str
) -> None:
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    sinch.send(sinch.dice(call_id, 61, debit={"currencyId": currency, "amount": 0.0123}))
    cdr = CDR.objects.get()
    assert (cdr.provider_cost, cdr.provider_currency) == (Decimal("0.0123"), kept)
    assert (cdr.currency, cdr.charge, balance(account)) == ("USD", Decimal("0.12"), Decimal("4.88"))


@pytest.mark.parametrize("result", ["PERHAPS", "", LEFT_OUT, 7, None], ids=repr)
def test_an_ending_in_a_word_we_do_not_know_is_charged_by_its_duration(
    sinch: SinchCaller, account: Account, result: Any
) -> None:
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    sinch.send(sinch.dice(call_id, 61, result=result))
    assert balance(account) == Decimal("4.88")
    assert CDR.objects.get().review


@pytest.mark.parametrize(
    "odd",
    [
        {"callid": LEFT_OUT},
        {"callid": ""},
        {"callid": 7},
        {"callid": None},
        {"callid": ["x"]},
        pytest.param({"callid": "x" * 256}, id="too long"),
        {"callid": "a\nb"},
        {"callid": "a\u202eb"},
        {"callid": "a\u0000b"},
        {"applicationKey": "99999999-0000-4000-8000-000000000001"},
        {"applicationKey": 7},
        {"event": ""},
        {"event": 7},
        {"event": LEFT_OUT},
    ],
    ids=repr,
)
def test_h10_a_question_that_contradicts_itself_is_kept_and_not_connected(
    sinch: SinchCaller, account: Account, odd: dict[str, Any]
) -> None:
    body = {name: value for name, value in (sinch.ice(a_call_id()) | odd).items() if value is not LEFT_OUT}
    reply = sinch.send(body)
    assert reply.status == 200
    assert reply.body == b"{}" or reply.action == "hangup"
    kept = ReceivedEvent.objects.get()
    assert (kept.outcome, bytes(kept.body)) == ("quarantined", json.dumps(body).encode())
    assert available(account) == Decimal(5)
    assert not Call.objects.exists()


def test_h10_a_name_given_twice_makes_an_event_odd(sinch: SinchCaller) -> None:
    raw = json.dumps(sinch.ice(a_call_id())).encode()
    twice = raw[:-1] + b',"to":{"type":"number","endpoint":"+12025550123"}}'
    assert sinch.send(twice).action == "hangup"
    assert ReceivedEvent.objects.get().error == "to is given more than once"
    assert not Hold.objects.exists()


@pytest.mark.parametrize("body", [b"null", b"[]", b"7", b'"ice"', b"true", b"[{}]"])
def test_h10_json_that_is_no_object_is_kept(sinch: SinchCaller, body: bytes) -> None:
    reply = sinch.send(body)
    assert (reply.status, reply.body) == (200, b"{}")
    assert ReceivedEvent.objects.get().outcome == "quarantined"


UNREADABLE = {
    "nothing": b"",
    "a blank": b" ",
    "not JSON": b"ice",
    "cut short": b'{"event":"ice","callid":"x',
    "h9 arrays": b"[" * 30_000,
    "h9 objects": b'{"a":' * 10_000,
    "h9 closed": b"[" * 1_000 + b"]" * 1_000,
    "NaN": b'{"event":"dice","duration":NaN}',
    "Infinity": b'{"event":"dice","duration":Infinity}',
    "-Infinity": b'{"event":"dice","debit":{"amount":-Infinity}}',
    "1e999": b'{"event":"dice","duration":1e999}',
    "5,000 digits": b'{"event":"dice","duration":' + b"9" * 5_000 + b"}",
    "h11 not UTF-8": b'{"event":"ice","callid":"\xff\xfe"}',
    "UTF-16": '{"event":"ice"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"event":"ice"}',
    "h8 64 KiB and a byte": b" " * 65_537,
    "h8 3 MB": b"x" * 3_000_000,
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_h9_h10_h11_what_cannot_be_read_gets_one_sentence(sinch: SinchCaller, name: str) -> None:
    reply = sinch.send(UNREADABLE[name])
    assert reply.status == 400
    sentence = reply.body.decode()
    assert sentence[0].isupper()
    assert sentence.endswith(".\n")
    assert sentence.count("\n") == 1
    assert not ReceivedEvent.objects.exists()


NASTY = "a\r\nX-Injected: 1\x1b[31m\u202e\u2028<script>{{7*7}}%s'\"; DROP TABLE x; --"


@pytest.mark.parametrize("field", ["cli", "custom", "user", "domain", "originationType", "rdnis", "cookies"])
def test_h12_hostile_text_is_kept_as_it_is_and_does_no_harm(sinch: SinchCaller, account: Account, field: str) -> None:
    value = [{"key": NASTY, "value": NASTY}] if field == "cookies" else NASTY
    body = sinch.ice(a_call_id(), **{field: value})
    assert sinch.send(body).status == 200
    assert bytes(ReceivedEvent.objects.get().body) == json.dumps(body).encode()
    assert Call.objects.count() == 1


def test_h12_hostile_text_cannot_begin_a_second_line_of_the_log(
    sinch: SinchCaller, capfd: pytest.CaptureFixture[str]
) -> None:
    sinch.send(sinch.dice(a_call_id(), user=NASTY, reason=NASTY))
    sinch.send({"event": NASTY, "callid": "x"})
    written = capfd.readouterr()
    assert "X-Injected: 1\x1b" not in written.out + written.err
    assert not any(line.startswith("X-Injected") for line in (written.out + written.err).splitlines())


@pytest.mark.parametrize("text", ["\u0000", "\ud800", "\udfff\ud800"], ids=repr)
def test_h10_text_that_postgresql_cannot_keep_does_not_stop_a_call(
    sinch: SinchCaller, account: Account, text: str
) -> None:
    call_id = a_call_id()
    assert sinch.send(sinch.ice(call_id, custom=text, cli=text)).action == "connectPstn"
    sinch.send(sinch.dice(call_id, 60, reason=text, custom=text, **{"from": text}))
    assert balance(account) == Decimal("4.94")


def test_an_odd_question_after_an_answered_one_does_not_disturb_the_call(sinch: SinchCaller, account: Account) -> None:
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    assert sinch.send(sinch.ace(call_id, applicationKey=7)).action == "hangup"
    assert sinch.send(sinch.ace(call_id)).action == "continue"
    assert held(account) == Decimal("0.12")


def test_an_event_of_another_application_of_ours_is_not_believed(sinch: SinchCaller, account: Account) -> None:
    other = SinchCaller(an_application())
    call_id = a_call_id()
    sinch.send(sinch.ice(call_id))
    assert other.send(sinch.dice(call_id)).status == 200
    assert held(account) == Decimal("0.12")
    assert ReceivedEvent.objects.get(kind="ended").outcome == "quarantined"
