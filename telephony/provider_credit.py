"""Our own credit at a provider, and what else it tells about our account there.

What a provider tells us is a hint: it is asked before the operator is told, and nothing here ever moves money. The
operator hears of each trouble of an application at most once in 24 hours, by a notice for staff, and by e-mail, text
and webhook where those are set up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Any

import structlog
from django.utils import timezone

from accounts import notices
from billing.templatetags.money import plain
from outbox import rows
from outbox.errands import Absent, Claimed, Done, GivenUp, Outcome, Refused
from postgres.statements import ask
from telephony import alarms, inbox
from telephony.applications import find_access, read_access
from telephony.decisions import Acknowledge, Decision
from telephony.inbox import Received
from telephony.news import AccountNews
from telephony.providers.base import Access, Credit
from telephony.registry import PROVIDERS, crediting
from telephony.sending import NoCredit, outcome_of
from webhooks.models import EventType
from webhooks.telling import announce

log = structlog.get_logger(__name__)

KIND = "provider_credit"
QUIET = timedelta(hours=24)
FROZEN_TOPIC = "account_is_frozen"

# A provider's API that is away is asked again for some hours; then the hint itself is passed on.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180))


class Trouble(StrEnum):
    """What the operator hears of. The values are part of notices' keys and of webhooks."""

    LOW = "low"
    USED_UP = "used_up"
    FROZEN = "frozen"
    UNCONFIRMED = "unconfirmed"


def low(received: Received) -> Decision:
    """The provider says that our credit is low: it is asked, and then the operator is told."""
    if inbox.read_recalled(inbox.recall(received)) is None:
        _promise_to_ask(received, says_low=True)
        inbox.record(received, Acknowledge())
    return Acknowledge()


def news(received: Received) -> Decision:
    """Anything else about our account there is kept. Being frozen is asked about; an unknown topic is shown once."""
    event = received.event
    assert isinstance(event, AccountNews)  # noqa: S101 - chosen by the event's kind
    if inbox.read_recalled(inbox.recall(received)) is not None:
        return Acknowledge()
    if event.topic == FROZEN_TOPIC:
        _promise_to_ask(received, says_low=False)
    if not event.is_known_topic:
        _show_unknown_topic(received, event.topic)
    inbox.record(received, Acknowledge())
    return Acknowledge()


def heed_refusal(outcome: Outcome, application_id: int) -> None:
    """Tell the operator when it was for lack of our own credit that paid work was refused. For errands' `record`."""
    if isinstance(outcome, NoCredit):
        provider_says_no_credit(application_id)


def provider_says_no_credit(application_id: int) -> None:
    """A provider refused paid work because our account there is empty: the operator is told, in this transaction."""
    known = _find(application_id)
    if known is not None:
        sentence = f"The credit at {known.name} is used up: nothing that costs money goes out there."
        _tell_operator(known, Trouble.USED_UP, sentence, {}, timezone.now())


@dataclass(frozen=True, kw_only=True)
class _Known:
    """An application as the operator knows it, and what it should have at its provider; None: not said."""

    id: int
    name: str
    is_enabled: bool
    least_credit: Decimal | None


@dataclass(frozen=True, kw_only=True)
class Question:
    """Whom to ask what we have there."""

    provider: str
    access: Access


class CreditErrand:
    """Ask a provider what we have there, and tell the operator when that is too little."""

    kind = KIND
    is_repeatable = True

    def prepare(self, row: Claimed, now: datetime) -> Question | Refused | None:
        """Whom to ask. None when the application is gone or switched off."""
        known = _find(int(row.payload["application"]))
        if known is None or not known.is_enabled:
            return None
        reached = read_access(find_access(known.id))
        if not PROVIDERS[reached.provider].capabilities.tells_credit:
            return Refused("its provider has no way to be asked")
        return Question(provider=reached.provider, access=reached.access)

    def act(self, prepared: Question) -> Outcome:
        """Ask."""
        return outcome_of(lambda: crediting(prepared.provider).ask_credit(prepared.access))

    def look_up(self, prepared: Question) -> Outcome:
        """A question may be asked again."""
        return Absent("it is asked again")

    def record(self, row: Claimed, outcome: Outcome, now: datetime) -> None:
        """Tell the operator, when there is something to tell."""
        known = _find(int(row.payload["application"]))
        if known is None:
            return
        match outcome:
            case Done(result=Credit() as credit):
                _judge(known, credit, now, says_low=row.payload["says_low"])
            case Refused(why=why) | GivenUp(why=why):
                sentence = f"{known.name} says that its credit is low or frozen, and could not be asked: {why}"
                _tell_operator(known, Trouble.UNCONFIRMED, sentence, {}, now)

    def next_try(self, failures: int) -> timedelta | None:
        """Ever more rarely, for some hours."""
        return WAITS[failures - 1] if failures <= len(WAITS) else None

    def next_look(self, looks: int, doubtful_for: timedelta) -> timedelta | None:
        """At once."""
        return timedelta(0)


def _promise_to_ask(received: Received, *, says_low: bool) -> None:
    """Once for each piece of news; the provider proves no more than the id of it."""
    payload = {"application": received.application.id, "says_low": says_low}
    rows.put(KIND, f"{KIND}:{received.call_id}", payload=payload)


def _show_unknown_topic(received: Received, topic: str) -> None:
    provider = received.application.provider
    log.warning("unknown_account_news", provider=provider, topic=topic)
    notices.tell(
        None,
        f"news:{provider}:{sha256(topic.encode()).hexdigest()[:16]}",
        f"{provider} tells of something that Ringfence does not know: {topic[:100]!r}. It is kept among the events.",
    )


def _judge(known: _Known, credit: Credit, now: datetime, *, says_low: bool) -> None:
    """Without a least credit of our own, the provider's word that it is low stands, with the figure it gave us."""
    least, balance, currency = known.least_credit, credit.balance.amount, credit.balance.currency
    data = {"balance": balance, "currency": currency, "threshold": least}
    if credit.frozen:
        sentence = f"The account of {known.name} is frozen, with {plain(balance, currency)} on it."
        _tell_operator(known, Trouble.FROZEN, sentence, data, now)
    elif says_low if least is None else balance < least:
        than = "" if least is None else f", less than {plain(least, currency)}"
        sentence = f"The credit at {known.name} is low: {plain(balance, currency)}{than}."
        _tell_operator(known, Trouble.LOW, sentence, data, now)


def _tell_operator(known: _Known, trouble: Trouble, sentence: str, data: Mapping[str, Any], now: datetime) -> None:
    """By every way that is set up, once in 24 hours for each application and trouble."""
    key = f"{KIND}:{known.id}:{trouble.value}"
    if alarms.raise_alarm(key, "credit at a provider", sentence, now, every=QUIET):
        log.error("provider_credit", application=known.id, trouble=trouble.value)
        announce(None, EventType.BALANCE_LOW, {"application": known.name, "trouble": trouble.value, **data}, now)


def _find(application_id: int) -> _Known | None:
    row = ask(
        "SELECT coalesce(nullif(name, ''), provider || ' ' || key), enabled, least_credit "
        "FROM telephony_application WHERE id = %s",
        [application_id],
    ).row()
    return None if row is None else _Known(id=application_id, name=row[0], is_enabled=row[1], least_credit=row[2])
