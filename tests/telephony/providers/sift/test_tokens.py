"""Capability tokens: what the helper library's reference promises, the form that is ours, and what is no token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import sift_tokens
from telephony.providers.sift.capability_codec import CapabilityCodec, Permissions, TokenRefused, is_client_name
from telephony.providers.sift.tokens import LONGEST_PARAMS, GridspaceCapability

ACCOUNT = "573e49212d2c62e6"
AUTH_TOKEN = "an-auth-token-that-nobody-can-guess"
APPLICATION = "3bb34721cbe2e221"
NOW = datetime(2026, 3, 2, 8, 20, 0, 999_999, tzinfo=UTC)
SECONDS = 1772439600
ALL = f"scope:client:outgoing?app_id={APPLICATION}&client_name=alice scope:client:incoming?client_name=alice"


def capability() -> GridspaceCapability:
    return GridspaceCapability(ACCOUNT, AUTH_TOKEN)


def read(token: str, now: datetime = NOW, account: str = ACCOUNT, auth_token: str = AUTH_TOKEN) -> Permissions:
    return CapabilityCodec(account, auth_token).read(token, now).permissions


def segment(value: Any) -> bytes:
    encoded = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(encoded).rstrip(b"=")


def signed(claims: Any, header: Any = None, key: str = AUTH_TOKEN) -> str:
    """A token made by hand: no library of ours or of others."""
    message = segment(header or {"alg": "HS256", "typ": "JWT"}) + b"." + segment(claims)
    return (message + b"." + segment(hmac.digest(key.encode(), message, hashlib.sha256))).decode()


def test_it_permits_nothing_at_first() -> None:
    assert capability().payload() == {"iss": ACCOUNT, "scope": ""}
    assert read(capability().generate(now=NOW)) == Permissions()


def test_a_client_may_connect_to_an_application() -> None:
    client = capability()
    client.allow_client_outgoing(APPLICATION)
    assert client.payload() == {"iss": ACCOUNT, "scope": f"scope:client:outgoing?app_id={APPLICATION}"}
    assert read(client.generate(now=NOW)) == Permissions(application_id=APPLICATION)


def test_a_client_may_be_called_by_its_name() -> None:
    client = capability()
    client.allow_client_incoming("alice")
    assert client.payload() == {"iss": ACCOUNT, "scope": "scope:client:incoming?client_name=alice"}
    assert read(client.generate(now=NOW)) == Permissions(client_name="alice")


@pytest.mark.parametrize("is_incoming_first", [True, False])
def test_who_can_be_called_says_who_calls_too_whatever_was_allowed_first(is_incoming_first: bool) -> None:
    client = capability()
    if is_incoming_first:
        client.allow_client_incoming("alice")
    client.allow_client_outgoing(APPLICATION)
    if not is_incoming_first:
        client.allow_client_incoming("alice")
    assert client.payload()["scope"] == ALL


def test_params_reach_the_application_unchanged_and_in_one_order() -> None:
    one, other = capability(), capability()
    one.allow_client_outgoing(APPLICATION, plan="a&b =c", at="50%", self="no", tom="å")
    other.allow_client_outgoing(APPLICATION, tom="å", self="no", at="50%", plan="a&b =c")
    assert one.payload() == other.payload()
    (scope,) = one.payload()["scope"].split(" ")
    _, _, query = scope.partition("?")
    (params,) = parse_qs(query, strict_parsing=True)["params"]
    assert params == "at=50%25&plan=a%26b%20%3Dc&self=no&tom=%C3%A5"
    assert read(one.generate(now=NOW)).params == {"plan": "a&b =c", "at": "50%", "self": "no", "tom": "å"}


def test_a_permission_given_twice_counts_as_it_was_given_last() -> None:
    client = capability()
    client.allow_client_outgoing("first", plan="gold")
    client.allow_client_outgoing(APPLICATION)
    client.allow_client_incoming("bob")
    client.allow_client_incoming("alice")
    assert client.payload()["scope"] == ALL


def test_a_token_lives_an_hour_unless_it_is_told_otherwise() -> None:
    codec = CapabilityCodec(ACCOUNT, AUTH_TOKEN)
    assert codec.read(capability().generate(now=NOW), NOW).expires_at == datetime(2026, 3, 2, 9, 20, tzinfo=UTC)
    assert codec.read(capability().generate(60, now=NOW), NOW).expires_at == datetime(2026, 3, 2, 8, 21, tzinfo=UTC)
    assert codec.read(capability().generate(expires=86_400), datetime.now(UTC)).account_id == ACCOUNT


def test_a_token_is_a_jwt_that_any_library_reads() -> None:
    client = capability()
    client.allow_client_outgoing(APPLICATION)
    client.allow_client_incoming("alice")
    token = client.generate(60, now=NOW)
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    claims = jwt.decode(token, AUTH_TOKEN, algorithms=["HS256"], options={"verify_exp": False}, issuer=ACCOUNT)
    assert claims == {"iss": ACCOUNT, "iat": SECONDS, "exp": SECONDS + 60, "scope": ALL}
    assert read(signed(claims)) == read(token)


def test_the_sandbox_which_shares_no_code_reads_and_writes_the_same() -> None:
    client = capability()
    client.allow_client_outgoing(APPLICATION, plan="a&b =c", at="50%")
    client.allow_client_incoming("zoë@example.com")
    token = client.generate(60, now=NOW)
    theirs = sift_tokens.read(token, account_id=ACCOUNT, auth_token=AUTH_TOKEN, now=NOW)
    assert (theirs.app_id, theirs.expires_at) == (APPLICATION, SECONDS + 60)
    assert (theirs.outgoing_name, theirs.incoming_name) == ("zoë@example.com", "zoë@example.com")
    assert theirs.parameters == {"plan": "a&b =c", "at": "50%"}
    assert read(sift_tokens.signed(ACCOUNT, AUTH_TOKEN, client.payload()["scope"], now=NOW)) == read(token)


def test_a_short_auth_token_signs_too_because_nobody_chose_it() -> None:
    token = GridspaceCapability(ACCOUNT, "short").generate(now=NOW)
    assert read(token, auth_token="short") == Permissions()


def test_the_auth_token_is_not_shown() -> None:
    client = capability()
    client.allow_client_outgoing(APPLICATION)
    shown = f"{client!r} {vars(client)} {CapabilityCodec(ACCOUNT, AUTH_TOKEN)!r} {client.payload()}"
    assert AUTH_TOKEN not in shown + client.generate(now=NOW)
    assert segment(AUTH_TOKEN.encode()).decode() not in client.generate(now=NOW)


@pytest.mark.parametrize("name", ["alice", "a", "a" * 128, "alice@example.com", "zoë-2", "a.b_c~d", "o'neil"])
def test_names_that_survive_everywhere_are_names(name: str) -> None:
    client = capability()
    client.allow_client_incoming(name)
    client.allow_client_outgoing(APPLICATION)
    assert read(client.generate(now=NOW)) == Permissions(application_id=APPLICATION, client_name=name)


WRONG: list[tuple[str, Callable[[], object]]] = [
    *[
        ("A client's name", lambda name=name: capability().allow_client_incoming(name))
        for name in ("", " ", "a b", "a\tb", "a\0", "\ud800", "a" * 129, "a&app_id=b", "a?b", "a=b", "a#b", "a%20b",
                     "a+b", "a\u00a0b", "a\u202eb")
    ],
    *[
        ("The application's id", lambda each=each: capability().allow_client_outgoing(each))
        for each in ("", " ", "a b", "a&client_name=b", "a" * 65, "ä", "\ud800")
    ],
    ("The params", lambda: capability().allow_client_outgoing(APPLICATION, plan=5)),
    ("The params", lambda: capability().allow_client_outgoing(APPLICATION, plan="\ud800")),
    ("The params", lambda: capability().allow_client_outgoing(APPLICATION, plan="x" * LONGEST_PARAMS)),
    *[
        ("A token lives", lambda seconds=seconds: capability().generate(seconds, now=NOW))
        for seconds in (0, -1, 86_401, 1.5, True, "60", None)
    ],
    *[
        ("The account's id", lambda each=each: GridspaceCapability(each, AUTH_TOKEN))
        for each in ("", "a:b", "a b", "a" * 65, "\ud800")
    ],
    *[
        ("The auth token", lambda each=each: GridspaceCapability(ACCOUNT, each))
        for each in ("", " ", "a b", "a\n", "ä", "a" * 513, "\ud800")
    ],
]  # fmt: skip


@pytest.mark.parametrize(("begins", "act"), WRONG)
def test_what_can_never_be_right_is_refused_with_one_sentence(begins: str, act: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=f"^{begins}") as caught:
        act()
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_an_auth_token_that_is_another_kind_of_key_is_refused() -> None:
    public = "-----BEGIN PUBLIC KEY-----"
    with pytest.raises(ValueError, match=r"^The auth token"):
        GridspaceCapability(ACCOUNT, public)
    with pytest.raises(ValueError, match=r"^The auth token cannot sign"):
        GridspaceCapability(ACCOUNT, '{"kty":"oct"}').generate(now=NOW)


# What is no token


def claims(**values: Any) -> dict[str, Any]:
    return {"iss": ACCOUNT, "iat": SECONDS, "exp": SECONDS + 60, "scope": ALL, **values}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in claims().items() if key != name}


def test_a_token_made_by_hand_is_read() -> None:
    assert read(signed(claims())) == Permissions(application_id=APPLICATION, client_name="alice")


REFUSED: list[tuple[str, str]] = [
    ("signed", signed(claims(), key="another")),
    ("signed", signed(claims(), {"alg": "none"})),
    ("signed", signed(claims(), {"alg": "none"}).rpartition(".")[0] + "."),
    ("signed", signed(claims(), {"alg": "HS512"})),
    ("signed", signed(claims(), {"alg": "hs256"})),
    ("signed", signed(claims(), {"typ": "JWT"})),
    ("signed", signed(claims(), {"alg": "HS256", "crit": ["exp"], "exp": 1})),
    ("signed", jwt.encode(claims(), AUTH_TOKEN * 2, algorithm="HS512")),
    ("signed", ""),
    ("signed", "a.b"),
    ("signed", "a.b.c"),
    ("signed", "\ud800.b.c"),
    ("signed", "ä.b.c"),
    ("signed", signed(claims())[:-2]),
    ("longer", "a" * 8193),
    ("cannot be read", signed(b"no json")),
    ("cannot be read", signed(b"[" * 100)),
    ("names each once", signed([claims()])),
    ("names each once", signed(f'{{"iss":"{ACCOUNT}","exp":1,"exp":{SECONDS + 60},"scope":""}}'.encode())),
    ("another account", signed(claims(iss="another"))),
    ("another account", signed(without("iss"))),
    ("another account", signed(claims(iss=None))),
    ("when it runs out", signed(without("exp"))),
    ("when it runs out", signed(claims(exp=str(SECONDS + 60)))),
    ("when it runs out", signed(claims(exp=True))),
    ("when it runs out", signed(claims(exp=SECONDS + 60.5))),
    ("calendar", signed(claims(exp=10**18))),
    ("run out", signed(claims(exp=SECONDS))),
    ("run out", signed(claims(exp=-1))),
    ("what it grants", signed(without("scope"))),
    ("what it grants", signed(claims(scope=["scope:client:incoming?client_name=alice"]))),
    ("unknown, or the same twice", signed(claims(scope="scope:account:everything"))),
    ("unknown, or the same twice", signed(claims(scope="scope:client:incoming?client_name=alice  "))),
    ("unknown, or the same twice", signed(claims(scope=" ".join(["scope:client:incoming?client_name=alice"] * 2)))),
    ("unknown, or the same twice", signed(claims(scope="scope:client:incoming?client_name=a&client_name=b"))),
    ("unknown, or the same twice", signed(claims(scope="scope:client:incoming?client_name=a&admin=1"))),
    ("cannot be read", signed(claims(scope="scope:client:incoming?client_name"))),
    ("cannot be read", signed(claims(scope="scope:client:incoming?client_name=%ff"))),
    ("by which name", signed(claims(scope="scope:client:incoming"))),
    ("by which name", signed(claims(scope="scope:client:incoming?client_name=a%26b"))),
    ("to which application", signed(claims(scope="scope:client:outgoing"))),
    ("to which application", signed(claims(scope="scope:client:outgoing?app_id=../b"))),
    ("same twice", signed(claims(scope=f"scope:client:outgoing?app_id={APPLICATION}&params=a%3D1%26a%3D2"))),
    ("cannot be read", signed(claims(scope=f"scope:client:outgoing?app_id={APPLICATION}&params=a"))),
    ("two names", signed(claims(scope=ALL.replace("alice", "bob", 1)))),
]


@pytest.mark.parametrize(("said", "token"), REFUSED)
def test_what_is_no_token_of_this_account_is_refused_with_one_sentence(said: str, token: str) -> None:
    with pytest.raises(TokenRefused, match=said) as caught:
        read(token)
    assert AUTH_TOKEN not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_token_ends_at_its_last_second() -> None:
    token = capability().generate(60, now=NOW)
    end = datetime.fromtimestamp(SECONDS + 60, UTC)
    assert read(token, end - timedelta(microseconds=1)) == Permissions()
    with pytest.raises(TokenRefused, match="run out"):
        read(token, end)


def test_a_token_of_one_account_is_none_of_another() -> None:
    token = capability().generate(now=NOW)
    with pytest.raises(TokenRefused, match="another account"):
        read(token, account="another")
    with pytest.raises(TokenRefused, match="not signed"):
        read(token, auth_token="another")


@given(name=st.text(max_size=12), params=st.dictionaries(st.text(max_size=6), st.text(max_size=12), max_size=3))
def test_what_is_granted_is_read_again_and_nothing_else(name: str, params: dict[str, str]) -> None:
    client = capability()
    params.pop("application_id", None)
    client.allow_client_outgoing(APPLICATION, **params)
    if is_client_name(name):
        client.allow_client_incoming(name)
    else:
        name = ""
    permissions = read(client.generate(now=NOW))
    assert permissions == Permissions(application_id=APPLICATION, client_name=name, params=params)
