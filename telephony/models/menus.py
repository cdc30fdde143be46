"""Menus and the access numbers that lead to them, and how far a running call has come in one."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Account, e164
from billing.models import RateDeck
from telephony import menus
from telephony.models.applications import Application
from telephony.models.calls import Call


class Menu(models.Model):
    """An IVR menu by its name. What it asks is in its versions; the newest is in force for calls that begin."""

    name = models.CharField(max_length=100, unique=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.name

    @property
    def in_force(self) -> MenuVersion | None:
        """The newest version; None while nothing was saved."""
        return self.versions.order_by("-number").first()


class MenuVersion(models.Model):
    """What a menu asked at one time. Never changed: a call that began with it keeps it."""

    menu = models.ForeignKey(Menu, models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    definition = models.JSONField(help_text="As telephony/menus.py writes it.")
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    saved_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["menu", "number"], name="one_menu_version_per_number")]

    def __str__(self) -> str:
        return f"{self.menu} {self.number}"

    def read(self) -> menus.Menu:
        """The menu as the engine knows it."""
        return menus.read_menu(self.definition)


class AccessNumber(models.Model):
    """A number of ours that people dial (DID).

    Whoever asked an app for a destination a moment ago is connected to it. Everybody else is led to a menu, to a
    number, to the account's own number, through the calling card, or nowhere, as `leads` says.
    """

    class Leads(models.TextChoices):
        AS_BELOW = "as_below", "to the menu, number or account below"
        CALLING_CARD = "calling_card", "to the calling card: PIN, balance, destination"
        NOWHERE = "nowhere", "nowhere: for apps only"

    number = models.CharField(
        max_length=16, unique=True, validators=[e164], help_text="As people dial it, with + and country code."
    )
    application = models.ForeignKey(
        Application, models.PROTECT, related_name="access_numbers", help_text="Where the number is rented."
    )
    menu = models.ForeignKey(
        Menu, models.PROTECT, null=True, blank=True, related_name="access_numbers", help_text="Callers hear this menu."
    )
    connects_to = models.CharField(
        max_length=16, blank=True, validators=[e164], help_text="Callers are connected to this number."
    )
    account = models.ForeignKey(
        Account,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="access_numbers",
        help_text="Whose number it is: pays for what it connects. Alone, callers reach this account's own number.",
    )
    enabled = models.BooleanField(default=True)
    leads = models.CharField(max_length=12, choices=Leads, default=Leads.AS_BELOW, verbose_name="leads callers")
    locale = models.CharField(
        max_length=10, default=menus.LOCALE, help_text="In which language the calling card speaks."
    )
    is_offered = models.BooleanField(
        "offered to apps", default=False, help_text="Apps are told to dial this number for a call-through."
    )
    country = models.CharField(
        max_length=2,
        blank=True,
        help_text="Callers of this country are given it, as two letters. Empty: by its digits.",
    )
    is_default = models.BooleanField(default=False, help_text="Given to callers of countries that have none.")
    calls_at_once = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="How many calls it can take at once. Empty: any number."
    )
    rate_decks = models.ManyToManyField(
        RateDeck,
        blank=True,
        related_name="+",
        help_text="Calls that come in by this number are priced by these, one for each currency, so that the way in "
        "is paid for as well. Empty: by the account's own.",
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(menu__isnull=True) | Q(connects_to=""), name="access_number_leads_once"),
            models.CheckConstraint(
                condition=~Q(leads="as_below") | Q(menu__isnull=False) | Q(account__isnull=False),
                name="access_number_has_payer",
            ),
            models.CheckConstraint(
                condition=Q(leads__in=["as_below", "calling_card", "nowhere"]), name="access_number_leads_known"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def clean(self) -> None:
        """Where it leads must be clear, and somebody must pay for it."""
        if self.menu_id and self.connects_to:
            raise ValidationError({"connects_to": "Choose a menu or a number, not both."})
        if self.leads == self.Leads.AS_BELOW and not self.menu_id and not self.account_id:
            raise ValidationError({"account": "Without a menu an account has to pay for the calls it connects."})
        if self.connects_to == self.number:
            raise ValidationError({"connects_to": "A number cannot lead to itself."})


class MenuRun(models.Model):
    """How far a call has come in its menu. What is in a cookie is a hint; this is the truth."""

    call = models.OneToOneField(Call, models.PROTECT, primary_key=True, related_name="menu_run")
    version = models.ForeignKey(
        MenuVersion,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text="Empty: the calling card, which is in no menu.",
    )
    asked = models.CharField(max_length=40, help_text="The question that was asked first in our last reply.")
    waiting = models.JSONField(null=True, blank=True, help_text="The action that waits for a PIN.")
    account = models.ForeignKey(
        Account, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, help_text="Proved by a PIN."
    )
    wrong_inputs = models.PositiveSmallIntegerField(default=0, help_text="One after the other.")
    wrong_pins = models.PositiveSmallIntegerField(default=0)
    answers = models.PositiveSmallIntegerField(default=0, help_text="How often the caller answered.")
    kept = models.JSONField(default=list, blank=True, help_text="Values and digits that the menu kept: name and value.")

    def __str__(self) -> str:
        return f"{self.version or 'calling card'} at {self.asked}"
