"""Reading replies: any letter case, nothing illegal."""

import json

import pytest

from sandbox import svaml


def read(document, context="ice"):
    return svaml.read_reply(json.dumps(document).encode(), context)


def test_names_and_properties_are_read_in_any_letter_case():
    reply = read(
        {
            "Instructions": [{"NAME": "SetCookie", "Key": "acc", "Value": "4711"}, {"name": "ANSWER"}],
            "ACTION": {
                "Name": "connectPSTN",
                "NUMBER": "+12025550123",
                "maxduration": 720,
                "DialTimeout": 45,
                "Cli": "+442079460000",
                "SUPPRESSCALLBACKS": False,
            },
        }
    )

    assert reply.instructions == (svaml.SetCookie("acc", "4711"), svaml.Answer())
    assert reply.cookies == {"acc": "4711"}
    assert reply.action == svaml.ConnectPstn("+12025550123", 720, 45, "+442079460000", suppress_callbacks=False)


def test_a_destination_may_be_an_identity_instead_of_a_number():
    pstn = read({"action": {"name": "connectpstn", "destination": {"type": "Number", "endpoint": "+12025550123"}}})
    mxp = read({"action": {"name": "connectMXP", "destination": {"type": "username", "endpoint": "bob"}}})

    assert pstn.action == svaml.ConnectPstn("+12025550123")
    assert mxp.action == svaml.ConnectMxp("bob")


def test_the_longest_call_may_be_asked_for_but_not_more():
    longest = read({"action": {"name": "connectPstn", "number": "+12025550123", "maxDuration": 14400}})

    assert longest.action == svaml.ConnectPstn("+12025550123", 14400)
    with pytest.raises(svaml.IllegalReply, match="maxDuration"):
        read({"action": {"name": "connectPstn", "number": "+12025550123", "maxDuration": 14401}})


@pytest.mark.parametrize("value", [0, -1, "60", 60.0, 60.5, True, [60]])
@pytest.mark.parametrize("name", ["maxDuration", "dialTimeout"])
def test_seconds_that_are_no_whole_number_are_illegal(name, value):
    with pytest.raises(svaml.IllegalReply, match=name):
        read({"action": {"name": "connectPstn", "number": "+12025550123", name: value}})


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ([], "object"),
        ({}, "no action"),
        ({"action": {}}, "no name"),
        ({"action": {"name": "dance"}}, "dance"),
        ({"action": {"name": "hangup", "Name": "continue"}}, "twice"),
        ({"instructions": "say", "action": {"name": "hangup"}}, "array"),
        ({"instructions": [{"name": "sing"}], "action": {"name": "hangup"}}, "sing"),
        ({"instructions": [{"name": "say"}], "action": {"name": "hangup"}}, "say.text"),
        ({"instructions": [{"name": "say", "text": "x" * 601}], "action": {"name": "hangup"}}, "600"),
        ({"instructions": [{"name": "playFiles", "ids": []}], "action": {"name": "hangup"}}, "playFiles"),
        (
            {
                "instructions": [{"name": "setCookie", "key": "k", "value": "å" * 512}],
                "action": {"name": "hangup"},
            },
            "1024",
        ),
        ({"action": {"name": "connectPstn", "number": "2025550123"}}, "E.164"),
        (
            {"action": {"name": "connectPstn", "number": "+12025550123", "suppressCallbacks": "no"}},
            "suppress",
        ),
        ({"action": {"name": "connectPstn", "destination": {"type": "username", "endpoint": "bob"}}}, "type"),
    ],
)
def test_what_is_not_svaml_for_ice_is_refused_with_a_reason(document, why):
    with pytest.raises(svaml.IllegalReply, match=why):
        read(document)


@pytest.mark.parametrize("body", [b"", b"<Response/>", b"\xff\xfe{}", b'{"action":', b"[" * 100_000])
def test_a_body_that_is_not_json_is_refused(body):
    with pytest.raises(svaml.IllegalReply):
        svaml.read_reply(body, "ice")


@pytest.mark.parametrize("name", ["connectPstn", "connectMxp", "park", "connectSip"])
def test_ace_cannot_connect_the_call_anew(name):
    with pytest.raises(svaml.IllegalReply, match=name):
        read({"action": {"name": name}}, "ace")


@pytest.mark.parametrize("name", ["answer", "sendDtmf"])
def test_ace_takes_no_instruction_that_belongs_before_the_answer(name):
    with pytest.raises(svaml.IllegalReply, match=name):
        read({"instructions": [{"name": name, "value": "1"}], "action": {"name": "continue"}}, "ace")
