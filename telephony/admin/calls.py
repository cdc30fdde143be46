"""Calls and CDRs for staff: read-only, and one page that explains a call from the question to the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.admin.large_tables import LargeTableAdmin
from billing.admin.ledger import as_uuid
from billing.models import Entry, Hold
from billing.templatetags.money import money
from telephony import live
from telephony.admin.live import MAY_MANAGE, LivePages, commands_of
from telephony.admin.recent import CallsRecent, CdrsRecent, search
from telephony.events import EventKind, Notified
from telephony.models import CDR, Call, MenuRun, ReceivedEvent
from telephony.providers.base import Callback, CallbackUnreadable, Verified
from telephony.registry import PROVIDERS
from telephony.templatetags.calls import duration, number, refused_because, state

MOST_EVENTS = 100
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
class CallAdmin(LivePages):
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
                    "access_number", "call_through", "callout", "bridge", "other_leg", "state", "refusal", "detail",
                    "limit_seconds", "begun_at", "connected_at", "answered_at", "parked_at", "ended_at", "asked_at",
                    "review",
                ),
            },
        ),
    )  # fmt: skip
    search_help_text = SEARCH_HELP
    change_form_template = "admin/telephony/call/change_form.html"
    change_list_template = "admin/telephony/call/change_list.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("account__wallet", "application", "call_through", "bridge")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (queryset.filter(search(term, call="pk", moment="begun_at")) if term else queryset), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**explanation(object_id), "may_manage": request.user.has_perm(MAY_MANAGE), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    @admin.display(description="to")
    def to(self, call: Call) -> str:
        return number(call.destination)

    @admin.display(description="state")
    def state_shown(self, call: Call) -> SafeString:
        return format_html('<span class="state {}">{}</span>', call.state, state(call))

    @admin.display(description="other leg")
    def other_leg(self, call: Call) -> SafeString | str:
        """Of a call that is one leg of a bridge, the way to the other one."""
        if call.bridge_id is None:
            return "-"
        other = Call.objects.exclude(pk=call.pk).get(bridge=call.bridge_id)
        return format_html('<a href="{}">{}</a>', reverse("admin:telephony_call_change", args=[other.pk]), other)

    @admin.display(description="why")
    def why(self, call: Call) -> str:
        return refused_because(call.refusal) if call.refusal else call.review


def explanation(call_id: str) -> dict[str, Any]:
    """Everything that is known about a call: its holds, records, ledger entries, menu, news and events, oldest first.

    `line` and `commands` are there only while it is running.
    """
    id = as_uuid(call_id)
    if id is None:
        return {}
    # Two partial indexes hold a call's events: those decided and the rest.
    events = ReceivedEvent.objects.filter(call_id=id).defer("body").order_by("id")
    decided, others = events.filter(outcome="decided"), events.exclude(outcome="decided")
    line = live.look_at(id, timezone.now())
    menu_runs = MenuRun.objects.select_related("version__menu", "account")
    return {
        "line": line,
        "commands": commands_of(line) if line else [],
        "menu_run": menu_runs.defer("version__definition").filter(call=id).first(),
        "news": news_of(id),
        "holds": Hold.objects.filter(subject=id).select_related("wallet", "rate__version__deck").order_by("id"),
        "records": CDR.objects.filter(call=id).select_related("posting").order_by("revision"),
        "entries": Entry.objects.filter(posting__subject=id, posting__kind="settlement")
        .select_related("posting", "wallet__account")
        .order_by("id"),
        "events": sorted(chain(decided[:MOST_EVENTS], others[:MOST_EVENTS]), key=lambda event: event.pk),
    }


@dataclass(frozen=True, kw_only=True)
class News:
    """What a provider told about a call besides its beginning and end, such as where a recording lies.

    `link` is the address when it may be followed: only https. `text` is whatever else was said.
    """

    received_at: datetime
    topic: str
    address: str
    link: str
    text: str


def news_of(call_id: UUID) -> list[News]:
    """Recordings, transcriptions and errors of a call, read again from the bytes that were kept, oldest first."""
    stored = ReceivedEvent.objects.filter(call_id=call_id, kind=EventKind.NOTIFIED, outcome="decided")
    news = (_news(event) for event in stored.select_related("application").order_by("id")[:MOST_EVENTS])
    return [each for each in news if each is not None]


def _news(stored: ReceivedEvent) -> News | None:
    application = stored.application
    callback = Callback(method="POST", path="", headers={"content-type": stored.content_type}, body=bytes(stored.body))
    verified = Verified(application_id=application.pk, key=application.key, signed_at=stored.signed_at)
    try:
        events = PROVIDERS[application.provider].parse(callback, verified)
    except CallbackUnreadable:
        return None
    event = next((event for event in events if isinstance(event, Notified)), None)
    if event is None:
        return None
    machine = event.machine
    said = [event.error_code, event.error_message, *((machine.status, machine.reason) if machine else ())]
    return News(
        received_at=stored.received_at,
        topic=event.topic,
        address=event.url,
        link=event.url if event.url.lower().startswith("https://") else "",
        text=" ".join(word for word in said if word),
    )


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
