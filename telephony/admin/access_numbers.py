"""Our own numbers on the staff's site: where each leads, and who pays for what it connects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import phonenumbers
from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import Account, CallerNumber
from accounts.numbers import NumberUnreadable, display, parse_number
from billing.admin.large_tables import NamedChangeList
from billing.models import RateDeck
from telephony.admin.menu_links import explain, inexpressible, menus_in_force, own_numbers
from telephony.calling_card import card_menu
from telephony.menu_checks import handed_on, unpaid_connection
from telephony.menus import LOCALE
from telephony.models import AccessNumber, Menu
from telephony.prompts import PHRASES


class AccessNumberForm(forms.ModelForm):
    """Numbers may be written as people write them. Where the number leads must work and be paid for."""

    number = forms.CharField(max_length=64, help_text="As people dial it, with + and country code.")
    connects_to = forms.CharField(
        max_length=64, required=False, help_text="Callers are connected to this number, with + and country code."
    )

    class Meta:
        model = AccessNumber
        fields = (
            "number", "application", "enabled", "leads", "locale", "menu", "connects_to", "account", "is_offered",
            "country", "is_default", "calls_at_once", "rate_decks",
        )  # fmt: skip

    def clean_number(self) -> str:
        number = _read(self.cleaned_data["number"])
        owner = CallerNumber.objects.select_related("account").filter(number=number).first()
        if owner is not None:
            raise forms.ValidationError(f"This is a caller number of {owner.account}: calls to it would reach itself.")
        return number

    def clean_connects_to(self) -> str:
        text = self.cleaned_data["connects_to"]
        number = _read(text) if text else ""
        if number and _others(self.instance).filter(number=number).exists():
            raise forms.ValidationError("This is an access number of ours: calls would go round in circles.")
        return number

    def clean_menu(self) -> Menu | None:
        menu: Menu | None = self.cleaned_data["menu"]
        if menu is not None and menu.in_force is None:
            raise forms.ValidationError(f"Nothing was saved in the menu “{menu}” yet.")
        return menu

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        menu, account = given.get("menu"), given.get("account")
        self._check_playable(given)
        self._check_decks(given.get("rate_decks") or ())
        if given.get("leads") != AccessNumber.Leads.AS_BELOW:
            if menu is not None or given.get("connects_to"):
                self.add_error("leads", "It leads elsewhere: leave menu and number empty, or let it lead to them.")
            return given
        if menu is not None and account is None:
            self._check_payer(menu)
        if menu is None and account is not None and given.get("connects_to") == "":
            self._check_own_number(account)
        return given

    def clean_country(self) -> str:
        country = self.cleaned_data["country"].upper()
        if country and country not in phonenumbers.SUPPORTED_REGIONS:
            raise forms.ValidationError("Write a country as two letters, such as SE.")
        return country

    def clean_locale(self) -> str:
        locale: str = self.cleaned_data["locale"]
        if not re.fullmatch(r"[a-z]{2,3}-[A-Z]{2}", locale):
            raise forms.ValidationError("Write the language like en-US.")
        if locale.partition("-")[0] not in PHRASES:
            raise forms.ValidationError(f"The calling card speaks {' and '.join(PHRASES)}: write one such as en-GB.")
        return locale

    def _check_decks(self, decks: Iterable[RateDeck]) -> None:
        seen: set[str] = set()
        for deck in decks:
            if deck.service != RateDeck.Service.CALLS:
                self.add_error("rate_decks", f"“{deck}” prices no calls.")
            elif deck.currency in seen:
                self.add_error("rate_decks", f"Choose one deck in {deck.currency}.")
            seen.add(deck.currency)

    def _check_playable(self, given: Mapping[str, Any]) -> None:
        """What the provider cannot express is refused here, not in the middle of a call."""
        application, menu, leads = given.get("application"), given.get("menu"), given.get("leads")
        asked = list(handed_on(menus_in_force(), menu.pk).values()) if menu is not None else []
        if leads == AccessNumber.Leads.CALLING_CARD:
            asked.append(card_menu(given.get("locale") or LOCALE))
        why = inexpressible(application.provider, asked) if application is not None else ""
        if why:
            self.add_error("menu" if menu is not None else "leads", f"Its provider cannot play that: {why}")

    def _check_payer(self, menu: Menu) -> None:
        everyone = menus_in_force()
        unpaid = unpaid_connection(everyone, menu.pk)
        if unpaid is not None:
            self.add_error("account", explain(unpaid, str(Menu.objects.get(pk=unpaid.menu))))

    def _check_own_number(self, account: Account) -> None:
        numbers = own_numbers(account.pk)
        if not numbers:
            self.add_error(
                "account", f"{account} has no verified number that may be shown: verify one, or write a number above."
            )
        elif _others(self.instance).filter(number__in=numbers).exists():
            self.add_error("account", f"The number of {account} is an access number: calls would go round in circles.")


def _read(text: str) -> str:
    try:
        return parse_number(text)
    except NumberUnreadable as unreadable:
        raise forms.ValidationError(str(unreadable)) from unreadable


def _others(number: AccessNumber) -> QuerySet[AccessNumber]:
    return AccessNumber.objects.exclude(pk=number.pk)


@admin.register(AccessNumber)
class AccessNumberAdmin(admin.ModelAdmin):
    """One line per number that people dial."""

    form = AccessNumberForm
    list_display = ("number_shown", "leads_to", "account", "application", "is_offered", "enabled")
    list_select_related = ("menu", "account", "application")
    list_filter = ("enabled", "is_offered", "leads", "application")
    search_fields = ("number__startswith", "menu__name__icontains", "account__name__istartswith")
    search_help_text = "The beginning of a number with its plus, or of an account's name, or a part of a menu's name."
    raw_id_fields = ("account",)
    ordering = ("number",)
    show_facets = admin.ShowFacets.NEVER
    actions = None
    fieldsets: ClassVar = (
        (None, {"fields": ("number", "application", "enabled")}),
        (
            "Where it leads",
            {
                "description": "A menu, or one number. With neither, callers reach the verified number of the account. "
                "Whoever asked an app for a destination a moment ago is connected to that instead.",
                "fields": ("leads", "menu", "connects_to", "locale"),
            },
        ),
        ("Who pays", {"fields": ("account", "rate_decks")}),
        ("Offered to apps", {"fields": ("is_offered", "country", "is_default", "calls_at_once")}),
    )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Without links to add or change what a number refers to: a menu has a page of its own, which is no pop-up."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NamedChangeList

    def has_delete_permission(self, request: HttpRequest, obj: AccessNumber | None = None) -> bool:
        return False  # its calls stay; `enabled` switches it off

    @admin.display(description="number", ordering="number")
    def number_shown(self, number: AccessNumber) -> SafeString:
        return format_html('<span class="nowrap">{}</span>', display(number.number))

    @admin.display(description="leads to")
    def leads_to(self, number: AccessNumber) -> SafeString | str:
        if number.leads != AccessNumber.Leads.AS_BELOW:
            return "calling card" if number.leads == AccessNumber.Leads.CALLING_CARD else "nowhere, for apps only"
        if number.menu is not None:
            address = reverse("admin:telephony_menu_change", args=[number.menu.pk])
            return format_html('Menu <a href="{}">{}</a>', address, number.menu)
        return display(number.connects_to) if number.connects_to else f"the number of {number.account}"
