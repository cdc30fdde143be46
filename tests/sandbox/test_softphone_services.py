"""Requests to web services: as the operator wrote them down, over real HTTP."""

import hashlib
import re
import socket
from threading import Event

import pytest

from sandbox.softphone_services import (
    CALL_THROUGH,
    FETCH_TEXTS,
    PROVISIONING,
    SEND_TEXT,
    BadService,
    Network,
    Service,
    WebRequest,
    prepare,
)
from sandbox.softphone_templates import BadTemplate, Values
from tests.sandbox.web import Says, web

NODES = {"username": "ana", "password": "s3cret-Pa55", "x-ws-token": "9f3c"}


def values(secure=True, **parameters):
    return Values(nodes=NODES, parameters={"targetNumber": "+12025550123", **parameters}, nonce="0" * 64, secure=secure)


def prepared(service, escapes_plus=True, **more):
    return prepare(service, values(**more), escapes_plus=escapes_plus)


def test_a_service_without_data_to_post_is_asked_by_get():
    service = Service.of({"cth_ws_url": "https://bo.example/cth"}, CALL_THROUGH)

    assert (service.method, service.post_data) == ("GET", "")
    request = prepared(service)
    assert (request.body, "Content-Type" in request.headers) == (None, False)


def test_a_service_with_data_to_post_posts_a_form_unless_told_otherwise():
    nodes = {"cth_ws_url": "https://bo.example/cth", "cth_ws_postData": "u=%account[username]%&to=%targetNumber%"}
    request = prepared(Service.of(nodes, CALL_THROUGH))

    assert (request.method, request.body) == ("POST", b"u=ana&to=%2B12025550123")
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("content_type", ["application/json", "text/xml; charset=utf-8"])
def test_values_stand_as_they_are_in_a_body_that_is_no_form(content_type):
    nodes = {
        "cth_ws_url": "https://bo.example/cth",
        "cth_ws_postData": '{ "username" : "%account[username]%", "to" : "%targetNumber%" }',
        "cth_ws_contentType": content_type,
    }
    request = prepared(Service.of(nodes, CALL_THROUGH), targetNumber='+1"555')

    assert request.body == b'{ "username" : "ana", "to" : "+1"555" }'
    assert request.headers["Content-Type"] == content_type


def test_an_app_that_leaves_plus_bare_does_so_in_address_and_form():
    service = Service(
        url="https://bo.example/%targetNumber%?to=%targetNumber%", post_data="to=%targetNumber%", method="PUT"
    )
    request = prepared(service, escapes_plus=False)

    assert (request.url, request.body) == ("https://bo.example/+12025550123?to=+12025550123", b"to=+12025550123")


def test_texts_are_configured_by_two_names_of_their_own():
    nodes = {
        "genericSmsSendUrl": "https://bo.example/send",
        "genericSmsPostData": "a=1",
        "genericSmsContentType": "application/json",
        "genericSmsFetchUrl": "https://bo.example/fetch",
        "genericSmsFetchPostData": "b=2",
    }

    send, fetch = Service.of(nodes, SEND_TEXT), Service.of(nodes, FETCH_TEXTS)
    assert (send.post_data, send.content_type) == ("a=1", "application/json")
    assert (fetch.post_data, fetch.content_type) == ("b=2", "application/x-www-form-urlencoded")


def test_a_service_with_no_address_is_none():
    assert Service.of({"cth_ws_postData": "a=1"}, CALL_THROUGH) is None


def test_a_method_that_there_is_not_is_refused():
    with pytest.raises(BadService, match="InitialProvisioningMethod is BREW"):
        Service.of({"InitialProvisioningUrl": "https://bo.example", "InitialProvisioningMethod": "brew"}, PROVISIONING)


@pytest.mark.parametrize(
    "url",
    [
        "bo.example/cth",
        "ftp://bo.example/",
        "https:///cth",
        "https://bo.example:port/",
        "https://bo.example/?to=%no-such-thing%",
        "https://bo.example/a b",
        "https://bo.example/\n",
    ],
)
def test_what_is_no_address_is_not_asked(url):
    with pytest.raises(BadService, match="no http or https address"):
        prepared(Service(url=url))


