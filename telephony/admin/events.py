"""What providers sent us, for staff: the stored decision, the error, and the bytes made safe to look at."""

from __future__ import annotations

import json
import re
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.admin.large_tables import LargeTableAdmin
from telephony.admin.recent import calls_meant
from telephony.models import ReceivedEvent
from telephony.templatetags.calls import decision_word

MOST_CHARACTERS = 16_384

# Digits that a caller entered: they may be a PIN, which is nobody's to read. A single key is no secret.
_ENTERED = re.compile(r'("value"\s*:\s*"?)([0-9*#]{2,})("?)', re.IGNORECASE)


class Outcomes(admin.SimpleListFilter):
    """The outcomes that ask for a person's look; an index holds them."""

    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        words = [(value, label.capitalize()) for value, label in ReceivedEvent.Outcome.choices if value != "decided"]
        return [("not_decided", "Everything not decided"), *words]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        word = self.value()
        if word is None:
            return queryset
        undecided = queryset.exclude(outcome="decided")
        return undecided if word == "not_decided" else undecided.filter(outcome=word)


@admin.register(ReceivedEvent)
class ReceivedEventAdmin(LargeTableAdmin):
    """Written once, never changed."""

    list_display = ("id", "received_at", "kind", "step", "outcome_shown", "call", "late", "error_begins")
    list_filter = (Outcomes,)
    search_fields = ("call_id",)
    search_help_text = "A call's id, ours or the provider's."
    fields = (
        "application", "kind", "step", "outcome_shown", "call", "provider_call_id", "late", "signed_at", "received_at",
        "error_shown", "decision_shown", "content_type", "body_shown",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found = super().get_queryset(request)
        here = request.resolver_match.url_name if request.resolver_match else None
        is_list = here == "telephony_receivedevent_changelist"
        return found.defer("body", "decision") if is_list else found

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        of_call = Q(call_id__in=calls_meant(term))
        # Said twice because each half has an index of its own.
        return queryset.filter(of_call & Q(outcome="decided") | of_call & ~Q(outcome="decided")), False

    @admin.display(description="outcome")
    def outcome_shown(self, event: ReceivedEvent) -> SafeString:
        return format_html('<span class="state {}">{}</span>', event.outcome, event.get_outcome_display())

    @admin.display(description="call")
    def call(self, event: ReceivedEvent) -> SafeString | str:
        if event.call_id is None:
            return "–"
        # Not a foreign key: an event may be all we ever heard of a call.
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:telephony_call_change", args=[event.call_id]), event.call_id
        )

    @admin.display(description="error")
    def error_begins(self, event: ReceivedEvent) -> str:
        return event.error[:120]

    @admin.display(description="error")
    def error_shown(self, event: ReceivedEvent) -> SafeString | str:
        return format_html("<pre>{}</pre>", event.error) if event.error else "–"

    @admin.display(description="decision")
    def decision_shown(self, event: ReceivedEvent) -> SafeString | str:
        if event.decision is None:
            return "–"
        stored = json.dumps(event.decision, indent=2, ensure_ascii=False)
        return format_html("<p>{}</p><pre>{}</pre>", decision_word(event.decision).capitalize(), stored)

    @admin.display(description="body as received")
    def body_shown(self, event: ReceivedEvent) -> SafeString:
        text = readable(bytes(event.body))
        return format_html("<pre>{}</pre>", _ENTERED.sub(_hidden, text) if event.kind == "prompt" else text)


def _hidden(entered: re.Match[str]) -> str:
    return entered[1] + "•" * len(entered[2]) + entered[3]


def readable(body: bytes) -> str:
    """The bytes as text that cannot do harm: bounded, what is no UTF-8 replaced, control characters made visible."""
    text = body[:MOST_CHARACTERS].decode("utf-8", "replace")
    shown = "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)
    rest = len(body) - MOST_CHARACTERS
    return f"{shown}\n… and {rest} bytes more" if rest > 0 else shown
