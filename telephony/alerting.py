"""A low-balance alert on its way: one crossing becomes texts, calls, e-mails, webhooks and notices, all or none.

`billing.alerts` decided that it is told. Here it is turned into what carries it, in the one transaction that also
finishes its outbox row; each of those is done by an errand of its own afterwards. An alert is ours to pay for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.urls import reverse

from accounts import emails, notices
from billing.alerts import Channel
from billing.templatetags.money import plain
from outbox.errands import Absent, Claimed, Done, Outcome, patient
from postgres.statements import ask
from telephony import callouts, prompts, texts
from telephony.callouts import CalloutRefused, NewCallout
from telephony.menus import LOCALE
from telephony.models import Callout, Payer, TextMessage
from telephony.texts import NewText, TextRefused
from webhooks.models import EventType
from webhooks.telling import announce

KIND = "alert"

MOST_PEOPLE = 20
CALL_ATTEMPTS = 3

# Only a proved number is called or texted: anybody may write down any number, and we pay.
_FACTS = """
SELECT crossing.id, account.id, account.name, alert.channels, crossing.threshold, crossing.balance, crossing.currency,
    wallet.credit_limit, crossing.crossed_at,
    (SELECT owned.number FROM accounts_callernumber owned
     WHERE owned.account_id = account.id AND owned.verified_at IS NOT NULL AND alert.number IN ('', owned.number)
     ORDER BY owned.id LIMIT 1),
    CASE WHEN alert.email <> '' THEN ARRAY[alert.email]::text[] ELSE ARRAY(
        SELECT person.email::text FROM accounts_user person
        WHERE person.account_id = account.id AND person.is_active ORDER BY person.id LIMIT %s)
    END
FROM billing_crossing crossing
JOIN billing_alert alert ON alert.id = crossing.alert_id
JOIN billing_wallet wallet ON wallet.id = crossing.wallet_id
JOIN accounts_account account ON account.id = wallet.account_id
WHERE crossing.id = %s
"""


class _Unusable(Exception):
    """A channel that cannot be used, in one sentence."""


@dataclass(frozen=True, kw_only=True)
class _Facts:
    """A crossing, and where it may be told."""

    crossing_id: UUID
    account_id: int
    account: str
    channels: tuple[Channel, ...]
    threshold: Decimal
    balance: Decimal
    currency: str
    credit_limit: Decimal
    crossed_at: datetime
    number: str | None
    people: tuple[str, ...]
    is_repeated: bool

    @property
    def sentence(self) -> str:
        balance, threshold = plain(self.balance, self.currency), plain(self.threshold, self.currency)
        return f"Your balance is low: {balance}, less than the {threshold} of which you asked to be warned."


class AlertErrand:
    """Turn a crossing into what carries it. Nothing leaves the house here, so doing it again does no harm."""

    kind = KIND
    is_repeatable = True

    def prepare(self, row: Claimed, now: datetime) -> None:
        """Promise everything in the transaction that claims the row; there is nothing to do afterwards."""
        facts = _read(row) if row.subject else None
        if facts is None:
            return  # the alert was removed meanwhile
        unusable = [channel for channel in facts.channels if not _promised(channel, facts, now)]
        if unusable and Channel.NOTICE not in facts.channels:
            _leave_notice(facts, now)

    def act(self, prepared: None) -> Outcome:
        """Everything was promised before."""
        return Done()

    def look_up(self, prepared: None) -> Outcome:
        """What was promised is in the same database: an alert that is not done was not promised."""
        return Absent("nothing was promised")

    def record(self, row: Claimed, outcome: Outcome, now: datetime) -> None:
        """What was promised says all there is."""

    def next_try(self, failures: int) -> timedelta | None:
        """As usual."""
        return patient(failures)

    def next_look(self, looks: int, doubtful_for: timedelta) -> timedelta | None:
        """At once."""
        return timedelta(0)


def _read(row: Claimed) -> _Facts | None:
    found = ask(_FACTS, [MOST_PEOPLE, row.subject]).row()
    if found is None:
        return None
    id, account_id, account, channels, threshold, balance, currency, limit, crossed_at, number, people = found
    return _Facts(
        crossing_id=id,
        account_id=account_id,
        account=account,
        channels=tuple(map(Channel, channels)),
        threshold=threshold,
        balance=balance,
        currency=currency,
        credit_limit=limit,
        crossed_at=crossed_at,
        number=number,
        people=tuple(people),
        is_repeated=row.payload.get("is_repeated") is True,
    )


def _promised(channel: Channel, facts: _Facts, now: datetime) -> bool:
    """Promise one way of telling. One that cannot be used is staff's to hear of and stops no other."""
    try:
        _WAYS[channel](facts, now)
    except (_Unusable, TextRefused, CalloutRefused, ValidationError) as refused:
        why = " ".join(refused.messages) if isinstance(refused, ValidationError) else str(refused)
        notices.tell(
            None,
            f"alert:{facts.crossing_id}:{channel.value}",
            f"A low-balance alert for {facts.account} could not go out as {channel.label}: {why}",
            notices.Level.WARNING,
        )
        return False
    return True


