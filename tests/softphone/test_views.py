"""The door: whatever comes, the app is answered in the format it asked for, with one sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import parse_qs
from xml.etree import ElementTree

import psycopg
import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import path

from softphone.models import Line
from softphone.sentences import ENGLISH, SPANISH, Sentence
from softphone.views import Answer, Asking, Document, NothingThereView, Refused, SoftphoneView
from tests.builders import an_account
from tests.softphone.scenes import a_line, a_softphone
from tests.softphone.test_digest import answered


class Echo(SoftphoneView):
    """Tells who asked and what for, or does what the test wants."""

    happens: ClassVar[Any] = None

    def answer(self, asking: Asking) -> Answer | Document:
        if isinstance(Echo.happens, Exception):
            raise Echo.happens
        if callable(Echo.happens):
            raise Echo.happens()
        if Echo.happens is not None:
            return Echo.happens  # type: ignore[no-any-return]
        return Answer({"target": asking.needed("target"), "line": asking.proved_line.client_user.name})


class Open(SoftphoneView):
    needs_proof = False

    def answer(self, asking: Asking) -> Answer:
        assert asking.line is None
        return Answer({"language": asking.language, "address": asking.address, "price": Decimal("0.10")})


class Promising(SoftphoneView):
    needs_proof = False
    promised = ("dialString",)

    def answer(self, asking: Asking) -> Answer:
        return Answer({"dialString": asking.parameters.get("target", "")}, status=int(asking.parameters["smart"]))


class ByPassword(Echo):
    accepted_proofs = ("password",)


urlpatterns = [
    path("acrobits/echo/", Echo.as_view()),
    path("acrobits/echo/<username>/<target>", Echo.as_view()),
    path("acrobits/open/", Open.as_view()),
    path("acrobits/promising/", Promising.as_view()),
    path("acrobits/by-password/", ByPassword.as_view()),
    path("acrobits/<path:address>", NothingThereView.as_view()),
]

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

TYPES = {"xml": "text/xml", "json": "application/json", "form": "application/x-www-form-urlencoded"}


@pytest.fixture(autouse=True)
def nobody_has_tried_yet() -> Iterator[None]:
    cache.clear()
    yield
    Echo.happens = None
    cache.clear()


@pytest.fixture
def ana() -> Line:
    return a_line(an_account(), name="ana", softphone=a_softphone("lusitel", proofs=["token", "password", "digest"]))


@pytest.fixture
def app() -> Client:
    """As strict as a browser's visit would be met: no cross-site token is sent, and exceptions are not let through."""
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


def fields(response: HttpResponse) -> dict[str, str]:
    """What the app reads, by the content type alone."""
    written = next(name for name, content_type in TYPES.items() if response["Content-Type"] == content_type)
    text = response.content.decode("ascii" if written == "xml" else "utf-8")
    if written == "json":
        found = json.loads(text)
        assert isinstance(found, dict)
        return found
    if written == "form":
        return {name: value for name, [value] in parse_qs(text, strict_parsing=True, keep_blank_values=True).items()}
    root = ElementTree.fromstring(text)
    assert root.tag == "response"
    return {child.tag: child.text or "" for child in root}


def message(response: HttpResponse) -> str:
    assert set(fields(response)) == {"message"}
    return fields(response)["message"]


def test_every_form_of_a_request_is_answered(app: Client, ana: Line) -> None:
    given = {"username": "ana", "to": "+12025550123", "token": ana.token}
    expected = {"target": "+12025550123", "line": "ana"}
    for response in (
        app.get("/acrobits/echo/", given),
        app.get(f"/acrobits/echo/?u=ana&to=+12025550123&t={ana.token}"),
        app.get("/acrobits/echo/ana/+12025550123", {"token": ana.token}),
        app.get("/acrobits/echo/ana/%2B12025550123", {"token": ana.token}),
        app.post("/acrobits/echo/", f"username=ana&to=+12025550123&token={ana.token}", TYPES["form"]),
        app.post("/acrobits/echo/", json.dumps(given), ""),
    ):
        assert (response.status_code, response["Content-Type"]) == (200, "text/xml")
        assert fields(response) == expected
    response = app.post("/acrobits/echo/", json.dumps(given), "application/json")
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert response.json() == expected


