"""The customer's money, on the customer's pages."""

from __future__ import annotations

from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import Account
from accounts.portal import customer_page
from billing.models import Entry, Wallet

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
