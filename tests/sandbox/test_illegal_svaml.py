"""Illegal SVAML: the application is told why, and the call ends, or goes on where nothing was asked."""

import pytest

from sandbox import Phone, Sandbox
from tests.sandbox.receiver import HANGUP, application, connect, menu, options, replies, run_menu

NUMBER = "+447700900123"
CALLER = "+12025550199"
LEGAL_MENU = menu(options=options(k1="return(x)"))


def action(name, **properties):
    return {"action": {"name": name, **properties}}


def instruction(name, **properties):
    return {"instructions": [{"name": name, **properties}], **HANGUP}


def one_menu(**properties):
    return run_menu({**LEGAL_MENU, **properties})


def recording(**properties):
    return instruction("startRecording", options={"destinationUrl": "azure://calls", **properties})


def cookies(*pairs):
    return {"instructions": [{"name": "setCookie", "key": key, "value": value} for key, value in pairs], **HANGUP}


SSML = "#ssml[<speak>hi</speak>]"
ILLEGAL = {
    "no object": ([], "object"),
    "not JSON": ((200, b"<Response/>"), "not JSON"),
    "empty": ((200, b""), "not JSON"),
    "no action": ({}, "no action"),
    "action without a name": ({"action": {}}, "no name"),
    "unknown action": (action("dance"), "dance"),
    "unknown instruction": (instruction("sing"), "sing"),
    "unknown property of the reply": ({"reply": 1, **HANGUP}, "reply"),
    "instructions no array": ({"instructions": {}, **HANGUP}, "array"),
    "instruction no object": ({"instructions": ["say"], **HANGUP}, "object"),
    "property twice": ({"action": {"name": "hangup", "Name": "hangup"}}, "twice"),
    "unknown property of an action": (connect(NUMBER, maxDurations=60), "maxdurations"),
    "unknown property of an instruction": (instruction("say", text="Hi", voice="x"), "voice"),
    "say nothing": (instruction("say"), "say.text"),
    "say blanks": (instruction("say", text=" "), "nothing to say"),
    "say too much": (instruction("say", text="x" * 601), "600"),
    "say in no language": (instruction("say", text="Hi", locale="English!"), "locale"),
    "play nothing": (instruction("playFiles", ids=[]), "ids"),
    "play no text": (instruction("playFiles", ids=[1]), "ids"),
    "play without language": (instruction("playFiles", ids=["#tts[Hi]"]), "locale"),
    "play SSML without language": (instruction("playFiles", ids=[SSML]), "locale"),
    "play a bare URL": (instruction("playFiles", ids=["https://example.com/a.wav"]), "no known kind"),
    "play too many": (instruction("playFiles", ids=["a.wav"] * 65), "64"),
    "play too much text": (instruction("playFiles", ids=[f"#tts[{'x' * 501}]"] * 2, locale="en-US"), "1000"),
    "file name too long": (instruction("playFiles", ids=["x" * 129]), "128"),
    "wrong keys sent": (instruction("sendDtmf", value="1*2"), "0-9"),
    "no keys sent": (instruction("sendDtmf"), "value"),
    "cookie without value": (instruction("setCookie", key="a"), "value"),
    "cookie key too long": (instruction("setCookie", key="k" * 51, value="v"), "50"),
    "cookies too long": (cookies(("a", "å" * 300), ("b", "å" * 212)), "1024"),
    "recording nowhere": (instruction("startRecording"), "options"),
    "recording to a strange place": (recording(destinationUrl="ftp://calls"), "destinationUrl"),
    "recording to S3 without key": (recording(destinationUrl="s3://calls"), "credentials"),
    "recording in another format": (recording(format="wav"), "format"),
    "transcription is no flag": (recording(transcriptionOptions={"enabled": "yes"}), "enabled"),
    "strange hangup cause": (action("hangup", hangupCause=3), "hangupCause"),
    "number not E.164": (connect("2025550123"), "E.164"),
    "talk too long": (connect(NUMBER, maxDuration=14401), "14400"),
    "talk of no time": (connect(NUMBER, maxDuration=0), "maxDuration"),
    "ring of no whole time": (connect(NUMBER, dialTimeout="45"), "dialTimeout"),
    "cli no number": (connect(NUMBER, cli="shop"), "cli"),
    "no flag": (connect(NUMBER, suppressCallbacks="no"), "suppressCallbacks"),
    "connect with wrong keys": (connect(NUMBER, dtmf="ww1a"), "dtmf"),
    "ring tone of no country": (connect(NUMBER, indications="xx"), "indications"),
    "amd no object": (connect(NUMBER, amd=True), "amd"),
    "number of another kind": (action("connectPstn", destination={"type": "sip", "endpoint": NUMBER}), "type"),
    "nobody to connect to": (action("connectPstn"), "nobody"),
    "no user to connect to": (action("connectMxp"), "nobody"),
    "user too long": (action("connectMxp", destination={"type": "username", "endpoint": "u" * 129}), "128"),
    "headers too long": (
        action("connectMxp", destination={"endpoint": "bob"}, callHeaders=[{"key": "k", "value": "å" * 512}]),
        "1024",
    ),
    "header without value": (
        action("connectMxp", destination={"endpoint": "bob"}, callHeaders=[{"key": "k"}]),
        "value",
    ),
    "continue from a telephone": (action("continue"), "continue"),
    "SIP without host": (action("connectSip", destination={"endpoint": "bob"}), "user@host"),
    "SIP account and address": (
        action("connectSip", account="desk", destination={"endpoint": "bob@example.com"}),
        "whole address",
    ),
    "SIP nowhere": (action("connectSip"), "user@host"),
    "SIP over a strange wire": (
        action("connectSip", destination={"endpoint": "bob@example.com"}, transport="SCTP"),
        "transport",
    ),
    "stream not encrypted": (action("connectStream", destination={"endpoint": "ws://example.com"}), "wss"),
    "conference without id": (action("connectConf"), "conferenceId"),
    "conference sound no flag": (action("connectConf", conferenceId="c", enterLeaveSound="yes"), "enterLeaveSound"),
    "conference id too long": (action("connectConf", conferenceId="c" * 65), "64"),
    "conference with strange music": (action("connectConf", conferenceId="c", moh="polka"), "moh"),
    "conference with a strange mode": (
        action("connectConf", conferenceId="c", conferenceDtmfOptions={"mode": "guess"}),
        "mode",
    ),
    "park too long": (action("park", maxDuration=601), "600"),
    "park too long, the old way": (action("park", dialTimeout=601), "600"),
    "park with a broken prompt": (action("park", holdPrompt="#tts[a"), "no known kind"),
    "no menus": (action("runMenu"), "menus"),
    "menus no array": (action("runMenu", menus={}), "menus"),
    "menu without id": (run_menu(LEGAL_MENU, {"maxDigits": 1}), "menu.id"),
    "menu id too long": (run_menu(LEGAL_MENU, menu("m" * 65)), "64"),
    "two menus of one id": (run_menu(LEGAL_MENU, LEGAL_MENU), "two menus"),
    "main menu not defined": (run_menu(LEGAL_MENU, mainMenu="other"), "other"),
    "main menu not named": (action("runMenu", menus=[menu("first")]), "main"),
    "goto nowhere": (one_menu(options=options(k1="menu(other)")), "other"),
    "a key twice": (one_menu(options=[*options(k1="return(a)"), *options(k1="return(b)")]), "two options"),
    "no key": (one_menu(options=options(k12="return(a)")), "no key"),
    "an option without key": (one_menu(options=[{"action": "return(a)"}]), "no dtmf"),
    "an option that does nothing": (one_menu(options=[{"dtmf": "1"}]), "action"),
    "an option that does something else": (one_menu(options=options(k1="hangup()")), "neither"),
    "an option that returns nothing": (one_menu(options=options(k1="return()")), "neither"),
    "an option's cookie too long": (
        one_menu(options=[{"dtmf": "1", "action": "return(a)", "add": [{"key": "k", "value": "v" * 1024}]}]),
        "1024",
    ),
    "a menu that waits for nothing": (run_menu(menu(mainPrompt="a.wav")), "neither keys nor digits"),
    "a menu that waits too briefly": (one_menu(timeoutMills=999), "timeoutMills"),
    "a menu that waits too long": (one_menu(timeoutMills=30001), "timeoutMills"),
    "timeoutMillis": (one_menu(timeoutMillis=5000), "timeoutmillis"),
    "a number of no digits": (one_menu(maxDigits=0), "maxDigits"),
    "negative repeats": (one_menu(repeats=-1), "repeats"),
    "barge no flag": (run_menu(LEGAL_MENU, barge=1), "barge"),
    "voice without language": (run_menu(LEGAL_MENU, enableVoice=True), "locale"),
    "prompt with an end but no beginning": (one_menu(mainPrompt="text]"), "no known kind"),
    "prompt of no kind": (one_menu(mainPrompt="#song[x]"), "no known kind"),
    "prompt with a ]": (one_menu(mainPrompt="#tts[a]b]"), "neither ; nor the end"),
    "prompt with a ; inside": (one_menu(mainPrompt="#tts[a;b]"), ";"),
    "prompt that ends with a ;": (one_menu(repeatPrompt="a.wav;"), "empty prompt"),
    "prompt too long": (one_menu(mainPrompt=f"#tts[{'x' * 601}]"), "600"),
    "prompt of nothing": (one_menu(mainPrompt="#tts[]"), "nothing to say"),
    "SSML without speak": (one_menu(mainPrompt="#ssml[hi]"), "speak"),
    "link to no web": (one_menu(mainPrompt="#href[file:///a.wav]"), "URL"),
}
ONLY_IN_ICE = {
    "PIE parks": (action("park"), "park"),
    "PIE connects to a user": (action("connectMxp", destination={"endpoint": "bob"}), "connectMxp"),
    "PIE streams": (action("connectStream", destination={"endpoint": "wss://example.com"}), "connectStream"),
    "PIE answers": (instruction("answer"), "answer"),
}
LEGAL_IN_PIE = {"continue from a telephone"}


