"""Capability tokens as this desk reads them, and the browsers that hold them."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from sandbox import DESK_SIFT_ACCOUNT, DESK_SIFT_TOKEN, BadCapability, Phone, Sandbox, wire
from tests.sandbox.sift_server import desk, desk_with, routine

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
START = int(NOW.timestamp())
INCOMING = "scope:client:incoming?client_name=bob"


@pytest.fixture
def sift():
    return Sandbox(target="http://127.0.0.1:9/", wall_clock=lambda: NOW).sift


def token(scope=INCOMING, *, secret=DESK_SIFT_TOKEN, algorithm="HS256", **changed):
    """A token as another library makes it."""
    claims = {"iss": DESK_SIFT_ACCOUNT, "iat": START, "exp": START + 3600, "scope": scope, **changed}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, algorithm)


def outgoing(app, **more):
    return "scope:client:outgoing?app_id=" + "&".join([app.app_id, *(f"{key}={value}" for key, value in more.items())])


def test_a_token_of_another_library_is_read(sift):
    app = sift.add_application("desk")
    scope = f"{outgoing(app, params='plan%3Dgold%26n%3D1', client_name='ana')} {INCOMING}"

    browser = sift.browser(token(scope))

    assert (browser.capability.app_id, browser.capability.incoming_name) == (app.app_id, "bob")
    assert browser.capability.parameters == {"plan": "gold", "n": "1"}
    assert browser.address == "webrtc:ana"


def test_our_own_token_is_readable_for_another_library(sift):
    app = sift.add_application("desk")
    made = sift.token(application=app, client_name="Ana Bo")

    options = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(made, DESK_SIFT_TOKEN, algorithms=["HS256"], options=options)

    assert claims["iss"] == DESK_SIFT_ACCOUNT
    assert claims["exp"] - claims["iat"] == 3600
    assert DESK_SIFT_TOKEN not in made
    assert sift.browser(made).name == "Ana Bo"


def with_header(**header):
    """A token that is signed as it should be, and says that it is not."""
    encoded = urlsafe_b64encode(wire.dumps(header)).decode().rstrip("=")
    content = f"{encoded}.{token().split('.')[1]}"
    signature = hmac.new(DESK_SIFT_TOKEN.encode(), content.encode(), hashlib.sha256).digest()
    return f"{content}.{urlsafe_b64encode(signature).decode().rstrip('=')}"


@pytest.mark.parametrize(
    "bad",
    [
        token(secret="x" * 32),
        with_header(alg="HS512"),
        token(iss="0" * 16),
        token(exp=START),
        token(exp=None),
        token(exp=str(START + 60)),
        token(iat=None),
        token(iat=START + 60),
        token(scope=None),
        token(scope=5),
        token(scope="scope:client:anything?client_name=bob"),
        token(scope="scope:client:incoming"),
        token(scope="scope:client:incoming?client_name=bob&app_id=1"),
        token(scope="scope:client:outgoing?client_name=bob"),
        token(scope="scope:client:outgoing?app_id=0123456789abcdef"),
        token()[:-4],
        token() + "x",
        token(algorithm="none", secret=""),
        with_header(alg="none"),
        with_header(alg="none").rpartition(".")[0] + ".",
        "a.b",
        "a.b.c",
        "é.b.c",
        "",
    ],
)
def test_a_token_that_proves_nothing_is_refused(sift, bad):
    with pytest.raises(BadCapability):
        sift.browser(bad)


def test_who_may_only_be_called_cannot_connect(sift):
    with pytest.raises(BadCapability, match="no outgoing"):
        sift.browser(token()).connect()


def test_a_token_that_has_expired_meanwhile_allows_nothing_any_more():
    times = [NOW]
    sift = Sandbox(target="http://127.0.0.1:9/", wall_clock=lambda: times[-1]).sift
    browser = sift.browser(sift.token(application=sift.add_application("desk"), client_name="bob"))
    assert sift.reached("client", "bob") is not None
    times.append(NOW + timedelta(hours=1))

    with pytest.raises(BadCapability, match="expired"):
        browser.connect()
    assert sift.reached("client", "bob") is None


def test_what_the_token_says_is_handed_to_the_application_and_client_data_only_when_there_is_some():
    with desk_with({"wall_clock": lambda: NOW}, incoming=routine()) as place:
        browser = place.sift.browser(token(outgoing(place.app, params="plan%3Dgold", client_name="ana")))
        browser.connect({"any": ["json", None]})
        browser.connect(None, at_seconds=1)
        browser.connect(at_seconds=2)
        place.platform.run()

        told = place.server.told()
    assert {each["connection"]["from"] for each in told} == {"webrtc:ana"}
    assert [each["connection"].get("client_data", "none") for each in told] == [{"any": ["json", None]}, None, "none"]
    assert all(each["params"] == {"plan": "gold"} for each in told)


@pytest.mark.parametrize(
    ("phone", "result", "seconds"),
    [
        (Phone.answers(2, talks_seconds=30), "answered", 32),
        (Phone.rejects(after_seconds=4), "rejected", 4 + 10),
        (Phone.no_answer(), "no answer", 60 + 10),
    ],
)
def test_a_client_that_is_called_behaves_like_a_telephone(phone, result, seconds):
    with desk(incoming=routine({"name": "CallClient", "client_name": "bob"})) as place:
        place.sift.browser(place.sift.token(client_name="bob"), phone=phone)
        call = place.dialled()

    assert (call.conversations[0].result, (call.end_time - call.began_at).total_seconds()) == (result, seconds)
    assert call.conversations[0].records


def test_a_client_that_is_not_there_cannot_be_called():
    with desk(incoming=routine({"name": "CallClient", "client_name": "bob"})) as place:
        browser = place.sift.browser(place.sift.token(client_name="bob"))
        browser.closed = True
        call = place.dialled(phone=Phone.answers(1))

    assert (call.conversations[0].result, call.status) == ("not there", "failed")
