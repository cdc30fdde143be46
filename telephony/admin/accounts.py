"""The page of an account: who it is, its money, its limits and its latest calls."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from accounts.admin import AccountAdmin
from accounts.forms import AccountForm
from accounts.models import Account
from billing.admin.large_tables import NamedChangeList
from billing.admin.wallets import PAGES
from billing.models import Alert, Hold, currency_code
from billing.portal import wallet_of
from billing.templatetags.money import money
from billing.wallets import open_wallet
from telephony.portal import past_calls

LATEST_CALLS = 15
MOST_HOLDS = 50


class NewAccountForm(AccountForm):
    """A new account begins with an empty wallet."""

    currency = forms.CharField(
        max_length=3, initial="USD", validators=[currency_code], help_text="Of its wallet; it cannot be changed."
    )


@admin.register(Account)
class AccountPageAdmin(AccountAdmin):
    """Accounts with their money and their calls."""

    list_display = ("name", "status_shown", "verified", "balance", "held", "available", "created_at")
    list_select_related = ("wallet",)
    change_form_template = "admin/accounts/account/change_form.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NamedChangeList

    def get_form(self, request: HttpRequest, obj: Account | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **({} if obj else {"form": NewAccountForm}), **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Account | None = None) -> Any:
        if obj is not None:
            return self.fieldsets
        new = (None, {"fields": ("name", "currency", "verified", "time_zone")})
        return (new, *self.fieldsets[1:])

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            open_wallet(obj, form.cleaned_data["currency"])

    def get_urls(self) -> list[URLPattern]:
        status = path(
            "<int:account_id>/status/", self.admin_site.admin_view(self.status_view), name="accounts_account_status"
        )
        return [status, *super().get_urls()]

    def status_view(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """Suspend or reactivate from the account's own page."""
        account = Account.objects.filter(pk=account_id).first()
        verb = request.POST.get("verb")
        if account is None or verb not in ("suspend", "reactivate"):
            raise Http404
        if not self.has_change_permission(request, account):
            raise PermissionDenied
        self.change_status(request, account, verb)
        return HttpResponseRedirect(reverse("admin:accounts_account_change", args=[account.pk]))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        account = self.get_object(request, object_id)
        context = self._overview(request, account) if account else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def _overview(self, request: HttpRequest, account: Account) -> dict[str, Any]:
        may = request.user.has_perm
        wallet = wallet_of(account) if may("billing.view_wallet") else None
        plan = Account(verified=account.verified).limits
        calls: QuerySet[Any] = account.calls.select_related("application").order_by("-begun_at", "-id")
        return {
            "wallet": wallet,
            "open_holds": Hold.objects.filter(wallet=wallet, state=Hold.State.OPEN).order_by("id")[:MOST_HOLDS]
            if wallet
            else (),
            "alerts": Alert.objects.filter(wallet=wallet).order_by("-threshold") if wallet else (),
            "money_pages": PAGES.items() if wallet and may("billing.change_wallet") else (),
            "limits": [
                ("Calls at once", account.limits.calls_at_once, plan.calls_at_once),
                ("Longest call, seconds", account.limits.longest_call_seconds, plan.longest_call_seconds),
                ("Highest price per minute", account.limits.highest_price_per_minute, plan.highest_price_per_minute),
                ("Exposure allowance", account.limits.exposure_allowance, plan.exposure_allowance),
            ],
            "latest_calls": past_calls(list(calls[:LATEST_CALLS])) if may("telephony.view_call") else (),
            "may_change": self.has_change_permission(request, account),
        }

    @admin.display(description="status", ordering="status")
    def status_shown(self, account: Account) -> str:
        return account.get_status_display()

    @admin.display(description="balance", ordering="wallet__balance")
    def balance(self, account: Account) -> str:
        return self._sum(account, "balance")

    @admin.display(description="held", ordering="wallet__held")
    def held(self, account: Account) -> str:
        return self._sum(account, "held")

    @admin.display(description="available")
    def available(self, account: Account) -> str:
        wallet = getattr(account, "wallet", None)
        return money(wallet.balance - wallet.held + wallet.credit_limit, wallet.currency) if wallet else "–"

    def _sum(self, account: Account, name: str) -> str:
        wallet = getattr(account, "wallet", None)
        return money(getattr(wallet, name), wallet.currency) if wallet else "–"
