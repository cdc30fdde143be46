"""Apps, calling cards and access numbers as a customer and as staff meet them in a browser."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import pins
from accounts.models import Account, CallerNumber, ClientUser, User
from softphone import lines
from softphone.models import Line, Softphone
from telephony.models import AccessNumber, CallThrough
from tests.browser.visitor import LOOKS, PASSWORD, follow
from tests.builders import a_deck, an_access_number, an_account, an_application
from tests.softphone.scenes import a_softphone

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Scene:
    account: Account
    softphone: Softphone
    line: Line
    access_number: AccessNumber
    wish: CallThrough


@pytest.fixture
def scene() -> Scene:
    a_deck({"44": "0.06"})
    account = an_account("Harbour Café", client_user="ana", numbers=["+447700900123", "+447700900124"])
    User.objects.create_superuser("staff@example.com", PASSWORD)
    User.objects.create_user("owner@example.com", PASSWORD, account=account)
    number = an_access_number(an_application(), leads="calling_card", is_offered=True, is_default=True)
    softphone = a_softphone("lusitel", title="Lusitel")
    line = lines.give(ClientUser.objects.get(), softphone)
    now = timezone.now()
    wish = CallThrough.objects.create(
        account=account,
        client_user=line.client_user,
        access_number=number,
        destination="+442079460101",
        made_at=now,
        expires_at=now + timedelta(minutes=1),
    )
    return Scene(account, softphone, line, number, wish)


def test_a_customer_sets_a_pin_and_lets_a_telephone_through(scene: Scene, visit: Any) -> None:
    customer = visit()
    customer.sign_in("owner@example.com")
    follow(customer.page.get_by_role("link", name="Card"))
    customer.page.get_by_label("New PIN").fill("864209")
    customer.page.get_by_label("The same again").fill("864209")
    follow(customer.page.get_by_role("button", name="Set"))
    scene.account.refresh_from_db()
    assert pins.fits("864209", scene.account.pin_hash)
    assert scene.account.card_number in customer.text()
    follow(customer.page.get_by_role("button", name="Call without PIN").first)
    assert "needs no PIN now" in customer.text()
    assert CallerNumber.objects.filter(needs_pin=False).count() == 1


def test_a_customer_sets_up_the_app_and_takes_its_access_away(scene: Scene, visit: Any) -> None:
    customer = visit()
    customer.sign_in("owner@example.com")
    follow(customer.page.get_by_role("link", name="Apps"))
    follow(customer.page.get_by_role("link", name="ana"))
    customer.page.get_by_text("Show how to set up…").click()
    follow(customer.page.get_by_role("button", name="Make a new secret and show it"))
    secret = Line.objects.get().secret
    assert secret != scene.line.secret
    assert secret in customer.text()
    follow(customer.page.get_by_role("link", name="The app is set up"))
    assert secret not in customer.page.content()
    customer.page.get_by_text("Take its access away…").click()
    follow(customer.page.get_by_role("button", name="Take its access away"))
    assert Line.objects.get().revoked_at is not None


@pytest.mark.parametrize(("size", "colours"), LOOKS)
def test_the_pages_fit_and_work_everywhere(scene: Scene, visit: Any, size: str, colours: str) -> None:
    customer = visit(size, colours)
    customer.sign_in("owner@example.com")
    for name, path in {"card": "/card/", "apps": "/apps/", "app": f"/apps/{scene.line.pk}/"}.items():
        customer.go(path)
        customer.picture(f"portal-{name}")
        assert not customer.is_wider_than_its_window(), path
    staff = visit(size, colours)
    staff.sign_in("staff@example.com", "/admin/")
    pages = {
        "access-numbers": "telephony/accessnumber/",
        "access-number": f"telephony/accessnumber/{scene.access_number.pk}/change/",
        "wishes": "telephony/callthrough/",
        "wish": f"telephony/callthrough/{scene.wish.pk}/change/",
        "softphones": "softphone/softphone/",
        "softphone": f"softphone/softphone/{scene.softphone.pk}/change/",
        "lines": "softphone/line/",
        "line": f"softphone/line/{scene.line.pk}/change/",
    }
    for name, path in pages.items():
        staff.go(f"/admin/{path}")
        staff.picture(f"admin-{name}")
        assert not staff.is_wider_than_its_window(), path