def test_an_answer_is_not_kept_has_a_length_and_sets_no_cookie(app: Client, ana: Line) -> None:
    for response in (
        app.get("/acrobits/open/"),
        app.get("/acrobits/echo/"),
        app.put("/acrobits/echo/"),
        app.options("/acrobits/echo/"),
    ):
        assert response["Cache-Control"] == "no-store"
        assert response["Content-Length"] == str(len(response.content))
        assert response.cookies == {}
        assert "Content-Security-Policy" not in response
        assert "Cookie" not in response.get("Vary", "")


def test_a_get_is_answered_in_the_format_of_its_content_type(app: Client, ana: Line) -> None:
    response = app.get(f"/acrobits/echo/?u=ana&token={ana.token}&to=12345678", CONTENT_TYPE="application/json")
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert fields(response) == {"target": "12345678", "line": "ana"}


@pytest.mark.parametrize("written", TYPES)
@pytest.mark.parametrize("lang", ["en", "es"])
def test_a_refusal_is_in_the_format_and_the_language_that_were_asked_for(
    app: Client, ana: Line, written: str, lang: str
) -> None:
    table = {"en": ENGLISH, "es": SPANISH}[lang]
    for method, body, content_type, query, status, sentence in [
        ("GET", "", "", "u=ana&token=wrong&to=1", 401, Sentence.NOT_PROVED),
        ("GET", "", "", "u=nobody&token=wrong&to=1", 401, Sentence.NOT_PROVED),
        ("GET", "", "", f"u=ana&token={ana.token}&password=x", 400, Sentence.MISSING),
        ("GET", "", "", "u=ana&password=***", 403, Sentence.PASSWORD_OVER_HTTP),
        ("GET", "", "", "u=%FF", 400, Sentence.NOT_UTF8),
        ("POST", '{"u": "a"b"}', "application/json", "", 400, Sentence.NOT_JSON),
        ("POST", '{"u": {"a": 1}}', "application/json", "", 400, Sentence.NOT_FLAT),
        ("POST", "u=" + "a" * 16_384, TYPES["form"], "", 413, Sentence.TOO_LARGE),
        ("DELETE", "", "", "", 405, Sentence.WRONG_METHOD),
        ("PATCH", "u=ana", TYPES["form"], "", 405, Sentence.WRONG_METHOD),
    ]:
        url = f"/acrobits/echo/?format={written}&lang={lang}&{query}"
        response = app.generic(method, url, body, content_type)
        assert (response.status_code, response["Content-Type"]) == (status, TYPES[written])
        assert message(response) == table[sentence].format(parameter="target")


def test_format_and_language_may_be_in_the_body(app: Client, ana: Line) -> None:
    response = app.post("/acrobits/echo/", "format=form&lang=es&u=ana&token=wrong", TYPES["form"])
    assert response["Content-Type"] == TYPES["form"]
    assert message(response) == SPANISH[Sentence.NOT_PROVED]


def test_a_format_that_is_not_offered_is_refused(app: Client, ana: Line) -> None:
    response = app.get("/acrobits/open/?format=yaml")
    assert (response.status_code, response["Content-Type"]) == (400, "text/xml")
    assert message(response) == ENGLISH[Sentence.WRONG_FORMAT]


def test_the_app_named_decides_format_language_and_names(app: Client, ana: Line) -> None:
    other = a_softphone("verde", reply_format="json", language="es", parameter_names={"username": ["wer"]})
    line = a_line(ana.client_user.account, name="bob", softphone=other)
    response = app.get("/acrobits/echo/", {"app": "verde", "wer": "bob", "token": line.token, "to": "1"})
    assert response.json() == {"target": "1", "line": "bob"}
    body = {"app": "verde", "wer": "bob", "token": "wrong", "to": "1"}
    for response in (app.get("/acrobits/echo/", body), app.post("/acrobits/echo/", json.dumps(body), "text/plain")):
        assert (response.status_code, response.json()) == (401, {"message": SPANISH[Sentence.NOT_PROVED]})
    assert app.get("/acrobits/open/?app=verde", headers={"Accept-Language": "en-GB"}).json()["language"] == "en"
    assert message(app.get("/acrobits/echo/?app=verde&u=%FF")) == SPANISH[Sentence.NOT_UTF8]


