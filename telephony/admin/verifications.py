"""Verifications on the staff's site: what became of each, and how many of a country come to a good end.

A code was never kept, so none is here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import Account
from billing.admin.large_tables import LargeTableAdmin
from billing.admin.ledger import as_uuid
from billing.templatetags.money import money
from outbox.models import Row
from telephony.admin.recent import Recent
from telephony.models import Application, Verification
from telephony.templatetags.calls import number
from telephony.verification_facts import conversions
from telephony.verification_policy import Conversion
from telephony.verification_records import KIND

SEARCHED = timedelta(days=31)
MOST_COUNTRIES = 20
BAR_WIDTH = 120


@dataclass(frozen=True, kw_only=True)
class CountryLine:
    """How a country does at one application, and how long its bars are in the drawing."""

    application: str
    country: str
    conversion: Conversion

    @property
    def successful_width(self) -> int:
        return BAR_WIDTH * self.conversion.percent // 100


class VerificationsRecent(Recent):
    field = "created_at"


@admin.register(Verification)
class VerificationAdmin(LargeTableAdmin):
    """Every attempt to prove a number, ours and those that apps began."""

    keyset = ("created_at", "id")
    list_display = (
        "created_at", "number_shown", "country", "method", "account", "by_app", "status_shown", "price_shown", "reason",
    )  # fmt: skip
    list_display_links = ("created_at", "number_shown")
    list_select_related = ("account",)
    list_filter = (VerificationsRecent, "status", "method", "by_app")
    search_fields = ("id",)
    search_help_text = "An id; an account's name; lately: a number with its plus, a reference, a provider's id."
    change_list_template = "admin/telephony/verification/change_list.html"
    fieldsets: ClassVar = (
        (None, {"fields": ("status_shown", "reason", "number_shown", "country", "method", "reports")}),
        ("Money", {"fields": ("paid_by", "price_shown", "charge_shown", "loss_shown", "paid", "cost_shown")}),
        ("On its way", {"fields": ("outbox", "created_at", "finished_at", "provider_id", "told")}),
        (
            "Whose",
            {"fields": ("account", "application", "by_app", "from_address", "reference", "custom", "id")},
        ),
    )
    readonly_fields = (
        "status_shown", "number_shown", "price_shown", "charge_shown", "loss_shown", "paid", "cost_shown", "outbox",
        "told",
    )  # fmt: skip

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (queryset.filter(_search(term)) if term else queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        lines = _country_lines(timezone.now()) if self.has_view_permission(request) else []
        return super().changelist_view(
            request, {"country_lines": lines, "bar_width": BAR_WIDTH, **(extra_context or {})}
        )

    @admin.display(description="number")
    def number_shown(self, verification: Verification) -> SafeString:
        return format_html('<span class="nowrap">{}</span>', number(verification.number))

    @admin.display(description="status")
    def status_shown(self, verification: Verification) -> SafeString:
        return format_html('<span class="state {}">{}</span>', verification.status, verification.get_status_display())

    @admin.display(description="price")
    def price_shown(self, verification: Verification) -> str:
        return money(verification.price, verification.currency)

    @admin.display(description="charged")
    def charge_shown(self, verification: Verification) -> str:
        return money(verification.charge, verification.currency)

    @admin.display(description="ours to bear")
    def loss_shown(self, verification: Verification) -> str:
        return money(verification.loss, verification.currency)

    @admin.display(description="the provider's price")
    def cost_shown(self, verification: Verification) -> str:
        if verification.provider_cost is None:
            return "not told"
        return f"{verification.provider_cost.normalize():f} {verification.provider_currency}"

    @admin.display(description="posting")
    def paid(self, verification: Verification) -> SafeString | str:
        if verification.posting_id is None:
            return "none"
        address = reverse("admin:billing_posting_change", args=[verification.posting_id])
        return format_html('<a href="{}">#{}</a>', address, verification.posting_id)

    @admin.display(description="outbox")
    def outbox(self, verification: Verification) -> str:
        row = Row.objects.filter(subject=verification.pk, kind=KIND).first()
        if row is None:
            return "none"
        tries = f"begun {row.attempts} times" + (f", looked up {row.looks} times" if row.looks else "")
        return f"{row.get_state_display()}, {tries}" + (f": {row.error}" if row.error else "")

    @admin.display(description="what the provider told")
    def told(self, verification: Verification) -> SafeString | str:
        if not verification.provider_id:
            return "nothing yet"
        query = urlencode({"q": f"verification:{verification.provider_id}"})
        return format_html('<a href="{}?{}">Events</a>', reverse("admin:telephony_receivedevent_changelist"), query)


def _search(term: str) -> Q:
    id = as_uuid(term)
    found = Q(pk=id) if id else Q()
    account = Account.objects.filter(name=term).first()
    if account is not None:
        found |= Q(account=account)
    lately = Q(created_at__gte=timezone.now() - SEARCHED)
    return found | lately & (Q(number=term) | Q(reference=term) | Q(provider_id=term))


def _country_lines(now: datetime) -> list[CountryLine]:
    """The countries with most verifications lately, the busiest first."""
    names = {application.pk: str(application) for application in Application.objects.all()}
    return [
        CountryLine(application=names[application_id], country=country, conversion=conversion)
        for application_id, country, conversion in conversions(now, MOST_COUNTRIES)
    ]
