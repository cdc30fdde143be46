"""What we begin ourselves: texts, callouts and lists of them, verifications."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Account, e164
from billing.models import Posting, money_field
from telephony.models.applications import Application
from telephony.models.menus import MenuVersion


class Payer(models.TextChoices):
    """Who bears the price."""

    ACCOUNT = "account", "the account"
    HOUSE = "house", "ourselves"


class Priced(models.Model):
    """What a piece of work cost, and the posting that proves it: price = charge + loss, as on a CDR.

    With `paid_by` ourselves, charge is 0 and the whole price is given away.
    """

    paid_by = models.CharField(max_length=7, choices=Payer, default=Payer.ACCOUNT)
    currency = models.CharField(max_length=3, blank=True)
    price = money_field(default=0)
    charge = money_field(default=0, help_text="What left the wallet.")
    loss = money_field(default=0, help_text="What the wallet did not pay; ours.")
    posting = models.OneToOneField(Posting, models.PROTECT, null=True, blank=True)

    class Meta:
        abstract = True


def priced_constraints(name: str) -> list[models.CheckConstraint]:
    """The constraints of `Priced`, whose names must be unique in the database."""
    return [
        models.CheckConstraint(condition=Q(price=models.F("charge") + models.F("loss")), name=f"{name}_adds_up"),
        models.CheckConstraint(condition=Q(charge__gte=0, loss__gte=0), name=f"{name}_not_negative"),
        models.CheckConstraint(
            condition=Q(price=0, posting__isnull=True) | Q(price__gt=0, posting__isnull=False),
            name=f"{name}_priced_has_posting",
        ),
    ]


class TextMessage(Priced):
    """A text, in or out. Its id is the reference by which the provider can be asked about it."""

    class Direction(models.TextChoices):
        OUT = "out", "out"
        IN = "in", "in"

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        SUCCESSFUL = "successful", "Successful"
        FAILED = "failed", "Failed"

    class Purpose(models.TextChoices):
        CUSTOMER = "customer", "sent by the customer"
        ALERT = "alert", "an alert of ours"
        REPLY = "reply", "an answer to a keyword"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    direction = models.CharField(max_length=3, choices=Direction, default=Direction.OUT)
    account = models.ForeignKey(Account, models.PROTECT, null=True, blank=True, related_name="texts", db_index=False)
    application = models.ForeignKey(Application, models.PROTECT, related_name="texts", db_index=False)
    purpose = models.CharField(max_length=8, choices=Purpose, default=Purpose.CUSTOMER)
    reference = models.CharField(max_length=100, blank=True, help_text="The customer's own; the same one counts once.")
    sender = models.CharField(max_length=16, blank=True)
    recipient = models.CharField(max_length=16)
    body = models.TextField()
    encoding = models.CharField(max_length=4, default="gsm7")
    segments = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    detail = models.CharField(max_length=200, blank=True, help_text="The provider's word and code, or what went wrong.")
    provider_id = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True, blank=True, help_text="When the provider took it.")
    final_at = models.DateTimeField(null=True, blank=True, help_text="When its status became final.")

    class Meta:
        verbose_name = "text"
        constraints: ClassVar = [
            *priced_constraints("text"),
            models.CheckConstraint(condition=Q(direction__in=["out", "in"]), name="text_direction_known"),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "successful", "failed"]), name="text_status_known"
            ),
            models.UniqueConstraint(
                fields=["account", "reference"], condition=~Q(reference=""), name="one_text_per_reference"
            ),
            models.UniqueConstraint(
                fields=["application", "provider_id"], condition=~Q(provider_id=""), name="one_text_per_provider_id"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "-created_at"], name="text_of_account"),
            models.Index(fields=["-created_at"], name="text_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.sender} to {self.recipient}"


class OptOut(models.Model):
    """A number that answered STOP: nothing is sent to it through this application until it answers START."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="opt_outs")
    number = models.CharField(max_length=16, validators=[e164])
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["application", "number"], name="one_opt_out_per_number"),
        ]

    def __str__(self) -> str:
        return self.number


