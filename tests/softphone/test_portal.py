"""The customer's apps: set up, called back, taken away; and nobody else's."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils.html import escape

from accounts.models import Account, User
from softphone import lines
from softphone.models import Line
from tests.builders import an_access_number, an_account, an_application
from tests.softphone.scenes import a_line, a_softphone

pytestmark = pytest.mark.django_db

UK = "+447700900123"


@pytest.fixture
def account() -> Account:
    return an_account("Harbour Café", numbers=[UK, "+447700900124"], time_zone="Europe/Stockholm")


@pytest.fixture
def owner(client: Client, account: Account) -> Client:
    client.force_login(User.objects.create_user("owner@example.com", account=account))
    return client


@pytest.fixture
def line(account: Account) -> Line:
    return a_line(account, name="ana", softphone=a_softphone(title="Lusitel"))


def again(line: Line) -> Line:
    return lines.lines().get(pk=line.pk)


def seen_on(owner: Client, line: Line) -> str:
    found = re.search(r'name="seen" value="([^"]+)"', owner.get(f"/apps/{line.pk}/").content.decode())
    assert found is not None
    return found[1]


def test_the_lines_of_the_account_are_listed_and_no_secret_is(owner: Client, line: Line) -> None:
    other = a_line(name="somebody-else")
    for path in ("/apps/", f"/apps/{line.pk}/"):
        page = owner.get(path).content.decode()
        assert "ana" in page
        assert "Lusitel" in page
        assert other.client_user.name not in page
        assert not any(secret in page for secret in (line.secret, line.token, line.pin))
        assert ">Apps</a>" in page


def test_a_page_without_lines_says_what_to_do(owner: Client) -> None:
    assert "Ask support for an app" in owner.get("/apps/").content.decode()


def test_how_to_set_it_up_is_shown_once_and_only_for_the_page_that_asked(owner: Client, line: Line) -> None:
    path, seen = f"/apps/{line.pk}/", seen_on(owner, line)
    answer = owner.post(path, {"do": "rotate", "seen": seen})
    renewed = again(line)
    assert renewed.secret != line.secret
    assert renewed.secret in answer.content.decode()
    assert not any(secret in answer.content.decode() for secret in (renewed.token, renewed.pin, line.secret))
    assert "no-store" in answer["Cache-Control"]
    assert renewed.secret not in owner.get(path).content.decode()
    page = owner.post(path, {"do": "rotate", "seen": seen}, follow=True).content.decode()
    assert escape("The line's secrets were changed meanwhile") in page
    assert again(line).secret == renewed.secret


def test_a_lost_telephone_loses_its_access_and_the_customer_cannot_give_it_back(owner: Client, line: Line) -> None:
    path, seen = f"/apps/{line.pk}/", seen_on(owner, line)
    page = owner.post(path, {"do": "revoke"}, follow=True).content.decode()
    assert "has no access any more" in page
    assert "Ask support to let it in again" in page
    revoked = again(line)
    assert revoked.revoked_at is not None
    for mark in (seen, lines.mark(revoked)):
        owner.post(path, {"do": "rotate", "seen": mark})
    assert again(line).secret == revoked.secret
    assert "no access" in owner.get("/apps/").content.decode()


def test_the_number_to_be_called_back_at_is_one_of_the_accounts_own(
    owner: Client, account: Account, line: Line
) -> None:
    path = f"/apps/{line.pk}/"
    mine, foreign = account.caller_numbers.get(number=UK), an_account(numbers=["+447700900125"]).caller_numbers.get()
    access = an_access_number(an_application(), is_offered=True, leads="nowhere")
    lines.point(line, callback_number=None, access_number=access)
    assert "Saved." in owner.post(path, {"do": "callback", "callback_number": mine.pk}, follow=True).content.decode()
    assert (again(line).callback_number, again(line).access_number) == (mine, access)
    for wrong in (foreign.pk, "x", 10**30):
        page = owner.post(path, {"do": "callback", "callback_number": wrong}).content.decode()
        assert "Select a valid choice" in page
    assert again(line).callback_number == mine
    owner.post(path, {"do": "callback", "callback_number": ""})
    assert again(line).callback_number is None


@pytest.mark.parametrize("do", [None, "", "rotate", "revoke", "callback", "explode"])
def test_anothers_app_does_not_exist(owner: Client, do: str | None) -> None:
    theirs = a_line()
    path = f"/apps/{theirs.pk}/"
    answer = owner.get(path) if do is None else owner.post(path, {"do": do, "seen": lines.mark(theirs)})
    assert answer.status_code == 404
    assert (again(theirs).secret, again(theirs).revoked_at) == (theirs.secret, None)


def test_what_is_no_page_is_none(owner: Client, line: Line) -> None:
    assert owner.get(f"/apps/{10**30}/").status_code == 404
    assert owner.post("/apps/").status_code == 405
    before = again(line)
    assert owner.post(f"/apps/{line.pk}/", {"do": "explode"}).status_code == 302
    assert again(line).secret == before.secret


def test_who_is_not_signed_in_sees_nothing(client: Client, line: Line) -> None:
    for path in ("/apps/", f"/apps/{line.pk}/"):
        assert client.get(path).status_code == 302
        assert client.post(path, {"do": "revoke"}).status_code in (302, 405)
    assert again(line).revoked_at is None