def test_headers_of_the_operators_own_are_sent_with_their_placeholders_replaced():
    lines = "Authorization: Bearer %account[x-ws-token]%\\nX-To: %targetNumber%\n\nX-Empty:"
    with web(Says()) as server:
        request = prepared(Service(url=server.url, custom_headers=lines), targetNumber="1\r\nX-Evil: 1")
        Network().exchange(request)

    headers = server.asked[0].headers
    assert (headers["Authorization"], headers["X-To"], headers["X-Empty"]) == ("Bearer 9f3c", "1X-Evil: 1", "")
    assert "X-Evil" not in headers


@pytest.mark.parametrize("line", ["no colon", ": value", "na me: value", "näme: value"])
def test_a_line_that_is_no_header_is_refused(line):
    with pytest.raises(BadTemplate, match="custom header"):
        prepared(Service(url="https://bo.example/", custom_headers=line))


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def test_a_user_name_for_the_service_is_proved_by_http_digest():
    def guarded(asked):
        if "Authorization" not in asked.headers:
            challenge = 'Digest realm="bo", nonce="n-1", qop="auth", algorithm=MD5'
            return Says(401, headers={"WWW-Authenticate": challenge})
        return Says(body="<response/>")

    service_nodes = {"auth_username": "%account[username]%", "auth_password": "%account[password]%"}
    with web(guarded) as server:
        service = Service(url=f"{server.url}/cth?to=%targetNumber%", post_data="a=1", method="POST", **service_nodes)
        exchange = Network().exchange(prepared(service, secure=False))

    assert (exchange.status, [each.body for each in server.asked]) == (200, [b"a=1", b"a=1"])
    given = dict(re.findall(r'(\w+)="?([^",]+)"?', server.asked[1].headers["Authorization"]))
    assert given["uri"] == "/cth?to=%2B12025550123"
    first, second = md5("ana:bo:s3cret-Pa55"), md5(f"POST:{given['uri']}")
    assert given["response"] == md5(f"{first}:n-1:{given['nc']}:{given['cnonce']}:auth:{second}")


def test_a_server_can_stand_for_every_host_as_behind_a_proxy_that_ends_tls():
    with web(Says(body="<response/>")) as server:
        network = Network(via=server.url, address="198.51.100.7")
        exchange = network.exchange(prepared(Service(url="https://bo.example/cth?p=%account[password]%")))

    asked = server.asked[0]
    assert (exchange.status, asked.target) == (200, "/cth?p=s3cret-Pa55")
    assert exchange.request.url == "https://bo.example/cth?p=s3cret-Pa55"
    told = [asked.headers[name] for name in ("Host", "X-Forwarded-Proto", "X-Forwarded-For")]
    assert told == ["bo.example", "https", "198.51.100.7"]


@pytest.mark.parametrize("via", ["bo.example", "ftp://bo.example", "http://bo.example/path"])
def test_a_server_that_stands_for_others_has_no_path(via):
    with pytest.raises(ValueError, match="http://HOST:PORT"):
        Network(via=via)


def test_a_redirect_is_an_answer_like_any_other():
    with web(Says(301, headers={"Location": "/elsewhere"})) as server:
        exchange = Network().exchange(WebRequest(method="GET", url=server.url))

    assert (exchange.status, exchange.succeeded, len(server.asked)) == (301, False, 1)


def test_nobody_there_is_told_in_the_exchange():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        exchange = Network().exchange(WebRequest(method="GET", url=url))

    assert (exchange.status, exchange.succeeded) == (None, False)
    assert exchange.error == f"ConnectionError at {url}"


def test_an_answer_that_never_ends_is_cut_off():
    with web(Says(body="x" * ((1 << 20) + 1))) as server:
        exchange = Network().exchange(WebRequest(method="GET", url=server.url))

    assert (exchange.status, exchange.error) == (None, f"RequestException at {server.url}")


def test_an_answer_that_drips_is_waited_for_no_longer_than_allowed():
    hung_up = Event()

    def drips():
        for _ in range(500):
            if hung_up.wait(0.02):
                return
            yield "x"

    with web(Says(body=drips())) as server:
        exchange = Network(timeout_seconds=0.2).exchange(WebRequest(method="GET", url=server.url))
        hung_up.set()

    assert (exchange.status, exchange.error) == (None, f"Timeout at {server.url}")


def test_an_answer_that_does_not_come_is_not_waited_for():
    hung_up = Event()

    def dawdles(asked):
        hung_up.wait(10)
        return Says()

    with web(dawdles) as server:
        exchange = Network(timeout_seconds=0.2).exchange(WebRequest(method="GET", url=server.url))
        hung_up.set()

    assert (exchange.status, exchange.error) == (None, f"ReadTimeout at {server.url}")
