"""The ledger for staff: postings, entries, holds and seals, read-only, and what the house accounts sum to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.admin.large_tables import LargeTableAdmin
from billing.models import Entry, Hold, Posting, Seal
from billing.templatetags.money import money, signed


def as_uuid(text: str) -> UUID | None:
    """The id a person pasted, or None."""
    try:
        return UUID(text.strip())
    except ValueError:
        return None


class EntryInline(admin.TabularInline):  # type: ignore[type-arg]
    """The two or three lines of a posting."""

    model = Entry
    fields = ("wallet", "house", "amount_signed")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entry]:
        return super().get_queryset(request).select_related("wallet__account").order_by("id")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="amount")
    def amount_signed(self, entry: Entry) -> str:
        return signed(entry.amount, entry.currency)


@admin.register(Posting)
class PostingAdmin(LargeTableAdmin):
    """Entries that were written together."""

    list_display = ("id", "kind", "idempotency_key", "reason", "made_by", "created_at")
    fields = ("kind", "idempotency_key", "subject", "reverses", "reason", "made_by", "created_at")
    inlines: ClassVar = [EntryInline]
    search_fields = ("idempotency_key",)
    search_help_text = "The whole document key such as top_up:REF, the bare reference, or a call's id."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        keys = [term, *(f"{kind}:{term}" for kind in ("top_up", "correction", "reverses", "settles"))]
        return queryset.filter(idempotency_key__in=keys), False


@admin.register(Entry)
class EntryAdmin(LargeTableAdmin):
    """Every signed amount there is."""

    list_display = ("id", "place", "amount_signed", "kind", "document", "written_at")
    list_select_related = ("posting", "wallet__account")
    fields = ("posting", "wallet", "house", "amount_signed")
    readonly_fields = ("amount_signed",)
    search_fields = ("wallet__account__name",)
    search_help_text = "The whole name of an account."
    change_list_template = "admin/billing/entry/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        houses = path("house/", self.admin_site.admin_view(self.house_accounts), name="billing_entry_house")
        return [houses, *super().get_urls()]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (queryset.filter(wallet__account__name=term) if term else queryset), False

    def house_accounts(self, request: HttpRequest) -> TemplateResponse:
        """What the house accounts sum to: reads every house entry, so it is a page one asks for."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        sums = (
            Entry.objects.filter(house__isnull=False)
            .values("house", "currency")
            .annotate(total=Sum("amount"), lines=Count("id"))
            .order_by("currency", "house")
        )
        names = dict(Entry.House.choices)
        context = {
            **self.admin_site.each_context(request),
            "title": "House accounts",
            "opts": self.opts,
            "sums": [{**row, "name": names[row["house"] or ""]} for row in sums],
        }
        return TemplateResponse(request, "admin/billing/entry/house.html", context)

    @admin.display(description="of")
    def place(self, entry: Entry) -> str:
        return str(entry.wallet.account) if entry.wallet else f"house: {entry.get_house_display()}"

    @admin.display(description="amount")
    def amount_signed(self, entry: Entry) -> SafeString:
        direction = "in" if entry.amount > 0 else "out"
        return format_html('<span class="amount {}">{}</span>', direction, signed(entry.amount, entry.currency))

    @admin.display(description="kind")
    def kind(self, entry: Entry) -> str:
        return entry.posting.get_kind_display()

    @admin.display(description="document")
    def document(self, entry: Entry) -> str:
        return entry.posting.idempotency_key

    @admin.display(description="written at")
    def written_at(self, entry: Entry) -> Any:
        return entry.posting.created_at


class OpenHolds(admin.SimpleListFilter):
    """Only what is still held: the part an index knows."""

    title = "state"
    parameter_name = "holds"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Open")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=Hold.State.OPEN) if self.value() == "open" else queryset


@admin.register(Hold)
class HoldAdmin(LargeTableAdmin):
    """Money reserved for calls."""

    list_display = ("id", "account", "amount_held", "state", "opened_at", "expires_at", "resolved_at")
    list_select_related = ("wallet__account",)
    list_filter = (OpenHolds,)
    fields = ("wallet", "subject", "rate", "amount", "state", "opened_at", "expires_at", "resolved_at")
    search_fields = ("subject",)
    search_help_text = "A call's id, or the whole name of an account."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        subject = as_uuid(term)
        found = Q(subject=subject) if subject else Q(wallet__account__name=term)
        return queryset.filter(found), False

    @admin.display(description="account")
    def account(self, hold: Hold) -> str:
        return str(hold.wallet.account)

    @admin.display(description="amount")
    def amount_held(self, hold: Hold) -> str:
        return money(Decimal(hold.amount), hold.wallet.currency)


@admin.register(Seal)
class SealAdmin(LargeTableAdmin):
    """Days of the ledger, hashed and chained."""

    list_display = ("day", "posting_count", "last_posting", "hash", "sealed_at")
    fields = list_display
    readonly_fields = ("hash",)

    @admin.display(description="digest")
    def hash(self, seal: Seal) -> str:
        return bytes(seal.digest).hex()
