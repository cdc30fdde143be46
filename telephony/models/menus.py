"""Menus and the access numbers that lead to them, and how far a running call has come in one."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Account, e164
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
    """A number of ours that people dial (DID). It leads to a menu, to a number, or to its account's own number."""

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

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(menu__isnull=True) | Q(connects_to=""), name="access_number_leads_once"),
            models.CheckConstraint(
                condition=Q(menu__isnull=False) | Q(account__isnull=False), name="access_number_has_payer"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def clean(self) -> None:
        """Where it leads must be clear, and somebody must pay for it."""
        if self.menu_id and self.connects_to:
            raise ValidationError({"connects_to": "Choose a menu or a number, not both."})
        if not self.menu_id and not self.account_id:
            raise ValidationError({"account": "Without a menu an account has to pay for the calls it connects."})
        if self.connects_to == self.number:
            raise ValidationError({"connects_to": "A number cannot lead to itself."})


class MenuRun(models.Model):
    """How far a call has come in its menu. What is in a cookie is a hint; this is the truth."""

    call = models.OneToOneField(Call, models.PROTECT, primary_key=True, related_name="menu_run")
    version = models.ForeignKey(MenuVersion, models.PROTECT, related_name="+", db_index=False)
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
        return f"{self.version} at {self.asked}"
