"""Which action and instruction is legal as the answer to what: the platform's table, cell by cell."""

import pytest

from sandbox import svaml, wire

MENU = {"menus": [{"id": "main", "maxDigits": 1}]}
ACTIONS = {
    "hangup": {},
    "continue": {},
    "connectPstn": {"number": "+447700900123"},
    "connectMxp": {},
    "connectConf": {"conferenceId": "c"},
    "connectSip": {"destination": {"endpoint": "bob@example.com"}},
    "connectStream": {"destination": {"type": "Websocket", "endpoint": "wss://example.com"}},
    "runMenu": MENU,
    "park": {},
}
LEGAL_ACTIONS = {
    "ice": set(ACTIONS),
    "ace": {"hangup", "continue", "runMenu"},
    "callout ace": {"hangup", "continue", "connectConf", "runMenu", "park"},
    "pie": {"hangup", "continue", "connectPstn", "connectConf", "connectSip", "runMenu"},
    "patch": {"hangup", "continue", "connectConf", "park"},
    "conference patch": {"hangup", "continue", "connectConf", "park", "runMenu"},
    "unpark": set(ACTIONS),
}
INSTRUCTIONS = {
    "say": {"text": "Hi"},
    "playFiles": {"ids": ["a.wav"]},
    "setCookie": {"key": "k", "value": "v"},
    "startRecording": {"options": {"destinationUrl": "azure://calls"}},
    "stopRecording": {},
    "sendDtmf": {"value": "1w#"},
    "answer": {},
}
ALWAYS = {"say", "playFiles", "setCookie", "startRecording", "stopRecording"}
LEGAL_INSTRUCTIONS = {
    "ice": set(INSTRUCTIONS),
    "ace": ALWAYS,
    "callout ace": ALWAYS,
    "pie": ALWAYS | {"sendDtmf"},
    "patch": ALWAYS | {"sendDtmf"},
    "conference patch": ALWAYS | {"sendDtmf"},
    "unpark": set(INSTRUCTIONS),
}


def is_legal(document, context):
    try:
        svaml.read_reply(wire.dumps(document), context)
    except svaml.IllegalReply:
        return False
    return True


@pytest.mark.parametrize("spell", [str, str.lower, str.upper])
@pytest.mark.parametrize("context", LEGAL_ACTIONS)
def test_every_context_takes_exactly_its_actions(context, spell):
    taken = {name for name, more in ACTIONS.items() if is_legal({"action": {"name": spell(name), **more}}, context)}

    assert taken == LEGAL_ACTIONS[context]


@pytest.mark.parametrize("spell", [str, str.lower, str.upper])
@pytest.mark.parametrize("context", LEGAL_INSTRUCTIONS)
def test_every_context_takes_exactly_its_instructions(context, spell):
    hangup = {"name": "hangup"}
    taken = {
        name
        for name, more in INSTRUCTIONS.items()
        if is_legal({"instructions": [{"name": spell(name), **more}], "action": hangup}, context)
    }

    assert taken == LEGAL_INSTRUCTIONS[context]


LONGEST = {
    "say": {"instructions": [{"name": "say", "text": "x" * 600}], "action": {"name": "hangup"}},
    "texts": {
        "instructions": [{"name": "playFiles", "ids": [f"#tts[{'x' * 500}];#TTS[{'y' * 500}]"], "locale": "en-US"}],
        "action": {"name": "hangup"},
    },
    "files": {"instructions": [{"name": "playFiles", "ids": ["x" * 128] * 64}], "action": {"name": "hangup"}},
    "cookies": {
        "instructions": [{"name": "setCookie", "key": "k" * 50, "value": "v" * 974}],
        "action": {"name": "hangup"},
    },
    "talk": {"action": {"name": "connectPstn", "maxDuration": 14400, "dialTimeout": 1, "indications": "no"}},
    "conference": {"action": {"name": "connectConf", "conferenceId": "c" * 64}},
    "park": {"action": {"name": "park", "maxDuration": 600}},
    "shortest wait": {"action": {"name": "runMenu", "menus": [{"id": "main", "maxDigits": 1, "timeoutMills": 1000}]}},
    "longest wait": {"action": {"name": "runMenu", "menus": [{"id": "main", "maxDigits": 1, "timeoutMills": 30000}]}},
    "menu id": {
        "action": {"name": "runMenu", "mainMenu": "m" * 64, "menus": [{"id": "m" * 64, "maxDigits": 1}]},
    },
    "user": {"action": {"name": "connectMxp", "destination": {"endpoint": "u" * 128}}},
    "nulls": {
        "instructions": None,
        "action": {"name": "connectPstn", "number": None, "cli": None, "amd": None, "record": None},
    },
    "voice": {
        "action": {
            "name": "runMenu",
            "enableVoice": True,
            "locale": "en-US",
            "menus": [{"id": "main", "options": [{"input": "yes", "action": "return(yes)"}]}],
        },
    },
}


@pytest.mark.parametrize("document", LONGEST.values(), ids=LONGEST)
def test_what_is_just_within_the_limits_is_legal(document):
    assert is_legal(document, "ice")


def test_all_options_of_the_connecting_actions_are_read():
    pstn = svaml.read_reply(
        wire.dumps(
            {
                "action": {
                    "name": "connectPstn",
                    "number": "+447700900123",
                    "locale": "en-GB",
                    "cli": "private",
                    "dtmf": "ww1#",
                    "indications": "UK",
                    "amd": {"enabled": True, "async": True},
                    "record": True,
                    "recordingOptions": {"destinationUrl": "s3://calls", "credentials": "a:b:c", "format": "MP3"},
                }
            }
        ),
        "ice",
    )
    sip = svaml.read_reply(
        wire.dumps(
            {
                "action": {
                    "name": "connectSip",
                    "destination": {"type": "Sip", "endpoint": "bob@example.com"},
                    "maxDuration": 60,
                    "cli": "shop",
                    "transport": "tls",
                    "moh": "Music3",
                    "suppressCallbacks": True,
                    "callHeaders": [{"key": "tier", "value": "gold"}],
                }
            }
        ),
        "pie",
    )

    assert pstn.action == svaml.ConnectPstn(
        "+447700900123",
        cli="private",
        dtmf="ww1#",
        amd="async",
        recording=svaml.StartRecording("s3://calls"),
    )
    assert sip.action == svaml.ConnectSip("bob@example.com", 60, "shop", suppress_callbacks=True)


@pytest.mark.parametrize(
    ("properties", "address"),
    [
        ({"account": "desk"}, "desk"),
        ({"account": "desk", "destination": {"type": "sip", "endpoint": "42"}}, "42@desk"),
        ({"destination": {"endpoint": "bob@example.com"}}, "bob@example.com"),
    ],
)
def test_a_registered_sip_peer_is_found_by_its_account(properties, address):
    reply = svaml.read_reply(wire.dumps({"action": {"name": "connectSip", **properties}}), "ice")

    assert reply.action == svaml.ConnectSip(address)


@pytest.mark.parametrize("kind", ["username", "Number", "email"])
def test_an_app_is_connected_to_whatever_its_user_is_called(kind):
    destination = {"type": kind, "endpoint": "bob"}
    reply = svaml.read_reply(wire.dumps({"action": {"name": "connectMxp", "destination": destination}}), "ice")

    assert reply.action == svaml.ConnectMxp("bob")
