"""The life of calls, against an application that answers with given SVAML."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sandbox import Heard, Phone, Sandbox
from tests.sandbox.receiver import application, connect, replies

NUMBER = "+12025550123"
HANGUP = {"action": {"name": "hangup"}}


def one_call(answering, phone=None, **wishes):
    """The application after one call from the app to NUMBER, and the call."""
    with application(answering) as app:
        platform = Sandbox(target=app.url)
        call = platform.app_to_phone(**{"user": "alice", "to": NUMBER, "phone": phone, **wishes})
        platform.run()
    return app, call


def test_a_call_is_asked_for_answered_and_reported():
    app, call = one_call(replies(ice=connect(maxDuration=720)), Phone.answers(3, talks_seconds=90))

    assert app.names == ["ice", "ace", "dice"]
    assert (call.answered, call.duration_seconds, call.limit_seconds) == (True, 90, 720)
    assert (call.result, call.reason) == ("ANSWERED", "CALLERHANGUP")
    assert [(each.event, each.status) for each in call.exchanges] == [
        ("ice", 200),
        ("ace", 200),
        ("dice", 200),
    ]


def test_an_incoming_call_event_has_the_documented_fields():
    app, call = one_call(replies(ice=HANGUP), custom="order-1")

    assert app.events("ice") == [
        {
            "event": "ice",
            "callid": call.call_id,
            "callResourceUrl": f"http://sandbox.invalid/calling/v1/calls/id/{call.call_id}",
            "timestamp": "2026-03-02T08:00:00Z",
            "version": 1,
            "custom": "order-1",
            "user": "alice",
            "userRate": {"currencyId": "USD", "amount": Decimal("0.0070")},
            "cli": "",
            "to": {"type": "number", "endpoint": NUMBER},
            "domain": "pstn",
            "applicationKey": Sandbox(target=app.url).key,
            "originationType": "MXP",
            "rdnis": "",
        }
    ]


def test_a_disconnected_call_event_has_the_documented_fields():
    phone = Phone.answers(3, talks_seconds=61, hangs_up="callee")
    app, call = one_call(replies(ice=connect(cli="+442079460000")), phone, custom="order-1")

    assert app.events("dice") == [
        {
            "event": "dice",
            "callid": call.call_id,
            "timestamp": "2026-03-02T08:01:04Z",
            "reason": "CALLEEHANGUP",
            "result": "ANSWERED",
            "version": 1,
            "custom": "order-1",
            "user": "alice",
            "debit": {"currencyId": "USD", "amount": Decimal("0.0140")},
            "userRate": {"currencyId": "USD", "amount": Decimal("0.0070")},
            "to": {"type": "number", "endpoint": NUMBER},
            "applicationKey": Sandbox(target=app.url).key,
            "duration": 61,
            "from": "+442079460000",
        }
    ]


def test_hours_of_talk_are_played_from_the_given_start():
    with application(replies(ice=connect())) as app:
        platform = Sandbox(target=app.url, start=datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
        platform.app_to_phone(user="alice", to=NUMBER, at_seconds=1800, phone=Phone.answers(0, 10_000))
        platform.run()

    assert [event["timestamp"] for event in app.events()] == [
        "2026-10-25T01:00:00Z",
        "2026-10-25T01:00:00Z",
        "2026-10-25T03:46:40Z",
    ]


@pytest.mark.parametrize("talks_seconds", [None, 61, 5000])
def test_a_call_is_cut_at_exactly_its_maximum(talks_seconds):
    app, call = one_call(replies(ice=connect(maxDuration=60)), Phone.answers(3, talks_seconds))

    assert call.duration_seconds == 60
    assert (call.result, call.reason) == ("ANSWERED", "TIMEOUT")
    assert app.events("dice")[0]["duration"] == 60


def test_a_call_without_a_maximum_ends_after_four_hours():
    _, call = one_call(replies(ice=connect()), Phone.answers(3))

    assert (call.limit_seconds, call.duration_seconds) == (None, 14400)


@pytest.mark.parametrize(
    ("phone", "result", "reason", "ended_at"),
    [
        (Phone.busy(after_seconds=1), "BUSY", "BUSY", "08:00:01"),
        (Phone.no_answer(), "NOANSWER", "TIMEOUT", "08:00:30"),
        (Phone.answers(after_seconds=30), "NOANSWER", "TIMEOUT", "08:00:30"),
        (Phone.rejects(after_seconds=4), "BUSY", "CALLEEHANGUP", "08:00:04"),
        (Phone.unreachable(after_seconds=2), "FAILED", "GENERALERROR", "08:00:02"),
    ],
)
def test_a_phone_that_does_not_answer_costs_nothing(phone, result, reason, ended_at):
    app, call = one_call(replies(ice=connect(dialTimeout=30)), phone)

    assert app.names == ["ice", "dice"]
    assert (call.result, call.reason, call.answered) == (result, reason, False)
    assert (call.duration_seconds, call.debit) == (0, Decimal(0))
    assert app.events("dice")[0]["timestamp"] == f"2026-03-02T{ended_at}Z"


def test_a_phone_that_answers_and_hangs_up_at_once_has_answered_for_no_time():
    app, call = one_call(replies(ice=connect()), Phone.answers(3, talks_seconds=0))

    assert app.names == ["ice", "ace", "dice"]
    assert (call.answered, call.duration_seconds, call.debit) == (True, 0, Decimal(0))


@pytest.mark.parametrize(("reply", "problem"), [((500, b"oops"), "HTTP 500"), ((302, b""), "HTTP 302")])
def test_no_reply_to_ice_ends_the_call(reply, problem):
    app, call = one_call(replies(ice=reply))

    assert app.names == ["ice", "dice"]
    assert (call.result, call.reason, call.duration_seconds) == ("FAILED", "CALLBACKERROR", 0)
    assert problem in call.problem
    assert call.heard == []


@pytest.mark.parametrize("spelling", ["+447700900123", "447700900123"])
@pytest.mark.parametrize("called", ["+447700900123", "447700900123"])
def test_a_phone_is_found_with_and_without_the_plus(spelling, called):
    platform = Sandbox(target="http://127.0.0.1:9/")
    platform.phones[spelling] = Phone.busy()

    assert platform.phones.reached(called) == Phone.busy()
    assert platform.phones.reached("+447700900124") == platform.phones.default


@pytest.mark.parametrize(
    ("reply", "told"),
    [((500, b""), []), ((200, b""), ["notify"]), ({"action": {"name": "connectPstn"}}, ["notify"]), ({}, ["notify"])],
)
def test_a_call_is_connected_when_ace_is_not_answered(reply, told):
    app, call = one_call(replies(ice=connect(maxDuration=60), ace=reply), Phone.answers(3, 45))

    assert app.names == ["ice", "ace", *told, "dice"]
    assert (call.result, call.duration_seconds) == ("ANSWERED", 45)
    assert call.problem


def test_a_hangup_for_ice_ends_the_call_before_it_rings():
    app, call = one_call(replies(ice={"instructions": [{"name": "say", "text": "No credit."}], **HANGUP}))

    assert app.names == ["ice", "dice"]
    assert (call.result, call.reason, call.duration_seconds) == ("N/A", "MANAGERHANGUP", 0)
    assert call.heard == [Heard("say", "No credit.", "tts")]


def test_a_hangup_for_ace_ends_the_call_when_it_is_answered():
    _, call = one_call(replies(ice=connect(), ace=HANGUP), Phone.answers(3, 45))

    assert (call.result, call.reason, call.duration_seconds) == ("ANSWERED", "MANAGERHANGUP", 0)


def test_suppressed_callbacks_leave_only_the_question():
    app, call = one_call(replies(ice=connect(suppressCallbacks=True)), Phone.answers(3, 45))

    assert app.names == ["ice"]
    assert (call.answered, call.duration_seconds, call.debit) == (True, 45, Decimal("0.0070"))


def test_cookies_are_handed_back_in_later_events():
    def cookie(key, value):
        return {"name": "setCookie", "key": key, "value": value}

    app, call = one_call(
        replies(
            ice={"instructions": [cookie("hold", "h_81"), cookie("deck", "a")], **connect()},
            ace={"instructions": [cookie("deck", "b")], "action": {"name": "continue"}},
        )
    )

    assert "cookies" not in app.events("ice")[0]
    assert app.events("ace")[0]["cookies"] == [
        {"key": "hold", "value": "h_81"},
        {"key": "deck", "value": "a"},
    ]
    assert app.events("dice")[0]["cookies"] == [
        {"key": "hold", "value": "h_81"},
        {"key": "deck", "value": "b"},
    ]
    assert call.heard == [
        Heard("setCookie", "hold=h_81"),
        Heard("setCookie", "deck=a"),
        Heard("setCookie", "deck=b"),
    ]


def test_a_call_between_apps_has_no_ace_and_costs_nothing():
    with application(replies(ice={"action": {"name": "connectMxp"}})) as app:
        platform = Sandbox(target=app.url)
        platform.phones["bob"] = Phone.answers(2, talks_seconds=30)
        call = platform.app_to_app(user="alice", to="bob")
        platform.run()

    assert app.names == ["ice", "dice"]
    ice = app.events("ice")[0]
    assert (ice["to"], ice["domain"]) == ({"type": "username", "endpoint": "bob"}, "mxp")
    assert (call.duration_seconds, call.debit, call.connected_to) == (30, Decimal(0), "bob")


def test_a_call_to_an_access_number_shows_the_caller_without_a_plus():
    with application(replies(ice=connect("+447700900123"))) as app:
        platform = Sandbox(target=app.url)
        platform.phones["447700900123"] = Phone.answers(2, talks_seconds=30)
        call = platform.phone_to_access_number(cli="+12025550199", to="+12025550100")
        platform.run()

    ice, _, dice = app.events()
    assert (ice["cli"], ice["originationType"]) == ("12025550199", "PSTN")
    assert ice["to"] == {"type": "did", "endpoint": "+12025550100"}
    assert ice["userRate"]["amount"] == 0
    assert "user" not in ice
    assert (dice["from"], dice["debit"]["amount"]) == ("+12025550199", Decimal("0.0315"))
    assert call.connected_to == "+447700900123"


def test_continue_connects_an_app_as_it_asked_and_a_telephone_not_at_all():
    with application(replies(ice={"action": {"name": "continue"}})) as app:
        platform = Sandbox(target=app.url)
        from_app = platform.app_to_phone(user="alice", to=NUMBER)
        from_phone = platform.phone_to_access_number(cli="+12025550199", to="+12025550100")
        platform.run()

    assert (from_app.connected_to, from_app.result) == (NUMBER, "ANSWERED")
    assert from_phone.reason == "CALLBACKERROR"


@pytest.mark.parametrize(
    ("seconds", "debit"), [(1, "0.0369"), (60, "0.0369"), (61, "0.0738"), (212, "0.1476"), (14400, "8.8560")]
)
def test_every_started_minute_is_debited_exactly(seconds, debit):
    phone = Phone.answers(1, talks_seconds=seconds)
    app, call = one_call(replies(ice=connect("+46701740605")), to="+46701740605", phone=phone)

    assert call.debit == Decimal(debit)
    assert f'"debit":{{"currencyId":"USD","amount":{debit}}}'.encode() in app.received[-1].body


def test_anything_can_be_done_while_calls_are_running():
    seen = []
    with application(replies(ice=connect(maxDuration=60))) as app:
        platform = Sandbox(target=app.url)
        call = platform.app_to_phone(user="alice", to=NUMBER, phone=Phone.answers(0, None))
        platform.at(30, lambda: seen.append((call.answered, call.ended)))
        platform.run(until_seconds=45)
        assert not call.ended
        platform.run()

    assert seen == [(True, False)]
    assert call.ended


def test_what_goes_wrong_in_such_an_action_is_not_hidden():
    platform = Sandbox(target="http://127.0.0.1:9/")
    platform.at(1, lambda: None)
    platform.at(1, lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        platform.run()


def test_the_record_tells_the_life_of_a_call_and_is_written_to_a_file(tmp_path):
    with application(replies(ice=connect(maxDuration=60))) as app:
        platform = Sandbox(target=app.url, record_path=tmp_path / "record.jsonl")
        call = platform.app_to_phone(user="alice", to=NUMBER)
        platform.run()

    told = ["dialled", "callback sent", "rings", "answered", "callback sent", "ended", "callback sent"]
    assert [fact.what for fact in platform.record.of(call.call_id)] == told
    lines = (tmp_path / "record.jsonl").read_text().splitlines()
    assert [json.loads(line)["what"] for line in lines] == told


def test_two_calls_cannot_have_the_same_id():
    platform = Sandbox(target="http://127.0.0.1:9/")
    platform.app_to_phone(user="alice", to=NUMBER, call_id="c-1")

    with pytest.raises(ValueError, match="c-1"):
        platform.app_to_phone(user="alice", to=NUMBER, call_id="c-1")


def test_a_clock_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        Sandbox(target="http://127.0.0.1:9/", start=datetime(2026, 3, 2))  # noqa: DTZ001
