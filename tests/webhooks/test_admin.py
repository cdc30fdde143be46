"""Webhooks for staff: what they see, what they may do, and that no secret is ever shown a second time."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts.models import Account, User
from tests.builders import an_account
from tests.webhooks.scenes import it_happens
from webhooks import endpoints
from webhooks.models import Attempt, Delivery, Endpoint

pytestmark = pytest.mark.django_db

LIST = "/admin/webhooks/endpoint/"
URL = "https://hooks.example.com/in"


@pytest.fixture
def account() -> Account:
    return an_account("Harbour Café")


@pytest.fixture
def endpoint(account: Account) -> Endpoint:
    return endpoints.add(account, URL)


@pytest.fixture
def support(client: Client) -> Client:
    """Staff who may look and nothing else."""
    person = User.objects.create_user("support@example.com", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_endpoint"))
    client.force_login(person)
    return client


def a_delivery(account: Account) -> Delivery:
    it_happens(account)
    delivery = Delivery.objects.latest("number")
    Attempt.objects.create(
        delivery=delivery, at=timezone.now(), status=500, error="It answered 500.", answer="<b>no</b>"
    )
    return delivery


def test_staff_add_an_endpoint_for_an_account_and_see_its_secret_once(admin_client: Client, account: Account) -> None:
    given = {"account": "Harbour Café", "url": URL, "form": "standard"}
    page = admin_client.post(f"{LIST}add/", given).content.decode()
    made = Endpoint.objects.get()
    assert made.account == account
    assert made.secret in page
    for path in (LIST, f"{LIST}{made.pk}/change/", f"{LIST}{made.pk}/history/", f"{LIST}{made.pk}/delete/"):
        answer = admin_client.get(path)
        assert answer.status_code == 200
        assert made.secret not in answer.content.decode()


def test_without_an_account_it_is_the_operators(admin_client: Client) -> None:
    admin_client.post(f"{LIST}add/", {"account": "", "url": URL, "form": "standard"})
    assert Endpoint.objects.get().account is None


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"url": "https://10.0.0.1/"}, "not a public one"),
        ({"account": "Nobody"}, "Select a valid choice"),
        ({"form": "voximplant"}, "its id is in the hash"),
    ],
)
def test_what_cannot_be_told_is_refused_with_its_reason(
    admin_client: Client, given: dict[str, str], sentence: str
) -> None:
    page = admin_client.post(f"{LIST}add/", {"url": URL, "form": "standard", **given}).content.decode()
    assert sentence in page
    assert not Endpoint.objects.exists()


def test_a_new_secret_is_shown_once(admin_client: Client, endpoint: Endpoint) -> None:
    change = admin_client.get(f"{LIST}{endpoint.pk}/change/").content.decode()
    seen = re.search(r'name="seen" value="([^"]+)"', change)
    assert seen is not None
    page = admin_client.post(f"{LIST}{endpoint.pk}/rotate/", {"seen": seen[1]}).content.decode()
    again = Endpoint.objects.get()
    assert again.secret in page
    assert again.previous_secret == endpoint.secret
    second = admin_client.post(f"{LIST}{endpoint.pk}/rotate/", {"seen": seen[1]}, follow=True).content.decode()
    assert "changed meanwhile" in second
    assert Endpoint.objects.get().secret == again.secret


def test_a_delivery_shows_its_data_and_every_attempt(
    admin_client: Client, account: Account, endpoint: Endpoint
) -> None:
    delivery = a_delivery(account)
    assert f"deliveries/{delivery.pk}/" in admin_client.get(f"{LIST}{endpoint.pk}/change/").content.decode()
    page = admin_client.get(f"{LIST}deliveries/{delivery.pk}/").content.decode()
    for text in (str(delivery.pk), "4.970000", "It answered 500.", "&lt;b&gt;no&lt;/b&gt;"):
        assert text in page


def test_chosen_deliveries_are_told_again_as_new_ones(
    admin_client: Client, account: Account, endpoint: Endpoint
) -> None:
    first, second = a_delivery(account), a_delivery(account)
    anothers = a_delivery_of_another()
    chosen = [str(first.pk), str(anothers.pk), "x", str(first.pk)]
    answer = admin_client.post(f"{LIST}{endpoint.pk}/replay/", {"delivery": chosen}, follow=True)
    assert "1 on their way again." in answer.content.decode()
    assert [each.replays for each in Delivery.objects.filter(replays__isnull=False)] == [first]
    assert second.pk != first.pk


def a_delivery_of_another() -> Delivery:
    other = an_account()
    endpoints.add(other, URL)
    return a_delivery(other)


def test_what_was_switched_off_says_so_when_it_should_tell_again(
    admin_client: Client, account: Account, endpoint: Endpoint
) -> None:
    delivery = a_delivery(account)
    endpoints.switch_off(endpoint)
    answer = admin_client.post(f"{LIST}{endpoint.pk}/replay/", {"delivery": [str(delivery.pk)]}, follow=True)
    assert "switch it on first" in answer.content.decode()
    assert Delivery.objects.count() == 1


def test_endpoints_are_switched_off_and_on_from_the_list(admin_client: Client, endpoint: Endpoint) -> None:
    for action, is_on in (("switch_off", False), ("switch_on", True)):
        admin_client.post(LIST, {"action": action, "_selected_action": [endpoint.pk]})
        assert Endpoint.objects.get().enabled is is_on


@pytest.mark.parametrize(("state", "shown"), [("well", True), ("failing", False), ("off", False), ("", True)])
def test_the_list_is_narrowed_by_how_they_are(
    admin_client: Client, endpoint: Endpoint, state: str, shown: bool
) -> None:
    page = admin_client.get(LIST, {"state": state} if state else {}).content.decode()
    assert (URL in page) is shown
    assert admin_client.get(LIST, {"q": "harbour"}).status_code == 200


def test_an_endpoint_is_removed_with_what_it_was_told(
    admin_client: Client, account: Account, endpoint: Endpoint
) -> None:
    a_delivery(account)
    admin_client.post(f"{LIST}{endpoint.pk}/delete/", {"post": "yes"})
    assert (Endpoint.objects.count(), Delivery.objects.count(), Attempt.objects.count()) == (0, 0, 0)


def test_before_an_endpoint_is_removed_not_all_it_was_ever_told_is_listed(
    admin_client: Client, account: Account, endpoint: Endpoint, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        a_delivery(account)
    with django_assert_max_num_queries(20):
        page = admin_client.get(f"{LIST}{endpoint.pk}/delete/").content.decode()
    assert URL in page
    assert "balance.low" not in page
    assert "Deliveries: 5" in page


def test_nothing_is_changed_by_saving_the_page(admin_client: Client, endpoint: Endpoint) -> None:
    admin_client.post(f"{LIST}{endpoint.pk}/change/", {"url": "https://127.0.0.1/", "secret": "x", "enabled": ""})
    again = Endpoint.objects.get()
    assert (again.url, again.secret, again.enabled) == (URL, endpoint.secret, True)


def test_who_may_only_look_changes_nothing(support: Client, account: Account, endpoint: Endpoint) -> None:
    delivery = a_delivery(account)
    assert support.get(LIST).status_code == 200
    assert support.get(f"{LIST}{endpoint.pk}/change/").status_code == 200
    assert support.get(f"{LIST}deliveries/{delivery.pk}/").status_code == 200
    assert support.get(f"{LIST}add/").status_code == 403
    for path in ("rotate", "replay"):
        given = {"seen": endpoints.secret_mark(endpoint), "delivery": [str(delivery.pk)]}
        assert support.post(f"{LIST}{endpoint.pk}/{path}/", given).status_code == 403
    assert Endpoint.objects.get().secret == endpoint.secret
    assert Delivery.objects.count() == 1


def test_who_may_not_even_look_sees_no_delivery(client: Client, account: Account, endpoint: Endpoint) -> None:
    delivery = a_delivery(account)
    client.force_login(User.objects.create_user("clerk@example.com", is_staff=True))
    assert client.get(f"{LIST}deliveries/{delivery.pk}/").status_code == 403
    assert client.get(f"{LIST}{endpoint.pk}/change/").status_code == 403


@pytest.mark.parametrize("path", ["rotate", "replay"])
def test_what_changes_something_is_not_done_by_following_a_link(
    admin_client: Client, endpoint: Endpoint, path: str
) -> None:
    assert admin_client.get(f"{LIST}{endpoint.pk}/{path}/").status_code == 404
    assert admin_client.post(f"{LIST}999999/{path}/").status_code == 404
