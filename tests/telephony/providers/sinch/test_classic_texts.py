"""Texts by the classic API: sent as it wants them, and asked about by the id it gave."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from telephony.news import TextReported, TextStatus
from telephony.providers.base import CommandRefused, NotSent, ProviderTrouble, TextOrder
from telephony.providers.sinch import Sinch
from tests.telephony.providers.sinch.stand_in import Api

TEXT = TextOrder(
    reference="7f6a1b1e-2f40-4c47-9c49-0b1a5b9d8f01", sender="Shop", recipient="+46701740605", body="Hi]; åäö 👍"
)


@pytest.mark.parametrize(("given", "text_id"), [(123, "123"), ("m-1", "m-1"), (0, "0")])
def test_a_text_is_sent_signed_and_has_the_id_that_sinch_gave_it(api: Api, given: object, text_id: str) -> None:
    api.says({"messageId": given})
    assert Sinch().send_text(api.access, TEXT) == text_id
    asked = api.only_request()
    assert (asked.method, asked.path) == ("POST", "/v1/sms/+46701740605")
    assert asked.json == {"from": "Shop", "message": "Hi]; åäö 👍"}


def test_without_a_sender_sinch_chooses_one(api: Api) -> None:
    api.says({"messageId": 1})
    Sinch().send_text(api.access, replace(TEXT, sender=""))
    assert api.only_request().json == {"message": "Hi]; åäö 👍"}


@pytest.mark.parametrize("given", [..., None, "", True, -1, 1.5, [], "m" * 101, "a\nb"])
def test_an_id_that_is_none_leaves_it_open_whether_the_text_was_sent(api: Api, given: object) -> None:
    api.says({} if given is ... else {"messageId": given})
    with pytest.raises(ProviderTrouble, match="does not say which text") as trouble:
        Sinch().send_text(api.access, TEXT)
    assert not isinstance(trouble.value, CommandRefused | NotSent)


@pytest.mark.parametrize(
    "changes",
    [
        {"recipient": ""},
        {"recipient": "46701740605"},
        {"recipient": "../46701740605"},
        {"body": ""},
        {"body": "x" * 4097},
        {"body": "\ud800"},
        {"body": "a\x00b"},
        {"sender": "s" * 17},
        {"sender": "\udfff"},
    ],
)
def test_what_cannot_be_sent_is_refused_unsent(api: Api, changes: dict[str, Any]) -> None:
    with pytest.raises(CommandRefused, match=r"^A text.*\.$"):
        Sinch().send_text(api.access, replace(TEXT, **changes))
    assert api.requests == []


def test_a_classic_text_cannot_be_looked_for_and_says_so(api: Api) -> None:
    assert Sinch.finds_texts is False
    with pytest.raises(ProviderTrouble, match="cannot be looked for") as trouble:
        Sinch().find_text(api.access, TEXT)
    assert not isinstance(trouble.value, CommandRefused | NotSent)
    assert api.requests == []


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Successful", TextStatus.SUCCESSFUL),
        ("pending", TextStatus.PENDING),
        ("Faulted", TextStatus.FAILED),
        ("Failed", TextStatus.FAILED),
        ("Unknown", TextStatus.PENDING),
        ("Teleported", TextStatus.PENDING),
    ],
)
def test_what_became_of_a_text_is_asked_by_its_id(api: Api, word: str, status: TextStatus) -> None:
    api.says({"status": word})
    expected = TextReported(call_id="", text_id="m/1", status=status, status_word=word)
    assert Sinch.tells_of_texts is False
    assert Sinch().ask_text(api.access, "m/1") == api.client().texts.status("m/1") == expected
    asked = {(asked.method, asked.path, asked.is_signed) for asked in api.requests}
    assert asked == {("GET", "/v1/sms/m%2F1", True)}


def test_an_answer_without_a_status_is_trouble(api: Api) -> None:
    api.says({})
    with pytest.raises(ProviderTrouble, match="what became of the text"):
        api.client().texts.status("1")
