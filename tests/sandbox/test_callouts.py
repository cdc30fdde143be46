"""Callouts: placed over REST, heard, answered by people and machines, charged, and told of."""

import json
from decimal import Decimal

import pytest

from sandbox import DESK_SECRET, HangUp, Lose, Phone, Sandbox, signing
from tests.sandbox.desk import CALLOUTS, ask, basic, conference, custom, tts
from tests.sandbox.receiver import CONTINUE, HANGUP, application, menu, options, replies, run_menu

NUMBER = "+12025550123"
TO = {"type": "number", "endpoint": NUMBER}
CONNECT = {"action": {"name": "connectPstn", "number": NUMBER, "cli": "+12025550100", "maxDuration": 90}}


def called(body, phone=None, answering=None, *, headers=None, faults=(), others=None):
    """The call that a callout made, after it has ended, and the application that was told of it."""
    with application(answering or replies(ice=CONNECT)) as app:
        platform = Sandbox(target=app.url)
        platform.phones.update(others or {})
        if phone is not None:
            platform.phones[NUMBER] = phone
        platform.callout_faults = faults
        with platform.rest_server() as url:
            status, answer = ask("POST", url + CALLOUTS, body, headers)
            assert status == 200, answer
            platform.run()
    (call,) = platform.calls
    assert answer == {"callId": call.call_id}
    assert call.ended
    return call, app


def heard(call):
    return [each.text for each in call.heard]


def test_a_text_is_said_to_who_answers_and_then_the_call_ends():
    call, app = called(tts(text="Your balance is low, please top up.", enableDice=True, custom="ref-1"))

    (dice,) = app.events()
    assert heard(call) == ["Your balance is low, please top up."]
    assert (dice["event"], dice["result"], dice["reason"]) == ("dice", "ANSWERED", "MANAGERHANGUP")
    assert (dice["custom"], dice["duration"], dice["from"], dice["to"]) == ("ref-1", 3, "+12025550100", TO)
    assert dice["debit"]["amount"] == dice["userRate"]["amount"] == Decimal("0.0070")


def test_nothing_is_told_of_a_callout_that_asked_for_nothing():
    call, app = called(tts())

    assert call.result == "ANSWERED"
    assert app.received == []


def test_prompts_are_said_one_after_the_other():
    body = tts()
    body["ttsCallout"] = {**body["ttsCallout"], "text": "", "prompts": "#tts[One];hello.wav"}

    assert heard(called(body)[0]) == ["One", "hello.wav"]


def test_who_hangs_up_before_the_text_ends_is_the_callee():
    call, _ = called(tts(text="x" * 300), Phone.answers(3, talks_seconds=4))

    assert (call.result, call.reason, call.duration_seconds) == ("ANSWERED", "CALLEEHANGUP", 4)


@pytest.mark.parametrize(
    ("phone", "result", "reason"),
    [
        (Phone.busy(), "BUSY", "BUSY"),
        (Phone.rejects(), "BUSY", "CALLEEHANGUP"),
        (Phone.no_answer(), "NOANSWER", "TIMEOUT"),
        (Phone.unreachable(), "FAILED", "GENERALERROR"),
    ],
)
def test_a_callout_that_nobody_answers_costs_nothing(phone, result, reason):
    call, app = called(tts(enableDice=True), phone)

    (dice,) = app.events()
    assert (dice["result"], dice["reason"], dice["duration"], dice["debit"]["amount"]) == (result, reason, 0, 0)
    assert call.heard == []


def test_a_text_without_a_caller_id_gets_an_id_and_goes_nowhere():
    call, app = called(tts(cli="", enableDice=True))

    assert (call.result, call.answered, call.heard) == ("FAILED", False, [])
    assert app.names == ["dice"]


def test_a_user_of_an_app_is_called_without_ace():
    body = tts(enableAce=True, enableDice=True)
    body["ttsCallout"]["destination"] = {"type": "username", "endpoint": "alice"}
    call, app = called(body)

    assert heard(call) == ["Hello."]
    assert app.names == ["dice"]


@pytest.mark.parametrize("answer", [CONTINUE, (500, b""), {"action": {"name": "connectMxp"}}])
def test_ace_answered_with_continue_or_not_at_all_says_the_text(answer):
    call, app = called(tts(enableAce=True), answering=replies(ice={}, ace=answer))

    assert heard(call) == ["Hello."]
    assert app.names[0] == "ace"
    assert (call.result, call.reason) == ("ANSWERED", "MANAGERHANGUP")


