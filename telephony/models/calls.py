"""A call from first ring to end, what the provider told us about it, and the record that stays."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from accounts.models import Account
from billing.models import Posting, Rate, money_field
from telephony.models.applications import Application


class Call(models.Model):
    """One attempt. Its id is derived from application and the provider's call id: same call, same id."""

    class State(models.TextChoices):
        MENU = "menu", "in a menu"
        AUTHORISED = "authorised", "ringing"
        ANSWERED = "answered", "talking"
        REFUSED = "refused", "refused"
        ENDED = "ended", "ended"

    id = models.UUIDField(primary_key=True, editable=False)
    application = models.ForeignKey(Application, models.PROTECT, related_name="calls", db_index=False)
    provider_call_id = models.CharField(max_length=255)
    account = models.ForeignKey(Account, models.PROTECT, null=True, blank=True, related_name="calls", db_index=False)
    caller = models.CharField(max_length=128, blank=True, help_text="The app's user or the caller's number.")
    destination = models.CharField(max_length=255, help_text="E.164, or the app user called.")
    shown_caller_id = models.CharField(max_length=16, blank=True)
    access_number = models.ForeignKey(
        "telephony.AccessNumber",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="calls",
        db_index=False,
        help_text="The number of ours that was dialled.",
    )
    callout = models.ForeignKey(
        "telephony.Callout",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="calls",
        db_index=False,
        help_text="What we called for; empty for a call that somebody else began.",
    )
    call_through = models.ForeignKey(
        "telephony.CallThrough",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="calls",
        db_index=False,
        help_text="What an app had asked for; empty for a call that came otherwise.",
    )
    bridge = models.ForeignKey(
        "telephony.Bridge",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="calls",
        db_index=False,
        help_text="What it is one leg of; empty for a call that is nobody's half.",
    )
    state = models.CharField(max_length=10, choices=State)
    refusal = models.CharField(max_length=30, blank=True)
    detail = models.CharField(max_length=255, blank=True)
    limit_seconds = models.PositiveIntegerField(null=True, blank=True)
    begun_at = models.DateTimeField()
    connected_at = models.DateTimeField(
        null=True, blank=True, help_text="When a menu's choice was connected; empty for a call connected at once."
    )
    answered_at = models.DateTimeField(null=True, blank=True)
    parked_at = models.DateTimeField(null=True, blank=True, help_text="Since when staff keep it waiting.")
    ended_at = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True, help_text="When the provider was last asked about it.")
    review = models.CharField(max_length=100, blank=True, help_text="Why a person should look at it.")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=["menu", "authorised", "answered", "refused", "ended"]),
                name="call_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="refused") | Q(refusal="", state__in=["menu", "authorised", "answered", "ended"]),
                name="only_a_refused_call_has_a_refusal",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["menu", "authorised", "answered"], ended_at__isnull=True)
                | Q(state__in=["refused", "ended"], ended_at__isnull=False),
                name="call_over_has_an_end",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account"], condition=Q(ended_at__isnull=True), name="call_open_of_account"),
            models.Index(fields=["account", "-begun_at"], name="call_of_account"),
            models.Index(fields=["begun_at"], condition=Q(ended_at__isnull=True), name="call_open"),
            models.Index(fields=["callout"], condition=Q(callout__isnull=False), name="call_of_callout"),
            models.Index(fields=["bridge"], condition=Q(bridge__isnull=False), name="call_of_bridge"),
            models.Index(
                fields=["provider_call_id"], condition=Q(callout__isnull=False), name="call_out_by_provider_id"
            ),
            models.Index(
                fields=["access_number"],
                condition=Q(ended_at__isnull=True, access_number__isnull=False),
                name="call_open_of_access_number",
            ),
            models.Index(
                fields=["caller", "begun_at"], condition=Q(access_number__isnull=False), name="call_by_caller"
            ),
            # For people's lists by time: some 50 kB for a million calls, next to nothing to keep.
            BrinIndex(fields=["begun_at"], name="call_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.caller or 'unknown'} to {self.destination}"


class ReceivedEvent(models.Model):
    """What a provider sent, byte for byte, and what we decided. Written once, never changed."""

    class Outcome(models.TextChoices):
        DECIDED = "decided", "decided"
        QUARANTINED = "quarantined", "quarantined"
        CONFLICT = "conflict", "conflict"
        FAILED = "failed", "failed"

    # No constraint in the database: an application with events is never deleted (Call protects it), and a foreign
    # key would make every callback of the busiest application lock the same row.
    application = models.ForeignKey(Application, models.DO_NOTHING, db_constraint=False, db_index=False)
    call_id = models.UUIDField(null=True, blank=True)
    provider_call_id = models.CharField(max_length=255, blank=True)
    kind = models.CharField(max_length=24)
    step = models.CharField(max_length=120, blank=True)
    outcome = models.CharField(max_length=11, choices=Outcome)
    decision = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)
    late = models.BooleanField(default=False)
    signed_at = models.DateTimeField()
    received_at = models.DateTimeField()
    content_type = models.CharField(max_length=100, blank=True)
    topic = models.CharField(
        max_length=200, blank=True, db_default="", help_text="What the address said, where it says more than the body."
    )
    body = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["call_id", "kind", "step"], condition=Q(outcome="decided"), name="event_decided_once"
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=["decided", "quarantined", "conflict", "failed"]),
                name="event_outcome_known",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["call_id"], condition=~Q(outcome="decided"), name="event_undecided_of_call"),
            models.Index(fields=["-id"], condition=~Q(outcome="decided"), name="event_undecided"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.provider_call_id}"


