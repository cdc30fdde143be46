"""The customer's webhooks, on the customer's pages. Everything shown is reached through the person's own account."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from accounts.models import Account
from accounts.portal import customer_form
from webhooks import endpoints
from webhooks.endpoints import EndpointRefused
from webhooks.forms import EndpointForm
from webhooks.history import page_of
from webhooks.models import Endpoint


@customer_form
def webhooks(request: HttpRequest, account: Account) -> HttpResponse:
    """Where the account's systems are told, and a form for one more place."""
    form = EndpointForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (made := form.save(account)) is not None:
        return _secret_page(request, account, made, made.secret)
    found = account.endpoints.order_by("created_at", "pk")
    return render(request, "webhooks/webhooks.html", {"account": account, "form": form, "endpoints": found})


@customer_form
def webhook(request: HttpRequest, account: Account, endpoint_id: int) -> HttpResponse:
    """What one endpoint was told lately; a new secret for it, on again, or away with it."""
    endpoint = get_object_or_404(account.endpoints, pk=endpoint_id)
    if request.method == "POST":
        return _changed(request, account, endpoint)
    context = {
        "account": account,
        "endpoint": endpoint,
        "secret_mark": endpoints.secret_mark(endpoint),
        "is_rotating": endpoints.is_rotating(endpoint, timezone.now()),
        "history": page_of(endpoint, request.GET.get("before", "")),
        "is_first_page": "before" not in request.GET,
    }
    return render(request, "webhooks/webhook.html", context)


def _changed(request: HttpRequest, account: Account, endpoint: Endpoint) -> HttpResponse:
    match request.POST.get("do"):
        case "rotate":
            try:
                secret = endpoints.rotate(endpoint, seen=request.POST.get("seen", ""), now=timezone.now())
            except EndpointRefused as refused:
                messages.error(request, str(refused))
            else:
                endpoint.refresh_from_db()
                return _secret_page(request, account, endpoint, secret)
        case "switch-on":
            endpoints.switch_on(endpoint)
            messages.success(request, "It is told again from now on.")
        case "remove":
            endpoints.remove(endpoint)
            messages.success(request, "The webhook was removed.")
            return redirect("portal_webhooks")
    return redirect("portal_webhook", endpoint.pk)


def _secret_page(request: HttpRequest, account: Account, endpoint: Endpoint, secret: str) -> HttpResponse:
    """Shown once: there is no address under which it can be had again."""
    context = {
        "account": account,
        "endpoint": endpoint,
        "secret": secret,
        "is_rotating": endpoints.is_rotating(endpoint, timezone.now()),
    }
    return render(request, "webhooks/secret.html", context)
