"""The outbox on the staff's site: what waits, what nobody knows, what is dead, and what a person may do about it.

It is here and not in the outbox because the lists of large tables come from above it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.admin.large_tables import LargeTableAdmin
from billing.admin.ledger import as_uuid
from outbox import rows
from outbox.errands import repeatable_kinds
from outbox.models import Row
from outbox.performing import give_up
from postgres.work import in_one_transaction

MAY_DECIDE = "outbox.change_row"

CONDITIONS = {
    "troubled": ("Asks for a person", Q(state__in=["unknown", "dead"])),
    "unknown": ("Unknown", Q(state="unknown")),
    "dead": ("Dead", Q(state__in=["unknown", "dead"]) & Q(state="dead")),
    "waiting": ("Waiting", Q(state__in=["ready", "retry"])),
    "leased": ("On their way", Q(lease_until__isnull=False)),
}


class Conditions(admin.SimpleListFilter):
    """What an index holds; the finished rows are only looked through page by page."""

    title = "state"
    parameter_name = "rows"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(word, label) for word, (label, _) in CONDITIONS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        word = self.value()
        return queryset.filter(CONDITIONS[word][1]) if word in CONDITIONS else queryset


class Certain(forms.Form):
    """Of what may happen twice."""

    certain = forms.BooleanField(
        label="I looked at the other side: it was not done, or may be done twice",
        error_messages={"required": "Look at the other side first, then say so here."},
    )


@dataclass(frozen=True)
class Doing:
    """A page on which a person decides about one row. `do` is False when the row was not in that state any more."""

    button: str
    state: str
    question: str
    told: str
    do: Callable[[Row, str], bool]


def _again(row: Row, by: str) -> bool:
    return in_one_transaction(lambda: rows.begin_again(row.pk, timezone.now()))


DOINGS = {
    "again": Doing("Try again", "dead", "Do it once more?", "It will be tried again at once.", _again),
    "give-up": Doing(
        "Give up",
        "unknown",
        "Stop asking whether it was done?",
        "It is given up: nothing is charged for it and it is not done again.",
        lambda row, by: give_up(row.pk, f"given up by {by}"),
    ),
}


@admin.register(Row)
class RowAdmin(LargeTableAdmin):
    """Rows are changed by the relay and the workers; a person only decides about one that is dead or unknown."""

    list_display = ("id", "kind", "key", "state_shown", "attempts", "failures", "looks", "due_at", "error_begins")
    list_filter = (Conditions,)
    search_fields = ("key",)
    search_help_text = "A row's whole key, or the id of what it is about."
    fields = (
        "key", "kind", "subject", "payload", "state_shown", "attempts", "failures", "looks", "created_at", "due_at",
        "lease_until", "doubtful_since", "finished_at", "error",
    )  # fmt: skip
    readonly_fields = fields

    def get_urls(self) -> list[URLPattern]:
        page = path(
            "<int:row_id>/<str:word>/decide/", self.admin_site.admin_view(self.decide_view), name="outbox_row_decide"
        )
        return [page, *super().get_urls()]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        subject = as_uuid(term)
        return queryset.filter(subject=subject) if subject else queryset.filter(key=term), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        may = request.user.has_perm(MAY_DECIDE)
        doings = [(word, doing.button) for word, doing in DOINGS.items() if may and row and doing.state == row.state]
        return super().change_view(request, object_id, form_url, {"doings": doings, **(extra_context or {})})

    def decide_view(self, request: HttpRequest, row_id: int, word: str) -> HttpResponse:
        """Ask, then do it and say what was done."""
        if not self.has_view_permission(request) or not request.user.has_perm(MAY_DECIDE):
            raise PermissionDenied
        if word not in DOINGS:
            raise Http404
        row, doing = get_object_or_404(Row, pk=row_id), DOINGS[word]
        here = HttpResponseRedirect(reverse("admin:outbox_row_change", args=[row.pk]))
        if row.state != doing.state:
            messages.error(request, f"The row is {row.get_state_display()} now: there is nothing to decide.")
            return here
        is_risky = word == "again" and row.kind not in repeatable_kinds()
        form = (Certain if is_risky else forms.Form)(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            if doing.do(row, request.user.get_username()):
                self.log_change(request, row, doing.button)
                messages.success(request, doing.told)
            else:
                messages.error(request, "Somebody was faster: the row has another state now.")
            return here
        context = {
            **self.admin_site.each_context(request),
            "title": f"{doing.button}: {row.key}",
            "opts": self.opts,
            "row": row,
            "doing": doing,
            "is_risky": is_risky,
            "form": form,
        }
        return TemplateResponse(request, "admin/outbox/row/decide.html", context)

    @admin.display(description="state")
    def state_shown(self, row: Row) -> SafeString:
        return format_html('<span class="state {}">{}</span>', row.state, row.get_state_display())

    @admin.display(description="what was wrong last")
    def error_begins(self, row: Row) -> str:
        return row.error[:120]
