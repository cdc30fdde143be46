"""The part of the demo that Ringfence begins itself: a text, a callout, a verification, and an alert that goes out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.utils import timezone

from accounts.models import Account, CallerNumber, Notice
from billing import rates
from billing.alerts import set_alert
from billing.models import Alert, Crossing, RateDeck
from billing.money import Money
from outbox.models import Row
from sandbox import Sandbox
from telephony import callouts, texts, verifications
from telephony.applications import add_application
from telephony.callouts import NewCallout
from telephony.models import Application, Callout, Payer, TextMessage, Verification
from telephony.texts import NewText
from telephony.verifications import NewVerification

GUEST, BOOKS = "+447700900120", "+12025550131"
SENDER = "+442079460002"
DONE_WITHIN_SECONDS = 60
FINAL = (Row.State.DONE, Row.State.UNKNOWN, Row.State.DEAD)

Service = RateDeck.Service


class NotDone(RuntimeError):
    """The worker did not finish what was promised."""


@dataclass(frozen=True)
class Begun:
    """What the demo began: one of each, and the alert's text."""

    text: TextMessage
    callout: Callout
    verification: Verification
    alert_texts: list[TextMessage]
    crossings: list[Crossing]
    notices: list[Notice]


def load_rates(currency: str) -> None:
    """Put prices for texts and verifications in force, once."""
    for service in (Service.TEXTS, Service.VERIFICATIONS):
        name = f"Demo {service.value}"
        if RateDeck.objects.filter(name=name, active_version__isnull=False).exists():
            continue
        path = Path(__file__).with_name(f"demo_{service.value}.csv")
        with path.open("rb") as file:
            report = rates.load_deck(file, name=name, currency=currency, source=path.name, service=service)
        assert report.version is not None, report.refused  # noqa: S101 - our own file
        rates.activate(report.version)


def add_text_service(platform: Sandbox, rest_url: str, name: str) -> Application:
    """Texts go out through the platform's service plan."""
    return add_application(
        "sinch_sms",
        key=platform.service_plan_id,
        secret=platform.api_token,
        base_url=rest_url,
        sender=SENDER,
        name=name,
    )


def nothing_real_can_be_used(*ours: Application) -> bool:
    """Is no application enabled but these? Those of demos before are disabled: their platforms are gone.

    With another one, what the demo begins could go out to real telephones.
    """
    others = Application.objects.filter(enabled=True).exclude(pk__in=[application.pk for application in ours])
    others.filter(name__startswith="Demo").update(enabled=False)
    return not others.exists()


def want_to_be_told(account: Account, threshold: str, currency: str) -> None:
    """Have the account told when little is left: by a text, and by a notice in the portal."""
    set_alert(account, Money.of(threshold, currency), [Alert.Channel.TEXT, Alert.Channel.NOTICE])


def begin(platform: Sandbox, account: Account, told: Account) -> Begun:
    """Send, call and verify for one account; wait until the relay and the worker have done it all.

    The platform's time passes meanwhile. Raises NotDone when it takes too long.
    """
    with platform.keep_running():
        text = texts.send(NewText(account_id=account.pk, recipient=GUEST, body="Your table for two is booked, 20:00."))
        callout = callouts.place(
            NewCallout(
                account_id=account.pk,
                destination=GUEST,
                kind=Callout.Kind.TEXT,
                text="Harbour Cafe here. Your table is ready.",
            )
        )
        verification = _verify(platform, account)
        wait(lambda: not Row.objects.exclude(state__in=FINAL).exists())
        wait(lambda: not Callout.objects.filter(pk=callout.pk, finished_at=None).exists())
        wait(lambda: not TextMessage.objects.filter(pk=text.pk, final_at=None).exists())
    for begun in (text, callout, verification):
        begun.refresh_from_db()
    return Begun(
        text=text,
        callout=callout,
        verification=verification,
        alert_texts=list(TextMessage.objects.filter(account=told, paid_by=Payer.HOUSE)),
        crossings=list(Crossing.objects.filter(wallet__account=told)),
        notices=list(Notice.objects.filter(account=told)),
    )


def _verify(platform: Sandbox, account: Account) -> Verification:
    """The account proves one more number: a code by text, typed in by its owner."""
    new = NewVerification(account_id=account.pk, number=_a_new_number(), method=Verification.Method.SMS)
    verification = verifications.start(new, timezone.now())

    def has_begun() -> bool:
        verification.refresh_from_db()
        return bool(verification.provider_id)

    wait(has_begun)
    code = platform.verifications[verification.provider_id].proof
    return verifications.report(verification.pk, account, code, timezone.now())


def _a_new_number() -> str:
    """One that nobody has proved yet: a number belongs to one account."""
    taken = set(CallerNumber.objects.values_list("number", flat=True))
    return next(number for number in (f"+447700900{n}" for n in range(121, 200)) if number not in taken)


def wait(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + DONE_WITHIN_SECONDS
    while not condition():
        if time.monotonic() > give_up_at:
            raise NotDone("The worker did not finish in time: see its last lines.")
        time.sleep(0.05)


def lines(begun: Begun) -> Iterator[str]:
    """What was begun and what it cost, for people."""
    text, callout, verification = begun.text, begun.callout, begun.verification
    call = callout.calls.get()
    cdr = call.cdrs.get()
    yield _line("text", text.recipient, f"{text.get_status_display()}, {text.segments} segment", text.charge)
    yield _line("callout", callout.destination, f"{callout.result}, {cdr.duration_seconds} s", cdr.charge)
    yield _line("verification", verification.number, verification.status, verification.charge)
    for crossing in begun.crossings:
        told = ["text"] * len(begun.alert_texts) + ["notice"] * bool(begun.notices)
        given_away = sum((each.loss for each in begun.alert_texts), Decimal(0))
        low = f"{crossing.balance:.2f} is below {crossing.threshold:.2f}: {', '.join(told)}"
        yield f"  {'alert':<14} {BOOKS:<16} {low}; {given_away:.6f} paid by us"


def _line(what: str, to: str, became: str, charge: Decimal) -> str:
    return f"  {what:<14} {to:<16} {became:<40} {charge:>9.6f}"


def as_dict(begun: Begun) -> dict[str, Any]:
    """The same as plain JSON values; money as text."""
    text, callout, verification = begun.text, begun.callout, begun.verification
    cdr = callout.calls.get().cdrs.get()
    return {
        "text": {"to": text.recipient, "status": text.status, "segments": text.segments, "price": f"{text.charge:.6f}"},
        "callout": {
            "to": callout.destination,
            "result": callout.result,
            "duration_seconds": cdr.duration_seconds,
            "price": f"{cdr.charge:.6f}",
        },
        "verification": {
            "number": verification.number,
            "status": verification.status,
            "price": f"{verification.charge:.6f}",
        },
    }


def alerts(begun: Begun) -> list[dict[str, Any]]:
    """The alerts that were sent, as plain JSON values; money as text."""
    return [
        {
            "balance": f"{crossing.balance:.6f}",
            "threshold": f"{crossing.threshold:.6f}",
            "texts": [
                {"to": each.recipient, "status": each.status, "ours": f"{each.loss:.6f}"} for each in begun.alert_texts
            ],
            "notices": len(begun.notices),
        }
        for crossing in begun.crossings
    ]
