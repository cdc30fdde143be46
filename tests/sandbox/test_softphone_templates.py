"""Templates as the app fills them in; the hashes are those of the documentation's worked vectors."""

from functools import partial
from hashlib import sha1

import pytest

from sandbox.softphone_templates import BadTemplate, Values, expand, percent_escaped

SECRET = "s3cret-Pa55"
NODES = {"username": "ana", "password": SECRET, "x-cth-pin": "1234", "odd": "a b&c=/+é"}
ESCAPED = partial(percent_escaped, escapes_plus=True)


def values(secure=True, nonce="d41f9b7a2c" + "0" * 54, **parameters):
    return Values(nodes=NODES, parameters={"installid": "I-1", **parameters}, nonce=nonce, secure=secure)


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("", ""),
        ("nothing to fill in", "nothing to fill in"),
        ("%account[username]%/%account[x-cth-pin]%", "ana/1234"),
        ("%account[nobody-has-this]%.", "."),
        ("%installid%%targetNumber%", "I-1+12025550123"),
        ("100 % of %installid% %", "100 % of I-1 %"),
        ("%2B%targetNumber%", "%2B+12025550123"),
        ("%unknown%installid%", "%unknownI-1"),
        ("%unknown% %account[]% %account[username% )%", "%unknown% %account[]% %account[username% )%"),
    ],
)
def test_placeholders_are_replaced_and_everything_else_stays(template, filled):
    assert expand(template, values(targetNumber="+12025550123")) == filled


@pytest.mark.parametrize(
    ("template", "hashed"),
    [
        ("%sha1(%account[password]%)%", "b84f2841b936fb2986d3f8ed4c4407e62246909b"),
        ("%sha1(%account[password]%%nonce(10)%)%", "582beb85ceaf77675a2a448e5899d32161e22169"),
        ("%sha1(%nonce(10)%%account[password]%)%", "fec4cf177701d2701396e636f27950c2a775e96b"),
        ("%sha1(%account[username]%%nonce(10)%%account[password]%)%", "0b5bb80ac9302fcd2a35eee03bb2d87cde84ced0"),
        ("%sha1(fixed)%", "7bc555991dbab41aa198fbd77899d49a277d4d6d"),
    ],
)
@pytest.mark.parametrize("secure", [True, False])
def test_a_hash_is_that_of_the_true_password_whether_or_not_it_travels_by_tls(template, hashed, secure):
    assert expand(template, values(secure)) == hashed


def test_the_hash_of_what_has_odd_characters_is_made_before_they_are_escaped():
    assert expand("%sha1(%account[odd]%)%", values(), ESCAPED) == sha1(NODES["odd"].encode()).hexdigest()


def test_the_nonce_of_one_request_is_the_same_wherever_it_stands():
    assert expand("%nonce(8)%-%nonce(8)%-%nonce(10)%", values()) == "d41f9b7a-d41f9b7a-d41f9b7a2c"


def test_a_password_that_would_travel_in_the_clear_is_asterisks():
    template = "%account[password]%,%account[username]%"

    assert expand(template, values(secure=False)) == "********,ana"
    assert expand(template, values(secure=True)) == f"{SECRET},ana"


def test_values_are_escaped_and_the_template_is_not():
    assert expand("?a=b&c=%account[odd]%", values(), ESCAPED) == "?a=b&c=a%20b%26c%3D%2F%2B%C3%A9"


def test_an_app_may_leave_a_plus_bare():
    bare = partial(percent_escaped, escapes_plus=False)

    assert expand("%account[odd]%", values(), bare) == "a%20b%26c%3D%2F+%C3%A9"


def test_a_value_that_looks_like_a_placeholder_is_not_filled_in_again():
    assert expand("%sms_body%", values(sms_body="%account[password]%")) == "%account[password]%"


@pytest.mark.parametrize(
    "template",
    [
        "%sha1(%account[password]%",
        "%sha1(",
        "%nonce()%",
        "%nonce(0)%",
        "%nonce(65)%",
        "%nonce(064)%",
        "%nonce(9999999)%",
        "%nonce(eight)%",
        "%nonce(-1)%",
        "%sha1(" * 9 + ")%" * 9,
        "%sha1(" * 100_000,
    ],
)
def test_a_function_that_makes_no_sense_is_refused(template):
    with pytest.raises(BadTemplate):
        expand(template, values())