def test_ace_answered_with_hangup_says_nothing():
    call, _ = called(tts(enableAce=True), answering=replies(ice={}, ace=HANGUP))

    assert (call.heard, call.result, call.duration_seconds) == ([], "ANSWERED", 0)


def test_who_is_called_out_presses_keys_in_a_menu():
    ask_for = run_menu(menu(options=options(k1="return(paid)")))
    body = custom(cli="+12025550100", destination=TO, custom="ref-2")
    phone = Phone.answers(2, keys=["1"])
    call, app = called(body, phone, replies(ice=CONNECT, ace=ask_for, pie=HANGUP))

    assert app.names == ["ice", "ace", "pie", "dice"]
    assert app.events("pie")[0]["menuResult"]["value"] == "paid"
    assert {event["custom"] for event in app.events()} == {"ref-2"}
    assert (call.result, call.reason) == ("ANSWERED", "MANAGERHANGUP")


def test_who_is_called_out_and_hangs_up_in_a_menu_is_the_callee():
    ask_for = run_menu(menu(options=options(k1="return(paid)")))
    phone = Phone.answers(2, keys=[HangUp()])
    call, _ = called(tts(enableAce=True, enablePie=True), phone, replies(ice={}, ace=ask_for))

    assert call.reason == "CALLEEHANGUP"
    assert call.menu_results[0].type == "hangup"


def test_a_menu_without_pie_ends_the_call():
    ask_for = run_menu(menu(options=options(k1="return(paid)")))
    call, app = called(tts(enableAce=True), Phone.answers(2, keys=["1"]), replies(ice={}, ace=ask_for))

    assert app.names == ["ace"]
    assert call.menu_results[0].value == "paid"
    assert (call.reason, call.duration_seconds) == ("MANAGERHANGUP", 1)


@pytest.mark.parametrize(("machine", "status"), [(True, "machine"), (False, "human")])
def test_a_custom_callout_tells_what_answered(machine, status):
    connect = {"action": {**CONNECT["action"], "amd": {"enabled": True}}}
    phone = Phone.answering_machine() if machine else Phone.answers(3, 10)
    _, app = called(custom(cli="+12025550100", destination=TO), phone, replies(ice=connect))

    assert app.events("ace")[0]["amd"]["status"] == status


def test_the_application_is_asked_whom_a_custom_callout_is_for():
    call, app = called(custom(cli="+12025550100", destination=TO, custom="ref-3"), Phone.answers(3, 600))

    ice = app.events("ice")[0]
    assert (ice["originationType"], ice["cli"], ice["to"], ice["custom"]) == ("SERVER", "+12025550100", TO, "ref-3")
    assert (call.result, call.reason, call.duration_seconds) == ("ANSWERED", "TIMEOUT", 90)


def test_an_ice_that_comes_along_is_obeyed_without_asking():
    body = custom(ice=json.dumps(CONNECT), ace=json.dumps(HANGUP), dice="{}", maxDuration=30, enableDice=False)
    call, app = called(body, Phone.answers(3, 600))

    assert (call.to, call.result, call.presented_cli) == (NUMBER, "ANSWERED", "+12025550100")
    assert app.names == ["dice"]


def test_the_smaller_of_two_limits_ends_a_custom_callout():
    call, _ = called(custom(ice=json.dumps(CONNECT), maxDuration=30), Phone.answers(3, 600))

    assert (call.reason, call.duration_seconds) == ("TIMEOUT", 30)


def test_a_custom_callout_rings_no_longer_than_it_may():
    connect = {"action": {**CONNECT["action"], "dialTimeout": 10}}
    call, _ = called(custom(ice=json.dumps(connect)), Phone.answers(11, 600))

    assert (call.result, call.reason) == ("NOANSWER", "TIMEOUT")
    assert (call.ended_at - call.started_at).total_seconds() == 10


@pytest.mark.parametrize("answer", [HANGUP, CONTINUE, (500, b""), {"action": {"name": "park"}}])
def test_an_ice_that_connects_nobody_ends_a_custom_callout(answer):
    call, app = called(custom(cli="private", destination=TO), answering=replies(ice=answer))

    assert not call.answered
    assert app.events("dice")[0]["reason"] == ("MANAGERHANGUP" if answer is HANGUP else "CALLBACKERROR")


