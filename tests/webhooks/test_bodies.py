"""The bodies that customers' systems get, read by receivers that are not ours."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import md5
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from accounts.models import User
from tests.builders import an_account
from tests.webhooks.receiver import Request
from tests.webhooks.scenes import LOW, a_told, carry_out, it_happens
from webhooks.bodies import Told, body_and_headers
from webhooks.models import Delivery, Endpoint
from webhooks.telling import replay

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
HERE = Path(__file__).parent
A_TOLD = Told(
    id=UUID(int=7),
    number=993810021,
    event="balance.low",
    data=LOW,
    happened_at=AT,
    is_replay=False,
    form="voximplant",
    keys=("key",),
    salt="pepper-7f3",
    account_id=1523447,
    account_name="Harbour Café",
    account_email="owner@example.com",
)


def voximplant_receiver(request: Request, *, salt: str, account_id: str, api_key: str) -> tuple[list[int], list[str]]:
    """The server of Voximplant's article "HTTP API callbacks", line by line: what it answers, what it prints."""
    sent, printed = [], []
    for callback in json.loads(request.body)["callbacks"]:
        data = salt + account_id + api_key + str(callback["callback_id"])
        digest = md5(data.encode(), usedforsecurity=False).hexdigest()
        if digest == callback["hash"]:
            sent.append(200)
            if callback["type"] == "min_balance":
                printed.append("WARNING! The balance is under the threshold!")
    return sent, printed


def callback_in(told: Told) -> dict[str, Any]:
    body, _ = body_and_headers(told, AT)
    (callback,) = json.loads(body, parse_float=Decimal)["callbacks"]
    return callback


def test_the_envelope_has_every_field_of_the_protocol() -> None:
    assert callback_in(A_TOLD) == {
        "callback_id": 993810021,
        "type": "min_balance",
        "account_id": 1523447,
        "account_name": "Harbour Café",
        "account_email": "owner@example.com",
        "language_code": "en",
        "balance": Decimal("4.970000"),
        "currency": "USD",
        "hash": md5(b"pepper-7f31523447key993810021", usedforsecurity=False).hexdigest(),
        "min_balance": {"is_min_credit": False, "is_repeated": False},
    }


@pytest.mark.parametrize("balance", ["4.970000", "-12.340000", "0.000001", "99999999999999.999999", "0"])
def test_a_balance_is_a_number_to_the_last_digit(balance: str) -> None:
    body, _ = body_and_headers(replace(A_TOLD, data={**LOW, "balance": balance}), AT)
    assert re.search(rb'"balance":([-0-9.]+)[,}]', body)[1] == balance.encode()  # type: ignore[index]


@pytest.mark.parametrize(
    ("threshold", "is_min_credit"), [("5.000000", False), ("0.000000", False), ("-3.000000", True)]
)
def test_a_threshold_below_zero_is_one_of_credit(threshold: str, is_min_credit: bool) -> None:
    told = replace(A_TOLD, data={**LOW, "threshold": threshold})
    assert callback_in(told)["min_balance"]["is_min_credit"] is is_min_credit


@pytest.mark.parametrize(
    ("is_replay", "data", "is_repeated"),
    [
        (False, {}, False),
        (True, {}, True),
        (False, {"is_repeated": True}, True),
        (False, {"is_repeated": False}, False),
    ],
)
def test_a_reminder_and_a_replay_are_repeated(is_replay: bool, data: dict[str, bool], is_repeated: bool) -> None:
    told = replace(A_TOLD, is_replay=is_replay, data={**LOW, **data})
    assert callback_in(told)["min_balance"]["is_repeated"] is is_repeated


@pytest.mark.parametrize("form", ["voximplant", "standard"])
def test_a_body_is_the_same_at_every_attempt(form: str) -> None:
    told = replace(A_TOLD, form=form, keys=("whsec_" + "a" * 32,))
    first, _ = body_and_headers(told, AT)
    later, _ = body_and_headers(told, AT.replace(year=2027))
    assert first == later


def test_text_of_any_language_and_any_quote_stays_json() -> None:
    name = 'Bröd & "Käk" \\ 电话 \u2028 </script>'
    assert callback_in(replace(A_TOLD, account_name=name))["account_name"] == name


@pytest.mark.django_db
def test_the_published_receiver_knows_us_by_the_hash_and_a_stranger_not() -> None:
    account = an_account()
    User.objects.create_user("owner@example.com", account=account)
    with a_told(account, form=Endpoint.Form.VOXIMPLANT, salt="pepper-7f3") as (receiver, endpoint):
        it_happens(account)
        carry_out()
        replay(Delivery.objects.get().pk)
        carry_out()
    told = {"salt": "pepper-7f3", "account_id": str(account.pk), "api_key": endpoint.secret}
    for request in receiver.requests:
        assert voximplant_receiver(request, **told) == ([200], ["WARNING! The balance is under the threshold!"])
        assert voximplant_receiver(request, **{**told, "api_key": "stranger"}) == ([], [])
        assert request.headers["content-type"] == "application/json"
        assert "webhook-signature" not in request.headers
    first, second = (json.loads(request.body)["callbacks"][0] for request in receiver.requests)
    assert first["account_email"] == "owner@example.com"
    assert first["callback_id"] < second["callback_id"]
    assert (first["min_balance"]["is_repeated"], second["min_balance"]["is_repeated"]) == (False, True)


@pytest.mark.skipif(shutil.which("node") is None, reason="the published receiver is written for node")
@pytest.mark.django_db
def test_the_published_receiver_itself_answers_200_on_node() -> None:
    """Their file as it is in the article, but for the three values a customer fills in; `express` is played."""
    account = an_account()
    told = {"salt": "pepper-7f3", "account id": str(account.pk)}
    with a_told(account, form=Endpoint.Form.VOXIMPLANT, salt="pepper-7f3") as (receiver, endpoint):
        told["api key"] = endpoint.secret
        it_happens(account)
        carry_out()
    script = (HERE / "voximplant_receiver.js").read_text(encoding="utf-8")
    for name, value in told.items():
        script = script.replace(f'"<{name} string>"', json.dumps(value))
    done = subprocess.run(
        ["node", "-e", script], input=receiver.requests[0].body, capture_output=True, check=False,
        env={"PATH": os.environ["PATH"], "NODE_PATH": str(HERE / "node")}, timeout=30,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines() == ["200", "WARNING! The balance is under the threshold!"]
