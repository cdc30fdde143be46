"""The calls that run now, for staff, and the page on which one is hung up, parked or unparked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from accounts.models import Account, User
from billing.admin.large_tables import LargeTableAdmin
from telephony import live
from telephony.live import GOODBYE, LONGEST_PLEASE_HOLD, LONGEST_SPOKEN, PLEASE_HOLD, LiveCall, LiveCallError, Verb
from telephony.menus import LOCALE
from telephony.models import Call

MAY_MANAGE = "telephony.change_call"
MOST_ACCOUNTS = 200
VOICES = ((LOCALE, "English (American)"), ("en-GB", "English (British)"), ("es-ES", "Spanish"))
WIDE = forms.TextInput(attrs={"size": 60})


class NothingToSay(forms.Form):
    """Only a confirmation."""


class SpokenForm(forms.Form):
    """What the caller hears, and in which voice."""

    field_order = ("say", "locale")
    locale = forms.ChoiceField(choices=VOICES, initial=LOCALE, label="Voice")


class HangUpForm(SpokenForm):
    """The last sentence of a call."""

    say = forms.CharField(
        max_length=LONGEST_SPOKEN,
        required=False,
        initial=GOODBYE,
        widget=WIDE,
        label="The caller hears",
        help_text="Why the call ends. Empty: the call ends without a word.",
    )


class ParkForm(SpokenForm):
    """What is heard again and again."""

    say = forms.CharField(
        max_length=LONGEST_PLEASE_HOLD,
        initial=PLEASE_HOLD,
        widget=WIDE,
        label="The caller hears",
        help_text="Again and again until the call is unparked, or ends.",
    )


@dataclass(frozen=True)
class Command:
    """A page on which staff manage one call: its words, its form and the use case, which says what it did."""

    button: str
    warning: str
    form: type[forms.Form]
    do: Callable[[UUID, dict[str, Any], User], str]


COMMANDS = {
    Verb.HANG_UP: Command(
        "Hang up",
        "Both sides are cut off. What was talked is charged as always.",
        HangUpForm,
        lambda call_id, given, by: live.hang_up(call_id, given["say"], given["locale"], by),
    ),
    Verb.PARK: Command(
        "Park",
        "The caller waits, at most ten minutes, and the time goes on counting. The other side is let go.",
        ParkForm,
        lambda call_id, given, by: live.park(call_id, given["say"], given["locale"], by),
    ),
    Verb.UNPARK: Command(
        "Unpark",
        "The number is dialled again, for the time that is left. Ringing counts.",
        NothingToSay,
        lambda call_id, given, by: live.unpark(call_id, by),
    ),
}


class LivePages(LargeTableAdmin):
    """What runs now. A call's row stays read-only for everybody: MAY_MANAGE is the right to talk to the provider."""

    def get_urls(self) -> list[URLPattern]:
        pages = [
            path("live/", self.admin_site.admin_view(self.live_view), name="telephony_call_live"),
            path(
                "<uuid:call_id>/live/<str:word>/",
                self.admin_site.admin_view(self.command_view),
                name="telephony_call_command",
            ),
        ]
        return [*pages, *super().get_urls()]

    def live_view(self, request: HttpRequest) -> HttpResponse:
        """The running calls; with `part=table` only what changes from one look to the next."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        account = _account_meant(request)
        context = {
            **self.admin_site.each_context(request),
            "title": "Running calls",
            "opts": self.opts,
            "lines": [(line, commands_of(line)) for line in live.running(timezone.now(), account)],
            "totals": live.totals(account),
            "account": account,
            "may_manage": request.user.has_perm(MAY_MANAGE),
            "now": timezone.now(),
        }
        if request.GET.get("part") == "table":
            return TemplateResponse(request, "admin/telephony/call/live_table.html", context)
        calling = Account.objects.filter(calls__ended_at__isnull=True).distinct().order_by("name")
        context["accounts"] = calling[:MOST_ACCOUNTS]
        return TemplateResponse(request, "admin/telephony/call/live.html", context)

    def command_view(self, request: HttpRequest, call_id: UUID, word: str) -> HttpResponse:
        """Ask what to say, then tell the provider and say what was done."""
        if not self.has_view_permission(request) or not request.user.has_perm(MAY_MANAGE):
            raise PermissionDenied
        if word not in list(Verb):
            raise Http404
        verb = Verb(word)
        command = COMMANDS[verb]
        call = get_object_or_404(Call, pk=call_id)
        form = command.form(request.POST if request.method == "POST" else None)
        try:
            live.find(call_id, verb)
            if request.method == "POST" and form.is_valid():
                messages.success(request, command.do(call_id, form.cleaned_data, _person(request)))
                return HttpResponseRedirect(reverse("admin:telephony_call_live"))
        except (live.CallNotRunning, live.CallNotManageable) as impossible:
            messages.error(request, str(impossible))
            return HttpResponseRedirect(reverse("admin:telephony_call_change", args=[call_id]))
        except LiveCallError as error:
            form.add_error(None, str(error))
        context = {
            **self.admin_site.each_context(request),
            "title": f"{command.button}: {call}",
            "opts": self.opts,
            "call": call,
            "line": live.look_at(call_id, timezone.now()),
            "command": command,
            "form": form,
        }
        return TemplateResponse(request, "admin/telephony/call/command.html", context)


def commands_of(line: LiveCall) -> list[tuple[Verb, str]]:
    """What may be done to a running call: the word in the address and the word on the button."""
    return [(verb, COMMANDS[verb].button) for verb in line.verbs]


def _account_meant(request: HttpRequest) -> Account | None:
    text = request.GET.get("account", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise Http404
    return get_object_or_404(Account, pk=int(text))


def _person(request: HttpRequest) -> User:
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - the site lets nobody else in
    return user
