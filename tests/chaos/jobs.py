"""Mixed work for the outbox: texts, callouts, verifications and webhooks of a few customers, by the real use cases."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from django.utils import timezone

from accounts.models import Account
from postgres.work import in_one_transaction
from telephony import callouts, texts, verifications
from telephony.callouts import NewCallout
from telephony.models import Callout, Verification
from telephony.texts import NewText
from telephony.verifications import NewVerification, VerificationRefused
from tests.builders import a_deck, an_account, an_application
from webhooks import endpoints, telling
from webhooks.models import EventType

CUSTOMERS = 4
PATIENCE_SECONDS = 300
OF_TWENTY = {"text": 9, "callout": 5, "webhook": 5, "verification": 1}


@dataclass(frozen=True)
class World:
    """Whose work it is. What each customer had before it began is in `opened_with`."""

    accounts: list[Account]
    opened_with: str


def found(*, key: str, secret: str, plan: str, token: str, rest_url: str, receiver_url: str) -> World:
    """Customers with money, prices for everything, applications at the sandbox, and a receiver for each customer."""
    for service in ("calls", "texts", "verifications"):
        a_deck({"44": "0.06", "1": "0.02"}, service=service)
    an_application(key=key, secret=secret, base_url=rest_url, caller_id="+442079460001")
    an_application("sinch_sms", key=plan, secret=token, base_url=rest_url, sender="+442079460002")
    opened_with = "5000.00"
    accounts = [
        an_account(
            f"customer {number}",
            balance=opened_with,
            verified=True,
            calls_at_once=30_000,
            longest_call_seconds=120,
            numbers=[f"+4420794601{number:02}"],
        )
        for number in range(CUSTOMERS)
    ]
    for account in accounts:
        endpoints.add(account, receiver_url)
    return World(accounts, opened_with)


def promise(world: World, how_many: int) -> Iterator[Counter[str]]:
    """Promise that much work, one piece at a time; gives what was promised so far after each."""
    promised: Counter[str] = Counter()
    kinds = [kind for kind, share in OF_TWENTY.items() for _ in range(share)]
    for number in range(how_many):
        kind = kinds[(number * 7) % len(kinds)]
        _PROMISES[kind](world.accounts[number % CUSTOMERS], number)
        promised[kind] += 1
        yield promised


def _text(account: Account, number: int) -> None:
    texts.send(
        NewText(account_id=account.pk, recipient=f"+4477009{number % 1000:05}", body=f"Order {number} is ready.")
    )


def _callout(account: Account, number: int) -> None:
    callouts.place(
        NewCallout(
            account_id=account.pk,
            destination=f"+4477009{number % 1000:05}",
            kind=Callout.Kind.TEXT,
            text=f"Your order {number} is ready.",
        )
    )


_verified = count()


def _verification(account: Account, number: int) -> None:
    # A number of its own for each: how often one may be proved is limited.
    serial = next(_verified)
    new = NewVerification(
        account_id=account.pk,
        number=f"+1{_AREAS[serial // 100]}55501{serial % 100:02}",
        method=Verification.Method.SMS,
    )
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            verifications.start(new, timezone.now())
        except VerificationRefused:
            # Too few of a country were proved so far: the people who type their codes in are slower than we are.
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.5)
        else:
            return


def _webhook(account: Account, number: int) -> None:
    data = {"amount": "1.00", "currency": "USD", "reference": f"chaos {number}"}
    in_one_transaction(lambda: telling.announce(account.pk, EventType.TOPPED_UP, data, timezone.now()))


_AREAS = (202, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228)
_PROMISES = {"text": _text, "callout": _callout, "verification": _verification, "webhook": _webhook}
