"""Two people whom we call and bring together."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.db import models

from accounts.models import Account, ClientUser, e164


class Bridge(models.Model):
    """Two callouts joined in one conference: Web Callback. Its calls say what became of each leg.

    `limit_seconds` is what each leg may last, counted from its own answer. The conference is named by the callouts.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="bridges", db_index=False)
    client_user = models.ForeignKey(
        ClientUser, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False, help_text="Who asked."
    )
    callback_number = models.CharField(max_length=16, validators=[e164], help_text="Where who asked is called.")
    destination = models.CharField(max_length=16, validators=[e164])
    caller_first = models.BooleanField("calls who asked first")
    limit_seconds = models.PositiveIntegerField()
    made_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(callback_number=models.F("destination")), name="bridge_joins_two_numbers"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["account", "-made_at"], name="bridge_of_account")]

    def __str__(self) -> str:
        return f"{self.callback_number} with {self.destination}"
