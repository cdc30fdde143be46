"""Requests in every form an operator may write, and everything that is wrong with a stranger's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from softphone.reading import ALIASES, FIXED, Incoming, hints, in_our_names, read
from softphone.sentences import Refused, Sentence

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


def understood(
    query: bytes = b"",
    *,
    body: bytes = b"",
    content_type: str = "",
    path: dict[str, str] | None = None,
    own_names: object = None,
) -> dict[str, str]:
    incoming = Incoming(query=query, content_type=content_type, body=body)
    return in_our_names(read(incoming), path or {}, {} if own_names is None else own_names)


def refusal(*arguments: Any, **options: Any) -> Sentence:
    with pytest.raises(Refused) as refused:
        understood(*arguments, **options)
    return refused.value.sentence


@pytest.mark.parametrize(
    "request_",
    [
        {"query": b"username=johndow&targetNumber=12345678"},
        {"query": b"username=johndow&targetNumber=12345678", "content_type": JSON},
        {"query": b"username=johndow&targetNumber=12345678", "content_type": "multipart/form-data"},
        {"query": b"u=johndow&to=12345678"},
        {"path": {"username": "johndow", "target": "12345678"}},
        {"body": b"username=johndow&to=12345678", "content_type": FORM},
        {"body": b"username=johndow&to=12345678", "content_type": f"{FORM}; charset=utf-8"},
        {"body": b"username=johndow&to=12345678", "content_type": ""},
        {"body": b"username=johndow&to=12345678\r\n", "content_type": "text/plain"},
        {"body": b'{ "username" : "johndow", "to" : "12345678" }', "content_type": JSON},
        {"body": b'{ "username" : "johndow", "to" : 12345678 }', "content_type": "application/json; charset=utf-8"},
        {"body": b' { "username" : "johndow", "to" : "12345678" }', "content_type": FORM},
        {"body": b'{"username":"johndow","to":"12345678"}', "content_type": "application/vnd.example+json"},
        {"query": b"user=johndow", "body": b"number=12345678", "content_type": FORM},
        {"query": b"user=johndow", "body": b'{"dst": "12345678"}', "content_type": JSON},
        {"query": b"user=johndow", "path": {"target": "12345678"}},
        {"query": b"user=johndow&u=johndow&to=12345678&callee=12345678&colour=blue"},
    ],
)
def test_each_form_of_a_request_means_the_same(request_: dict[str, Any]) -> None:
    assert understood(**request_) == {"username": "johndow", "target": "12345678"}


@pytest.mark.parametrize(("alias", "ours"), [(alias, ours) for ours, all_ in ALIASES.items() for alias in all_])
def test_each_alias_has_one_meaning(alias: str, ours: str) -> None:
    assert understood(alias.encode() + b"=x") == {ours: "x"}
    assert sum(alias in all_ for all_ in ALIASES.values()) == 1


def test_the_operators_own_names_win() -> None:
    names = {"username": ["login"], "target": ["n"]}
    assert understood(b"login=ana&n=123", own_names=names) == {"username": "ana", "target": "123"}
    assert understood(b"login=ana&u=somebody&authUsername=ana2", own_names=names) == {"username": "ana"}
    assert understood(b"u=ana", own_names=names) == {"username": "ana"}
    assert refusal(b"login=ana&login=bob", own_names=names) is Sentence.CONTRADICTING


@pytest.mark.parametrize(
    "stored", [[], "x", {"username": "login"}, {"username": [1]}, {"username": 7}, {"x": ["login"]}]
)
def test_names_that_were_stored_badly_harm_nobody(stored: object) -> None:
    assert understood(b"u=ana&login=ana", own_names=stored) == {"username": "ana"}


def test_what_chooses_the_answers_form_keeps_its_name() -> None:
    assert {"format", "lang", "app"} == FIXED
    assert understood(b"format=json&f=xml", own_names={"target": ["format"], "format": ["f"]}) == {"format": "json"}


@pytest.mark.parametrize(
    ("query", "number"),
    [
        (b"to=+12025550123", "+12025550123"),
        (b"to=%2B12025550123", "+12025550123"),
        (b"to=%2012025550123", "+12025550123"),
        (b"to=++12025550123", "+12025550123"),
        (b"to=12345", "12345"),
        (b"to=+0701740605", " 0701740605"),
    ],
)
def test_a_plus_that_arrived_as_a_space_is_a_plus_again(query: bytes, number: str) -> None:
    assert understood(query) == {"target": number}
    assert understood(query.replace(b"to=", b"cb=")) == {"callback": number}
    assert understood(query.replace(b"to=", b"an=")) == {"access_number": number}


def test_a_space_is_a_space_anywhere_else() -> None:
    assert understood(b"token=+12345&nonce=+9") == {"token": " 12345", "nonce": " 9"}
    assert understood(b"u=+ana+b&p=+x+y&body=+hello+you") == {
        "username": " ana b", "password": " x y", "sms_body": " hello you"
    }  # fmt: skip


def test_a_user_who_is_a_number_keeps_its_plus() -> None:
    assert understood(b"u=+12025550123&t=x+1")["username"] == "+12025550123"
    assert understood(b"u=%2B12025550123")["username"] == "+12025550123"
    assert understood(b"u=+ana")["username"] == " ana"


def test_a_space_in_base64_is_a_plus() -> None:
    found = understood(b"pushToken=a+b/c%2Bd==&pushTokenOther=+x&pushTokenIncomingCall=y+&selector=a+b")
    assert found == {
        "pushToken": "a+b/c+d==", "pushTokenOther": "+x", "pushTokenIncomingCall": "y+", "selector": "a b"
    }  # fmt: skip


def test_json_values_become_texts_as_they_were_spelled() -> None:
    body = b'{"to": 44770090012312345678901234567890, "u": 1.10, "smart": true, "p": null, "t": 1e400}'
    assert understood(body=body, content_type=JSON) == {
        "target": "44770090012312345678901234567890", "username": "1.10", "smart": "true", "token": "1e400"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"username": "a"b"}', Sentence.NOT_JSON),
        (b'{"username": "a\nb"}', Sentence.NOT_JSON),
        (b'{"username": "a"', Sentence.NOT_JSON),
        (b'{"username": NaN}', Sentence.NOT_JSON),
        (b'{"username": "a"} {}', Sentence.NOT_JSON),
        (b"username=a", Sentence.NOT_JSON),
        (b"\xef\xbb\xbf{}", Sentence.NOT_JSON),
        (b"[" * 16_000, Sentence.NOT_JSON),
        (b'{"a":' * 3_000, Sentence.NOT_JSON),
        (b'{"username": {"a": "b"}}', Sentence.NOT_FLAT),
        (b'{"username": ["a"]}', Sentence.NOT_FLAT),
        (b'["a"]', Sentence.NOT_FLAT),
        (b'"a"', Sentence.NOT_FLAT),
        (b"7", Sentence.NOT_FLAT),
        (b"null", Sentence.NOT_FLAT),
        (b'{"username": "a", "username": "a"}', Sentence.NOT_FLAT),
        (b'{"username": "a\xff"}', Sentence.NOT_UTF8),
        (b'{"username": "a\\ud800b"}', Sentence.CONTROL_CHARACTERS),
        (b'{"username": "a\\u0000b"}', Sentence.CONTROL_CHARACTERS),
        (b'{"u": "a", "user": "b"}', Sentence.CONTRADICTING),
    ],
)
def test_json_that_cannot_be_taken_is_refused(body: bytes, sentence: Sentence) -> None:
    assert refusal(body=body, content_type=JSON) is sentence


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (b"u=%FF", Sentence.NOT_UTF8),
        (b"u=%C3%28", Sentence.NOT_UTF8),
        (b"u=%account[username]%", Sentence.NOT_UTF8),  # a placeholder that the app did not know
        (b"u=\xff", Sentence.NOT_UTF8),
        (b"u=%00", Sentence.CONTROL_CHARACTERS),
        (b"u=a%0Ab", Sentence.CONTROL_CHARACTERS),
        (b"u=a%7Fb", Sentence.CONTROL_CHARACTERS),
        (b"u=a%C2%85b", Sentence.CONTROL_CHARACTERS),
        (b"body=a%00b", Sentence.CONTROL_CHARACTERS),
        (b"colour=%01", Sentence.CONTROL_CHARACTERS),
        (b"u=a&u=b", Sentence.CONTRADICTING),
        (b"u=a&login=b", Sentence.CONTRADICTING),
        (b"x=a&x=b", Sentence.CONTRADICTING),
        (b"u=" + b"a" * 2_001, Sentence.TOO_LONG),
        (b"x=" + b"a" * 2_001, Sentence.TOO_LONG),
        (b"body=" + b"a" * 8_001, Sentence.TOO_LONG),
        (b"a" * 65 + b"=1", Sentence.TOO_LONG),
        (b"&".join(b"a%d=1" % number for number in range(41)), Sentence.TOO_MANY_PARAMETERS),
        (b"u=" + b"a" * 16_383, Sentence.TOO_LARGE),
    ],
)
def test_a_query_that_cannot_be_taken_is_refused(query: bytes, sentence: Sentence) -> None:
    assert refusal(query) is sentence
    assert refusal(body=query, content_type=FORM) is sentence


def test_query_body_and_path_may_not_contradict_each_other() -> None:
    assert refusal(b"u=ana", body=b'{"login": "bob"}', content_type=JSON) is Sentence.CONTRADICTING
    assert refusal(b"u=ana", path={"username": "bob"}) is Sentence.CONTRADICTING
    assert understood(b"u=ana", body=b"u=ana", path={"username": "ana"}) == {"username": "ana"}


def test_a_number_that_lost_its_plus_contradicts_nothing() -> None:
    found = understood(b"to=+12025550123", body=b'{"target": "+12025550123"}', content_type=JSON)
    assert found == {"target": "+12025550123"}


def test_query_and_body_are_counted_together() -> None:
    query = b"&".join(b"a%d=1" % number for number in range(25))
    assert refusal(query, body=query.replace(b"a", b"b"), content_type=FORM) is Sentence.TOO_MANY_PARAMETERS


def test_bounds_are_reached_and_not_passed() -> None:
    assert understood(b"u=" + b"a" * 2_000)["username"] == "a" * 2_000
    assert understood(b"body=" + b"a" * 8_000)["sms_body"] == "a" * 8_000
    assert understood(b"text=" + b"a" * 8_000, own_names={"sms_body": ["text"]})["sms_body"] == "a" * 8_000
    body = json.dumps({"u": "é" * 2_000, "sms_body": "€" * 3_900}, ensure_ascii=False).encode()
    assert len(body) <= 16_384
    assert len(understood(body=body, content_type=JSON)["sms_body"]) == 3_900
    assert understood(b"&".join(b"a%d=1" % number for number in range(39)) + b"&u=ana") == {"username": "ana"}


def test_only_a_text_may_have_lines() -> None:
    assert understood(b"body=one%0D%0Atwo%09three") == {"sms_body": "one\r\ntwo\tthree"}
    assert refusal(b"p=one%0Atwo") is Sentence.CONTROL_CHARACTERS


def test_multipart_is_not_read() -> None:
    assert refusal(body=b"--x", content_type="multipart/form-data; boundary=x") is Sentence.UNKNOWN_BODY


def test_a_parameter_without_a_value_is_empty() -> None:
    assert understood(b"u&to=&t=x") == {"username": "", "target": "", "token": "x"}


def test_hints_are_taken_from_anything_and_never_fail() -> None:
    assert hints(b"format=json&u=%FF&lang=es&app=lusitel") == {"format": "json", "lang": "es", "app": "lusitel"}
    assert hints(b"format=json&format=xml") == {"format": "json"}
    assert hints(b"format=" + b"x" * 65) == {}
    assert hints(b"a=1&" * 41 + b"format=json") == {"format": "json"}
    assert hints(b"format=json&" + b"x" * 20_000) == {"format": "json"}
