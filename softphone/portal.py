"""The apps of a customer's people, on the customer's pages. Everything shown is reached through their own account."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from accounts.models import Account
from accounts.portal import customer_form, customer_page
from softphone import lines
from softphone.forms import CallbackNumberForm
from softphone.lines import LineRefused
from softphone.models import Line


@customer_page
def apps(request: HttpRequest, account: Account) -> HttpResponse:
    """The lines of the account's people."""
    found = lines.lines().filter(client_user__account=account).order_by("client_user__name")
    return render(request, "softphone/apps.html", {"account": account, "lines": found})


@customer_form
def app(request: HttpRequest, account: Account, line_id: int) -> HttpResponse:
    """One line: how it is set up, where it is called back, new secrets, an end to it."""
    line = get_object_or_404(lines.lines(), pk=line_id, client_user__account=account)
    if request.method == "POST":
        return _changed(request, account, line)
    return _page(request, account, line, CallbackNumberForm(line))


def _changed(request: HttpRequest, account: Account, line: Line) -> HttpResponse:
    match request.POST.get("do"):
        case "callback":
            return _called_back(request, account, line)
        # What was revoked may have been revoked by staff, who alone restore it.
        case "rotate" if line.revoked_at is None:
            try:
                renewed = lines.rotate(line, seen=request.POST.get("seen", ""))
            except LineRefused as refused:
                messages.error(request, str(refused))
            else:
                return render(request, "softphone/secrets.html", {"account": account, "line": renewed})
        case "revoke":
            lines.revoke(line)
            messages.success(request, f"The app of {line} has no access any more.")
    return redirect("portal_app", line.pk)


def _called_back(request: HttpRequest, account: Account, line: Line) -> HttpResponse:
    form = CallbackNumberForm(line, request.POST)
    if form.is_valid():
        try:
            lines.point(line, callback_number=form.cleaned_data["callback_number"], access_number=line.access_number)
        except LineRefused as refused:
            form.add_error(refused.field, str(refused))
        else:
            messages.success(request, "Saved.")
            return redirect("portal_app", line.pk)
    return _page(request, account, line, form)


def _page(request: HttpRequest, account: Account, line: Line, form: CallbackNumberForm) -> HttpResponse:
    context = {"account": account, "line": line, "form": form, "mark": lines.mark(line)}
    return render(request, "softphone/app.html", context)