@pytest.mark.parametrize("name", ["nobody", "a%00b", "'", "%20", "x" * 200])
def test_an_app_that_is_not_there_is_refused(app: Client, ana: Line, name: str) -> None:
    response = app.get(f"/acrobits/open/?app={name}")
    assert (response.status_code, message(response)) == (400, ENGLISH[Sentence.UNKNOWN_APP])


def test_nothing_works_before_an_app_is_set_up(app: Client) -> None:
    response = app.get("/acrobits/open/?format=json&lang=es")
    assert (response.status_code, message(response)) == (503, SPANISH[Sentence.NOT_SET_UP])


def test_an_app_may_be_named_where_there_is_no_default(app: Client) -> None:
    a_softphone("verde", is_default=False)
    assert app.post("/acrobits/open/", "app=verde", "").status_code == 200
    assert app.get("/acrobits/open/").status_code == 503


def test_an_address_that_is_no_service_is_told_so(app: Client, ana: Line) -> None:
    for address in ("echo", "nowhere/", "echo/a/b/c", "echo/a/b/"):
        response = app.get(f"/acrobits/{address}?format=json")
        assert (response.status_code, message(response)) == (404, ENGLISH[Sentence.NOTHING_THERE])


def test_a_head_is_a_get_without_a_body(app: Client, ana: Line) -> None:
    got, head = (app.generic(method, "/acrobits/open/?format=json") for method in ("GET", "HEAD"))
    assert (head.status_code, head.content) == (200, b"")
    assert (
        Open.as_view()(RequestFactory().head("/acrobits/open/?format=json")).content == b""
    )  # Django's client cuts it
    assert head["Content-Length"] == got["Content-Length"] == str(len(got.content))


def test_only_get_and_post_are_taken(app: Client, ana: Line) -> None:
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "NONSENSE"):
        response = app.generic(method, "/acrobits/open/")
        assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, POST, OPTIONS")
    response = app.options("/acrobits/open/")
    assert (response.status_code, response["Allow"], response.content) == (200, "GET, HEAD, POST, OPTIONS", b"")


def test_what_a_service_refuses_is_told_with_its_figures_and_headers(app: Client, ana: Line) -> None:
    Echo.happens = Refused(
        Sentence.CREDIT_BELOW, headers={"X-Test": "yes"}, available="0.12", needed="0.30", currency="EUR"
    )
    response = app.get("/acrobits/echo/", {"u": "ana", "token": ana.token, "format": "json"})
    assert (response.status_code, response["X-Test"]) == (403, "yes")
    assert message(response) == "Credit 0.12 EUR is below the 0.30 EUR needed for this call."


@pytest.mark.parametrize(
    "trouble",
    [RuntimeError("a secret"), OperationalError("a secret"), psycopg.OperationalError("a secret"), Answer({"a": 0.1}),
     SystemError(), KeyError("x"), lambda: Refused(Sentence.MISSING)],
)  # fmt: skip
@pytest.mark.parametrize("written", TYPES)
def test_our_own_trouble_is_one_sentence_and_never_a_traceback(
    app: Client, ana: Line, trouble: Any, written: str
) -> None:
    Echo.happens = trouble
    response = app.get("/acrobits/echo/", {"u": "ana", "token": ana.token, "format": written})
    assert (response.status_code, response["Content-Type"]) == (503, TYPES[written])
    assert message(response) == ENGLISH[Sentence.TROUBLE]


