"""The API for people who have signed in: whose it is, what it takes and what it gives."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from structlog.testing import capture_logs

from accounts.models import Account, User
from sandbox import DESK_SIFT_ACCOUNT, DESK_SIFT_TOKEN
from sandbox.sift_tokens import Capability, read
from telephony.models import Application
from tests.builders import A_SECRET, an_account, an_application

pytestmark = pytest.mark.django_db

PATH = "/api/v1/registration-token/"
NEW_SECRET = base64.b64encode(b"sixteen more ok!").decode()
AT_SIFT = "9c1f0b7d2e4a6853"
NOBODYS = {"code": "not_found", "message": "There is nothing here.", "details": {}}
METHODS = ["get", "head", "post", "put", "patch", "delete", "options"]


@pytest.fixture(autouse=True)
def nobody_has_asked_yet() -> None:
    """Attempts are counted in the memory of the process, which outlives a test."""
    cache.clear()


@pytest.fixture
def account() -> Account:
    return an_account("Harbour Café", client_users=["alice", "Åsa Öberg"])


@pytest.fixture
def application() -> Application:
    return an_application()


def signed_in(**fields: Any) -> Client:
    client = Client()
    client.force_login(User.objects.create_user(f"{len(User.objects.all())}@example.com", **fields))
    return client


@pytest.fixture
def owner(account: Account) -> Client:
    return signed_in(account=account)


def ask(client: Client, values: Any = None, method: str = "post") -> Any:
    values = {"client_user": "alice"} if values is None else values
    return client.generic(method.upper(), PATH, json.dumps(values), content_type="application/json")


def is_signed(token: str, secret: str) -> bool:
    """Whether this secret, and the day the token names, made its signature."""
    signed, _, mark = token.rpartition(".")
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in signed.split("."))
    day = hmac.new(base64.b64decode(secret), header["kid"].removeprefix("hkdfv1-").encode(), hashlib.sha256).digest()
    expected = hmac.new(day, signed.encode(), hashlib.sha256).digest()
    assert datetime.fromtimestamp(claims["iat"], UTC).strftime("hkdfv1-%Y%m%d") == header["kid"]
    return base64.urlsafe_b64decode(mark + "==") == expected


def test_the_owner_gets_a_token_for_a_user_of_the_account(owner: Client, application: Application) -> None:
    before = timezone.now()
    answer = ask(owner)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert answer["Content-Type"] == "application/json"
    told = answer.json()
    assert set(told) == {"token", "client_user", "application_key", "expires_at"}
    assert (told["client_user"], told["application_key"]) == ("alice", application.key)
    lifetime = datetime.fromisoformat(told["expires_at"]) - before
    assert timedelta(seconds=595) < lifetime < timedelta(seconds=660)
    assert is_signed(told["token"], A_SECRET)


def test_a_name_of_any_letters_is_a_user(owner: Client, application: Application) -> None:
    assert ask(owner, {"client_user": "Åsa Öberg"}).json()["client_user"] == "Åsa Öberg"


def test_the_application_may_be_named_however_its_key_is_written(owner: Client, application: Application) -> None:
    an_application()
    for key in (application.key, application.key.upper().replace("-", "")):
        answer = ask(owner, {"client_user": "alice", "application": key})
        assert answer.json()["application_key"] == application.key


# Who asks with which method, and the status: everything that is not written here would be a hole.
MATRIX = {
    "anonymous": dict.fromkeys(METHODS, 403),
    "owner": dict.fromkeys(METHODS, 405) | {"post": 200},
    "other customer": dict.fromkeys(METHODS, 405) | {"post": 404},
    "staff": dict.fromkeys(METHODS, 405) | {"post": 404},
    "staff of the account": dict.fromkeys(METHODS, 405) | {"post": 200},
    "person who left": dict.fromkeys(METHODS, 403),
}


@pytest.mark.parametrize("who", MATRIX)
@pytest.mark.parametrize("method", METHODS)
def test_everybody_gets_what_the_matrix_says(account: Account, application: Application, who: str, method: str) -> None:
    people: dict[str, dict[str, Any]] = {
        "owner": {"account": account},
        "other customer": {"account": an_account("Rival")},
        "staff": {"is_staff": True, "is_superuser": True},
        "staff of the account": {"account": account, "is_staff": True},
        "person who left": {"account": account},
    }
    client = signed_in(**people[who]) if who in people else Client()
    if who == "person who left":
        User.objects.update(is_active=False)
    answer = ask(client, method=method)
    assert answer.status_code == MATRIX[who][method]
    if method != "head" and answer.status_code != 200:
        assert set(answer.json()) == {"code", "message", "details"}


def test_somebody_elses_user_looks_like_nobodys(owner: Client, application: Application) -> None:
    an_account("Rival", client_user="bob")
    for name in ("bob", "nobody", "ALICE", " alice", "alice "):
        answer = ask(owner, {"client_user": name})
        assert (answer.status_code, answer.json()) == (404, NOBODYS)


def test_staff_without_an_account_find_nothing(account: Account, application: Application) -> None:
    answer = ask(signed_in(is_staff=True, is_superuser=True))
    assert (answer.status_code, answer.json()) == (404, NOBODYS)


@pytest.mark.parametrize("status", [Account.Status.SUSPENDED, Account.Status.CLOSED])
def test_nobody_registers_for_an_account_that_is_not_active(
    owner: Client, account: Account, application: Application, status: str
) -> None:
    Account.objects.update(status=status)
    answer = ask(owner)
    assert answer.status_code == 403
    assert answer.json()["code"] == "account_not_active"
    assert answer.json()["message"] == f"This account is {status}, so its users cannot register."


def test_with_several_applications_one_has_to_be_named(owner: Client, application: Application) -> None:
    an_application()
    answer = ask(owner)
    assert answer.status_code == 422
    assert answer.json()["message"] == "There are several applications: say at which one."


def test_without_an_application_there_is_nowhere_to_register(owner: Client) -> None:
    answer = ask(owner)
    assert answer.status_code == 422
    assert answer.json()["message"] == "There is no application to register at."


@pytest.mark.parametrize("key", ["unknown", "x" * 100])
def test_an_unknown_application_is_not_found(owner: Client, application: Application, key: str) -> None:
    answer = ask(owner, {"client_user": "alice", "application": key})
    assert (answer.status_code, answer.json()) == (404, NOBODYS)


def test_a_disabled_application_is_not_found(owner: Client, application: Application) -> None:
    off = an_application()
    Application.objects.filter(pk=off.pk).update(enabled=False)
    assert ask(owner, {"client_user": "alice", "application": off.key}).status_code == 404
    assert ask(owner).json()["application_key"] == application.key


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"client_user": ""},
        {"client_user": None},
        {"client_user": ["alice"]},
        {"client_user": {"name": "alice"}},
        {"client_user": "a\x00b"},
        {"client_user": "\ud800"},
        {"client_user": "x" * 129},
        {"client_user": "alice", "application": "x" * 101},
        {"client_user": "alice", "application": ["x"]},
        [],
        "alice",
        5,
    ],
    ids=str,
)
def test_a_request_that_says_nothing_usable_is_refused(owner: Client, application: Application, body: Any) -> None:
    answer = ask(owner, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"client_user=alice", "application/x-www-form-urlencoded", 415),
    ],
)
def test_only_json_is_read(
    owner: Client, application: Application, body: bytes, content_type: str, status: int
) -> None:
    answer = owner.post(PATH, body, content_type=content_type)
    assert answer.status_code == status
    assert set(answer.json()) == {"code", "message", "details"}


def test_nothing_else_can_be_written_along(owner: Client, account: Account, application: Application) -> None:
    extra = {"status": "closed", "account": 1, "balance": "9", "is_staff": True, "token": "x", "secret": "x"}
    assert ask(owner, {"client_user": "alice", **extra}).status_code == 200
    account.refresh_from_db()
    assert account.status == Account.Status.ACTIVE
    assert not User.objects.filter(is_staff=True).exists()


def test_a_page_of_somebody_else_cannot_ask_in_the_persons_name(account: Account, application: Application) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_user("owner@example.com", account=account))
    answer = ask(client)
    assert answer.status_code == 403
    assert answer.json()["code"] == "permission_denied"


def test_after_a_rotation_the_new_secret_signs(owner: Client, application: Application) -> None:
    old = ask(owner).json()["token"]
    application.secret, application.previous_secret = NEW_SECRET, A_SECRET
    application.save()
    new = ask(owner).json()["token"]
    assert is_signed(old, A_SECRET)
    assert is_signed(new, NEW_SECRET)
    assert not is_signed(new, A_SECRET)


def test_a_name_that_no_token_can_carry_is_refused_with_a_sentence(
    owner: Client, account: Account, application: Application
) -> None:
    account.client_users.create(name="a/b")
    answer = ask(owner, {"client_user": "a/b"})
    assert (answer.status_code, answer.json()["code"]) == (422, "cannot_register")
    assert "cannot stand in a token" in answer.json()["message"]


def test_who_asks_too_often_has_to_wait(owner: Client, application: Application) -> None:
    assert [ask(owner).status_code for _ in range(30)] == [200] * 30
    answer = ask(owner)
    assert (answer.status_code, answer.json()["code"]) == (429, "throttled")
    assert 0 < int(answer["Retry-After"]) <= 60
    assert ask(signed_in(account=an_account("Rival", client_user="bob")), {"client_user": "bob"}).status_code == 200


def test_a_token_is_in_no_log(owner: Client, application: Application, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), capture_logs() as lines:
        token = ask(owner).json()["token"]
    assert [line["event"] for line in lines] == ["registration_token_made"]
    for part in (token, token.rpartition(".")[2], A_SECRET):
        assert part not in caplog.text
        assert part not in str(lines)


# --- at Sift ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def at_sift() -> Application:
    return an_application("sift", key=DESK_SIFT_ACCOUNT, secret=DESK_SIFT_TOKEN, remote_id=AT_SIFT)


def allowed(token: str, at: datetime | None = None) -> Capability:
    """What the platform, which shares no code with us, would let the browser do."""
    return read(token, account_id=DESK_SIFT_ACCOUNT, auth_token=DESK_SIFT_TOKEN, now=at or timezone.now())


def test_at_sift_the_owner_gets_a_token_for_that_one_name_and_our_application(
    owner: Client, at_sift: Application
) -> None:
    before = timezone.now()
    answer = ask(owner)
    told = answer.json()
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert (told["client_user"], told["application_key"]) == ("alice", DESK_SIFT_ACCOUNT)
    capability = allowed(told["token"])
    assert (capability.outgoing_name, capability.incoming_name) == ("alice", "alice")
    assert (capability.app_id, capability.parameters) == (AT_SIFT, {})
    expires_at = datetime.fromisoformat(told["expires_at"])
    assert capability.expires_at == expires_at.timestamp()
    assert timedelta(minutes=59) < expires_at - before <= timedelta(hours=1)
    assert DESK_SIFT_TOKEN not in answer.content.decode()


def test_at_sift_somebody_elses_user_looks_like_nobodys(owner: Client, at_sift: Application) -> None:
    an_account("Rival", client_user="bob")
    for name in ("bob", "nobody", "ALICE", "alice ", "alice&client_name=bob", "webrtc:bob"):
        answer = ask(owner, {"client_user": name, "application": DESK_SIFT_ACCOUNT})
        assert (answer.status_code, answer.json()) == (404, NOBODYS)
    assert ask(signed_in(account=an_account("Third"))).status_code == 404
    assert ask(signed_in(is_staff=True, is_superuser=True)).status_code == 404


def test_at_sift_a_token_is_widened_by_nothing_that_is_sent_along(owner: Client, at_sift: Application) -> None:
    more = {"client_name": "bob", "params": {"plan": "gold"}, "expires": 86_400, "remote_id": "x", "scope": "all"}
    capability = allowed(ask(owner, {"client_user": "alice", **more}).json()["token"])
    assert (capability.incoming_name, capability.app_id, capability.parameters) == ("alice", AT_SIFT, {})


def test_at_sift_a_name_that_permissions_are_written_with_is_refused_with_a_sentence(
    owner: Client, account: Account, at_sift: Application
) -> None:
    account.client_users.create(name="alice&app_id=1")
    for name in ("Åsa Öberg", "alice&app_id=1"):
        answer = ask(owner, {"client_user": name})
        assert (answer.status_code, answer.json()["code"]) == (422, "cannot_register")
        assert "no blanks and none of & = ? # % +" in answer.json()["message"]


@pytest.mark.parametrize("remote_id", ["", "not an id"])
def test_an_application_that_is_not_set_up_at_sift_gives_no_tokens(
    owner: Client, at_sift: Application, remote_id: str
) -> None:
    Application.objects.update(remote_id=remote_id)
    answer = ask(owner)
    assert (answer.status_code, answer.json()["code"]) == (422, "cannot_register")
    assert set(answer.json()) == {"code", "message", "details"}
    assert "id" in answer.json()["message"]


def test_with_applications_at_two_providers_one_has_to_be_named(
    owner: Client, application: Application, at_sift: Application
) -> None:
    assert ask(owner).status_code == 422
    for key in (DESK_SIFT_ACCOUNT, DESK_SIFT_ACCOUNT.upper()):
        assert allowed(ask(owner, {"client_user": "alice", "application": key}).json()["token"]).app_id == AT_SIFT
    told = ask(owner, {"client_user": "alice", "application": application.key}).json()
    assert is_signed(told["token"], A_SECRET)


def test_at_sift_too_nobody_registers_for_a_suspended_account(
    owner: Client, account: Account, at_sift: Application
) -> None:
    Account.objects.update(status=Account.Status.SUSPENDED)
    assert (ask(owner).status_code, ask(owner).json()["code"]) == (403, "account_not_active")


def test_at_sift_after_a_rotation_the_new_auth_token_signs(owner: Client, at_sift: Application) -> None:
    at_sift.secret, at_sift.previous_secret = DESK_SIFT_TOKEN, "the-auth-token-before"
    at_sift.save()
    assert allowed(ask(owner).json()["token"]).incoming_name == "alice"