class CDR(models.Model):
    """The written record of an ended call: how long, what it cost, and what proves it. Never changed."""

    class Source(models.TextChoices):
        EVENT = "event", "hang-up event"
        ASKED = "asked", "asked at the provider"
        EXPIRED = "expired", "never resolved"

    call = models.ForeignKey(Call, models.PROTECT, related_name="cdrs", db_index=False)
    revision = models.PositiveSmallIntegerField(
        default=0, help_text="0, or 1 when the hang-up came after the call had been given up."
    )
    account = models.ForeignKey(Account, models.PROTECT, null=True, blank=True, related_name="cdrs", db_index=False)
    caller = models.CharField(max_length=128, blank=True)
    destination = models.CharField(max_length=255)
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    duration_seconds = models.PositiveIntegerField()
    billed_seconds = models.PositiveIntegerField(default=0)
    result = models.CharField(max_length=20)
    reason = models.CharField(max_length=40, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    price = money_field(default=0, help_text="What the call costs by the pinned rate.")
    charge = money_field(default=0, help_text="What left the wallet.")
    loss = money_field(default=0, help_text="What the wallet could not pay; ours.")
    rate = models.ForeignKey(Rate, models.PROTECT, null=True, blank=True, db_index=False)
    posting = models.OneToOneField(Posting, models.PROTECT, null=True, blank=True)
    breakdown = models.JSONField(default=dict)
    provider_cost = models.DecimalField(max_digits=24, decimal_places=8, null=True, blank=True)
    provider_currency = models.CharField(max_length=3, blank=True)
    source = models.CharField(max_length=8, choices=Source, default=Source.EVENT)
    review = models.CharField(max_length=100, blank=True)

    class Meta:
        verbose_name = "CDR"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["call", "revision"], name="one_cdr_per_revision"),
            models.CheckConstraint(condition=Q(price=models.F("charge") + models.F("loss")), name="cdr_adds_up"),
            models.CheckConstraint(condition=Q(charge__gte=0, loss__gte=0), name="cdr_not_negative"),
            models.CheckConstraint(
                condition=Q(price=0, posting__isnull=True) | Q(price__gt=0, posting__isnull=False),
                name="cdr_priced_has_posting",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "-id"], name="cdr_of_account"),
            BrinIndex(fields=["ended_at"], name="cdr_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.caller or 'unknown'} to {self.destination}: {self.duration_seconds} s"
