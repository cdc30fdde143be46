"""Webhooks on the staff's site: every endpoint, what it was told and how it answered, and telling it again.

A secret is shown on the page that made it and nowhere else.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from webhooks import endpoints
from webhooks.endpoints import EndpointRefused
from webhooks.forms import StaffEndpointForm
from webhooks.history import line_of, page_of
from webhooks.models import Delivery, Endpoint
from webhooks.telling import replay


class HowItIs(admin.SimpleListFilter):
    """Which endpoints somebody should look at."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("well", "well"), ("failing", "failing"), ("off", "switched off")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> QuerySet[Endpoint]:
        match self.value():
            case "well":
                return queryset.filter(enabled=True, failing_since__isnull=True)
            case "failing":
                return queryset.filter(enabled=True, failing_since__isnull=False)
            case "off":
                return queryset.filter(enabled=False)
        return queryset


@admin.register(Endpoint)
class EndpointAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Customers' endpoints and the operator's own."""

    list_display = ("url", "account", "form", "told_of", "how_it_is")
    list_select_related = ("account",)
    list_filter = (HowItIs, "form")
    search_fields = ("url__icontains", "account__name__istartswith")
    search_help_text = "A part of an address, or the beginning of an account's name."
    show_full_result_count = False
    ordering = ("-pk",)
    actions = ("switch_on", "switch_off")
    fields = (
        "url", "account", "form", "told_of", "how_it_is", "failing_since", "switched_off_at", "previous_until",
        "created_at",
    )  # fmt: skip
    change_form_template = "admin/webhooks/endpoint/change_form.html"

    def get_readonly_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> tuple[str, ...]:
        return self.fields  # what changes it are the use cases

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:endpoint_id>/rotate/", wrap(self.rotate_view), name="webhooks_endpoint_rotate"),
            path("<int:endpoint_id>/replay/", wrap(self.replay_view), name="webhooks_endpoint_replay"),
            path("deliveries/<uuid:delivery_id>/", wrap(self.delivery_view), name="webhooks_endpoint_delivery"),
            *super().get_urls(),
        ]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A new endpoint; the answer is the one page that shows its secret."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = StaffEndpointForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            made = form.save(form.cleaned_data["account"])
            if made is not None:
                self.log_addition(request, made, "Added.")
                return self._secret_page(request, made, made.secret)
        return self._page(request, "add", title="Add webhook", form=form)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        endpoint = self.get_object(request, object_id)
        context = {
            "show_save": False,
            "show_save_and_continue": False,
            "show_save_and_add_another": False,
            "history": page_of(endpoint, request.GET.get("before", "")) if endpoint else None,
            "secret_mark": endpoints.secret_mark(endpoint) if endpoint else "",
            "may_change": self.has_change_permission(request, endpoint),
        }
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def rotate_view(self, request: HttpRequest, endpoint_id: int) -> HttpResponse:
        """A new secret, shown once."""
        endpoint = self._to_change(request, endpoint_id)
        try:
            secret = endpoints.rotate(endpoint, seen=request.POST.get("seen", ""), now=timezone.now())
        except EndpointRefused as refused:
            messages.error(request, str(refused))
            return self._back_to(endpoint)
        self.log_change(request, endpoint, "Made a new secret.")
        endpoint.refresh_from_db()
        return self._secret_page(request, endpoint, secret)

    def replay_view(self, request: HttpRequest, endpoint_id: int) -> HttpResponse:
        """Tell the chosen deliveries again, each as a new one."""
        endpoint = self._to_change(request, endpoint_id)
        chosen = [id for text in request.POST.getlist("delivery") if (id := _as_uuid(text)) is not None]
        old = list(endpoint.deliveries.filter(pk__in=chosen).order_by("number").values_list("pk", flat=True))
        again = [new for id in old if (new := replay(id)) is not None]
        if again:
            self.log_change(request, endpoint, f"Told {len(again)} again.")
            messages.success(request, f"{len(again)} on their way again.")
        else:
            messages.error(request, "Nothing was chosen, or the webhook is switched off: switch it on first.")
        return self._back_to(endpoint)

    def delivery_view(self, request: HttpRequest, delivery_id: UUID) -> HttpResponse:
        """One delivery: its data and every attempt."""
        delivery = get_object_or_404(Delivery.objects.select_related("endpoint__account"), pk=delivery_id)
        if not self.has_view_permission(request, delivery.endpoint):
            raise PermissionDenied
        may_change = self.has_change_permission(request, delivery.endpoint)
        return self._page(request, "delivery", title=str(delivery), line=line_of(delivery), may_change=may_change)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """What goes with them is counted: Django would read and list every delivery there ever was."""
        told = Delivery.objects.filter(endpoint__in=objs).count()
        lacking = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        return [str(each) for each in objs], {"endpoints": len(objs), "deliveries": told}, lacking, []

    def delete_model(self, request: HttpRequest, obj: Endpoint) -> None:
        endpoints.remove(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        for endpoint in queryset:
            endpoints.remove(endpoint)

    @admin.action(description="Switch on: tell them again", permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        for endpoint in queryset:
            endpoints.switch_on(endpoint)
            self.log_change(request, endpoint, "Switched on.")
        messages.success(request, "They are told again from now on.")

    @admin.action(description="Switch off: tell them nothing more", permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        for endpoint in queryset:
            endpoints.switch_off(endpoint)
            self.log_change(request, endpoint, "Switched off.")
        messages.success(request, "They are told nothing more.")

    @admin.display(description="told when")
    def told_of(self, endpoint: Endpoint) -> str:
        return "; ".join(endpoint.event_names)

    @admin.display(description="now")
    def how_it_is(self, endpoint: Endpoint) -> str:
        if not endpoint.enabled:
            return "switched off"
        return "failing" if endpoint.failing_since else "well"

    def _to_change(self, request: HttpRequest, endpoint_id: int) -> Endpoint:
        endpoint = Endpoint.objects.filter(pk=endpoint_id).first()
        if endpoint is None or request.method != "POST":
            raise Http404
        if not self.has_change_permission(request, endpoint):
            raise PermissionDenied
        return endpoint

    def _secret_page(self, request: HttpRequest, endpoint: Endpoint, secret: str) -> HttpResponse:
        return self._page(request, "secret", title="The secret", endpoint=endpoint, secret=secret)

    def _page(self, request: HttpRequest, name: str, **context: Any) -> HttpResponse:
        everywhere = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, f"admin/webhooks/endpoint/{name}.html", {**everywhere, **context})

    def _back_to(self, endpoint: Endpoint) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:webhooks_endpoint_change", args=[endpoint.pk]))


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
