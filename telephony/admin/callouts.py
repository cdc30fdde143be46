"""Callouts and call lists on the staff's site: what became of each number, and the pages to have somebody called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Model, Prefetch, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from billing.admin.large_tables import ReadOnlyAdmin
from postgres.work import in_one_transaction
from telephony import call_lists, callouts
from telephony.admin.callout_forms import CallListForm, CalloutForm
from telephony.admin.outgoing import OutgoingAdmin
from telephony.admin.recent import Recent
from telephony.call_lists import CallListError, LoadReport
from telephony.callouts import CalloutRefused
from telephony.models import CDR, CallList, Callout
from telephony.templatetags.calls import number

MAY_PLACE = "telephony.add_callout"
MAY_CALL_OFF = "telephony.change_callout"
MAY_LOAD = "telephony.add_calllist"
MAY_MANAGE = "telephony.change_calllist"
MOST_SHOWN = 200


class CalloutsRecent(Recent):
    """Of a list everything is shown, as of an account."""

    field = "created_at"

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.is_narrow = self.is_narrow or any(name.startswith("call_list") for name in request.GET)


@admin.register(Callout)
class CalloutAdmin(OutgoingAdmin):
    """Everybody we were to call, and what became of it."""

    sought_in = ("destination", "reference")
    list_display = ("created_at", "to", "kind", "account", "state_shown", "result", "machine", "attempts", "detail")
    list_display_links = ("created_at", "to")
    list_filter = (CalloutsRecent, "state", "kind", "purpose")
    search_help_text = "A callout's id; an account's name; lately: a number with its plus, or a reference."
    change_list_template = "admin/telephony/callout/change_list.html"
    change_form_template = "admin/telephony/callout/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("account", "call_list", "menu_version__menu", "application")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("place/", wrap(self.place_view), name="telephony_callout_place"),
            path("<uuid:callout_id>/call-off/", wrap(self.call_off_view), name="telephony_callout_call_off"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"may_place": request.user.has_perm(MAY_PLACE), **(extra_context or {})}
        return super().changelist_view(request, context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        callout = self.get_object(request, object_id)
        newest = Prefetch("cdrs", CDR.objects.order_by("-revision"))
        calls = callout.calls.prefetch_related(newest).order_by("begun_at") if callout else []
        context = {"calls": calls, "may_call_off": request.user.has_perm(MAY_CALL_OFF), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def place_view(self, request: HttpRequest) -> HttpResponse:
        """Have somebody called."""
        if not request.user.has_perm(MAY_PLACE):
            raise PermissionDenied
        form = CalloutForm(request.POST if request.method == "POST" else None, initial=dict(request.GET.items()))
        if request.method == "POST" and form.is_valid():
            try:
                return self._placed(request, callouts.place(form.callout(_name(request))))
            except CalloutRefused as refused:
                form.add_refusal(refused)
        context = {**self.admin_site.each_context(request), "title": "Call somebody", "opts": self.opts, "form": form}
        return TemplateResponse(request, "admin/telephony/callout/place.html", context)

    def call_off_view(self, request: HttpRequest, callout_id: Any) -> HttpResponse:
        """Call off a callout that waits."""
        if request.method != "POST":
            raise Http404
        if not request.user.has_perm(MAY_CALL_OFF):
            raise PermissionDenied
        callout = get_object_or_404(Callout, pk=callout_id)
        try:
            in_one_transaction(lambda: callouts.cancel(callout.pk, timezone.now()))
        except CalloutRefused as refused:
            messages.error(request, str(refused))
        else:
            _log(request, callout, CHANGE, "Called off.")
            messages.success(request, "It was called off.")
        return HttpResponseRedirect(reverse("admin:telephony_callout_change", args=[callout.pk]))

    def _placed(self, request: HttpRequest, callout: Callout) -> HttpResponse:
        _log(request, callout, ADDITION, "Placed by hand.")
        if callout.state == Callout.State.FAILED:
            messages.error(request, f"It was not begun. {callout.detail}")
        else:
            messages.success(request, "It is being called." if callout.attempts else "It waits until it is due.")
        return HttpResponseRedirect(reverse("admin:telephony_callout_change", args=[callout.pk]))

    @admin.display(description="to")
    def to(self, callout: Callout) -> str:
        return number(callout.destination)

    @admin.display(description="state")
    def state_shown(self, callout: Callout) -> SafeString:
        return format_html('<span class="state {}">{}</span>', callout.state, callout.get_state_display())


@dataclass(frozen=True, kw_only=True)
class Doing:
    """Something staff may do with a list: its button, the states it fits, and the use case."""

    button: str
    fits: tuple[str, ...]
    do: Callable[[CallList, str], None]
    done: str


DOINGS: Mapping[str, Doing] = {
    "pause": Doing(
        button="Pause",
        fits=("running",),
        do=lambda one, by: call_lists.pause(one.pk, by),
        done="Paused. Calls that run go on.",
    ),
    "resume": Doing(
        button="Resume",
        fits=("paused", "stopped"),
        do=lambda one, _: call_lists.resume(one.pk),
        done="It goes on within seconds.",
    ),
    "stop": Doing(
        button="Stop for good",
        fits=("running", "paused", "stopped"),
        do=lambda one, by: call_lists.stop(one.pk, by, timezone.now()),
        done="Stopped. Whoever still waited was called off.",
    ),
}


@admin.register(CallList)
class CallListAdmin(ReadOnlyAdmin):
    """Lists of numbers, how far each has come, and the page that loads one."""

    list_display = ("name", "account", "state_shown", "progress", "at_once", "per_minute", "created_at", "made_by")
    list_select_related = ("account",)
    list_filter = ("state",)
    search_fields = ("name__istartswith", "account__name__istartswith")
    ordering = ("-id",)
    list_per_page = 20
    actions = None
    change_list_template = "admin/telephony/calllist/change_list.html"
    change_form_template = "admin/telephony/calllist/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        over = Q(callouts__state__in=["done", "failed", "cancelled"])
        return super().get_queryset(request).annotate(all=Count("callouts"), over=Count("callouts", filter=over))

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("load/", wrap(self.load_view), name="telephony_calllist_load"),
            path("<int:list_id>/do/<str:word>/", wrap(self.doing_view), name="telephony_calllist_doing"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"may_load": request.user.has_perm(MAY_LOAD), **(extra_context or {})}
        return super().changelist_view(request, context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        one = self.get_object(request, object_id)
        context = {**_seen(one), **(extra_context or {})} if one else {}
        if not request.user.has_perm(MAY_MANAGE):
            context["doings"] = []
        return super().change_view(request, object_id, form_url, context)

    def load_view(self, request: HttpRequest) -> HttpResponse:
        """Load a file as a new list, which begins to be called at once."""
        if not request.user.has_perm(MAY_LOAD):
            raise PermissionDenied
        form = CallListForm(request.POST or None, request.FILES or None, initial=dict(request.GET.items()))
        report: LoadReport | None = None
        if request.method == "POST" and form.is_valid():
            try:
                report = call_lists.load(form.cleaned_data["file"].file, form.call_list(_name(request)))
            except CalloutRefused as refused:
                form.add_refusal(refused)
            except CallListError as error:
                form.add_error(None, str(error))
        if report is not None and report.call_list_id is not None:
            one = CallList.objects.get(pk=report.call_list_id)
            _log(request, one, ADDITION, f"Loaded {report.rows_read} numbers.")
            messages.success(request, f"{report.rows_read} numbers are on the list, and are being called.")
            return HttpResponseRedirect(reverse("admin:telephony_calllist_change", args=[one.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": "Load a call list",
            "opts": self.opts,
            "form": form,
            "report": report,
        }
        return TemplateResponse(request, "admin/telephony/calllist/load.html", context)

    def doing_view(self, request: HttpRequest, list_id: int, word: str) -> HttpResponse:
        """Pause, resume or stop a list."""
        if request.method != "POST" or word not in DOINGS:
            raise Http404
        if not request.user.has_perm(MAY_MANAGE):
            raise PermissionDenied
        one = get_object_or_404(CallList, pk=list_id)
        try:
            DOINGS[word].do(one, _name(request))
        except CallListError as error:
            messages.error(request, str(error))
        else:
            _log(request, one, CHANGE, DOINGS[word].done)
            messages.success(request, DOINGS[word].done)
        return HttpResponseRedirect(reverse("admin:telephony_calllist_change", args=[one.pk]))

    @admin.display(description="state")
    def state_shown(self, one: CallList) -> SafeString:
        return format_html('<span class="state {}">{}</span>', one.state, one.get_state_display())

    @admin.display(description="progress")
    def progress(self, one: Any) -> str:
        return f"{one.over:,} of {one.all:,}"


def _seen(one: Any) -> dict[str, Any]:
    """A list as its page shows it: how far it is, how many are in which state, and what became of every number."""
    counts = dict(one.callouts.values_list("state").annotate(count=Count("pk")))
    waiting = counts.get(Callout.State.WAITING, 0)
    percent = 100 * one.over // one.all if one.all else 100
    fits = {word: doing for word, doing in DOINGS.items() if one.state in doing.fits}
    if not waiting:
        fits.pop("resume", None)
    query = urlencode({"call_list__id__exact": one.pk})
    return {
        "percent": percent,
        "counts": [(state, label, counts[state]) for state, label in Callout.State.choices if state in counts],
        "numbers": one.callouts.order_by("due_at", "id")[:MOST_SHOWN],
        "doings": [(word, doing.button) for word, doing in fits.items()],
        "all_numbers": f"{reverse('admin:telephony_callout_changelist')}?{query}",
    }


def _name(request: HttpRequest) -> str:
    """Who is at the desk."""
    assert isinstance(request.user, User)  # noqa: S101 - the site lets nobody else in
    return request.user.email


def _log(request: HttpRequest, about: Model, flag: int, message: str) -> None:
    assert isinstance(request.user, User)  # noqa: S101 - the site lets nobody else in
    LogEntry.objects.log_actions(request.user.pk, [about], flag, message, single_object=True)
