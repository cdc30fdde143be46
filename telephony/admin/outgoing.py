"""What texts, callouts and verifications show alike on the staff's site: how one is found, paid for and carried out."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.admin.large_tables import LargeTableAdmin
from billing.templatetags.money import money
from outbox.models import Row
from telephony.admin.recent import search_made


class OutgoingAdmin(LargeTableAdmin):
    """Newest first; found by id, by the account's name, and lately by what stands in one of `sought_in`."""

    keyset = ("created_at", "id")
    list_select_related = ("account",)
    search_fields = ("id",)
    sought_in: ClassVar[tuple[str, ...]]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (queryset.filter(search_made(term, *self.sought_in)) if term else queryset), False


class PricedAdmin(OutgoingAdmin):
    """Of what has a price of its own: `errand` carries it out, the provider's news begin with the word `told_as`."""

    errand: ClassVar[str]
    told_as: ClassVar[str]

    @admin.display(description="status")
    def status_shown(self, one: Any) -> SafeString:
        return format_html('<span class="state {}">{}</span>', one.status, one.get_status_display())

    @admin.display(description="price")
    def price_shown(self, one: Any) -> str:
        return money(one.price, one.currency)

    @admin.display(description="charged")
    def charge_shown(self, one: Any) -> str:
        return money(one.charge, one.currency)

    @admin.display(description="ours to bear")
    def loss_shown(self, one: Any) -> str:
        return money(one.loss, one.currency)

    @admin.display(description="posting")
    def paid(self, one: Any) -> SafeString | str:
        if one.posting_id is None:
            return "none"
        address = reverse("admin:billing_posting_change", args=[one.posting_id])
        return format_html('<a href="{}">#{}</a>', address, one.posting_id)

    @admin.display(description="outbox")
    def outbox(self, one: Any) -> str:
        row = Row.objects.filter(subject=one.pk, kind=self.errand).first()
        if row is None:
            return "none"
        looks = f", looked up {_times(row.looks)}" if row.looks else ""
        wrong = f": {row.error}" if row.error else ""
        return f"{row.get_state_display()}, begun {_times(row.attempts)}{looks}{wrong}"

    @admin.display(description="what the provider told")
    def told(self, one: Any) -> SafeString | str:
        if not one.provider_id:
            return "nothing yet"
        query = urlencode({"q": f"{self.told_as}:{one.provider_id}"})
        return format_html('<a href="{}?{}">Events</a>', reverse("admin:telephony_receivedevent_changelist"), query)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
