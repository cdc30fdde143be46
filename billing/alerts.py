"""Low-balance alerts: decided in the transaction that moves the money, once for every crossing of a threshold.

An alert is *armed* until a charge leaves the balance below its threshold. That is a crossing: the alert is disarmed,
the crossing written, and its telling promised to the outbox. It is armed again when the balance is back at the
threshold and a margin above it, so that a balance that flaps around the threshold is told of once. Within 24 hours
of a crossing another one of the same alert waits, unless a top-up armed it: see docs/alerts.md.

`watch` and `rearm` are one statement each, without an answer: they travel with the posting. The wallet must be locked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal

from django.db import transaction

from accounts.models import Account
from billing.exceptions import BillingError
from billing.models import Alert
from billing.money import Money
from billing.wallets import lock_wallet
from postgres.statements import tell

QUIET_HOURS = 24
MARGIN = Decimal("0.10")  # of the threshold, above it
LEAST_MARGIN = Decimal("0.01")
MOST_ALERTS = 5

Channel = Alert.Channel

# The row of the outbox is `outbox.rows.put`, written here because it must know the crossings and ask for no answer.
_WATCH = f"""
WITH crossed AS (
    UPDATE billing_alert alert SET armed = false, told_at = now()
    FROM billing_wallet wallet, billing_alert before
    WHERE wallet.id = %s AND alert.wallet_id = wallet.id AND before.id = alert.id
        AND alert.armed AND alert.threshold > wallet.balance
        AND (alert.told_at IS NULL OR alert.told_at <= now() - interval '{QUIET_HOURS} hours')
    RETURNING alert.id, wallet.id AS wallet_id, alert.threshold, wallet.balance, wallet.currency,
        before.told_at IS NOT NULL AS is_repeated
), written AS (
    INSERT INTO billing_crossing (id, alert_id, wallet_id, threshold, balance, currency)
    SELECT gen_random_uuid(), id, wallet_id, threshold, balance, currency FROM crossed
    RETURNING id, alert_id
), promised AS (
    INSERT INTO outbox_row (key, kind, subject, payload, state, attempts, failures, looks, error)
    SELECT 'alert:' || written.id, 'alert', written.id, jsonb_build_object('is_repeated', crossed.is_repeated),
        'ready', 0, 0, 0, ''
    FROM written JOIN crossed ON crossed.id = written.alert_id
    RETURNING id
)
SELECT pg_notify('outbox', '') FROM promised
"""  # noqa: S608 - built from constants of this module

_REARM = f"""
UPDATE billing_alert alert
SET armed = true, told_at = CASE WHEN %s THEN NULL ELSE alert.told_at END
FROM billing_wallet wallet
WHERE wallet.id = %s AND alert.wallet_id = wallet.id AND NOT (alert.armed AND alert.told_at IS NULL)
    AND wallet.balance >= alert.threshold + greatest(abs(alert.threshold) * {MARGIN}, {LEAST_MARGIN})
"""  # noqa: S608 - built from constants of this module


class NotAnAlert(BillingError, ValueError):
    """A threshold or a way of telling that cannot be."""


def watch(wallet_id: int) -> None:
    """Money left the wallet: every armed alert whose threshold is above the balance now is disarmed and promised."""
    tell(_WATCH, [wallet_id])


def rearm(wallet_id: int, *, by_top_up: bool = False) -> None:
    """Money came into the wallet: arm every alert whose threshold the balance has left behind by the margin.

    A top-up also ends the 24 hours in which the alert would keep silent.
    """
    tell(_REARM, [by_top_up, wallet_id])


def margin_of(threshold: Decimal) -> Decimal:
    """How far above its threshold the balance must come before the alert is armed again.

    >>> margin_of(Decimal("5")), margin_of(Decimal("-2")), margin_of(Decimal("0"))
    (Decimal('0.50'), Decimal('0.20'), Decimal('0.01'))
    """
    return max(abs(threshold) * MARGIN, LEAST_MARGIN)


@transaction.atomic
def set_alert(
    account: Account,
    threshold: Money,
    channels: Collection[Channel],
    *,
    number: str = "",
    email: str = "",
    replaces: Alert | None = None,
) -> Alert:
    """Let the account be told by these channels when its balance falls below the threshold; `replaces` is changed.

    With a balance below the threshold already it is armed by the next money that lifts it above: only a charge that
    crosses the threshold is told. A new threshold forgets when the old one was told.

    Raises NotAnAlert for another currency, no channel, a threshold there is already, more than five alerts and one that
    was removed meanwhile; NoWallet.
    """
    wallet = lock_wallet(account)
    # Read under the lock of the wallet: a charge may have disarmed the alert since somebody looked at it.
    there = {alert.pk: alert for alert in Alert.objects.filter(wallet=wallet)}
    alert = there.pop(replaces.pk, None) if replaces else Alert(wallet=wallet)
    if alert is None:
        raise NotAnAlert("This alert was removed meanwhile: set a new one.")
    if threshold.currency != wallet.currency:
        raise NotAnAlert(f"The wallet is in {wallet.currency}: give the threshold in it.")
    if not channels:
        raise NotAnAlert("Choose at least one way of being told.")
    if any(other.threshold == threshold.amount for other in there.values()):
        raise NotAnAlert(f"There is an alert at {threshold.amount.normalize():f} already: change that one.")
    if len(there) >= MOST_ALERTS:
        raise NotAnAlert(f"An account has at most {MOST_ALERTS} alerts: change one of them.")
    if alert.pk is None or alert.threshold != threshold.amount:
        alert.threshold, alert.told_at = threshold.amount, None
        alert.armed = wallet.balance >= threshold.amount
    alert.channels = _in_order(channels)
    alert.number, alert.email = number, email
    alert.full_clean()
    alert.save()
    return alert


@transaction.atomic
def remove_alert(alert: Alert) -> None:
    """Warn no more; what it told is forgotten. One that is just being told may still be."""
    lock_wallet(alert.wallet.account)
    alert.delete()


def _in_order(channels: Collection[Channel]) -> Sequence[str]:
    return [channel.value for channel in Channel if channel in channels]