def one_call(answering, **wishes):
    with application(answering) as app:
        platform = Sandbox(target=app.url)
        call = platform.phone_to_access_number(cli=CALLER, to="+442079460000", custom="order-1", **wishes)
        platform.run()
    return app, call


@pytest.mark.parametrize(("reply", "why"), ILLEGAL.values(), ids=ILLEGAL)
def test_an_illegal_answer_to_ice_is_told_of_and_ends_the_call(reply, why):
    app, call = one_call(replies(ice=reply))

    assert app.names == ["ice", "notify", "dice"]
    notified = app.events("notify")[0]
    assert why in notified.pop("errorMsg")
    assert notified == {
        "event": "notify",
        "callid": call.call_id,
        "version": 1,
        "type": "callingerror",
        "errorCode": 40001,
        "custom": "order-1",
    }
    assert (call.result, call.reason, call.duration_seconds) == ("FAILED", "CALLBACKERROR", 0)
    assert call.heard == []


IN_PIE = {name: case for name, case in {**ILLEGAL, **ONLY_IN_ICE}.items() if name not in LEGAL_IN_PIE}


@pytest.mark.parametrize(("reply", "why"), IN_PIE.values(), ids=IN_PIE)
def test_an_illegal_answer_to_pie_is_told_of_and_ends_the_call(reply, why):
    app, call = one_call(replies(ice=one_menu(), pie=reply), keys=["1"])

    assert app.names == ["ice", "pie", "notify", "dice"]
    message = app.events("notify")[0]["errorMsg"]
    # What PIE does not know at all, it does not read any further.
    assert why in message or message.startswith("PIE takes no")
    assert (call.result, call.reason, call.duration_seconds) == ("ANSWERED", "CALLBACKERROR", 1)


