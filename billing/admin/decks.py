"""Rate decks for staff: versions, their rates, what is in force, and loading a file."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from billing import rates
from billing.admin.forms import DeckFileForm
from billing.admin.large_tables import LargeTableAdmin, NamedChangeList
from billing.exceptions import BillingError
from billing.models import DeckVersion, Rate, RateDeck

MOST_VERSIONS = 30


@admin.register(RateDeck)
class RateDeckAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Decks and which version of each is in force. Rates come from files, never from a form."""

    list_display = ("name", "service", "currency", "is_default", "version_in_force", "rate_count")
    list_select_related = ("active_version",)
    list_filter = ("service", "currency")
    search_fields = ("name__istartswith",)
    ordering = ("name",)
    fields = ("name", "service", "currency", "is_default")
    actions = None
    change_form_template = "admin/billing/ratedeck/change_form.html"
    change_list_template = "admin/billing/ratedeck/change_list.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NamedChangeList

    def get_readonly_fields(self, request: HttpRequest, obj: RateDeck | None = None) -> tuple[str, ...]:
        return ("service", "currency") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: RateDeck | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("load/", wrap(self.load_view), name="billing_ratedeck_load"),
            path("<int:deck_id>/in-force/", wrap(self.in_force_view), name="billing_ratedeck_in_force"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        versions = DeckVersion.objects.filter(deck=self.get_object(request, object_id)).order_by("-number")[
            :MOST_VERSIONS
        ]
        context = {"versions": versions, "may_change": self.has_change_permission(request)}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def in_force_view(self, request: HttpRequest, deck_id: int) -> HttpResponse:
        """Put a version in force, or the one before it again."""
        deck = RateDeck.objects.filter(pk=deck_id).first()
        if deck is None or request.method != "POST":
            raise Http404
        if not self.has_change_permission(request, deck):
            raise PermissionDenied
        try:
            done = _put_in_force(deck, request.POST.get("version", ""))
        except BillingError as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, deck, done)
            messages.success(request, done)
        return HttpResponseRedirect(reverse("admin:billing_ratedeck_change", args=[deck.pk]))

    def load_view(self, request: HttpRequest) -> HttpResponse:
        """Load a file as a new version, which is not in force until somebody says so."""
        if not (self.has_add_permission(request) and self.has_change_permission(request)):
            raise PermissionDenied
        form = DeckFileForm(request.POST or None, request.FILES or None, initial=dict(request.GET.items()))
        report = None
        if request.method == "POST" and form.is_valid():
            try:
                report = _read(form)
            except (BillingError, ValidationError) as error:
                sentences = error.messages if isinstance(error, ValidationError) else [str(error)]
                form.add_error(None, sentences)
        if report is not None and report.version is not None:
            done = f"Loaded {report.rows_loaded} rates as {report.version}. It is not in force yet."
            self.log_change(request, report.version.deck, done)
            messages.success(request, done)
            return HttpResponseRedirect(reverse("admin:billing_ratedeck_change", args=[report.version.deck_id]))
        context = {
            **self.admin_site.each_context(request),
            "title": "Load rates",
            "opts": self.opts,
            "form": form,
            "report": report,
        }
        return TemplateResponse(request, "admin/billing/ratedeck/load.html", context)

    @admin.display(description="in force")
    def version_in_force(self, deck: RateDeck) -> str:
        return f"#{deck.active_version.number}" if deck.active_version else "none"

    @admin.display(description="rates")
    def rate_count(self, deck: RateDeck) -> int:
        return deck.active_version.rate_count if deck.active_version else 0


def _put_in_force(deck: RateDeck, number: str) -> str:
    if number == "before":
        return f"{rates.take_back(deck)} is in force again."
    version = rates.find_version(deck, int(number) if number.isdecimal() and len(number) < 10 else 0)
    rates.activate(version)
    return f"{version} is in force."


def _read(form: DeckFileForm) -> rates.LoadReport:
    given = form.cleaned_data
    if given["check_only"]:
        return rates.check_deck(given["file"].file, name=given["name"], service=given["service"])
    return rates.load_deck(
        given["file"].file,
        name=given["name"],
        currency=given["currency"],
        source=given["file"].name,
        service=given["service"],
    )


@admin.register(Rate)
class RateAdmin(LargeTableAdmin):
    """Prices. Without a chosen version those that are in force."""

    list_display = (
        "prefix", "destination", "price_per_minute", "price_each", "connection_fee", "first_increment",
        "next_increment", "effective_from", "version",
    )  # fmt: skip
    list_select_related = ("version__deck",)
    search_fields = ("prefix",)
    search_help_text = (
        "Digits that a prefix begins with, or a whole number with its plus: then every prefix that fits it."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found = super().get_queryset(request)
        is_list = request.resolver_match is not None and request.resolver_match.url_name == "billing_rate_changelist"
        if is_list and not any(name.startswith("version") for name in request.GET):
            return found.filter(version__deck__active_version=F("version"))
        return found

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        digits = "".join(filter(str.isdecimal, search_term))[:15]
        if not digits:
            return (queryset.none() if search_term.strip() else queryset), False
        if search_term.strip().startswith("+"):
            return queryset.filter(prefix__in=[digits[:length] for length in range(1, len(digits) + 1)]), False
        return queryset.filter(prefix__startswith=digits), False
