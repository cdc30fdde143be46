"""HTTP Digest: the vectors of the standards, a client that others wrote, and what must not be taken."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from requests.auth import HTTPDigestAuth
from requests.utils import parse_dict_header

from softphone.digest import (
    Credentials,
    DigestUnreadable,
    Verdict,
    challenge,
    expected_response,
    is_for,
    judge,
    read,
)

KEY = b"a key of the test"
NOW = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
REALM, SECRET = "lusitel", "Circle of Life"

OF_2015 = (
    'username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm={algorithm}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, '
    'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="{response}", '
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
OF_1999 = (
    'username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
    'uri="/dir/index.html", qop=auth, nc=00000001, cnonce="0a4f113b", '
    'response="6629fae49393a05397450978507c4ef1", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)


URL = "https://bo.example.com/acrobits/rate/?u=ana"


def answers(
    header: str, count: int, *, method: str = "GET", url: str = URL, secret: str = SECRET, name: str = "ana"
) -> list[str]:
    """What the client of the `requests` library sends back, the first time and later, without the word Digest."""
    client = HTTPDigestAuth(name, secret)
    client.init_per_thread_state()
    client._thread_local.chal = parse_dict_header(header.removeprefix("Digest "))
    return [str(client.build_digest_header(method, url)).removeprefix("Digest ") for _ in range(count)]


def answered(header: str, **options: str) -> str:
    """Its first answer."""
    return answers(header, 1, **options)[0]


def verdict(answer: str, *, now: datetime = NOW, secret: str = SECRET, realm: str = REALM, key: bytes = KEY) -> Verdict:
    return judge(read(answer), secret=secret, realm=realm, method="GET", key=key, now=now)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_vectors_of_rfc_7616(algorithm: str, response: str) -> None:
    given = read(OF_2015.format(algorithm=algorithm, response=response))
    assert expected_response(given, secret=SECRET, method="GET") == response == given.response
    assert expected_response(given, secret="circle of life", method="GET") != response


def test_the_vector_of_rfc_2617() -> None:
    given = read(OF_1999)
    assert expected_response(given, secret="Circle Of Life", method="GET") == given.response


def test_an_answer_without_qop_is_that_of_rfc_2069() -> None:
    given = Credentials(username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",
                        uri="/dir/index.html", response="")  # fmt: skip
    # H(H(Mufasa:testrealm@host.com:CircleOfLife):nonce:H(GET:/dir/index.html))
    assert expected_response(given, secret="CircleOfLife", method="GET") == "1949323746fe6a43ef61f9606e7febea"


def test_a_client_of_others_answers_our_challenge() -> None:
    header = challenge(REALM, key=KEY, now=NOW)
    assert verdict(answered(header)) is Verdict.RIGHT
    assert verdict(answered(header.replace("algorithm=MD5", "algorithm=SHA-256"))) is Verdict.RIGHT
    assert verdict(answered(header.replace('qop="auth", ', ""))) is Verdict.RIGHT
    assert verdict(answered(header, secret="another")) is Verdict.WRONG
    assert verdict(answered(header, method="POST")) is Verdict.WRONG
    assert verdict(answered(header), realm="somebody else's") is Verdict.WRONG


def test_a_nonce_is_good_for_five_minutes() -> None:
    answer = answered(challenge(REALM, key=KEY, now=NOW))
    for seconds, expected in [(-5, "right"), (300, "right"), (301, "stale"), (-6, "stale"), (86_400, "stale")]:
        assert verdict(answer, now=NOW + timedelta(seconds=seconds)) is Verdict(expected)
    assert verdict(answer, now=NOW + timedelta(seconds=301), secret="another") is Verdict.WRONG


@pytest.mark.parametrize("change", ["", "x", "0" * 8 + "-" + "0" * 16 + "-" + "0" * 64])
def test_a_nonce_that_is_not_ours_is_stale_at_best(change: str) -> None:
    header = challenge(REALM, key=KEY, now=NOW)
    made_up = re.sub(r'nonce="[^"]*"', f'nonce="{change}"', header)
    assert verdict(answered(made_up)) is Verdict.STALE
    assert verdict(answered(header), key=b"another key") is Verdict.STALE


def test_what_is_remembered_differs_by_nonce_and_count() -> None:
    answer = answered(challenge(REALM, key=KEY, now=NOW))
    given = read(answer)
    again, later = read(answer), read(answer.replace("nc=00000001", "nc=00000002"))
    other = read(answered(challenge(REALM, key=KEY, now=NOW)))
    assert given.use == again.use
    assert len({given.use, later.use, other.use}) == 3
    assert len(given.use) <= 128
    without_qop = answered(challenge(REALM, key=KEY, now=NOW).replace('qop="auth", ', ""))
    assert read(without_qop).use == read(f"{without_qop}, nc=00000002").use


def test_its_letter_case_changes_nothing_about_a_use() -> None:
    answer = OF_2015.format(algorithm="MD5", response="0" * 32)
    assert read(answer.replace("nc=00000001", "nc=0000000a")).use == read(
        answer.replace("nc=00000001", "nc=0000000A")
    ).use  # fmt: skip


@pytest.mark.parametrize(
    ("uri", "path", "query", "matches"),
    [
        ("/acrobits/rate/?u=ana", b"/acrobits/rate/", b"u=ana", True),
        ("https://bo.example.com/acrobits/rate/?u=ana", b"/acrobits/rate/", b"u=ana", True),
        ("/acrobits/rate/an%C3%A1/", "/acrobits/rate/aná/".encode(), b"", True),
        ("/voice/acrobits/rate/", b"/acrobits/rate/", b"", True),
        ("/acrobits/rate/?u=bob", b"/acrobits/rate/", b"u=ana", False),
        ("/acrobits/rate/", b"/acrobits/rate/", b"u=ana", False),
        ("/acrobits/balance/", b"/acrobits/rate/", b"", False),
        ("*", b"/acrobits/rate/", b"", False),
        ("", b"/acrobits/rate/", b"", False),
        ("https://[x/acrobits/rate/", b"/acrobits/rate/", b"", False),
    ],
)
def test_an_answer_is_for_one_address(uri: str, path: bytes, query: bytes, matches: bool) -> None:
    given = Credentials(username="ana", realm=REALM, nonce="n", uri=uri, response="r")
    assert is_for(given, paths=(path, b"/voice" + path), query=query) is matches


def test_names_that_need_quoting_or_are_not_ascii_are_read() -> None:
    answer = OF_2015.format(algorithm="MD5", response="0" * 32)
    assert read(answer.replace('"Mufasa"', r'"a\"b\\c, d"')).username == 'a"b\\c, d'
    extended = "username*=UTF-8''J%C3%A4s%C3%B8n%20Doe"
    assert read(answer.replace('username="Mufasa"', extended)).username == "Jäsøn Doe"
    assert 'realm="a\\"b\\\\c"' in challenge('a"b\\c', key=KEY, now=NOW)


@pytest.mark.parametrize(
    "change",
    [
        ("username=", "name="),
        ("realm=", "kingdom="),
        ("nonce=", "once="),
        ("uri=", "url="),
        ("response=", "answer="),
        ("algorithm=MD5", "algorithm=MD5-sess"),
        ("algorithm=MD5", "algorithm=SHA-512-256"),
        ("qop=auth", "qop=auth-int"),
        ("nc=00000001", "nc=1"),
        ("nc=00000001, ", ""),
        ("nc=00000001", "nc=0000000x"),
        ("qop=auth", "qop=auth, qop=auth"),
        ("qop=auth", "qop=auth, QOP=auth"),
        ("qop=auth", "qop=auth, userhash=true"),
        ("qop=auth", "qop=auth, nonsense"),
        ("qop=auth", 'qop=auth, x="y'),
        ("qop=auth", "qop=auth, username*=UTF-8''ana"),
        ('username="Mufasa"', "username*=latin-1''ana"),
        ('username="Mufasa"', "username*=UTF-8''%FF"),
        ("qop=auth", ", ".join(["qop=auth", *(f"x{number}=1" for number in range(20))])),
        ("qop=auth", 'qop=auth, x="' + "y" * 4_096 + '"'),
    ],
)
def test_a_header_that_is_not_digest_as_we_offer_it_is_refused(change: tuple[str, str]) -> None:
    header = OF_2015.format(algorithm="MD5", response="0" * 32)
    assert change[0] in header
    with pytest.raises(DigestUnreadable):
        read(header.replace(*change, 1))


@pytest.mark.parametrize("header", ["", ",", "=", "a", '"', "a=b c=d", "\x00", '"' * 4_000, "a=" * 1_000, 'a="\\'])
def test_no_header_breaks_the_reader(header: str) -> None:
    with pytest.raises(DigestUnreadable):
        read(header)
