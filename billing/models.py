"""Exact money: wallets, holds, postings and their entries, and the rates calls are charged by.

The invariants I1-I18 are kept by PostgreSQL itself (constraints here, triggers in the migrations); see docs/ledger.md.
Nothing here has ever heard of a telephone call: a hold is for a *subject*, the id of whatever is being paid for.
"""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import TransactionNow
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Account

currency_code = RegexValidator(r"^[A-Z]{3}$", "A currency is three capital letters, such as USD.")


def money_field(**options: Any) -> models.DecimalField[Any, Any]:
    """An exact sum: numeric(20,6), never a float."""
    return models.DecimalField(max_digits=20, decimal_places=6, **options)


class RateDeck(models.Model):
    """A named price list in one currency for one service. One pointer says which version is in force."""

    class Service(models.TextChoices):
        CALLS = "calls", "calls, by the minute"
        TEXTS = "texts", "texts, by the segment"
        VERIFICATIONS = "verifications", "verifications, by the attempt"

    name = models.CharField(max_length=100, unique=True)
    currency = models.CharField(max_length=3, validators=[currency_code])
    service = models.CharField(max_length=13, choices=Service, default=Service.CALLS)
    is_default = models.BooleanField(
        default=False, help_text="Used by wallets of this currency that have no deck of their own."
    )
    active_version = models.ForeignKey(
        "DeckVersion", models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["currency", "service"], condition=Q(is_default=True), name="one_default_deck_per_currency"
            ),
            models.CheckConstraint(
                condition=Q(service__in=["calls", "texts", "verifications"]), name="deck_service_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.currency})"


class DeckVersion(models.Model):
    """One load of a deck. Once sealed, its rates never change."""

    deck = models.ForeignKey(RateDeck, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    source = models.CharField(max_length=255, help_text="The file it was loaded from.")
    rate_count = models.PositiveIntegerField(default=0)
    sealed = models.BooleanField(default=False, help_text="Whole and unchangeable.")
    loaded_at = models.DateTimeField(db_default=Now())
    activated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["deck", "number"], name="one_version_per_number"),
        ]

    def __str__(self) -> str:
        return f"{self.deck} #{self.number}"


