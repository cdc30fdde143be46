"""Webhooks as a customer and as staff meet them in a browser."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account, User
from tests.browser.visitor import LOOKS, PASSWORD, follow
from tests.builders import an_account
from tests.webhooks.scenes import it_happens
from webhooks import endpoints
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account() -> Account:
    account = an_account("Harbour Café", time_zone="Europe/Stockholm")
    User.objects.create_superuser("staff@example.com", PASSWORD)
    User.objects.create_user("owner@example.com", PASSWORD, account=account)
    return account


@pytest.fixture
def told(account: Account) -> Endpoint:
    """An endpoint with a history: taken, failed, and just told."""
    endpoint = endpoints.add(account, f"https://hooks.example.com/{'a-long-way-in/' * 9}")
    for status in (200, 500, None):
        it_happens(account)
        if status:
            Delivery.objects.latest("number").attempts.create(
                at=timezone.now(),
                status=status,
                milliseconds=81,
                answer="<b>a long story, told without a blank</b>" * 4,
            )
    return endpoint


def test_a_customer_adds_a_webhook_and_changes_its_secret(account: Account, visit: Any) -> None:
    customer = visit()
    customer.sign_in("owner@example.com")
    follow(customer.page.get_by_role("link", name="Webhooks"))
    customer.page.get_by_label("Address").fill("https://hooks.example.com/in")
    customer.page.get_by_label("a call ended, with its CDR").check()
    follow(customer.page.get_by_role("button", name="Add it and show its secret"))
    first = Endpoint.objects.get().secret
    assert first in customer.text()
    follow(customer.page.get_by_role("link", name="I have it"))
    assert first not in customer.page.content()
    customer.page.get_by_text("Make a new one…").click()
    follow(customer.page.get_by_role("button", name="Make a new secret and show it"))
    assert Endpoint.objects.get().secret in customer.text()
    follow(customer.page.get_by_role("link", name="I have it"))
    customer.page.get_by_text("Remove it…").click()
    follow(customer.page.get_by_role("button", name="Remove this webhook"))
    assert "The webhook was removed." in customer.text()
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize(("size", "colours"), LOOKS)
def test_the_pages_fit_everywhere(told: Endpoint, visit: Any, size: str, colours: str) -> None:
    customer = visit(size, colours)
    customer.sign_in("owner@example.com")
    for name, path in {"webhooks": "/webhooks/", "webhook": f"/webhooks/{told.pk}/"}.items():
        customer.go(path)
        for details in customer.page.locator("summary").all():
            details.click()
        customer.picture(f"portal-{name}")
        assert not customer.is_wider_than_its_window(), path
    staff = visit(size, colours)
    staff.sign_in("staff@example.com", "/admin/")
    delivery = Delivery.objects.earliest("number").pk
    pages = {"list": "", "new": "add/", "change": f"{told.pk}/change/", "delivery": f"deliveries/{delivery}/"}
    for name, path in pages.items():
        staff.go(f"/admin/webhooks/endpoint/{path}")
        staff.picture(f"admin-webhooks-{name}")
        assert not staff.is_wider_than_its_window(), path


def test_staff_tell_something_again(told: Endpoint, visit: Any) -> None:
    staff = visit()
    staff.sign_in("staff@example.com", f"/admin/webhooks/endpoint/{told.pk}/change/")
    staff.page.locator("input[name=delivery]").last.check()
    follow(staff.page.get_by_role("button", name="Tell the chosen ones again"))
    assert "1 on their way again." in staff.text()
    assert Delivery.objects.filter(replays__isnull=False).count() == 1