def test_events_go_where_a_custom_callout_wants_them():
    with application(replies(ice=CONNECT, ace=CONTINUE)) as elsewhere:
        there = {"ice": elsewhere.url, "ace": elsewhere.url + "ace/"}
        _, app = called(custom(cli="private", destination=TO, **there), Phone.answers(3, 5))

    assert (elsewhere.names, app.names) == (["ice", "ace"], ["dice"])
    ace = elsewhere.received[1]
    assert ace.path.endswith("/ace/")
    text = signing.string_to_sign(
        method="POST",
        path=ace.path,
        body=ace.body,
        content_type=ace.headers["content-type"],
        timestamp=ace.headers["x-timestamp"],
    )
    assert ace.headers["authorization"].endswith(signing.signature(DESK_SECRET, text))


def test_a_conference_callout_greets_joins_and_costs_what_the_telephone_costs():
    body = conference(greeting="Welcome.", enableDice=True, maxDuration=100)
    call, app = called(body, Phone.answers(3))

    (dice,) = app.events()
    assert heard(call) == ["Welcome."]
    assert (dice["conferenceId"], dice["reason"], dice["duration"]) == ("room", "TIMEOUT", 100)
    assert dice["debit"]["amount"] == 2 * Decimal("0.0070")


def test_who_leaves_a_conference_after_its_greeting_was_there_all_along():
    call, _ = called(conference(greeting="Welcome."), Phone.answers(3, talks_seconds=61))

    assert (call.reason, call.duration_seconds, call.debit) == ("CALLEEHANGUP", 61, 2 * Decimal("0.0070"))


def test_ace_may_lead_a_callout_into_a_conference():
    join = {"action": {"name": "connectConf", "conferenceId": "other"}}
    call, app = called(conference(enableAce=True, enableDice=True), Phone.answers(3, 20), replies(ice={}, ace=join))

    assert app.events("dice")[0]["conferenceId"] == "other"
    assert call.duration_seconds == 20


def test_who_was_called_out_may_be_connected_to_another_and_pays_for_both():
    ask_for = run_menu(menu(options=options(k1="return(agent)")))
    agent = {"action": {"name": "connectPstn", "number": "+447700900123", "maxDuration": 60}}
    aces = iter([ask_for, CONTINUE])
    call, _ = called(
        custom(cli="private", destination=TO),
        Phone.answers(2, keys=["1"]),
        lambda event: {"ice": CONNECT, "pie": agent}.get(event["event"]) or next(aces, {}),
        others={"+447700900123": Phone.answers(5, 30, "callee")},
    )

    assert (call.result, call.connected_to) == ("ANSWERED", "+447700900123")
    assert call.duration_seconds == 1 + 5 + 30
    assert call.debit == Decimal("0.0070") + Decimal("0.0315")


def test_who_was_called_out_was_answered_whatever_the_next_one_does():
    ask_for = run_menu(menu(options=options(k1="return(agent)")))
    agent = {"action": {"name": "connectPstn", "number": "+447700900123"}}
    call, app = called(
        custom(cli="private", destination=TO),
        Phone.answers(2, keys=["1"]),
        replies(ice=CONNECT, ace=ask_for, pie=agent),
        others={"+447700900123": Phone.busy()},
    )

    dice = app.events("dice")[0]
    assert (dice["result"], dice["reason"], dice["duration"]) == ("ANSWERED", "BUSY", 2)
    assert call.debit == Decimal("0.0070")


def test_headers_of_ours_come_back_with_every_event():
    _, app = called(tts(enableDice=True), headers={**basic(), "X-CB-Trace": "abc"})

    assert app.received[0].headers["x-cb-trace"] == "abc"


def test_what_happens_to_callouts_on_purpose_happens():
    call, app = called(tts(enableDice=True), faults=[Lose("dice")])

    assert call.ended
    assert app.received == []


def test_keys_are_sent_to_who_answers():
    body = tts(dtmf="12w#")
    with application(replies(ice={})) as app:
        platform = Sandbox(target=app.url)
        with platform.rest_server() as url:
            ask("POST", url + CALLOUTS, body)
        platform.run()

    assert [fact.detail["keys"] for fact in platform.record if fact.what == "callee heard"] == ["12w#"]


