"""The customer's calling card: its number and PIN, which numbers to dial, and which telephones need no PIN."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts import registration
from accounts.exceptions import PinUnusable
from accounts.models import Account, CallerNumber
from accounts.numbers import display
from accounts.pins import LONGEST_PIN, SHORTEST_PIN
from accounts.portal import customer_form
from telephony.models import AccessNumber

# A PIN that everybody tries first is no PIN. Staff may still set one, for a test.
EASY_PINS = frozenset({"1212", "2580", "1122", "1313", "6969"})


class PinForm(forms.Form):
    """A PIN of one's own choice, twice."""

    pin = forms.CharField(
        max_length=LONGEST_PIN,
        label="New PIN",
        help_text=f"{SHORTEST_PIN} to {LONGEST_PIN} digits that nobody guesses; six or more are better.",
        widget=forms.PasswordInput(attrs={"inputmode": "numeric", "autocomplete": "new-password"}),
    )
    again = forms.CharField(
        max_length=LONGEST_PIN,
        label="The same again",
        widget=forms.PasswordInput(attrs={"inputmode": "numeric", "autocomplete": "new-password"}),
    )

    def clean_pin(self) -> str:
        pin: str = self.cleaned_data["pin"]
        if _is_easy(pin):
            raise forms.ValidationError("Everybody tries this one first: choose another.")
        return pin

    def clean(self) -> None:
        if "pin" in self.cleaned_data and self.cleaned_data["pin"] != self.cleaned_data.get("again"):
            self.add_error("again", "The two are different.")


@customer_form
def card(request: HttpRequest, account: Account) -> HttpResponse:
    """What the card is called by, where to call, and a form for its PIN."""
    form = PinForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            registration.set_pin(account, form.cleaned_data["pin"])
        except PinUnusable as unusable:
            form.add_error("pin", str(unusable))
        else:
            registration.give_card_number(account)
            messages.success(request, "Your PIN is set.")
            return redirect("portal_card")
    context = {
        "account": account,
        "numbers": account.caller_numbers.filter(verified_at__isnull=False).order_by("id"),
        "access_numbers": _answering_cards(),
        "form": form,
    }
    return render(request, "portal/card.html", context)


@customer_form
def trust(request: HttpRequest, account: Account, number_id: int) -> HttpResponse:
    """Let calls from one of the account's telephones through without the PIN, or no more."""
    number = CallerNumber.objects.filter(pk=number_id, account=account, verified_at__isnull=False).first()
    wish = request.POST.get("needs_pin")
    if request.method != "POST" or number is None or wish not in ("yes", "no"):
        raise Http404
    registration.trust_number(number, needs_pin=wish == "yes")
    how = "asks for the PIN" if number.needs_pin else "needs no PIN"
    messages.success(request, f"A call from {display(number.number)} {how} now.")
    return redirect("portal_card")


def _answering_cards() -> QuerySet[AccessNumber]:
    leads = AccessNumber.Leads.CALLING_CARD
    return AccessNumber.objects.filter(enabled=True, application__enabled=True, leads=leads).order_by("number")[:20]


def _is_easy(pin: str) -> bool:
    """The same digit throughout, digits in a row, or one of the well-known ones."""
    rows = "01234567890123456789"
    return len(set(pin)) < 2 or pin in rows or pin in rows[::-1] or pin in EASY_PINS
