"""What an app asked for before it dialled: an access number and a caller's number stand for one destination."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Account, ClientUser, e164
from telephony.models.menus import AccessNumber


class CallThrough(models.Model):
    """A mapping rule: a call to this access number from one of these callers, soon, is for this destination.

    It is claimed by one call, or put out of force by a newer one, or runs out. It is never removed.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="call_throughs", db_index=False)
    client_user = models.ForeignKey(
        ClientUser, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False, help_text="Who asked."
    )
    access_number = models.ForeignKey(AccessNumber, models.PROTECT, related_name="call_throughs", db_index=False)
    destination = models.CharField(max_length=16, validators=[e164])
    made_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True, help_text="When a call came for it.")
    claimed_by = models.UUIDField(null=True, blank=True, help_text="That call.")
    replaced_at = models.DateTimeField(null=True, blank=True, help_text="When a newer one took its place.")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(claimed_at__isnull=True, claimed_by__isnull=True)
                | Q(claimed_at__isnull=False, claimed_by__isnull=False, replaced_at__isnull=True),
                name="call_through_ends_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "-made_at"], name="call_through_of_account"),
            models.Index(fields=["access_number", "-made_at"], name="call_through_of_number"),
            models.Index(fields=["-made_at"], name="call_through_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.access_number} to {self.destination}"


class CallThroughCaller(models.Model):
    """One of the numbers from which the call may come. At most one that is open per access number and caller."""

    call_through = models.ForeignKey(CallThrough, models.CASCADE, related_name="callers")
    access_number = models.ForeignKey(AccessNumber, models.PROTECT, related_name="+", db_index=False)
    caller = models.CharField(max_length=16, validators=[e164])
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["caller", "access_number"],
                condition=Q(closed_at__isnull=True),
                name="one_open_call_through_per_caller",
            ),
        ]

    def __str__(self) -> str:
        return self.caller
