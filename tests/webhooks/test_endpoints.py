"""Endpoints: what is refused before one is written, the secret that is shown once, rotation and removal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Account
from tests.builders import an_account, check_deferred_constraints
from tests.webhooks.scenes import it_happens
from webhooks import endpoints
from webhooks.endpoints import EndpointRefused
from webhooks.models import Attempt, Delivery, Endpoint, EventType
from webhooks.telling import replay

URL = "https://hooks.example.com/in"


@pytest.fixture
def account(db: None) -> Account:
    return an_account()


def stored(endpoint: Endpoint) -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret, previous_secret FROM webhooks_endpoint WHERE id = %s", [endpoint.pk])
        return cursor.fetchone()


def test_a_new_endpoint_has_a_secret_of_its_own_encrypted_at_rest(account: Account) -> None:
    endpoint = endpoints.add(account, URL, events=[EventType.CALL_ENDED])
    again = Endpoint.objects.get()
    assert again.secret == endpoint.secret
    assert again.secret.startswith("whsec_")
    assert (again.account, again.events, again.enabled) == (account, ["call.ended"], True)
    assert stored(endpoint)[0].startswith("gAAAA")


def test_the_voximplant_form_has_an_api_key_a_salt_and_one_event(account: Account) -> None:
    endpoint = endpoints.add(
        account, URL, form=Endpoint.Form.VOXIMPLANT, salt="pepper-7f3", events=[EventType.CALL_ENDED]
    )
    assert (endpoint.salt, endpoint.events, len(endpoint.secret)) == ("pepper-7f3", [], 36)


@pytest.mark.parametrize(
    ("url", "options", "field"),
    [
        ("http://hooks.example.com/", {}, "url"),
        ("https://127.0.0.1/", {}, "url"),
        ("https://localhost/", {}, "url"),
        (URL, {"salt": "x"}, "salt"),
        (URL, {"form": Endpoint.Form.VOXIMPLANT, "salt": "x" * 41}, "salt"),
        (URL, {"form": Endpoint.Form.VOXIMPLANT, "salt": "x\0"}, "salt"),
    ],
)
def test_what_cannot_be_told_is_refused_with_the_field_it_is_about(
    account: Account, url: str, options: dict[str, object], field: str
) -> None:
    with pytest.raises(EndpointRefused) as refused:
        endpoints.add(account, url, **options)  # type: ignore[arg-type]
    assert refused.value.field == field
    assert str(refused.value).endswith(".")
    assert not Endpoint.objects.exists()


def test_the_operators_own_endpoint_has_no_voximplant_form(db: None) -> None:
    with pytest.raises(EndpointRefused, match="its id is in the hash"):
        endpoints.add(None, URL, form=Endpoint.Form.VOXIMPLANT)
    assert endpoints.add(None, URL).account is None


def test_the_same_address_is_told_once_in_each_form(account: Account) -> None:
    endpoints.add(account, URL)
    with pytest.raises(EndpointRefused, match="already"):
        endpoints.add(account, URL)
    endpoints.add(account, URL, form=Endpoint.Form.VOXIMPLANT)
    endpoints.add(an_account(), URL)
    assert Endpoint.objects.count() == 3


def test_an_account_has_ten_endpoints_at_most(account: Account) -> None:
    for number in range(10):
        endpoints.add(account, f"{URL}/{number}")
    with pytest.raises(EndpointRefused, match="remove one first"):
        endpoints.add(account, f"{URL}/10")
    endpoints.add(an_account(), URL)


def test_after_a_rotation_the_old_secret_is_kept_for_a_day(account: Account) -> None:
    endpoint = endpoints.add(account, URL)
    now = timezone.now()
    secret = endpoints.rotate(endpoint, seen=endpoints.secret_mark(endpoint), now=now)
    again = Endpoint.objects.get()
    assert (again.secret, again.previous_secret) == (secret, endpoint.secret)
    assert again.previous_until == now + timedelta(hours=24)
    assert all(text.startswith("gAAAA") for text in stored(endpoint))


def test_a_page_sent_twice_rotates_once(account: Account) -> None:
    """The second time would throw the old secret away while the customer still verifies with it."""
    endpoint = endpoints.add(account, URL)
    endpoints.rotate(endpoint, seen=endpoints.secret_mark(endpoint), now=timezone.now())
    with pytest.raises(EndpointRefused, match="changed meanwhile"):
        endpoints.rotate(endpoint, seen=endpoints.secret_mark(endpoint), now=timezone.now())
    again = Endpoint.objects.get()
    assert again.previous_secret == endpoint.secret
    endpoints.rotate(endpoint, seen=endpoints.secret_mark(again), now=timezone.now())


def test_a_key_of_the_voximplant_form_is_replaced_at_once(account: Account) -> None:
    endpoint = endpoints.add(account, URL, form=Endpoint.Form.VOXIMPLANT)
    secret = endpoints.rotate(endpoint, seen=endpoints.secret_mark(endpoint), now=timezone.now())
    again = Endpoint.objects.get()
    assert (again.secret, again.previous_secret) == (secret, "")
    with pytest.raises(EndpointRefused, match="changed meanwhile"):
        endpoints.rotate(endpoint, seen=endpoints.secret_mark(endpoint), now=timezone.now())


def test_a_removed_endpoint_leaves_nothing_and_takes_nothing_of_others(account: Account) -> None:
    going, staying = endpoints.add(account, f"{URL}/1"), endpoints.add(account, f"{URL}/2")
    it_happens(account)
    for delivery in Delivery.objects.all():
        delivery.attempts.create(at=timezone.now(), status=500)
        replay(delivery.pk)
    endpoints.remove(going)
    check_deferred_constraints()
    assert list(Endpoint.objects.all()) == [staying]
    assert set(Delivery.objects.values_list("endpoint", flat=True)) == {staying.pk}
    assert Attempt.objects.count() == 1
    endpoints.remove(going)
    with pytest.raises(EndpointRefused):
        endpoints.rotate(going, seen=endpoints.secret_mark(going), now=timezone.now())


def test_an_endpoint_that_is_switched_on_again_begins_without_a_past(account: Account) -> None:
    endpoint = endpoints.add(account, URL)
    Endpoint.objects.update(failing_since=timezone.now())
    endpoints.switch_off(endpoint)
    assert Endpoint.objects.get().switched_off_at is not None
    endpoints.switch_on(endpoint)
    again = Endpoint.objects.get()
    assert (again.enabled, again.failing_since, again.switched_off_at) == (True, None, None)
