"""The web process's way in: machines are answered without the middleware of pages, people with it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults
from xml.etree import ElementTree

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from softphone.models import Line
from telephony import applications
from tests.builders import an_account
from tests.softphone.scenes import a_line, a_softphone

pytestmark = pytest.mark.django_db

OURS = {"Content-Type", "Content-Length", "Cache-Control"}


@dataclass(frozen=True, kw_only=True)
class Told:
    """A response as a server writes it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> str:
        return ElementTree.fromstring(self.body).findtext("message") or ""


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """The one that the web server loads.

    Nobody watches the keyring, which would go on after the test, and the test's connection is left open.
    """
    monkeypatch.setattr(applications, "watch_applications", lambda: None)
    from config import wsgi

    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield wsgi.application
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def ana() -> Line:
    return a_line(an_account(balance="3.00"), name="ana", softphone=a_softphone("lusitel"))


def ask(application: Callable[..., Any], path: str, *, query: str = "", body: bytes | None = None, **more: str) -> Told:
    """What a server would be told, from a machine that sends no more than it has to."""
    environ: dict[str, Any] = {"PATH_INFO": path, "QUERY_STRING": query, "REMOTE_ADDR": "192.0.2.7", **more}
    if body is not None:
        environ |= {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
    setup_testing_defaults(environ)
    told: list[tuple[str, list[tuple[str, str]]]] = []
    response = application(environ, lambda status, headers: told.append((status, headers)))
    body_written = b"".join(response)
    response.close()
    [(status, headers)] = told
    return Told(status=int(status[:3]), headers=dict(headers), body=body_written)


@pytest.mark.parametrize("is_json", [False, True])
def test_an_app_is_answered_without_cookies_and_without_what_pages_need(
    application: Callable[..., Any], ana: Line, is_json: bool
) -> None:
    given = {"username": "ana", "token": ana.token}
    kind = "application/json" if is_json else "application/x-www-form-urlencoded"
    body = (json.dumps(given) if is_json else urlencode(given)).encode()
    told = ask(application, "/acrobits/balance/", body=body, CONTENT_TYPE=kind, HTTP_COOKIE="session=x; csrftoken=y")
    assert (told.status, set(told.headers)) == (200, OURS)
    written = json.loads(told.body) if is_json else ElementTree.fromstring(told.body).find("currency")
    assert (written["currency"] if is_json else written.text) == "USD"


def test_an_app_is_answered_whatever_name_it_calls_us_by(application: Callable[..., Any], ana: Line) -> None:
    query = urlencode({"username": "ana", "token": ana.token})
    assert ask(application, "/acrobits/balance/", query=query, HTTP_HOST="not.ours.example").status == 200


def test_what_an_app_does_wrong_is_told_in_its_format(application: Callable[..., Any], ana: Line) -> None:
    assert ask(application, "/acrobits/balance/", query="username=ana&token=x").status == 401
    assert ask(application, "/acrobits/balance/", body=b"x" * 20_000).status == 413
    told = ask(application, "/acrobits/balance/", query="username=ana", REQUEST_METHOD="PUT")
    assert (told.status, told.message) == (405, "This address takes GET and POST only.")


@pytest.mark.parametrize(
    "path", ["/acrobits/", "/acrobits/callthrough", "/acrobits/a\nb", "/acrobits//", "/acrobits/é"]
)
def test_every_other_address_of_an_app_says_so_as_the_app_can_read_it(
    application: Callable[..., Any], ana: Line, path: str
) -> None:
    told = ask(application, path.encode().decode("latin-1"))
    assert (told.status, set(told.headers)) == (404, OURS)
    assert told.message == "There is nothing at this address: check the app's settings."


def test_people_get_pages_with_all_that_protects_them(application: Callable[..., Any]) -> None:
    for path in ("/accounts/login/", "/Acrobits/balance/"):
        told = ask(application, path, HTTP_HOST="testserver")
        assert {"X-Frame-Options", "Content-Security-Policy"} <= set(told.headers)
    assert ask(application, "/healthz", HTTP_HOST="not.ours.example").status == 400
