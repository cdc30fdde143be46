"""Calls and CDRs for staff: read-only, and one page that explains a call from the question to the ledger."""

from __future__ import annotations

from itertools import chain
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.admin.large_tables import LargeTableAdmin
from billing.admin.ledger import as_uuid
from billing.models import Entry, Hold
from billing.templatetags.money import money
from telephony.admin.recent import CallsRecent, CdrsRecent, search
from telephony.models import CDR, Call, ReceivedEvent
from telephony.templatetags.calls import duration, number, refused_because

SEARCH_HELP = "A call's id, ours or the provider's; an account's name; a number with its plus or a user, last 31 days."


class ToBeLookedAt(admin.SimpleListFilter):
    """What asks for a person's look."""

    title = "review"
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "To be looked at")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.exclude(review="") if self.value() == "yes" else queryset


@admin.register(Call)
class CallAdmin(LargeTableAdmin):
    """Every attempt, also the refused ones."""

    keyset = ("begun_at", "id")
    list_display = ("begun_at", "to", "caller", "account", "state_shown", "why")
    list_display_links = ("begun_at", "to")
    list_select_related = ("account",)
    list_filter = (CallsRecent, "state", ToBeLookedAt)
    search_fields = ("id",)
    fieldsets = (
        (
            "Every field",
            {
                "classes": ("collapse",),
                "fields": (
                    "id", "application", "provider_call_id", "account", "caller", "destination", "shown_caller_id",
                    "state", "refusal", "detail", "limit_seconds", "begun_at", "answered_at", "ended_at", "asked_at",
                    "review",
                ),
            },
        ),
    )  # fmt: skip
    search_help_text = SEARCH_HELP
    change_form_template = "admin/telephony/call/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("account__wallet", "application")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (queryset.filter(search(term, call="pk", moment="begun_at")) if term else queryset), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().change_view(request, object_id, form_url, {**explanation(object_id), **(extra_context or {})})

    @admin.display(description="to")
    def to(self, call: Call) -> str:
        return number(call.destination)

    @admin.display(description="state")
    def state_shown(self, call: Call) -> SafeString:
        return format_html('<span class="state {}">{}</span>', call.state, call.get_state_display())

    @admin.display(description="why")
    def why(self, call: Call) -> str:
        return refused_because(call.refusal) if call.refusal else call.review


def explanation(call_id: str) -> dict[str, Any]:
    """Everything that is known about a call: its holds, records, ledger entries and events, oldest first."""
    id = as_uuid(call_id)
    if id is None:
        return {}
    # Two partial indexes hold a call's events: those decided and the rest.
    events = ReceivedEvent.objects.filter(call_id=id).defer("body").order_by("id")
    decided, others = events.filter(outcome="decided"), events.exclude(outcome="decided")
    return {
        "holds": Hold.objects.filter(subject=id).select_related("wallet", "rate__version__deck").order_by("id"),
        "records": CDR.objects.filter(call=id).select_related("posting").order_by("revision"),
        "entries": Entry.objects.filter(posting__subject=id, posting__kind="settlement")
        .select_related("posting", "wallet__account")
        .order_by("id"),
        "events": sorted(chain(decided[:100], others[:100]), key=lambda event: event.pk),
    }


@admin.register(CDR)
class CDRAdmin(LargeTableAdmin):
    """The record of every ended call."""

    list_display = (
        "ended_at", "to", "caller", "account", "result", "talked", "price_shown", "charge_shown", "source", "review",
    )  # fmt: skip
    list_display_links = ("ended_at", "to")
    list_select_related = ("account",)
    list_filter = (CdrsRecent, "source", ToBeLookedAt)
    search_fields = ("call",)
    search_help_text = SEARCH_HELP

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (queryset.filter(search(term, call="call", moment="ended_at")) if term else queryset), False

    @admin.display(description="to")
    def to(self, record: CDR) -> str:
        return number(record.destination)

    @admin.display(description="duration")
    def talked(self, record: CDR) -> str:
        return duration(record.duration_seconds)

    @admin.display(description="price")
    def price_shown(self, record: CDR) -> str:
        return money(record.price, record.currency)

    @admin.display(description="charged")
    def charge_shown(self, record: CDR) -> str:
        return money(record.charge, record.currency)
