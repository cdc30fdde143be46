"""SHA-1 of a secret, as the app's functions compute it."""

from __future__ import annotations

import pytest

from softphone.salted import OrderUnusable, check_order, is_usable_nonce, salted_sha1, same_hash, sha1

SECRET, NONCE = "s3cret-Pa55", "d41f9b7a2c"


def test_the_vectors_of_the_protocol() -> None:
    assert sha1(SECRET) == "b84f2841b936fb2986d3f8ed4c4407e62246909b"
    for order, expected in [
        ("{secret}{nonce}", "582beb85ceaf77675a2a448e5899d32161e22169"),
        ("{nonce}{secret}", "fec4cf177701d2701396e636f27950c2a775e96b"),
        ("{username}{nonce}{secret}", "0b5bb80ac9302fcd2a35eee03bb2d87cde84ced0"),
    ]:
        assert salted_sha1(order, username="ana", nonce=NONCE, secret=SECRET) == expected


def test_what_stands_between_the_parts_is_hashed_too() -> None:
    salted = salted_sha1("{nonce}:{secret}", username="ana", nonce=NONCE, secret=SECRET)
    assert salted == sha1(f"{NONCE}:{SECRET}")


def test_a_brace_in_a_value_is_only_a_brace() -> None:
    salted = salted_sha1("{username}{nonce}{secret}", username="{secret}", nonce="{username}", secret="x{nonce}")
    assert salted == sha1("{secret}{username}x{nonce}")


@pytest.mark.parametrize(
    "order",
    ["", "{secret}", "{nonce}", "{username}{nonce}", "{nonce}{secret}{pin}", "{nonce}{secret}{", "{nonce}{secret}{}",
     "{nonce}{secret}{secret.x}", "{nonce!r}{secret}", "}{nonce}{secret}"],
)  # fmt: skip
def test_an_order_without_nonce_or_secret_or_with_anything_else_is_refused(order: str) -> None:
    with pytest.raises(OrderUnusable):
        check_order(order)
    with pytest.raises(OrderUnusable):
        salted_sha1(order, username="ana", nonce=NONCE, secret=SECRET)


@pytest.mark.parametrize("order", ["{nonce}{secret}", "{secret}-{nonce}", "{username}:{nonce}:{secret}"])
def test_every_other_order_is_fine(order: str) -> None:
    check_order(order)


@pytest.mark.parametrize(
    ("nonce", "usable"),
    [("12345678", True), ("1234567", False), ("x" * 128, True), ("x" * 129, False), ("1234 678", False),
     ("1234567\x7f", False), ("1234567é", False), ("12345678\n", False), ("", False)],
)  # fmt: skip
def test_a_nonce_is_8_to_128_visible_ascii_characters(nonce: str, usable: bool) -> None:
    assert is_usable_nonce(nonce) is usable


def test_hashes_are_compared_whatever_their_letter_case() -> None:
    computed = sha1(SECRET)
    assert same_hash(computed, computed)
    assert same_hash(computed.upper(), computed)
    for wrong in ("", computed[:-1], computed + "0", f" {computed}", "x" * 40, "é" * 40, "0" * 40):
        assert not same_hash(wrong, computed)
