"""Everything that costs money, against a server that behaves as badly as it can: what is known afterwards is true."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler

import pytest

from outbox.errands import Lost, Refused, TryAgain
from telephony.decisions import HangUp
from telephony.menus import say
from telephony.news import VerificationMethod
from telephony.providers.base import (
    Access,
    CommandRefused,
    NotSent,
    ProviderTrouble,
    TextOrder,
    TooMuchAtOnce,
    VerificationOrder,
)
from telephony.providers.sinch import Sinch
from telephony.providers.sinch.texts import SinchTexts
from telephony.sending import outcome_of
from tests.telephony.providers.contract import CALLOUT
from tests.telephony.providers.sinch.samples import SECRET
from tests.telephony.providers.sinch.stand_in import Api

REFERENCE = "7f6a1b1e-2f40-4c47-9c49-0b1a5b9d8f01"
TEXT = TextOrder(reference=REFERENCE, sender="Shop", recipient="+46701740605", body="Hi")
VERIFICATION = VerificationOrder(reference=REFERENCE, number="+46701740605", method=VerificationMethod.SMS)

Paid = Callable[[Access, float], object]
PAID: dict[str, Paid] = {
    "callout": lambda access, seconds: Sinch(deadline_seconds=seconds).place_callout(access, CALLOUT),
    "classic text": lambda access, seconds: Sinch(deadline_seconds=seconds).send_text(access, TEXT),
    "text": lambda access, seconds: SinchTexts(deadline_seconds=seconds).send_text(access, TEXT),
    "verification": lambda access, seconds: Sinch(deadline_seconds=seconds).start_verification(access, VERIFICATION),
    "proof": lambda access, seconds: Sinch(deadline_seconds=seconds).report_verification(
        access, "v-1", VerificationMethod.SMS, "1234"
    ),
}
every_paid_request = pytest.mark.parametrize("paid", PAID.values(), ids=PAID)


def trouble_with(paid: Paid, access: Access, *, deadline_seconds: float = 10) -> ProviderTrouble:
    with pytest.raises(ProviderTrouble, match=r"^[A-Z].*\.$") as trouble:
        paid(access, deadline_seconds)
    assert SECRET not in f"{trouble.value!s} {trouble.value!r} {vars(trouble.value)}"
    return trouble.value


def is_open(trouble: ProviderTrouble) -> bool:
    """Whether it leaves open what was done, so that nothing is sent again on a guess."""
    return not isinstance(trouble, CommandRefused | NotSent)


@every_paid_request
@pytest.mark.parametrize("status", [301, 302, 307, 308, 408, 500, 502, 503, 504])
def test_a_redirect_or_somebody_elses_trouble_leaves_it_open_and_is_not_followed(
    api: Api, paid: Paid, status: int
) -> None:
    api.answers(b"", status, location="/elsewhere")
    assert is_open(trouble_with(paid, api.access))
    assert len(api.requests) == 1


@every_paid_request
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"null", b"5", b"{}", b"\xff", b"[" * 100_000, b'{"id":NaN}', b" " * 2_000_000],
    ids=lambda body: body[:8].decode("latin-1"),
)
def test_a_success_that_cannot_be_read_leaves_it_open(api: Api, paid: Paid, body: bytes) -> None:
    api.answers(body)
    assert is_open(trouble_with(paid, api.access))
    assert len(api.requests) == 1


@every_paid_request
def test_a_success_that_does_not_come_leaves_it_open(api: Api, paid: Paid) -> None:
    def behaviour(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.6)

    api.behaviour = behaviour
    assert is_open(trouble_with(paid, api.access, deadline_seconds=0.3))
    assert len(api.requests) == 1


@every_paid_request
def test_a_success_that_breaks_off_leaves_it_open(api: Api, paid: Paid) -> None:
    def behaviour(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True

    api.behaviour = behaviour
    assert is_open(trouble_with(paid, api.access))
    assert len(api.requests) == 1


@every_paid_request
@pytest.mark.parametrize(
    "address", ["", "ftp://example.com", "http://127.0.0.1:1", "http://[::1", "http://a b.example"]
)
def test_nobody_there_means_that_nothing_was_sent(api: Api, paid: Paid, address: str) -> None:
    assert isinstance(trouble_with(paid, replace(api.access, base_url=address)), NotSent)


@every_paid_request
@pytest.mark.parametrize(("headers", "seconds"), [({"retry_after": "17"}, 17), ({}, None)])
def test_pressure_means_that_nothing_was_done_and_how_long_to_wait(
    api: Api, paid: Paid, headers: dict[str, str], seconds: int | None
) -> None:
    api.answers(b"", 429, **headers)
    pressure = trouble_with(paid, api.access)
    assert isinstance(pressure, TooMuchAtOnce)
    assert pressure.retry_after_seconds == seconds
    assert len(api.requests) == 1


@every_paid_request
def test_what_is_known_becomes_the_outcome_of_an_errand(api: Api, paid: Paid) -> None:
    def outcome(access: Access) -> object:
        return outcome_of(lambda: paid(access, 10))

    api.answers(b"", 429, retry_after="17")
    assert outcome(api.access) == TryAgain("Sinch answered with status 429.", after_seconds=17, is_pressure=True)
    api.answers(b"", 500)
    assert outcome(api.access) == Lost("Sinch answered with status 500.")
    api.answers(b"", 401)
    assert outcome(api.access) == Refused("Sinch answered with status 401.")
    assert isinstance(outcome(replace(api.access, base_url="http://127.0.0.1:1")), TryAgain)


@every_paid_request
def test_no_request_of_ours_asks_not_to_be_told(api: Api, paid: Paid) -> None:
    """Fault C25, at the last place where it could happen: in what is sent."""
    api.says({"callId": "c-1", "messageId": "m-1", "id": "v-1", "status": "PENDING"})
    paid(api.access, 10)
    Sinch().manage(api.access.base_url, api.access.key, api.access.secret, "c-1", HangUp(say("Goodbye.")))
    assert len(api.requests) == 2
    for asked in api.requests:
        assert asked.body
        assert b"suppresscallbacks" not in asked.body.lower()