class CallList(models.Model):
    """Numbers called one after the other with the same words: how fast, how many at once, at which hours."""

    class State(models.TextChoices):
        RUNNING = "running", "running"
        PAUSED = "paused", "paused"
        STOPPED = "stopped", "stopped"
        FINISHED = "finished", "finished"

    account = models.ForeignKey(Account, models.PROTECT, related_name="call_lists")
    application = models.ForeignKey(Application, models.PROTECT, related_name="call_lists", db_index=False)
    name = models.CharField(max_length=100)
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    why = models.CharField(max_length=200, blank=True, help_text="Why it was stopped or paused.")
    at_once = models.PositiveSmallIntegerField(default=2, help_text="Calls at the same time, at most.")
    per_minute = models.PositiveSmallIntegerField(default=30, help_text="Calls begun in a minute, at most.")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    made_by = models.CharField(max_length=254, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=["running", "paused", "stopped", "finished"]), name="call_list_state_known"
            ),
            models.CheckConstraint(condition=Q(at_once__gte=1, per_minute__gte=1), name="call_list_has_a_pace"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=Q(state="running"), name="call_list_running"),
        ]

    def __str__(self) -> str:
        return self.name


class Callout(models.Model):
    """Somebody we call. It may take several calls until it is answered; each is a Call with a hold and a CDR."""

    class Kind(models.TextChoices):
        TEXT = "text", "speaks a text"
        CONFERENCE = "conference", "leads into a conference"
        MENU = "menu", "plays a menu"
        BRIDGE = "bridge", "is one leg of a bridge"

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        CALLING = "calling", "calling"
        DONE = "done", "done"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    class OnMachine(models.TextChoices):
        IGNORE = "ignore", "do not look"
        HANG_UP = "hang_up", "hang up"
        SPEAK = "speak", "speak all the same"

    class Purpose(models.TextChoices):
        CUSTOMER = "customer", "placed by the customer"
        ALERT = "alert", "an alert of ours"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, null=True, blank=True, related_name="callouts", db_index=False)
    application = models.ForeignKey(Application, models.PROTECT, related_name="callouts", db_index=False)
    call_list = models.ForeignKey(
        CallList, models.PROTECT, null=True, blank=True, related_name="callouts", db_index=False
    )
    purpose = models.CharField(max_length=8, choices=Purpose, default=Purpose.CUSTOMER)
    paid_by = models.CharField(max_length=7, choices=Payer, default=Payer.ACCOUNT)
    reference = models.CharField(max_length=100, blank=True, help_text="The customer's own; the same one counts once.")
    kind = models.CharField(max_length=10, choices=Kind)
    destination = models.CharField(max_length=16)
    caller_id = models.CharField(max_length=16, blank=True)
    text = models.CharField(max_length=600, blank=True, help_text="What is said; the greeting of a conference.")
    locale = models.CharField(max_length=10, default="en-US")
    menu_version = models.ForeignKey(
        MenuVersion, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    conference_id = models.CharField(max_length=64, blank=True)
    on_machine = models.CharField(max_length=7, choices=OnMachine, default=OnMachine.IGNORE)
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    due_at = models.DateTimeField(db_default=Now(), help_text="When it may be called next.")
    earliest = models.TimeField(null=True, blank=True, help_text="Where the callee is, not before this time of day.")
    latest = models.TimeField(null=True, blank=True, help_text="Where the callee is, not after this time of day.")
    time_zone = models.CharField(max_length=64, blank=True, help_text="Where the callee is; empty: by the number.")
    attempts = models.PositiveSmallIntegerField(default=0)
    most_attempts = models.PositiveSmallIntegerField(default=1)
    retry_seconds = models.PositiveIntegerField(default=300, help_text="Between busy or no answer and the next call.")
    result = models.CharField(max_length=20, blank=True, help_text="How the last call ended.")
    machine = models.CharField(max_length=20, blank=True, help_text="What answering-machine detection thought.")
    detail = models.CharField(max_length=255, blank=True)
    heard = models.JSONField(default=list, blank=True, help_text="What a menu kept: name and value.")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    made_by = models.CharField(max_length=254, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "calling", "done", "failed", "cancelled"]),
                name="callout_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "calling"], finished_at__isnull=True)
                | Q(state__in=["done", "failed", "cancelled"], finished_at__isnull=False),
                name="callout_over_has_an_end",
            ),
            models.CheckConstraint(
                condition=Q(kind="text", menu_version__isnull=True, conference_id="")
                | (Q(kind__in=["conference", "bridge"], menu_version__isnull=True) & ~Q(conference_id=""))
                | Q(kind="menu", menu_version__isnull=False, conference_id=""),
                name="callout_is_one_kind",
            ),
            models.CheckConstraint(condition=Q(most_attempts__gte=1), name="callout_is_tried"),
            models.UniqueConstraint(
                fields=["account", "reference"], condition=~Q(reference=""), name="one_callout_per_reference"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="callout_due"),
            models.Index(fields=["call_list", "state"], name="callout_of_list"),
            models.Index(fields=["account", "-created_at"], name="callout_of_account"),
            models.Index(fields=["-created_at"], name="callout_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.destination}"


class Verification(Priced):
    """The proof that somebody can be reached at a number. Its id is the reference the provider knows it by.

    The code itself is never kept.
    """

    class Method(models.TextChoices):
        SMS = "sms", "a code by text"
        FLASHCALL = "flashcall", "a missed call"
        CALLOUT = "callout", "a code by call"

    class Status(models.TextChoices):
        PENDING = "pending", "pending"
        SUCCESSFUL = "successful", "successful"
        FAILED = "failed", "failed"
        DENIED = "denied", "denied"
        EXPIRED = "expired", "expired"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    account = models.ForeignKey(
        Account, models.PROTECT, null=True, blank=True, related_name="verifications", db_index=False
    )
    application = models.ForeignKey(Application, models.PROTECT, related_name="verifications", db_index=False)
    number = models.CharField(max_length=16)
    country = models.CharField(max_length=2, blank=True)
    method = models.CharField(max_length=9, choices=Method)
    by_app = models.BooleanField("begun by an app", default=False, help_text="At the provider, not by us.")
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    reason = models.CharField(max_length=200, blank=True)
    provider_id = models.CharField(max_length=100, blank=True)
    reference = models.CharField(max_length=100, blank=True, help_text="The customer's own, or the app's.")
    custom = models.CharField(max_length=1000, blank=True)
    from_address = models.GenericIPAddressField(null=True, blank=True, help_text="Who asked for it.")
    reports = models.PositiveSmallIntegerField(default=0, help_text="How often a code was tried.")
    provider_cost = models.DecimalField(max_digits=24, decimal_places=8, null=True, blank=True)
    provider_currency = models.CharField(max_length=3, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            *priced_constraints("verification"),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "successful", "failed", "denied", "expired"]),
                name="verification_status_known",
            ),
            models.UniqueConstraint(
                fields=["application", "provider_id"],
                condition=~Q(provider_id=""),
                name="one_verification_per_provider_id",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["number", "-created_at"], name="verification_of_number"),
            models.Index(fields=["account", "-created_at"], name="verification_of_account"),
            models.Index(fields=["country", "-created_at"], name="verification_of_country"),
            models.Index(fields=["from_address", "-created_at"], name="verification_from_address"),
            models.Index(fields=["reference"], condition=~Q(reference=""), name="verification_of_reference"),
            models.Index(fields=["-created_at"], name="verification_by_time"),
            models.Index(fields=["created_at"], condition=Q(status="pending"), name="verification_pending"),
        ]

    def __str__(self) -> str:
        return f"{self.method} to {self.number}"
