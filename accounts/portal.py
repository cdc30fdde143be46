"""The customer's pages: who may look, and where each person lands after signing in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import notices
from accounts.models import Account, User

P = ParamSpec("P")


class SignIn(DefaultAccountAdapter):
    """Accounts are opened by staff; nobody signs up alone. Staff land on their site, customers on theirs."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return home_of(cast(User, request.user))

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return home_of(cast(User, request.user))


def home_of(user: User) -> str:
    """The first page of this person."""
    return resolve_url("admin:index" if user.is_staff and user.account_id is None else "portal")


def customer_page(
    view: Callable[Concatenate[HttpRequest, Account, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A page for reading, of the signed-in person's own account and in its time zone.

    The view gets the account and asks for nothing that does not belong to it. A person without an account, which
    staff are, gets a page that says where to go instead.
    """

    return require_safe(_of_ones_own(view))


def customer_form(
    view: Callable[Concatenate[HttpRequest, Account, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """As `customer_page`, for a page that also takes what is filled in on it."""
    return require_http_methods(["GET", "HEAD", "POST"])(_of_ones_own(view))


def _of_ones_own(
    view: Callable[Concatenate[HttpRequest, Account, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    @wraps(view)
    def page(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        account = cast(User, request.user).account
        if account is None:
            return render(request, "portal/no_account.html")
        with timezone.override(zone_of(account)):
            return view(request, account, *args, **kwargs)

    return never_cache(login_required(page))


@require_POST
@customer_form
def dismiss_notice(request: HttpRequest, account: Account, notice_id: int) -> HttpResponse:
    """Show a notice no more. One that is not the account's is left alone."""
    notices.dismiss(account, notice_id, timezone.now())
    return redirect("portal")


def zone_of(account: Account) -> ZoneInfo:
    """The account's time zone; UTC when its name is none."""
    try:
        return ZoneInfo(account.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
