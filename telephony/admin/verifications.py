"""Verifications on the staff's site: what became of each, and how many of a country come to a good end.

A code was never kept, so none is here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from telephony.admin.outgoing import PricedAdmin
from telephony.admin.recent import Recent
from telephony.models import Application, Verification
from telephony.templatetags.calls import number
from telephony.verification_facts import conversions
from telephony.verification_policy import Conversion
from telephony.verification_records import KIND

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
class VerificationAdmin(PricedAdmin):
    """Every attempt to prove a number, ours and those that apps began."""

    errand = KIND
    told_as = "verification"
    sought_in = ("number", "reference", "provider_id")
    list_display = (
        "created_at", "number_shown", "country", "method", "account", "by_app", "status_shown", "price_shown", "reason",
    )  # fmt: skip
    list_display_links = ("created_at", "number_shown")
    list_filter = (VerificationsRecent, "status", "method", "by_app")
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

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        lines = _country_lines(timezone.now()) if self.has_view_permission(request) else []
        return super().changelist_view(
            request, {"country_lines": lines, "bar_width": BAR_WIDTH, **(extra_context or {})}
        )

    @admin.display(description="number")
    def number_shown(self, verification: Verification) -> SafeString:
        return format_html('<span class="nowrap">{}</span>', number(verification.number))

    @admin.display(description="the provider's price")
    def cost_shown(self, verification: Verification) -> str:
        if verification.provider_cost is None:
            return "not told"
        return f"{verification.provider_cost.normalize():f} {verification.provider_currency}"


def _country_lines(now: datetime) -> list[CountryLine]:
    """The countries with most verifications lately, the busiest first."""
    names = {application.pk: str(application) for application in Application.objects.all()}
    return [
        CountryLine(application=names[application_id], country=country, conversion=conversion)
        for application_id, country, conversion in conversions(now, MOST_COUNTRIES)
    ]
