"""Whose address counts."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from pytest_django.fixtures import Settings

from softphone.whereabouts import address_of, is_secure, network_of


def address(remote: str, forwarded: str | None = None) -> str:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return address_of(RequestFactory().get("/", headers=headers, REMOTE_ADDR=remote))


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8::0:1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_without_a_proxy_only_the_connection_counts(remote: str, expected: str) -> None:
    assert address(remote) == address(remote, "198.51.100.9") == expected


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("198.51.100.9", "198.51.100.9"),
        ("203.0.113.1, 198.51.100.9", "198.51.100.9"),
        ("203.0.113.1,198.51.100.9:4711", "198.51.100.9"),
        ("203.0.113.1, [2001:db8::7]:4711", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        ("198.51.100.9, unknown", "192.0.2.1"),
        ("", "192.0.2.1"),
        (None, "192.0.2.1"),
        ("x" * 100_000, "192.0.2.1"),
    ],
)
def test_behind_a_proxy_the_entry_that_it_wrote_counts(
    settings: Settings, forwarded: str | None, expected: str
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert address("192.0.2.1", forwarded) == expected


def test_ipv6_is_counted_by_network() -> None:
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::1") == "2001:db8:1:2::"
    assert network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("") == ""


@pytest.mark.parametrize(
    ("public_is_https", "behind_proxy", "said", "expected"),
    [
        (False, False, "", False),
        (False, False, "https", False),
        (True, False, "", True),
        (True, True, "https", True),
        (True, True, "http", False),
        (True, True, "", False),
    ],
)
def test_https_is_what_the_trusted_proxy_says_else_what_the_public_address_says(
    settings: Settings, public_is_https: bool, behind_proxy: bool, said: str, expected: bool
) -> None:
    settings.SECURE = public_is_https
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if behind_proxy else None
    assert is_secure(RequestFactory().get("/", headers={"X-Forwarded-Proto": said})) is expected
    assert is_secure(RequestFactory().get("/", secure=True)) is (not behind_proxy or said == "https") or behind_proxy
