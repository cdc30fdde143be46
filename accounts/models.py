"""Who people are: accounts, the people who sign in, and everything by which a call is recognised as theirs."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from accounts.limits import PLATFORM_LONGEST_CALL_SECONDS, Limits, limits_of

only_digits = RegexValidator(r"^[1-9][0-9]{0,14}$", "A prefix is 1 to 15 digits without plus or zeros in front.")
e164 = RegexValidator(r"^\+[1-9][0-9]{6,14}$", "A number is written +, country code, number: +442079460000.")

sender_name = RegexValidator(
    r"^(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}$", "A sender name is up to 11 letters, digits and spaces, with a letter in it."
)


class Account(models.Model):
    """The paying customer. Its money is in its wallet (billing); its limits bound every call."""

    class Status(models.TextChoices):
        ACTIVE = "active", "active"
        SUSPENDED = "suspended", "suspended"
        CLOSED = "closed", "closed"

    class Destinations(models.TextChoices):
        ANYTHING_RATED = "anything_rated", "any destination with a price"
        LISTED_ONLY = "listed_only", "only destinations on the allow list"

    name = models.CharField(max_length=100, unique=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    verified = models.BooleanField(default=False, help_text="A verified account has the wider plan limits.")
    destinations = models.CharField(
        max_length=14, choices=Destinations, default=Destinations.ANYTHING_RATED, verbose_name="may call"
    )
    calls_at_once = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Empty: as the plan says."
    )
    longest_call_seconds = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Empty: as the plan says."
    )
    highest_price_per_minute = models.DecimalField(
        max_digits=20, decimal_places=6, null=True, blank=True, help_text="Empty: as the plan says."
    )
    exposure_allowance = models.DecimalField(
        max_digits=20,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="What we are ready to lose should calls that only we can end not be ended. Empty: as the plan says.",
    )
    velocity_limits = models.BooleanField(
        default=True, help_text="Off for wholesale: no limits per minute, hour and day."
    )
    pin_hash = models.CharField(max_length=128, blank=True, editable=False)
    card_number = models.CharField(
        max_length=10,
        null=True,
        blank=True,
        unique=True,
        editable=False,
        help_text="Names the account on a telephone that is not its own; the PIN behind it proves it.",
    )
    wrong_pins = models.PositiveSmallIntegerField(db_default=0, editable=False, help_text="Since the day below began.")
    wrong_pins_since = models.DateTimeField(null=True, blank=True, editable=False)
    time_zone = models.CharField(max_length=64, default="UTC")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(status__in=["active", "suspended", "closed"]), name="account_status_known"
            ),
            models.CheckConstraint(
                condition=models.Q(destinations__in=["anything_rated", "listed_only"]),
                name="account_destinations_known",
            ),
            models.CheckConstraint(condition=models.Q(calls_at_once__gte=1), name="account_calls_at_once"),
            models.CheckConstraint(
                condition=models.Q(
                    longest_call_seconds__gte=1, longest_call_seconds__lte=PLATFORM_LONGEST_CALL_SECONDS
                ),
                name="account_longest_call",
            ),
            models.CheckConstraint(condition=models.Q(exposure_allowance__gte=0), name="account_exposure_not_negative"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def limits(self) -> Limits:
        """The limits in force: the account's own where set, else its plan's."""
        return limits_of(
            verified=self.verified,
            calls_at_once=self.calls_at_once,
            longest_call_seconds=self.longest_call_seconds,
            highest_price_per_minute=self.highest_price_per_minute,
            exposure_allowance=self.exposure_allowance,
        )


class UserManager(BaseUserManager["User"]):
    """Makes people who sign in with their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A person, with a usable password when one is given."""
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A member of staff who may do everything."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in. Customers belong to an account; staff belong to none."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=100, blank=True)
    account = models.ForeignKey(Account, models.PROTECT, null=True, blank=True, related_name="people")
    is_staff = models.BooleanField("staff", default=False)
    is_active = models.BooleanField("active", default=True)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = []

    def __str__(self) -> str:
        return self.email


class CallerNumber(models.Model):
    """A number proved to belong to an account: it may be shown as caller ID.

    Alone it authorises no call, because a caller's number can be made up; unless its owner chose to run that risk.
    """

    account = models.ForeignKey(Account, models.PROTECT, related_name="caller_numbers")
    number = models.CharField(max_length=16, unique=True, validators=[e164])
    verified_at = models.DateTimeField(null=True, blank=True)
    is_shown = models.BooleanField(default=True, help_text="May be shown as caller ID once verified.")
    needs_pin = models.BooleanField(
        db_default=True,
        default=True,
        help_text="Without it whoever makes this number up calls at the account's cost, up to its limits.",
    )
    client_user = models.ForeignKey(
        "accounts.ClientUser",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="caller_numbers",
        help_text="Whose telephone it is. Empty: of everybody in the account.",
    )

    def __str__(self) -> str:
        return self.number


class ClientUser(models.Model):
    """An app's user, known by the name with which the platform authenticated it."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="client_users")
    name = models.CharField(max_length=128, unique=True)
    pin_digest = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="Of the PIN that the app dials by itself.",
    )

    def __str__(self) -> str:
        return self.name


class DestinationRule(models.Model):
    """A number or prefix the account may, or may not, call. The longest match decides; deny wins a tie."""

    class Kind(models.TextChoices):
        ALLOW = "allow", "allow"
        DENY = "deny", "deny"

    account = models.ForeignKey(Account, models.CASCADE, related_name="destination_rules")
    kind = models.CharField(max_length=5, choices=Kind)
    prefix = models.CharField(max_length=15, validators=[only_digits])

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "kind", "prefix"], name="one_rule_per_prefix"),
            models.CheckConstraint(condition=models.Q(kind__in=["allow", "deny"]), name="rule_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.prefix}"


class SenderName(models.Model):
    """A name in letters that an account may send texts as. Staff add it once they have seen a right to it."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="sender_names")
    name = models.CharField(max_length=11, validators=[sender_name])

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "name"], name="one_sender_name_per_account"),
        ]

    def __str__(self) -> str:
        return self.name


class Notice(models.Model):
    """Something a person should see when they next sign in: a customer in the portal, staff on their dashboard."""

    class Level(models.TextChoices):
        INFO = "info", "information"
        WARNING = "warning", "warning"

    account = models.ForeignKey(
        Account, models.CASCADE, null=True, blank=True, related_name="notices", help_text="Empty: for staff."
    )
    key = models.CharField(max_length=120, unique=True, help_text="What it is about, so that it is said once.")
    level = models.CharField(max_length=7, choices=Level, default=Level.INFO)
    text = models.CharField(max_length=500)
    made_at = models.DateTimeField(db_default=Now())
    dismissed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(level__in=["info", "warning"]), name="notice_level_known"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account"], condition=models.Q(dismissed_at__isnull=True), name="notice_to_see"),
        ]

    def __str__(self) -> str:
        return self.text
