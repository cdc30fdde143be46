"""Where an app can be woken: one row for each installation, bounded, and gone when the account is removed there."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from softphone.models import Line, PushToken
from softphone.push_tokens import MOST_PER_LINE
from tests.softphone.scenes import a_line

pytestmark = pytest.mark.django_db

SELECTOR = "12869E0E6E553673C54F29105A0647204C416A2A:7C3A0D14"
TOKEN = "2CBg4v+UmcnCnmgbB65OpylKkFJhMTeCNNNO/Hi7iLs="


@pytest.fixture
def line() -> Line:
    return a_line(name="ana")


def report(client: Client, line: Line, path: str = "", **parameters: str) -> Any:
    given = {"username": line.client_user.name, "token": line.token, "selector": SELECTOR, **parameters}
    return client.post(f"/acrobits/push-token/{path}", given, content_type="application/json")


def kept(line: Line) -> list[tuple[str, ...]]:
    names = ("selector", "calls_token", "calls_app_id", "other_token", "other_app_id")
    return list(line.push_tokens.order_by("id").values_list(*names))


def test_the_tokens_of_an_installation_are_kept_once(client: Client, line: Line) -> None:
    given = {
        "pushTokenIncomingCall": TOKEN, "pushappid_incoming_call": "com.example.app.voip",
        "pushTokenOther": "bmV3", "pushappid_other": "com.example.app",
    }  # fmt: skip
    assert report(client, line, pushTokenOther="b2xk").status_code == 200
    answer = report(client, line, **given)
    assert (answer.status_code, answer.content) == (200, b"{}")
    assert kept(line) == [(SELECTOR, TOKEN, "com.example.app.voip", "bmV3", "com.example.app")]


def test_a_plus_that_was_lost_on_the_way_is_put_back(client: Client, line: Line) -> None:
    query = f"username=ana&token={line.token}&selector={SELECTOR}&pushToken={TOKEN}&pushappid=com.example.app"
    assert client.get(f"/acrobits/push-token/?{query}").status_code == 200
    assert kept(line) == [(SELECTOR, TOKEN, "com.example.app", TOKEN, "com.example.app")]


def test_each_line_has_its_own(client: Client, line: Line) -> None:
    other = a_line()
    for each in (line, other):
        report(client, each, pushToken=TOKEN)
    assert PushToken.objects.count() == 2
    assert report(client, other, "removed/").status_code == 200
    assert (len(kept(line)), len(kept(other))) == (1, 0)


def test_a_line_keeps_the_ten_installations_that_reported_last(client: Client, line: Line) -> None:
    for number in (*range(MOST_PER_LINE + 2), 2):
        assert report(client, line, pushToken=TOKEN, selector=f"A:{number}").status_code == 200
    assert {row[0] for row in kept(line)} == {f"A:{number}" for number in range(2, MOST_PER_LINE + 2)}
    report(client, line, pushToken=TOKEN, selector="A:new")
    assert {row[0] for row in kept(line)} == {"A:new", "A:2"} | {f"A:{number}" for number in range(4, 12)}


def test_an_installation_that_has_no_token_any_more_is_forgotten(client: Client, line: Line) -> None:
    report(client, line, pushToken=TOKEN)
    assert report(client, line, pushToken="").status_code == 200
    assert kept(line) == []
    assert report(client, line, "removed/").status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"selector": ""},
        {"selector": "a b"},
        {"selector": "\u00e5"},
        {"selector": "s" * 129},
        {"pushToken": "t" * 513},
        {"pushToken": "<token>"},
        {"pushToken": TOKEN, "pushappid": "com.example app"},
        {"pushToken": TOKEN, "pushappid": "a" * 129},
        {"pushTokenIncomingCall": "%pushToken%"},
    ],
)
def test_what_is_no_token_is_refused_in_one_sentence(client: Client, line: Line, changes: dict[str, str]) -> None:
    answer = report(client, line, **{"pushToken": TOKEN, **changes})
    assert answer.status_code == 400
    assert list(answer.json()) == ["message"]
    assert not PushToken.objects.exists()


@pytest.mark.parametrize("path", ["", "removed/"])
def test_nothing_is_kept_or_removed_without_a_proof(client: Client, line: Line, path: str) -> None:
    report(client, line, pushToken=TOKEN)
    answer = report(client, line, path, token="wrong", pushToken="other")
    assert answer.status_code == 401
    assert len(kept(line)) == 1
