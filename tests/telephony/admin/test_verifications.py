"""Verifications for staff: what is shown, and how the countries do."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Account
from telephony import registry
from telephony.models import Verification
from tests.billing.test_admin import queries_of
from tests.builders import a_deck, an_account, an_application
from tests.telephony.test_verification_news import some_begun
from tests.telephony.verification_scenes import NUMBER, Desk, begun

pytestmark = pytest.mark.django_db

LIST = "/admin/telephony/verification/"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setitem(registry.PROVIDERS, "sinch", Desk())
    an_application(name="Softphone")
    a_deck({"46": "0.05"}, service="verifications")
    return an_account("Harbour Café", balance="5.00")


def page_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_one_page_tells_everything_about_a_verification(admin_client: Client, account: Account) -> None:
    verification = begun(account, reference="signup 77", from_address="192.0.2.7")
    page = page_of(admin_client, f"{LIST}{verification.pk}/change/")
    for figure in (
        "+46 70 174 06 05", "0.05\u00a0USD", "signup 77", "192.0.2.7", verification.provider_id, "done, begun once",
        "Harbour Café", "not told",
    ):  # fmt: skip
        assert figure in page


def test_nobody_changes_one_by_hand(admin_client: Client, account: Account) -> None:
    verification = begun(account)
    admin_client.post(f"{LIST}{verification.pk}/change/", {"status": "successful"})
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.get(f"{LIST}{verification.pk}/delete/").status_code == 403
    verification.refresh_from_db()
    assert verification.status == "pending"


def test_the_list_shows_how_the_countries_do(admin_client: Client, account: Account) -> None:
    application = begun(account).application
    some_begun(application, 60, successful=6, number="+447700900123", country="GB")
    page = page_of(admin_client, LIST)
    lines = [line.split("</tr>")[0] for line in page.split("<tr>") if 'scope="row"' in line]
    stopped, open_ = (next(line for line in lines if f">{country}<" in line) for country in ("GB", "SE"))
    for figure in ("Softphone", "<td>60</td>", "<td>6</td>", "10 %", 'width="12"', "stopped"):
        assert figure in stopped
    for figure in ("<td>1</td>", "<td>0</td>", "0 %", "open"):
        assert figure in open_


def test_the_list_is_found_by_account_number_and_reference(admin_client: Client, account: Account) -> None:
    verification = begun(account, reference="signup 77")
    some_begun(verification.application, 1, number="+46701740699")
    for term in (str(verification.pk), "Harbour Café", NUMBER, "signup 77", verification.provider_id):
        page = admin_client.get(LIST, {"q": term}).content.decode()
        assert f"{LIST}{verification.pk}/change/" in page
        assert "+46 70 174 06 99" not in page
    assert Verification.objects.count() == 2


def test_the_list_is_not_counted_and_not_skipped_through(admin_client: Client, account: Account) -> None:
    begun(account)
    listed = [sql for sql in queries_of(admin_client, LIST) if "GROUP BY" not in sql]
    assert not [sql for sql in listed if "COUNT(" in sql or "OFFSET" in sql]


def test_what_came_from_outside_is_escaped(admin_client: Client, account: Account) -> None:
    script = "<script>alert(1)</script>"
    verification = begun(account, custom=script, reference=script)
    Verification.objects.update(reason=script)
    for path in (LIST, f"{LIST}{verification.pk}/change/"):
        assert script not in page_of(admin_client, path)
