"""Where a customer's system wants to be told what happened, what it was told, and what it said to that."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Account
from postgres.encrypted import EncryptedTextField


class EventType(models.TextChoices):
    """Everything a customer's system can be told."""

    CALL_STARTED = "call.started", "a call was allowed"
    CALL_ENDED = "call.ended", "a call ended, with its CDR"
    BALANCE_LOW = "balance.low", "the balance fell below a threshold"
    TOPPED_UP = "balance.topped_up", "the account was topped up"
    TEXT_RECEIVED = "text.received", "a text came in"
    TEXT_STATUS = "text.status", "a text was delivered, or was not"
    CALLOUT_ENDED = "callout.ended", "a callout came to its end"
    VERIFICATION_ENDED = "verification.ended", "a verification came to its end"


class Endpoint(models.Model):
    """An address of a customer's system. During a rotation it gets signatures of two secrets."""

    class Form(models.TextChoices):
        STANDARD = "standard", "Standard Webhooks"
        VOXIMPLANT = "voximplant", "Voximplant account callbacks (low balance only)"

    account = models.ForeignKey(
        Account,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="endpoints",
        help_text="Empty: the operator's own, told of low credit at a provider.",
    )
    url = models.URLField(max_length=2000, help_text="https, on port 443 or 8443.")
    form = models.CharField(max_length=10, choices=Form, default=Form.STANDARD)
    events = ArrayField(
        models.CharField(max_length=30, choices=EventType), default=list, blank=True, help_text="Empty: all of them."
    )
    secret = EncryptedTextField(help_text="whsec_…, or for the Voximplant form the API key that goes into the hash.")
    previous_secret = EncryptedTextField(blank=True, help_text="Also signed with while a rotation lasts.")
    previous_until = models.DateTimeField(null=True, blank=True)
    salt = models.CharField(max_length=40, blank=True, help_text="Voximplant form only: the security salt.")
    enabled = models.BooleanField(default=True)
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    switched_off_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When we gave up telling it: five days without an answer."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(form__in=["standard", "voximplant"]), name="endpoint_form_known"),
            models.CheckConstraint(condition=~Q(secret=""), name="endpoint_has_secret"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account"], condition=Q(enabled=True), name="endpoint_told"),
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def event_names(self) -> list[str]:
        """What it is told of, in words."""
        if self.form == self.Form.VOXIMPLANT:
            return [EventType.BALANCE_LOW.label]
        return [EventType(event).label for event in self.events] or ["anything happens"]


class Delivery(models.Model):
    """One thing told to one endpoint. Its id is the webhook-id, the same at every attempt."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    number = models.BigIntegerField(
        db_default=models.expressions.RawSQL("nextval('webhooks_delivery_number')", []),
        editable=False,
        help_text="Counts up; the callback_id of the Voximplant form.",
    )
    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="deliveries", db_index=False)
    event = models.CharField(max_length=30, choices=EventType)
    data = models.JSONField(help_text="What happened.")
    happened_at = models.DateTimeField()
    replays = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "deliveries"
        indexes: ClassVar = [
            models.Index(fields=["endpoint", "-created_at"], name="delivery_of_endpoint"),
            models.Index(fields=["replays"], condition=Q(replays__isnull=False), name="delivery_replayed"),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.endpoint}"


class Attempt(models.Model):
    """What came of telling it once."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Empty: there was no answer.")
    milliseconds = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    answer = models.CharField(max_length=1000, blank=True, help_text="The beginning of what it said.")

    def __str__(self) -> str:
        return f"{self.status or self.error}"