def _send_text(facts: _Facts, now: datetime) -> None:
    texts.promise(
        NewText(
            account_id=facts.account_id,
            recipient=_number_of(facts),
            body=f"{facts.sentence} Please top up.",
            reference=f"alert:{facts.crossing_id}",
            purpose=TextMessage.Purpose.ALERT,
            paid_by=Payer.HOUSE,
        ),
        now,
    )


def _place_call(facts: _Facts, now: datetime) -> None:
    callouts.promise(
        NewCallout(
            account_id=facts.account_id,
            destination=_number_of(facts),
            kind=Callout.Kind.TEXT,
            text=prompts.low_balance(facts.balance, facts.threshold, facts.currency, LOCALE),
            locale=LOCALE,
            most_attempts=CALL_ATTEMPTS,
            reference=f"alert:{facts.crossing_id}",
            purpose=Callout.Purpose.ALERT,
            paid_by=Payer.HOUSE,
        ),
        now,
    )


def _send_emails(facts: _Facts, now: datetime) -> None:
    if not facts.people:
        raise _Unusable("Nobody signs in for the account, and the alert names no address.")
    subject = f"Your balance is low: {plain(facts.balance, facts.currency)}"
    portal = settings.PUBLIC_URL.rstrip("/")
    body = (
        f"Account: {facts.account}\n\n{facts.sentence}\n\n"
        "Calls and texts are refused when the credit is used up: please top up.\n\n"
        f"Your money: {portal}{reverse('portal_money')}\n"
        f"When you are warned, and how: {portal}{reverse('portal_alerts')}\n"
    )
    for address in facts.people:
        emails.promise(f"alert:{facts.crossing_id}", address, subject, body)


def _announce(facts: _Facts, now: datetime) -> None:
    announce(
        facts.account_id,
        EventType.BALANCE_LOW,
        {
            "balance": facts.balance,
            "threshold": facts.threshold,
            "currency": facts.currency,
            "credit_limit": facts.credit_limit,
            "is_repeated": facts.is_repeated,
        },
        facts.crossed_at,
    )


def _leave_notice(facts: _Facts, now: datetime) -> None:
    notices.tell(facts.account_id, f"alert:{facts.crossing_id}", facts.sentence, notices.Level.WARNING)


def _number_of(facts: _Facts) -> str:
    if facts.number is None:
        raise _Unusable("The account has no verified number, or the alert names one that it does not have any more.")
    return facts.number


_WAYS: Mapping[Channel, Callable[[_Facts, datetime], None]] = {
    Channel.TEXT: _send_text,
    Channel.CALL: _place_call,
    Channel.EMAIL: _send_emails,
    Channel.WEBHOOK: _announce,
    Channel.NOTICE: _leave_notice,
}
