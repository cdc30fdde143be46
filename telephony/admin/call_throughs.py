"""What apps asked for before they dialled: why a call was connected somewhere, or was not."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import Account
from billing.admin.large_tables import LargeTableAdmin
from billing.admin.ledger import as_uuid
from telephony.admin.recent import SEARCHED, Recent
from telephony.models import Call, CallThrough
from telephony.templatetags.calls import number


class WishesRecent(Recent):
    field = "made_at"


@admin.register(CallThrough)
class CallThroughAdmin(LargeTableAdmin):
    """One line for each wish of an app, the newest first."""

    keyset: ClassVar = ("made_at", "id")
    list_display = ("made_at", "access_number", "to", "account", "client_user", "outcome")
    list_display_links = ("made_at", "to")
    list_select_related = ("account", "client_user", "access_number")
    list_filter = (WishesRecent,)
    search_fields = ("id",)
    search_help_text = "An id; an account's name; lately: a destination or a caller with its plus."
    fields = (
        "outcome", "account", "client_user", "access_number", "to", "from_numbers", "made_at", "expires_at",
        "claimed_at", "call", "replaced_at", "id",
    )  # fmt: skip

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        id, account = as_uuid(term), Account.objects.filter(name=term).first()
        lately = Q(made_at__gte=timezone.now() - SEARCHED)
        found = lately & (Q(destination=term) | Q(pk__in=_wished_from(term)))
        return queryset.filter(found | Q(pk__in=[id] if id else []) | Q(account=account, account__isnull=False)), False

    @admin.display(description="to")
    def to(self, wish: CallThrough) -> str:
        return number(wish.destination)

    @admin.display(description="from one of")
    def from_numbers(self, wish: CallThrough) -> str:
        return ", ".join(number(caller.caller) for caller in wish.callers.order_by("id"))

    @admin.display(description="call")
    def call(self, wish: CallThrough) -> SafeString | str:
        if wish.claimed_by is None or not Call.objects.filter(pk=wish.claimed_by).exists():
            return "–"
        address = reverse("admin:telephony_call_change", args=[wish.claimed_by])
        return format_html('<a href="{}">{}</a>', address, wish.claimed_by)

    @admin.display(description="what came of it")
    def outcome(self, wish: CallThrough) -> SafeString:
        style, words = _outcome(wish, timezone.now())
        return format_html('<span class="state {}">{}</span>', style, words)


def _outcome(wish: CallThrough, now: datetime) -> tuple[str, str]:
    if wish.claimed_at is not None:
        return "answered", "its call came"
    if wish.replaced_at is not None:
        return "ended", "replaced by a newer one"
    return ("authorised", "waits for its call") if wish.expires_at > now else ("refused", "no call came")


def _wished_from(caller: str) -> list[Any]:
    wishes = CallThrough.objects.filter(callers__caller=caller, made_at__gte=timezone.now() - SEARCHED)
    return list(wishes.order_by("-made_at").values_list("pk", flat=True)[:200])
