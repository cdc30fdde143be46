"""One piece of paid or promised work towards the outside, from the transaction that promised it to its end."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Row(models.Model):
    """An outbox row. Its life: ready → leased → sending → done, retry, unknown or dead.

    `unknown` is work that may have been done: the answer was lost. It is looked up, never blindly done again; while
    it is handed out for that it has a lease and stays unknown.
    """

    class State(models.TextChoices):
        READY = "ready", "ready"
        LEASED = "leased", "leased"
        SENDING = "sending", "sending"
        RETRY = "retry", "to be tried again"
        UNKNOWN = "unknown", "unknown"
        DONE = "done", "done"
        DEAD = "dead", "dead"

    key = models.CharField(max_length=120, unique=True, help_text="The document and what is done for it, once.")
    kind = models.CharField(max_length=30, help_text="Which errand it is.")
    subject = models.UUIDField(null=True, blank=True, help_text="The text, callout, verification … it is about.")
    payload = models.JSONField(default=dict, blank=True, help_text="What the errand needs beside its subject.")
    state = models.CharField(max_length=8, choices=State, default=State.READY)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often it was begun.")
    failures = models.PositiveSmallIntegerField(default=0, help_text="How often that failed.")
    looks = models.PositiveSmallIntegerField(default=0, help_text="How often it was looked up while unknown.")
    due_at = models.DateTimeField(db_default=Now(), help_text="When it may be done, or looked up, next.")
    lease_until = models.DateTimeField(null=True, blank=True, help_text="Until then it is somebody's.")
    doubtful_since = models.DateTimeField(null=True, blank=True, help_text="When its answer was lost.")
    error = models.CharField(max_length=300, blank=True, help_text="What was wrong last.")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "outbox row"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=["ready", "leased", "sending", "retry", "unknown", "done", "dead"]),
                name="outbox_state_known",
            ),
            # I15: a lease ends, and what is finished says when. Unknown rows are leased to be looked up.
            models.CheckConstraint(
                condition=Q(state__in=["leased", "sending"], lease_until__isnull=False)
                | Q(state__in=["ready", "retry", "done", "dead"], lease_until__isnull=True)
                | Q(state="unknown"),
                name="outbox_lease_ends",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["done", "dead"], finished_at__isnull=False)
                | (~Q(state__in=["done", "dead"]) & Q(finished_at__isnull=True)),
                name="outbox_finished_has_an_end",
            ),
        ]
        indexes: ClassVar = [
            # Only what is not finished is in these: a million finished rows cost the relay nothing.
            models.Index(fields=["kind", "due_at"], condition=Q(state__in=["ready", "retry"]), name="outbox_due"),
            models.Index(fields=["due_at"], condition=Q(state="unknown"), name="outbox_doubtful"),
            models.Index(fields=["lease_until"], condition=Q(lease_until__isnull=False), name="outbox_leased"),
            models.Index(fields=["subject"], condition=Q(subject__isnull=False), name="outbox_of_subject"),
            models.Index(fields=["-id"], condition=Q(state__in=["unknown", "dead"]), name="outbox_troubled"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} ({self.state})"


class Pause(models.Model):
    """A kind of work that is left alone for a while, because the other side asked for that."""

    kind = models.CharField(max_length=30, primary_key=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.kind} until {self.until}"
