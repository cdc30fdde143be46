"""The customer's money, on the customer's pages."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.contrib import messages
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from accounts.models import Account
from accounts.portal import customer_form, customer_page
from billing.alerts import margin_of, remove_alert, set_alert
from billing.exceptions import BillingError
from billing.forms import AlertForm
from billing.models import Alert, Entry, Hold, Wallet
from billing.money import Money, NotMoney

MOVEMENTS_PER_PAGE = 50


def wallet_of(account: Account) -> Wallet | None:
    """The account's wallet as it is now, with `available`: what new calls may cost. None before one was opened."""
    available = F("balance") - F("held") + F("credit_limit")
    return Wallet.objects.filter(account=account).annotate(available=available).first()


@customer_page
def money(request: HttpRequest, account: Account) -> HttpResponse:
    """What came in and what went out, newest first."""
    wallet = wallet_of(account)
    entries = Entry.objects.filter(wallet=wallet, wallet__isnull=False).select_related("posting").order_by("-id")
    before = request.GET.get("before", "")
    if before.isascii() and before.isdecimal() and len(before) < 19:
        entries = entries.filter(id__lt=int(before))
    found = list(entries[: MOVEMENTS_PER_PAGE + 1])
    movements = found[:MOVEMENTS_PER_PAGE]
    _name_services(movements)
    return render(
        request,
        "billing/money.html",
        {
            "account": account,
            "wallet": wallet,
            "movements": movements,
            "older": movements[-1].pk if len(found) > len(movements) else None,
        },
    )


def _name_services(movements: Sequence[Entry]) -> None:
    """Give each entry the `service` it paid for, as the deck of its hold says; "" where nothing was held."""
    subjects = [entry.posting.subject for entry in movements if entry.posting.subject]
    holds = Hold.objects.filter(subject__in=subjects).values_list("subject", "rate__version__deck__service")
    services: dict[UUID | None, str] = dict(holds)
    for entry in movements:
        entry.service = services.get(entry.posting.subject, "")  # type: ignore[attr-defined]


@customer_form
def alerts(request: HttpRequest, account: Account) -> HttpResponse:
    """When the account is warned of a low balance, and how; a form for one more warning."""
    wallet = wallet_of(account)
    form = AlertForm(account, request.POST or None)
    if request.method == "POST" and wallet is not None and form.is_valid() and _saved(form, wallet, None):
        messages.success(request, "You will be warned.")
        return redirect("portal_alerts")
    found = Alert.objects.filter(wallet=wallet, wallet__isnull=False).order_by("-threshold")
    lines = [(alert, alert.threshold + margin_of(alert.threshold)) for alert in found]
    return render(request, "billing/alerts.html", {"account": account, "wallet": wallet, "form": form, "lines": lines})


@customer_form
def alert(request: HttpRequest, account: Account, alert_id: int) -> HttpResponse:
    """Change one warning, or remove it."""
    found = get_object_or_404(Alert.objects.select_related("wallet"), pk=alert_id, wallet__account=account)
    if request.method == "POST" and "remove" in request.POST:
        remove_alert(found)
        messages.success(request, "The warning was removed.")
        return redirect("portal_alerts")
    form = AlertForm(account, request.POST or None, initial=AlertForm.initial_of(found))
    if request.method == "POST" and form.is_valid() and _saved(form, found.wallet, found):
        messages.success(request, "The warning was changed.")
        return redirect("portal_alerts")
    return render(
        request, "billing/alert.html", {"account": account, "wallet": found.wallet, "form": form, "alert": found}
    )


def _saved(form: AlertForm, wallet: Wallet, replaces: Alert | None) -> bool:
    given = form.cleaned_data
    try:
        set_alert(
            wallet.account,
            Money.of(given["threshold"], wallet.currency),
            given["channels"],
            number=given["number"],
            email=given["email"],
            replaces=replaces,
        )
    except (BillingError, NotMoney) as refused:
        form.add_error(None, str(refused))
        return False
    return True
