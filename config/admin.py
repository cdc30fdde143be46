"""The staff's site: Django's admin in our dress, behind the one page on which everybody signs in."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.decorators import method_decorator

LOOKED_AT = ("telephony.view_call", "telephony.view_cdr", "telephony.view_receivedevent", "billing.view_wallet")


class RingfenceSite(AdminSite):
    """Ringfence for staff."""

    site_header = "Ringfence"
    site_title = "Ringfence"
    index_title = "Back office"
    index_template = "admin/dashboard.html"
    site_url = None
    empty_value_display = "–"

    @method_decorator(secure_admin_login)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return redirect("admin:index")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # type: ignore[override]
        return redirect("account_logout")

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # type: ignore[override]
        return redirect("account_change_password")

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Today in figures for those who may see all of them, then everything there is."""
        from accounts import notices  # models are loaded later than this site
        from telephony.admin.dashboard import overview

        may_read = request.user.has_perm("accounts.view_notice")
        context = {
            "today": overview(timezone.now()) if request.user.has_perms(LOOKED_AT) else None,
            "notices": notices.to_see(None) if may_read else (),
            "may_dismiss": request.user.has_perm("accounts.change_notice"),
        }
        return super().index(request, {**context, **(extra_context or {})})
