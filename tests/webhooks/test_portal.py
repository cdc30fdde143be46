"""The customer's webhooks: added, looked at, given a new secret, removed; and nobody else's."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account, User
from outbox.models import Row
from tests.builders import an_account
from tests.webhooks.scenes import it_happens
from webhooks import endpoints
from webhooks.history import PER_PAGE, Fate, page_of
from webhooks.models import Attempt, Delivery, Endpoint, EventType

pytestmark = pytest.mark.django_db

URL = "https://hooks.example.com/in"


@pytest.fixture
def account() -> Account:
    return an_account("Harbour Café", time_zone="Europe/Stockholm")


@pytest.fixture
def owner(client: Client, account: Account) -> Client:
    client.force_login(User.objects.create_user("owner@example.com", account=account))
    return client


@pytest.fixture
def endpoint(account: Account) -> Endpoint:
    return endpoints.add(account, URL, events=[EventType.BALANCE_LOW])


def test_a_new_webhook_shows_its_secret_once(owner: Client, account: Account) -> None:
    answer = owner.post("/webhooks/", {"url": URL, "form": "standard", "events": ["call.ended", "balance.low"]})
    made = account.endpoints.get()
    assert made.secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert made.events == ["call.ended", "balance.low"]
    for path in ("/webhooks/", f"/webhooks/{made.pk}/"):
        page = owner.get(path).content.decode()
        assert URL in page
        assert made.secret not in page


def test_a_voximplant_webhook_shows_the_three_values_of_the_receiver(owner: Client, account: Account) -> None:
    page = owner.post("/webhooks/", {"url": URL, "form": "voximplant", "salt": "pepper-7f3"}).content.decode()
    for value in (account.endpoints.get().secret, f"<code>{account.pk}</code>", "pepper-7f3"):
        assert value in page


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"url": "http://hooks.example.com/", "form": "standard"}, "must start with https://"),
        ({"url": "https://169.254.169.254/", "form": "standard"}, "not a public one"),
        ({"url": URL, "form": "standard", "salt": "x"}, "Only the Voximplant form has a salt"),
        ({"url": URL, "form": "pigeon"}, "Select a valid choice"),
        ({"url": URL, "form": "standard", "events": ["call.exploded"]}, "Select a valid choice"),
        ({"url": "", "form": "standard"}, "This field is required"),
        ({"url": "https://hooks.example.com/\0", "form": "standard"}, "Null characters are not allowed"),
    ],
)
def test_what_cannot_be_told_is_refused_on_the_page(owner: Client, given: dict[str, str], sentence: str) -> None:
    answer = owner.post("/webhooks/", given)
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert not Endpoint.objects.exists()


def test_a_page_sent_twice_adds_one(owner: Client) -> None:
    for _ in range(2):
        answer = owner.post("/webhooks/", {"url": URL, "form": "standard"})
    assert "already" in answer.content.decode()
    assert Endpoint.objects.count() == 1


def test_a_new_secret_is_shown_once_and_only_for_the_page_that_asked(owner: Client, endpoint: Endpoint) -> None:
    path = f"/webhooks/{endpoint.pk}/"
    seen = re.search(r'name="seen" value="([^"]+)"', owner.get(path).content.decode())
    assert seen is not None
    page = owner.post(path, {"do": "rotate", "seen": seen[1]}).content.decode()
    again = Endpoint.objects.get()
    assert again.secret != endpoint.secret
    assert again.secret in page
    assert endpoint.secret not in page
    answer = owner.post(path, {"do": "rotate", "seen": seen[1]}, follow=True)
    assert "changed meanwhile" in answer.content.decode()
    assert Endpoint.objects.get().secret == again.secret
    assert "the old one counts until" in owner.get(path).content.decode()


def test_a_webhook_is_removed_with_all_it_was_told(owner: Client, account: Account, endpoint: Endpoint) -> None:
    it_happens(account)
    answer = owner.post(f"/webhooks/{endpoint.pk}/", {"do": "remove"}, follow=True)
    assert "The webhook was removed." in answer.content.decode()
    assert (Endpoint.objects.count(), Delivery.objects.count()) == (0, 0)


def test_a_webhook_that_was_switched_off_is_switched_on_again(owner: Client, endpoint: Endpoint) -> None:
    endpoints.switch_off(endpoint)
    path = f"/webhooks/{endpoint.pk}/"
    assert "switched off" in owner.get("/webhooks/").content.decode()
    owner.post(path, {"do": "switch-on"})
    assert Endpoint.objects.get().enabled
    assert "Switch it on again" not in owner.get(path).content.decode()


@pytest.mark.parametrize("do", [None, "", "rotate", "switch-on", "remove", "explode"])
def test_anothers_webhook_does_not_exist(owner: Client, do: str | None) -> None:
    other = endpoints.add(an_account(), URL)
    endpoints.switch_off(other)
    path = f"/webhooks/{other.pk}/"
    answer = owner.get(path) if do is None else owner.post(path, {"do": do, "seen": endpoints.secret_mark(other)})
    assert answer.status_code == 404
    again = Endpoint.objects.get()
    assert (again.secret, again.enabled) == (other.secret, False)


def test_an_unknown_wish_changes_nothing(owner: Client, endpoint: Endpoint) -> None:
    owner.post(f"/webhooks/{endpoint.pk}/", {"do": "explode"})
    again = Endpoint.objects.get()
    assert (again.secret, again.enabled) == (endpoint.secret, True)


def test_who_is_not_signed_in_sees_nothing(client: Client, endpoint: Endpoint) -> None:
    for path in ("/webhooks/", f"/webhooks/{endpoint.pk}/"):
        assert client.get(path).status_code == 302
        assert client.post(path, {"do": "remove"}).status_code == 302
    assert Endpoint.objects.exists()


def test_what_a_system_answered_is_shown_and_harmless(owner: Client, account: Account, endpoint: Endpoint) -> None:
    it_happens(account)
    Attempt.objects.create(
        delivery=Delivery.objects.get(), at=timezone.now(), status=500, answer="<script>alert(1)</script>"
    )
    page = owner.get(f"/webhooks/{endpoint.pk}/").content.decode()
    assert "answered 500" in page
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    ("state", "status", "fate"),
    [
        ("ready", None, Fate.ON_ITS_WAY),
        ("retry", 500, Fate.TO_BE_TRIED_AGAIN),
        ("done", 204, Fate.DELIVERED),
        ("dead", 500, Fate.GIVEN_UP),
        ("done", None, Fate.NOT_SENT),
        (None, 200, Fate.DELIVERED),
        (None, 500, Fate.GIVEN_UP),
    ],
)
def test_every_delivery_says_what_became_of_it(
    owner: Client, account: Account, endpoint: Endpoint, state: str | None, status: int | None, fate: Fate
) -> None:
    it_happens(account)
    now = timezone.now()
    if status is not None:
        Attempt.objects.create(delivery=Delivery.objects.get(), at=now, status=status)
    if state is None:
        Row.objects.all().delete()
    else:
        finished_at = now if state in ("done", "dead") else None
        Row.objects.update(state=state, due_at=now + timedelta(hours=2), finished_at=finished_at)
    (line,) = page_of(endpoint).lines
    assert line.fate is fate
    assert (line.next_at is not None) == (fate is Fate.TO_BE_TRIED_AGAIN)
    assert fate.value in owner.get(f"/webhooks/{endpoint.pk}/").content.decode()


def test_deliveries_are_paged_without_a_gap_even_when_they_happened_together(
    owner: Client, account: Account, endpoint: Endpoint
) -> None:
    for _ in range(2 * PER_PAGE + 3):
        it_happens(account)
    Delivery.objects.update(created_at=timezone.now())
    seen: list[int] = []
    before = ""
    while True:
        page = page_of(endpoint, before)
        seen += [line.delivery.number for line in page.lines]
        before = page.older
        if not before:
            break
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 2 * PER_PAGE + 3
    first = owner.get(f"/webhooks/{endpoint.pk}/").content.decode()
    older = re.search(r'href="(\?before=[^"]+)" rel="next"', first)
    assert older is not None
    assert "Earlier deliveries" in owner.get(f"/webhooks/{endpoint.pk}/{older[1]}").content.decode()


@pytest.mark.parametrize("before", ["x", "_", "2026-11-21_1", "2026-11-21T00:00:00+00:00_x", "\0", "9" * 400])
def test_a_place_that_no_page_named_is_the_first_page(owner: Client, endpoint: Endpoint, before: str) -> None:
    assert owner.get(f"/webhooks/{endpoint.pk}/", {"before": before}).status_code == 200


def test_the_pages_cost_the_same_number_of_queries_however_much_there_is(
    owner: Client, account: Account, endpoint: Endpoint, django_assert_max_num_queries: object
) -> None:
    for _ in range(20):
        it_happens(account)
    for delivery in Delivery.objects.all():
        Attempt.objects.create(delivery=delivery, at=timezone.now(), status=500)
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        owner.get(f"/webhooks/{endpoint.pk}/")