def test_a_database_that_is_away_is_told_before_anything_is_known(
    app: Client, ana: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr("softphone.views.find_softphone", away)
    response = app.get("/acrobits/echo/?format=form&lang=es")
    assert (response.status_code, response["Content-Type"]) == (503, TYPES["form"])
    assert message(response) == SPANISH[Sentence.TROUBLE]


def test_a_success_without_what_the_app_needs_is_never_sent(app: Client, ana: Line) -> None:
    assert fields(app.get("/acrobits/promising/?to=12&smart=200")) == {"dialString": "12"}
    for query in ("smart=200", "to=&smart=201", "smart=299"):
        response = app.get(f"/acrobits/promising/?{query}")
        assert (response.status_code, message(response)) == (503, ENGLISH[Sentence.TROUBLE])
    assert app.get("/acrobits/promising/?smart=403").status_code == 403


def test_a_document_is_sent_as_it_is(app: Client, ana: Line) -> None:
    Echo.happens = Document(content_type="application/xml", body=b"<account><title>L</title></account>", status=200)
    response = app.get("/acrobits/echo/", {"u": "ana", "token": ana.token, "format": "json"})
    assert (response["Content-Type"], response.content) == ("application/xml", b"<account><title>L</title></account>")


def test_a_service_may_take_other_proofs_than_the_app(app: Client, ana: Line) -> None:
    response = app.get("/acrobits/by-password/", {"u": "ana", "password": ana.secret, "to": "1"}, secure=True)
    assert fields(response)["line"] == "ana"
    assert app.get("/acrobits/by-password/", {"u": "ana", "token": ana.token, "to": "1"}).status_code == 401


def test_digest_works_over_the_wire(app: Client, ana: Line) -> None:
    url = "/acrobits/echo/ana/%2B12025550123?x=%20y"
    first = app.get(url)
    assert first.status_code == 401
    answer = answered(first["WWW-Authenticate"], url=f"http://testserver{url}", secret=ana.secret)
    response = app.get(url, headers={"Authorization": f"Digest {answer}"})
    assert fields(response) == {"target": "+12025550123", "line": "ana"}
    assert app.get(url, headers={"Authorization": f"Digest {answer}"}).status_code == 409
    elsewhere = app.get("/acrobits/echo/", headers={"Authorization": f"Digest {answer}"})
    assert elsewhere.status_code == 401


def test_digest_works_below_a_path_that_a_proxy_takes_off(app: Client, ana: Line, settings: Any) -> None:
    settings.PUBLIC_URL = "https://bo.example.com/voice"
    first = app.get("/acrobits/echo/ana/12")
    answer = answered(
        first["WWW-Authenticate"], url="https://bo.example.com/voice/acrobits/echo/ana/12", secret=ana.secret
    )
    assert app.get("/acrobits/echo/ana/12", headers={"Authorization": f"Digest {answer}"}).status_code == 200


def test_too_many_wrong_proofs_are_told_to_wait(app: Client, ana: Line) -> None:
    statuses = [app.get("/acrobits/echo/?u=ana&token=wrong&to=1").status_code for _ in range(25)]
    assert set(statuses) == {401, 429}
    response = app.get("/acrobits/echo/?u=ana&token=wrong&to=1")
    assert (response.status_code, message(response)) == (429, ENGLISH[Sentence.RATE_LIMITED])
    assert 0 < int(response["Retry-After"]) <= 60


def test_an_error_never_says_what_was_sent(app: Client, ana: Line) -> None:
    for query in ("u=canary1&token=canary2&to=canary3", "u=canary1&password=canary2&to=canary3", "u=canary1&u=canary2"):
        for body in ("canary4", '{"canary5": "canary6'):
            response = app.post(f"/acrobits/echo/?{query}", body, "application/json")
            assert b"canary" not in response.content
            assert "canary" not in str(response.headers)


def test_a_name_in_the_path_may_be_in_any_script(app: Client, ana: Line) -> None:
    line = a_line(ana.client_user.account, name="Añá €", softphone=ana.softphone)
    url = "/acrobits/echo/A%C3%B1%C3%A1%20%E2%82%AC/12"
    first = app.get(url)
    answer = answered(first["WWW-Authenticate"], url=f"http://testserver{url}", secret=line.secret, name="Añá €")
    for response in (
        app.get(url, {"token": line.token}),
        app.get(url, headers={"Authorization": f"Digest {answer}".encode().decode("latin-1")}),
    ):
        assert fields(response) == {"target": "12", "line": "Añá €"}


def test_our_own_trouble_is_logged_without_the_user_and_the_number(
    app: Client, ana: Line, caplog: pytest.LogCaptureFixture
) -> None:
    Echo.happens = RuntimeError("broken for a test")
    response = app.get("/acrobits/echo/ana/canary1", {"token": ana.token, "x": "canary2"})
    assert response.status_code == 503
    assert "softphone_request_failed" in caplog.text
    assert "canary" not in caplog.text


def test_a_path_that_is_not_utf8_is_refused(app: Client, ana: Line) -> None:
    response = app.get("/acrobits/echo/ana/%FF", {"token": ana.token})
    assert (response.status_code, message(response)) == (400, ENGLISH[Sentence.NOT_UTF8])
