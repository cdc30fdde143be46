"""An app gets its account for the line's secret, with all it needs to reach every service; nobody else gets it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import resolve

from softphone import lines
from softphone.models import Line, Softphone
from softphone.provisioning import SERVICES, account_xml
from telephony.models import Bridge
from tests.builders import a_deck, an_account, an_application
from tests.softphone.scenes import a_line, a_softphone

pytestmark = pytest.mark.django_db

PATH = "/acrobits/provisioning/"
UK = "+447700900123"


@pytest.fixture(autouse=True)
def _nobody_tried_before() -> None:
    cache.clear()


@pytest.fixture
def softphone() -> Softphone:
    return a_softphone("lusitel", title="Lusitel & Co", sip_host="sip.example.com", sip_transport="tls")


@pytest.fixture
def line(softphone: Softphone) -> Line:
    account = an_account(numbers=[UK], balance="3.00")
    return a_line(account, name="ana", softphone=softphone, callback_number=account.caller_numbers.get())


def ask(client: Client, username: str, password: str, *, secure: bool = True, **more: str) -> Any:
    return client.get(PATH, {"cloud_username": username, "cloud_password": password, **more}, secure=secure)


def nodes(xml: bytes) -> dict[str, str]:
    return {node.tag: node.text or "" for node in ET.fromstring(xml)}


def test_the_account_has_the_lines_secrets_and_where_it_is_at_home(client: Client, line: Line) -> None:
    answer = ask(client, "ana", line.secret, cloud_id="LUSI", initialScreen="1")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/xml")
    assert "no-store" in answer["Cache-Control"]
    assert answer.content.startswith(b"<account><title>Lusitel &amp; Co</title>")
    found = nodes(answer.content)
    assert {name: found[name] for name in list(found)[:11]} == {
        "title": "Lusitel & Co",
        "username": "ana",
        "password": line.secret,
        "authUsername": "ana",
        "host": "sip.example.com",
        "transport": "tls",
        "cloud_username": "ana",
        "cloud_password": line.secret,
        "callbackNumber": UK,
        "x-ws-token": line.token,
        "x-cth-pin": line.pin,
    }
    assert (found["balanceCheckIntervalInSeconds"], found["balanceCheckDelayInSeconds"]) == ("300", "5")
    assert found["rateCheckMinNumberLength"] == "3"


def test_every_service_has_its_address_and_the_proof_by_which_the_line_is_known(client: Client, line: Line) -> None:
    found = nodes(ask(client, "ana", line.secret).content)
    assert found["cth_ws_url"] == "http://testserver/acrobits/callthrough/?app=lusitel"
    assert found["cth_ws_postData"] == (
        "username=%account[username]%&token=%account[x-ws-token]%&target=%targetNumber%"
    )
    assert found["cth_ws_contentType"] == "application/x-www-form-urlencoded"
    for url in ("genericBalanceCheckUrl", "genericRateCheckUrl", "genericSmsSendUrl", "genericSmsFetchUrl",
                "pushTokenReporterUrl"):  # fmt: skip
        assert found[url].startswith("http://testserver/acrobits/")
    assert found["genericSmsPostData"].endswith(
        "&target=%sms_to%&sms_body=%sms_body%&content_type=%content_type%&smart=%smart%"
    )


def test_the_app_that_does_as_it_was_told_is_answered_by_every_service(client: Client, line: Line) -> None:
    a_deck({"44": "0.02"})
    found = nodes(ask(client, "ana", line.secret).content)
    values = {"targetNumber": UK, "sms_to": UK, "sms_body": "ola", "selector": "A:1", "smart": "0"}

    def filled(template: str) -> str:
        named = re.sub(r"%account\[([\w-]+)\]%", lambda match: found[match[1]], template)
        return re.sub(r"%(\w+)%", lambda match: values.get(match[1], ""), named)

    for service in SERVICES:
        assert resolve(urlsplit(found[service.url]).path).func is not None
        answer = client.post(
            found[service.url], filled(found[service.post_data]), content_type=found[service.content_type]
        )
        assert answer.status_code not in (400, 401, 404, 405, 500), (service.path, answer.content)
        if service.path in ("balance/", "rate/", "messages/fetch/", "push-token/"):
            assert answer.status_code == 200


def test_the_app_that_asks_for_web_callback_as_it_was_told_is_called_back(client: Client, line: Line) -> None:
    a_deck({"44": "0.02", "46": "0.02"})
    an_application(caller_id="+442079460099")
    found = nodes(ask(client, "ana", line.secret).content)
    assert found["webCallbackUrl"] == "http://testserver/acrobits/callback/?app=lusitel"
    assert found["webCallbackPostData"] == (
        "username=%account[username]%&token=%account[x-ws-token]%"
        "&target=%targetNumber%&callback=%account[callbackNumber]%"
    )
    filled = re.sub(r"%account\[([\w-]+)\]%", lambda match: found[match[1]], found["webCallbackPostData"])
    body = filled.replace("%targetNumber%", "+46701740605")
    answer = client.post(found["webCallbackUrl"], body, content_type=found["webCallbackContentType"])
    assert answer.content == b"<response><message>Calling you back</message></response>"
    bridge = Bridge.objects.get()
    assert (bridge.callback_number, bridge.destination) == (UK, "+46701740605")
    without = nodes(account_xml(a_line(line.client_user.account, softphone=line.softphone)))
    assert "callbackNumber" not in without
    assert without["webCallbackPostData"].endswith("&target=%targetNumber%"), "we know where its user is called back"


@pytest.mark.parametrize(
    ("proofs", "post_data"),
    [
        (["digest", "password", "sha1", "token"], "token=%account[x-ws-token]%"),
        (["password", "sha1"], "hash=%sha1(%account[password]%)%"),
        (["digest", "password"], "password=%account[password]%"),
    ],
)
def test_the_best_proof_that_the_app_may_use_is_in_the_templates(line: Line, proofs: list[str], post_data: str) -> None:
    line.softphone.proofs = proofs
    found = nodes(account_xml(line))
    assert found["genericBalanceCheckPostData"] == f"username=%account[username]%&{post_data}"
    assert not [name for name in found if name.endswith("AuthPassword")]


def test_an_app_with_digest_alone_is_told_by_whom_it_signs_in(line: Line) -> None:
    line.softphone.proofs = ["digest"]
    found = nodes(account_xml(line))
    assert found["genericBalanceCheckPostData"] == "username=%account[username]%"
    assert found["genericBalanceCheckAuthUsername"] == "%account[username]%"
    assert found["genericBalanceCheckAuthPassword"] == "%account[password]%"


def test_an_app_whose_templates_only_its_operator_can_write_gets_the_account_alone(line: Line) -> None:
    line.softphone.proofs = ["salted"]
    found = nodes(account_xml(line))
    assert (found["username"], found["password"]) == ("ana", line.secret)
    assert not [name for name in found if name.lower().endswith("url")]


def test_the_operators_own_names_are_used(line: Line) -> None:
    line.softphone.parameter_names = {"username": ["login", "who"], "token": ["a&b"], "target": ["callee"]}
    found = nodes(account_xml(line))
    assert found["genericRateCheckPostData"] == (
        "login=%account[username]%&a%26b=%account[x-ws-token]%&callee=%targetNumber%&smartUri=%smartUri%"
    )


def test_without_a_sip_host_or_a_callback_number_the_portals_own_count(line: Line) -> None:
    line.softphone.sip_host, line.callback_number = "", None
    assert not {"host", "transport", "callbackNumber"} & set(nodes(account_xml(line)))


def test_who_is_unknown_revoked_or_wrong_is_told_the_same(client: Client, line: Line, softphone: Softphone) -> None:
    revoked = a_line(softphone=softphone, name="bea")
    old = revoked.secret
    lines.revoke(revoked)
    elsewhere = a_line(softphone=a_softphone("other"), name="eva")
    answers = [
        ask(client, "ana", "wrong"),
        ask(client, "nobody", line.secret),
        ask(client, "ana", revoked.secret),
        ask(client, "ana", line.token),
        ask(client, "ana", ""),
        ask(client, "bea", old),
        ask(client, "eva", elsewhere.secret),
        ask(client, "", line.secret),
        client.get(PATH, secure=True),
        client.get(PATH, {"username": "ana", "token": line.token}, secure=True),
    ]
    assert {answer.status_code for answer in answers} == {410}
    assert len({answer.content for answer in answers}) == 1
    assert nodes(answers[0].content) == {
        "message": "The user name or its proof is wrong: check both, or ask your operator."
    }
    assert ask(client, "eva", elsewhere.secret, app="other").status_code == 200


def test_guessing_is_slowed_down(client: Client, line: Line) -> None:
    statuses = [ask(client, "ana", f"guess {number}").status_code for number in range(12)]
    assert (statuses[0], statuses[-1]) == (410, 429)
    assert ask(client, "ana", line.secret).status_code == 429


@pytest.mark.parametrize(
    ("public_url", "debug", "status"),
    [
        ("http://calls.example.com", False, 403),
        ("http://127.0.0.1.example.com", False, 403),
        ("http://127.0.0.1:8000", False, 200),
        ("http://localhost:8000", False, 200),
        ("http://[::1]:8000", False, 200),
        ("http://calls.example.com", True, 200),
    ],
)
def test_secrets_are_handed_out_over_https_unless_it_is_all_on_one_desk(
    client: Client, line: Line, settings: Any, public_url: str, debug: bool, status: int
) -> None:
    settings.PUBLIC_URL, settings.DEBUG = public_url, debug
    answer = ask(client, "ana", line.secret, secure=False)
    assert answer.status_code == status
    assert (line.token.encode() in answer.content) == (status == 200)
