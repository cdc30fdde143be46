"""The customer's own numbers: which are verified, and the two steps by which another one is."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from allauth.account.adapter import get_adapter
from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from accounts.models import Account
from accounts.numbers import display
from accounts.portal import customer_form
from telephony import verifications
from telephony.models import Verification
from telephony.verifications import NewVerification, VerificationRefused

MOST_OPEN_SHOWN = 10

METHODS = (
    (Verification.Method.SMS, "Text me a code"),
    (Verification.Method.CALLOUT, "Call me and speak a code"),
    (Verification.Method.FLASHCALL, "Call me for a moment: I type in the number that called"),
)


class NumberForm(forms.Form):
    """A number to be verified, and how. The rules are the use case's."""

    number = forms.CharField(
        max_length=64,
        label="Number",
        help_text="With + and country code. You must be able to answer it now.",
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )
    method = forms.ChoiceField(choices=METHODS, label="How", initial=Verification.Method.SMS)


class ProofForm(forms.Form):
    """What was received."""

    code = forms.CharField(max_length=64, widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}))


@customer_form
def numbers(request: HttpRequest, account: Account) -> HttpResponse:
    """The account's verified numbers, the verifications that wait for their proof, and a form for another one."""
    form = NumberForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            begun = verifications.start(_wanted(request, account, form), timezone.now())
        except VerificationRefused as refused:
            form.add_error("number" if refused.field == "number" else None, str(refused))
        else:
            return redirect("portal_number", begun.pk)
    oldest = timezone.now() - verifications.OPEN_FOR
    waiting = account.verifications.filter(status=Verification.Status.PENDING, created_at__gt=oldest)
    context = {
        "account": account,
        "numbers": account.caller_numbers.filter(verified_at__isnull=False).order_by("id"),
        "waiting": waiting.order_by("-created_at")[:MOST_OPEN_SHOWN],
        "form": form,
    }
    return render(request, "portal/numbers.html", context)


@customer_form
def number(request: HttpRequest, account: Account, id: UUID) -> HttpResponse:
    """One verification: hand in what was received, or see what became of it."""
    found = verifications.find(account, id)
    if found is None:
        raise Http404
    form = ProofForm(request.POST if request.method == "POST" else None)
    form.fields["code"].label = (
        "Number that called" if found.method == Verification.Method.FLASHCALL else "Code you received"
    )
    if request.method == "POST" and form.is_valid():
        try:
            verifications.report(found.pk, account, form.cleaned_data["code"], timezone.now())
        except VerificationRefused as refused:
            form.add_error("code", str(refused))
            found.refresh_from_db()
        else:
            messages.success(request, f"{display(found.number)} is verified.")
            return redirect("portal_numbers")
    is_open = found.status == Verification.Status.PENDING
    is_late = is_open and timezone.now() - found.created_at > verifications.OPEN_FOR
    context = {
        "account": account,
        "verification": found,
        "form": form,
        "asks": is_open and not is_late,
        "tries": verifications.MOST_REPORTS,
        "minutes": int(verifications.OPEN_FOR.total_seconds()) // 60,
    }
    return render(request, "portal/number.html", context)


def _wanted(request: HttpRequest, account: Account, form: NumberForm) -> NewVerification:
    given = form.cleaned_data
    return NewVerification(
        account_id=account.pk,
        number=given["number"],
        method=Verification.Method(given["method"]),
        # The same answer that sign-in gets: a proxy in front of us is believed only where one is configured.
        from_address=cast(str, get_adapter(request).get_client_ip(request)),
    )
