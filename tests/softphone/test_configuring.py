"""An app is kept when it can work, and each setting that cannot is named with one sentence."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from softphone import configuring
from softphone.models import Softphone

pytestmark = pytest.mark.django_db


def an_app(**fields: Any) -> Softphone:
    return Softphone(**{"name": "lusitel", "title": "Lusitel", "proofs": ["token"], **fields})


def test_an_app_that_can_work_is_kept() -> None:
    kept = configuring.save(
        an_app(
            proofs=["token", "salted"],
            salted_order="{username}{nonce}{secret}",
            parameter_names={"username": ["login"], "target": ["callee", "b"]},
            dial_form="template",
            dial_template="{access_number},,%account[x-cth-pin]%#{destination}#",
            sip_host="sip.example.com:5061",
        )
    )
    assert Softphone.objects.get() == kept


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("proofs", [], "Choose at least one way"),
        ("proofs", "token", "Choose at least one way"),
        ("proofs", None, "Choose at least one way"),
        ("proofs", [1], "Choose at least one way"),
        ("proofs", ["token", "trust me"], "Proofs are token, password, sha1, salted, digest"),
        ("proofs", ["token", "token"], "each once"),
        ("parameter_names", [], "Write an object"),
        ("parameter_names", {"secret": ["s"]}, "Only these may have names of your own"),
        ("parameter_names", {"app": ["a"]}, "Only these may have names of your own"),
        ("parameter_names", {"username": "login"}, "Give each a list"),
        ("parameter_names", {"username": []}, "Give each a list"),
        ("parameter_names", {"username": [f"n{number}" for number in range(11)]}, "Give each a list"),
        ("parameter_names", {"username": [1]}, "visible characters"),
        ("parameter_names", {"username": ["a b"]}, "visible characters"),
        ("parameter_names", {"username": ["format"]}, "not app, format, lang"),
        ("parameter_names", {"username": ["x"], "target": ["x"]}, "one thing only"),
        ("parameter_names", {"username": ["target"]}, "one thing only"),
        ("salted_order", "{nonce}", "needs both {nonce} and {secret}"),
        ("salted_order", "{nonce}{secret}{pin}", "knows {username}, {nonce} and {secret} only"),
        ("dial_template", "{access_number} 1", "has only 0-9"),
        ("sip_host", "sip.example.com/path", "A SIP host is a name or an address"),
        ("sip_host", "two words", "A SIP host is a name or an address"),
        ("title", "", "blank"),
        ("name", "two words", "slug"),
        ("language", "xx", "not a valid choice"),
        ("balance_interval_seconds", 1, "greater than or equal to 30"),
    ],
)
def test_a_setting_that_cannot_work_is_named(field: str, value: Any, sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        configuring.save(an_app(**{field: value}))
    assert list(refused.value.message_dict) == [field]
    assert sentence in " ".join(refused.value.message_dict[field])
    assert not Softphone.objects.exists()


def test_a_template_is_needed_where_the_app_dials_by_it() -> None:
    with pytest.raises(ValidationError) as refused:
        configuring.save(an_app(dial_form="template"))
    assert list(refused.value.message_dict) == ["dial_template"]


def test_there_is_one_default() -> None:
    first = configuring.save(an_app(is_default=True))
    second = configuring.save(an_app(name="second", is_default=True))
    first.refresh_from_db()
    assert (first.is_default, second.is_default) == (False, True)
    configuring.save(second)
    assert Softphone.objects.filter(is_default=True).count() == 1


def test_an_app_that_is_refused_takes_the_default_from_nobody() -> None:
    first = configuring.save(an_app(is_default=True))
    with pytest.raises(ValidationError):
        configuring.save(an_app(name="second", is_default=True, language="xx"))
    first.refresh_from_db()
    assert first.is_default
