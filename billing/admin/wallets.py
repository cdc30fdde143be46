"""Wallets for staff: what is there, what is held, and the pages on which money is put right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from billing import topups, wallets
from billing.admin.alerts import AlertInline
from billing.admin.forms import AdjustForm, CreditLimitForm, TopUpForm, WalletForm
from billing.admin.large_tables import NamedChangeList
from billing.exceptions import BillingError
from billing.models import Entry, Hold, Wallet
from billing.money import Money, NotMoney
from billing.templatetags.money import money

LATEST = 15
MOST_HOLDS = 50


@dataclass(frozen=True)
class MoneyPage:
    """A page on which staff move money: its words, its form and the use case behind it, which says what it did."""

    title: str
    button: str
    form: type[forms.Form]
    do: Callable[[Wallet, dict[str, Any], str], str]


def _top_up(wallet: Wallet, given: dict[str, Any], made_by: str) -> str:
    amount = Money.of(given["amount"], wallet.currency)
    booked = topups.credit(
        wallet.account, amount, reference=given["reference"], made_by=made_by, reason=given["reason"]
    )
    return _booked(booked, f"Topped up by {money(amount.amount, amount.currency)}.")


def _adjust(wallet: Wallet, given: dict[str, Any], made_by: str) -> str:
    amount = Money.of(given["amount"], wallet.currency)
    booked = topups.correct(
        wallet.account, amount, reason=given["reason"], made_by=made_by, reference=given["reference"]
    )
    return _booked(booked, f"Adjusted by {money(amount.amount, amount.currency)}: {given['reason']}")


def _booked(booked: topups.Booked, sentence: str) -> str:
    return sentence if booked.is_new else "This reference had been booked before, so nothing was booked again."


def _set_credit_limit(wallet: Wallet, given: dict[str, Any], made_by: str) -> str:
    wallets.set_credit_limit(wallet.account, given["credit_limit"])
    was, now = (money(amount, wallet.currency) for amount in (wallet.credit_limit, given["credit_limit"]))
    return f"Credit limit changed from {was} to {now}."


PAGES = {
    "top-up": MoneyPage("Top up", "Top up", TopUpForm, _top_up),
    "adjust": MoneyPage("Adjust balance", "Adjust", AdjustForm, _adjust),
    "credit-limit": MoneyPage("Credit limit", "Change limit", CreditLimitForm, _set_credit_limit),
}


@admin.register(Wallet)
class WalletAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Balances are the ledger's: what is editable here is the deck, what moves money has a page of its own."""

    form = WalletForm
    list_display = ("account", "balance_now", "held_now", "available_now", "limit_now", "deck")
    list_select_related = ("account", "deck")
    list_filter = ("currency",)
    search_fields = ("account__name__istartswith",)
    search_help_text = "The beginning of an account's name."
    show_full_result_count = False
    ordering = ("account__name",)
    readonly_fields = ("account", "currency", "balance_now", "held_now", "available_now", "limit_now", "created_at")
    fields = (*readonly_fields, "deck")
    inlines: ClassVar = [AlertInline]
    actions = None
    change_form_template = "admin/billing/wallet/change_form.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NamedChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Wallet]:
        available = F("balance") - F("held") + F("credit_limit")
        found: QuerySet[Wallet] = super().get_queryset(request).annotate(available=available)
        return found

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a wallet is opened with its account

    def has_delete_permission(self, request: HttpRequest, obj: Wallet | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        money_page = path(
            "<int:wallet_id>/<str:word>/", self.admin_site.admin_view(self.money_view), name="billing_wallet_money"
        )
        # "change" and "history" have the same shape and come first.
        return [*super().get_urls()[:-1], money_page, super().get_urls()[-1]]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        wallet = self.get_object(request, object_id)
        holds = Hold.objects.filter(wallet=wallet, state=Hold.State.OPEN).order_by("id")
        entries = Entry.objects.filter(wallet=wallet).select_related("posting").order_by("-id")
        context = {
            "open_holds": holds[:MOST_HOLDS],
            "latest_entries": entries[:LATEST],
            "money_pages": PAGES.items() if self.has_change_permission(request) else (),
        }
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def money_view(self, request: HttpRequest, wallet_id: int, word: str) -> HttpResponse:
        """Ask, then move the money through the use case and say what was done."""
        page = PAGES.get(word)
        wallet = self.get_queryset(request).select_related("account").filter(pk=wallet_id).first()
        if page is None or wallet is None:
            raise Http404
        if not self.has_change_permission(request, wallet):
            raise PermissionDenied
        initial = {"credit_limit": wallet.credit_limit} if word == "credit-limit" else {}
        form = page.form(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            try:
                done = page.do(wallet, form.cleaned_data, request.user.get_username())
            except (BillingError, NotMoney) as error:
                form.add_error(None, str(error))
            else:
                self.log_change(request, wallet, done)
                messages.success(request, done)
                return HttpResponseRedirect(reverse("admin:billing_wallet_change", args=[wallet.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": f"{page.title}: {wallet.account}",
            "opts": self.opts,
            "wallet": wallet,
            "form": form,
            "page": page,
        }
        return TemplateResponse(request, "admin/billing/wallet/money.html", context)

    @admin.display(description="balance", ordering="balance")
    def balance_now(self, wallet: Wallet) -> str:
        return money(wallet.balance, wallet.currency)

    @admin.display(description="held", ordering="held")
    def held_now(self, wallet: Wallet) -> str:
        return money(wallet.held, wallet.currency)

    @admin.display(description="available")
    def available_now(self, wallet: Wallet) -> str:
        available: Decimal = wallet.balance - wallet.held + wallet.credit_limit
        return money(available, wallet.currency)

    @admin.display(description="credit limit", ordering="credit_limit")
    def limit_now(self, wallet: Wallet) -> str:
        return money(wallet.credit_limit, wallet.currency)
