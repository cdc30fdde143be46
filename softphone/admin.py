"""Apps and lines on the staff's site. A line's secrets are on the page that made them and nowhere else."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts.models import Account
from softphone import configuring, lines
from softphone.forms import LineForm, NewLineForm, SoftphoneForm
from softphone.lines import LineRefused
from softphone.models import Line, Softphone


@admin.register(Softphone)
class SoftphoneAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Apps, as their operators configured them."""

    form = SoftphoneForm
    list_display = ("title", "name", "is_default", "proved_by", "dial_form", "language")
    search_fields = ("name__istartswith", "title__istartswith")
    ordering = ("name",)
    actions = None
    fieldsets: ClassVar = (
        (None, {"fields": ("name", "title", "is_default")}),
        (
            "What it asks and is answered",
            {"fields": ("language", "reply_format", "parameter_names", "proofs", "salted_order")},
        ),
        ("Calls", {"fields": ("dial_form", "dial_template", "callback_order")}),
        (
            "Balance, rates, messages",
            {"fields": ("balance_interval_seconds", "least_rate_digits", "has_legacy_messages")},
        ),
        ("Where it registers", {"fields": ("sip_host", "sip_transport")}),
    )

    def save_model(self, request: HttpRequest, obj: Softphone, form: Any, change: bool) -> None:
        configuring.save(obj)

    @admin.display(description="proved by")
    def proved_by(self, softphone: Softphone) -> str:
        return ", ".join(softphone.proofs)


class HowItIs(admin.SimpleListFilter):
    """Which lines prove anything."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("on", "in use"), ("revoked", "revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Line]) -> QuerySet[Line]:
        if self.value() in ("on", "revoked"):
            return queryset.filter(revoked_at__isnull=self.value() == "on")
        return queryset


@admin.register(Line)
class LineAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Lines: given, renewed, revoked."""

    list_display = ("client_user", "account", "softphone", "how_it_is", "callback_number", "made_at")
    list_select_related = ("client_user__account", "softphone", "callback_number")
    list_filter = (HowItIs, "softphone")
    search_fields = ("client_user__name__istartswith", "client_user__account__name__istartswith")
    search_help_text = "The beginning of a user's or of an account's name."
    show_full_result_count = False
    ordering = ("-pk",)
    actions = None

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:line_id>/rotate/", wrap(self.rotate_view), name="softphone_line_rotate"),
            path("<int:line_id>/revoke/", wrap(self.revoke_view), name="softphone_line_revoke"),
            *super().get_urls(),
        ]

    def has_delete_permission(self, request: HttpRequest, obj: Line | None = None) -> bool:
        return False  # a line is revoked, so that it can be seen that there was one

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A new line; the answer is the one page that shows its secrets."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = NewLineForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and (given := form.save()) is not None:
            self.log_addition(request, given, "Given.")
            return self._secrets_page(request, given)
        return self._page(request, "add", title="Give a line", form=form)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """How the line dials and where it is called back."""
        line = lines.lines().filter(pk=object_id).first() if object_id.isascii() and object_id.isdecimal() else None
        if line is None:
            return cast(HttpResponse, self._get_obj_does_not_exist_redirect(request, self.opts, object_id))  # type: ignore[attr-defined]
        if not self.has_view_or_change_permission(request, line):
            raise PermissionDenied
        context = {"title": str(line), "line": line, "installations": line.push_tokens.count()}
        if not self.has_change_permission(request, line):
            if request.method == "POST":
                raise PermissionDenied
            return self._page(request, "view", **context)
        form = LineForm(line, request.POST or None)
        if request.method == "POST" and form.is_valid() and form.save() is not None:
            self.log_change(request, line, "Changed how it dials.")
            messages.success(request, "The line was changed.")
            return self._back_to(line)
        return self._page(request, "change", form=form, may_change=True, **context)

    def rotate_view(self, request: HttpRequest, line_id: int) -> HttpResponse:
        """New secrets, shown once; asked about first."""
        line = self._to_change(request, line_id)
        if request.method != "POST":
            return self._page(request, "confirm", title="New secrets", line=line, mark=lines.mark(line), does="rotate")
        try:
            renewed = lines.rotate(line, seen=request.POST.get("seen", ""))
        except LineRefused as refused:
            messages.error(request, str(refused))
            return self._back_to(line)
        self.log_change(request, line, "Restored with new secrets." if line.revoked_at else "Made new secrets.")
        return self._secrets_page(request, renewed)

    def revoke_view(self, request: HttpRequest, line_id: int) -> HttpResponse:
        """What was handed out proves nothing any more; asked about first."""
        line = self._to_change(request, line_id)
        if request.method != "POST":
            return self._page(request, "confirm", title="Revoke", line=line, does="revoke")
        lines.revoke(line)
        self.log_change(request, line, "Revoked.")
        messages.success(request, f"The line of {line} is revoked.")
        return self._back_to(line)

    @admin.display(description="account")
    def account(self, line: Line) -> Account:
        return line.client_user.account

    @admin.display(description="now")
    def how_it_is(self, line: Line) -> str:
        return "revoked" if line.revoked_at else "in use"

    def _to_change(self, request: HttpRequest, line_id: int) -> Line:
        line = lines.lines().filter(pk=line_id).first()
        if line is None:
            raise Http404
        if not self.has_change_permission(request, line):
            raise PermissionDenied
        return line

    def _secrets_page(self, request: HttpRequest, line: Line) -> HttpResponse:
        return self._page(request, "secrets", title="The line's secrets", line=line)

    def _page(self, request: HttpRequest, name: str, **context: Any) -> HttpResponse:
        everywhere = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, f"admin/softphone/line/{name}.html", {**everywhere, **context})

    def _back_to(self, line: Line) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:softphone_line_change", args=[line.pk]))