def without(body, name):
    method = body["method"]
    return {**body, method: {key: value for key, value in body[method].items() if key != name}}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], 40001),
        ({}, 40002),
        ({"method": "faxCallout"}, 40001),
        ({"method": "ttsCallout"}, 40002),
        (without(tts(), "destination"), 40002),
        (without(tts(), "text"), 40002),
        (tts("12025550123"), 40001),
        (tts(cli="anybody"), 40001),
        (tts(text="x" * 601), 40001),
        (tts(custom="å" * 513), 40001),
        (tts(enableDice="yes"), 40001),
        (tts(maxDuration=60), 40001),
        (tts(domain="mxp"), 40001),
        (without(conference(), "conferenceId"), 40002),
        (conference(conferenceId="x" * 65), 40001),
        (conference(maxDuration=14401), 40001),
        (custom(cli="private"), 40002),
        (custom(ice=json.dumps(HANGUP)), 40001),
        (custom(ice=json.dumps({"action": {"name": "connectPstn"}})), 40002),
        (custom(ice="connectPstn"), 40001),
        (custom(destination={"type": "fax", "endpoint": NUMBER}), 40001),
    ],
)
def test_a_callout_that_is_not_right_is_refused_and_nobody_is_called(body, code):
    platform = Sandbox(target="http://127.0.0.1:9/")
    with platform.rest_server() as url:
        status, answer = ask("POST", url + CALLOUTS, body)

    assert (status, answer["errorCode"]) == (400, code)
    assert platform.calls == platform.oracle.done == []


def test_too_many_headers_are_refused():
    platform = Sandbox(target="http://127.0.0.1:9/")
    many = {**basic(), **{f"X-CB-{number}": "1" for number in range(6)}}
    with platform.rest_server() as url:
        assert ask("POST", url + CALLOUTS, tts(), many)[0] == 400
        assert ask("POST", url + CALLOUTS, tts(), {**basic(), "X-CB-A": "x" * 129})[0] == 400


def test_a_callout_needs_credit_and_a_destination_that_is_not_forbidden():
    platform = Sandbox(target="http://127.0.0.1:9/")
    platform.phones[NUMBER] = Phone.out_of_bounds()
    with platform.rest_server() as url:
        forbidden = ask("POST", url + CALLOUTS, tts())
        platform.out_of_credit = True
        poor = ask("POST", url + CALLOUTS, tts("+12025550124"))

    assert (forbidden[0], forbidden[1]["errorCode"]) == (403, 40300)
    assert (poor[0], poor[1]["errorCode"]) == (402, 40200)
    assert platform.oracle.done == []


def test_what_became_of_a_callout_can_be_asked():
    with application(replies(ice={})) as app:
        platform = Sandbox(target=app.url)
        with platform.rest_server() as url:
            _, answer = ask("POST", url + CALLOUTS, tts(custom="ref-4"))
            platform.run()
            _, found = ask("GET", f"{url}/calling/v1/calls/id/{answer['callId']}")

    assert (found["status"], found["custom"], found["to"]) == ("FINAL", "ref-4", TO)


def test_two_who_were_called_out_talk_in_a_conference_until_one_is_hung_up():
    other = "+12025550124"
    join = {"instructions": [], "action": {"name": "connectConf", "conferenceId": "room", "moh": "ring"}}
    with application(replies(ice={}, ace=join)) as app:
        platform = Sandbox(target=app.url)
        platform.phones.default = Phone.answers(3)
        with platform.rest_server() as url:
            for number in (NUMBER, other):
                ask("POST", url + CALLOUTS, conference(number, enableAce=True, enableDice=True, maxDuration=90))
            platform.run(2)
            first, second = platform.calls
            path = f"{url}/calling/v1/calls/id/{second.call_id}"
            assert ask("PATCH", path, HANGUP)[0] == 400, "a telephone that only rings takes no command"
            platform.run(30)
            assert {each.call for each in platform.conferences.room("room")} == {first, second}
            assert ask("PATCH", path, HANGUP)[0] == 204
            assert [each.call for each in platform.conferences.room("room")] == [first], "the other one stays, alone"
            platform.run()

    ends = {dice["callid"]: (dice["reason"], dice["duration"]) for dice in app.events("dice")}
    assert ends == {first.call_id: ("TIMEOUT", 90), second.call_id: ("MANAGERHANGUP", 29)}