@pytest.mark.parametrize(
    "reply",
    [
        connect(NUMBER),
        action("connectConf", conferenceId="c"),
        action("park"),
        action("connectMxp"),
        action("connectSip", destination={"endpoint": "bob@example.com"}),
        instruction("sendDtmf", value="1"),
        instruction("answer"),
        instruction("say"),
    ],
)
def test_an_illegal_answer_to_ace_is_told_of_and_the_call_goes_on(reply):
    app, call = one_call(replies(ice=connect(NUMBER), ace=reply), phone=Phone.answers(1, 30))

    assert app.names == ["ice", "ace", "notify", "dice"]
    assert (call.result, call.reason, call.duration_seconds) == ("ANSWERED", "CALLERHANGUP", 30)
    assert call.problem


def test_the_cookies_of_a_call_are_counted_together():
    answering = replies(
        ice={**cookies(("a", "x" * 600)), **one_menu()},
        pie=cookies(("b", "x" * 500)),
    )
    app, call = one_call(answering, keys=["1"])

    assert "1024" in app.events("notify")[0]["errorMsg"]
    assert call.cookies == {"a": "x" * 600}


def test_a_user_is_named_in_the_error():
    with application(replies(ice={})) as app:
        platform = Sandbox(target=app.url)
        platform.app_to_phone(user="alice", to=NUMBER)
        platform.run()

    assert app.events("notify")[0]["user"] == "alice"