class Rate(models.Model):
    """What a prefix costs, from a date until the next rate of the same prefix in the same version."""

    version = models.ForeignKey(DeckVersion, models.PROTECT, related_name="rates")
    prefix = models.CharField(max_length=15)
    destination = models.CharField(max_length=100)
    price_per_minute = money_field(default=0)
    price_each = money_field(default=0, help_text="Of a text's segment or a verification; calls have none.")
    connection_fee = money_field(default=0)
    first_increment = models.PositiveIntegerField(default=60)
    next_increment = models.PositiveIntegerField(default=60)
    minimum_charge = money_field(default=0)
    grace_seconds = models.PositiveIntegerField(default=0)
    effective_from = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            # Validity runs until the next row of the same prefix, so two rates cannot overlap.
            models.UniqueConstraint(fields=["version", "prefix", "effective_from"], name="one_rate_at_a_time"),
            models.CheckConstraint(
                condition=Q(
                    price_per_minute__gte=0,
                    price_each__gte=0,
                    connection_fee__gte=0,
                    minimum_charge__gte=0,
                    first_increment__gte=1,
                    next_increment__gte=1,
                ),
                name="rate_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prefix} {self.destination}"


class Wallet(models.Model):
    """An account's money in one currency. `balance` and `held` are moved by the database's triggers alone."""

    account = models.OneToOneField(Account, models.PROTECT, related_name="wallet")
    currency = models.CharField(max_length=3, validators=[currency_code])
    balance = money_field(default=0, editable=False)
    held = money_field(default=0, editable=False)
    credit_limit = money_field(default=0, help_text="How far below zero the account may go.")
    deck = models.ForeignKey(
        RateDeck, models.PROTECT, null=True, blank=True, help_text="Empty: the default deck of the currency."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["id", "currency"], name="wallet_currency"),
            models.CheckConstraint(condition=Q(held__gte=0), name="wallet_held_not_negative"),
            models.CheckConstraint(condition=Q(credit_limit__gte=0), name="wallet_credit_limit_not_negative"),
            models.CheckConstraint(
                condition=Q(balance__gte=models.F("held") - models.F("credit_limit")),
                name="wallet_covers_holds",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.currency}"


class Hold(models.Model):
    """Money reserved for one subject: opened, then settled, released or expired, once."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        SETTLED = "settled", "settled"
        RELEASED = "released", "released"
        EXPIRED = "expired", "expired"

    wallet = models.ForeignKey(Wallet, models.PROTECT, related_name="holds")
    subject = models.UUIDField(help_text="The id of the call or message this money is for.")
    rate = models.ForeignKey(Rate, models.PROTECT, help_text="Pinned: a later deck does not change this price.")
    amount = money_field()
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["subject"], condition=Q(state="open"), name="one_open_hold_per_subject"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="hold_amount_positive"),
            models.CheckConstraint(
                condition=Q(state__in=["open", "settled", "released", "expired"]), name="hold_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="open", resolved_at__isnull=True) | (~Q(state="open") & Q(resolved_at__isnull=False)),
                name="hold_resolved_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["expires_at"], condition=Q(state="open"), name="hold_overdue"),
            models.Index(fields=["wallet"], condition=Q(state="open"), name="hold_open_of_wallet"),
            models.Index(fields=["subject"], name="hold_of_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} for {self.subject} ({self.state})"


class Posting(models.Model):
    """Entries that sum to zero, written together, never changed. A mistake is undone by a reversing posting."""

    class Kind(models.TextChoices):
        SETTLEMENT = "settlement", "settlement"
        TOP_UP = "top_up", "top-up"
        CORRECTION = "correction", "correction"
        REVERSAL = "reversal", "reversal"

    kind = models.CharField(max_length=10, choices=Kind)
    idempotency_key = models.CharField(max_length=200, unique=True, help_text="The business document, once.")
    subject = models.UUIDField(null=True, blank=True, help_text="What was paid for, on a settlement.")
    reverses = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="reversed_by")
    reason = models.CharField(max_length=500, blank=True)
    made_by = models.CharField(max_length=254, blank=True, help_text="Who, when a person did it.")
    created_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subject"], condition=Q(kind="settlement"), name="one_settlement_per_subject"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["settlement", "top_up", "correction", "reversal"]),
                name="posting_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(kind="settlement", subject__isnull=False) | ~Q(kind="settlement"),
                name="settlement_has_subject",
            ),
            models.CheckConstraint(
                condition=Q(kind="reversal", reverses__isnull=False) | (~Q(kind="reversal") & Q(reverses__isnull=True)),
                name="reversal_reverses",
            ),
            models.CheckConstraint(condition=~Q(idempotency_key=""), name="posting_has_document"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.idempotency_key}"


class Entry(models.Model):
    """One signed amount: of a wallet (what we owe the customer) or of a house account (the other side)."""

    class House(models.TextChoices):
        REVENUE = "revenue", "revenue"
        TOP_UPS = "top_ups", "top-ups"
        CORRECTIONS = "corrections", "corrections"
        COURTESY = "courtesy", "courtesy"
        LOSS_OVERRUN = "loss:overrun", "loss: overrun"
        LOSS_LATE = "loss:late", "loss: late"
        LOSS_UNRESERVED = "loss:unreserved", "loss: unreserved"

    posting = models.ForeignKey(Posting, models.PROTECT, related_name="entries")
    wallet = models.ForeignKey(Wallet, models.PROTECT, null=True, blank=True, related_name="entries", db_index=False)
    house = models.CharField(max_length=20, choices=House, null=True, blank=True)
    currency = models.CharField(max_length=3, validators=[currency_code])
    amount = money_field()

    class Meta:
        verbose_name_plural = "entries"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(wallet__isnull=False, house__isnull=True) | Q(wallet__isnull=True, house__isnull=False),
                name="entry_has_one_place",
            ),
            models.CheckConstraint(condition=~Q(amount=0), name="entry_not_zero"),
            models.CheckConstraint(
                condition=Q(house__isnull=True)
                | Q(
                    house__in=[
                        "revenue",
                        "top_ups",
                        "corrections",
                        "courtesy",
                        "loss:overrun",
                        "loss:late",
                        "loss:unreserved",
                    ]
                ),
                name="entry_house_known",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["wallet", "id"], condition=Q(wallet__isnull=False), name="entry_of_wallet"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class Seal(models.Model):
    """A day of the ledger, hashed and chained to the day before: history that was altered no longer fits."""

    day = models.DateField(unique=True)
    last_posting = models.BigIntegerField(help_text="The last posting that this seal covers.")
    posting_count = models.PositiveBigIntegerField()
    digest = models.BinaryField(max_length=32)
    sealed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.day}"


class Alert(models.Model):
    """When an account wants to hear that its credit is low, and how. Told once for every crossing of the threshold."""

    class Channel(models.TextChoices):
        EMAIL = "email", "e-mail"
        TEXT = "text", "text message"
        CALL = "call", "spoken call"
        WEBHOOK = "webhook", "webhook"
        NOTICE = "notice", "notice in the portal"

    wallet = models.ForeignKey(Wallet, models.CASCADE, related_name="alerts")
    threshold = money_field(help_text="Told when a charge takes the balance below this.")
    channels = ArrayField(models.CharField(max_length=7, choices=Channel), default=list)
    number = models.CharField(
        max_length=16, blank=True, help_text="For texts and calls. Empty: the account's first verified number."
    )
    email = models.EmailField(blank=True, help_text="Empty: everybody who signs in for the account.")
    armed = models.BooleanField(default=True, editable=False, help_text="False from a crossing until it is re-armed.")
    told_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="The last crossing.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["wallet", "threshold"], name="one_alert_per_threshold"),
        ]

    def __str__(self) -> str:
        return f"below {self.threshold}"

    @property
    def channel_names(self) -> list[str]:
        """How it is told, in words."""
        return [self.Channel(channel).label for channel in self.channels]


class Crossing(models.Model):
    """A charge took a balance below a threshold. Written in the transaction of that charge."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    alert = models.ForeignKey(Alert, models.CASCADE, related_name="crossings")
    wallet = models.ForeignKey(Wallet, models.PROTECT, related_name="crossings")
    threshold = money_field()
    balance = money_field(help_text="After the charge.")
    currency = models.CharField(max_length=3, validators=[currency_code])
    crossed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.balance} {self.currency} is below {self.threshold}"
