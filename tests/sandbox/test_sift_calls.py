"""Connections at Sift: told of, led through routines, ended, and how long they were."""

import pytest

from sandbox import DESK_SIFT_ACCOUNT, HangUp, Kind, Phone, Says, Silence
from tests.sandbox.sift_server import CALLEE, CALLER, HANG_UP, NUMBER, call_phone, desk, routine, say

OTHER = "+442079460102"


def get(name="GetDigits", **more):
    return {"name": name, **more}


def ask(*commands, keys=(), then="", **switches):
    """A call with these commands and "Next." as its routine, and what was told when they were done."""

    def incoming(told):
        return routine(*({**each, "on_done": f"{place.server.url}done"} for each in commands), say("Next."))

    with desk(incoming=incoming, done=then) as place:
        for name, value in switches.items():
            setattr(place.sift, name, value)
        return place.dialled(keys=keys), place.server.told("done")


def test_an_incoming_connection_is_told_of_and_its_end_is_not():
    with desk(incoming=routine(call_phone())) as place:
        call = place.dialled(phone=Phone.answers(3, talks_seconds=90))
        told = place.server.told()

    assert told == [
        {
            "account_id": place.sift.account_id,
            "connection": {
                "connection_id": call.connection_id,
                "status": "connecting",
                "start_time": None,
                "from": CALLER,
                "to": NUMBER,
                "direction": "incoming",
            },
        }
    ]
    times = call.document()["start_time"], call.document()["end_time"]
    assert times == ("2026-03-02T08:00:03Z", "2026-03-02T08:01:33Z")
    assert (call.status, call.ended_by, call.duration_seconds) == ("finished", "caller", 90)


def test_where_ringing_counts_a_connection_begins_when_it_is_created():
    with desk(incoming=routine(call_phone()), status="") as place:
        place.sift.counts_ringing = True
        place.platform.phones[OTHER] = Phone.busy()
        calls = place.dialled(phone=Phone.answers(3, talks_seconds=90)), place.created(OTHER)
        place.platform.run()
        told = place.server.told("incoming") + place.server.told("status")

    starts = "2026-03-02T08:00:00Z", "2026-03-02T08:01:33Z"
    assert [each["connection"]["start_time"] for each in told] == [starts[0], starts[1], starts[1]]
    assert [(each.status, each.duration_seconds) for each in calls] == [("finished", 93), ("failed", 1)]


def test_who_hides_has_no_number():
    with desk(incoming=routine(HANG_UP)) as place:
        place.sift.phone_to_number("", NUMBER)
        place.platform.run()

        assert place.server.told()[0]["connection"]["from"] is None
    with pytest.raises(ValueError, match="no application has"):
        place.sift.phone_to_number(CALLER, OTHER)


@pytest.mark.parametrize(
    ("phone", "result", "rings"),
    [
        (Phone.busy(), "busy", 1),
        (Phone.rejects(after_seconds=7), "rejected", 7),
        (Phone.unreachable(), "unreachable", 2),
        (Phone.no_answer(), "no answer", 60),
    ],
)
def test_a_callee_who_does_not_answer_lets_the_routine_go_on(phone, result, rings):
    with desk(incoming=lambda told: routine(call_phone(event_callback=f"{place.server.url}event")), event="") as place:
        call = place.dialled(phone=phone)
        told = place.server.told("event")

    assert [each["event_type"] for each in told] == ["conversation_ended"]
    assert call.conversations[0].result == result
    assert (call.status, call.ended_by, call.duration_seconds, call.talk_seconds) == ("failed", "caller", 0, 0)
    assert (call.end_time - call.began_at).total_seconds() == rings + 10
    assert call.document()["start_time"] is None


def test_something_heard_makes_a_connection_connected_though_nobody_answers():
    with desk(incoming=routine(say("x" * 30), call_phone(), HANG_UP)) as place:
        call = place.dialled(phone=Phone.busy())

    assert (call.status, call.ended_by, call.duration_seconds) == ("finished", "routine", 3)


def test_a_callee_who_hangs_up_leaves_the_caller_to_the_rest_of_the_routine():
    with desk(incoming=routine(call_phone(), call_phone(OTHER), HANG_UP, say("Never."))) as place:
        place.platform.phones[CALLEE] = Phone.answers(3, talks_seconds=20, hangs_up="callee")
        place.platform.phones[OTHER] = Phone.answers(5, talks_seconds=30, hangs_up="callee")
        call = place.dialled()

    assert [(each.endpoint, each.duration_seconds) for each in call.conversations] == [(CALLEE, 20), (OTHER, 30)]
    assert (call.ended_by, call.duration_seconds, call.talk_seconds, call.heard) == ("routine", 55, 50, [])


def test_conversations_are_told_of_without_naming_the_connection_unless_that_is_switched_on():
    with desk(incoming=lambda told: routine(call_phone(event_callback=f"{place.server.url}event")), event="") as place:
        call = place.dialled()
        place.sift.events_name_connection = True
        other = place.dialled()
        told = place.server.told("event")

    first = {"account_id": place.sift.account_id, "conversation_id": call.conversations[0].conversation_id}
    kinds = ("conversation_started", "conversation_ended")
    assert told[:2] == [{**first, "event_type": each} for each in kinds]
    assert [each["connection_id"] for each in told[2:]] == [other.connection_id] * 2


def test_a_caller_who_gives_up_ends_the_connection_and_its_conversation():
    with desk(incoming=lambda told: routine(call_phone(event_callback=f"{place.server.url}event")), event="") as place:
        call = place.dialled(phone=Phone.answers(30), hangs_up_after_seconds=10)
        talking = place.dialled(phone=Phone.answers(3), hangs_up_after_seconds=100)
        told = [each["event_type"] for each in place.server.told("event")]

    assert (call.status, call.duration_seconds, talking.status, talking.talk_seconds) == ("failed", 0, "finished", 97)
    assert told == ["conversation_ended", "conversation_started", "conversation_ended"]


@pytest.mark.parametrize(
    ("command", "keys", "digits", "seconds"),
    [
        (get(count=1), ["1"], "1", 1),
        (get(count=1), ["12"], "1", 1),
        (get(count=1), ["#"], "", 1),
        (get(timeout_seconds=5), ["#"], "", 1),
        (get(count=4, timeout_seconds=5), ["1234"], "1234", 4),
        (get(count=4, timeout_seconds=5), ["12#"], "12", 3),
        (get(count=4, timeout_seconds=5), ["12"], "12", 7),
        (get(count=4, timeout_seconds=5), [], "", 5),
        (get(timeout_seconds=5, prompt_url="https://example.com/p.wav"), [Silence()], "", 8),
        (get(timeout_seconds=5), ["12345678901#9"], "12345678901", 12),
        (get(count=2), [Says("two")], "", 10),
    ],
)
def test_digits_are_told(command, keys, digits, seconds):
    call, told = ask(command, keys=keys)

    assert [each["digits"] for each in told] == [digits]
    assert told[0]["connection_id"] == call.connection_id
    assert told[0]["account_id"] == DESK_SIFT_ACCOUNT
    assert call.duration_seconds == seconds + 1 + 10  # "Next.", and the caller's patience
    assert [each.text for each in call.heard if each.name == "Say"] == ["Next."]


@pytest.mark.parametrize(("count", "keys", "digits"), [(1, "#", "#"), (4, "12#", "12#"), (2, "12#", "12")])
def test_the_key_that_ends_the_input_is_told_where_that_is_switched_on(count, keys, digits):
    _, told = ask(get(count=count), keys=[keys], tells_terminator=True)

    assert [each["digits"] for each in told] == [digits]


def test_read_strictly_a_time_out_gives_no_digits_at_all():
    _, told = ask(get(count=4), get(count=1), keys=["12", "3"], strict_digits=True)

    assert [each["digits"] for each in told] == ["", "3"]


@pytest.mark.parametrize(
    ("command", "said", "result"),
    [
        (get("GetNumber"), Says("42"), {"value": "42"}),
        (get("GetNumber"), Says("many"), {"value": None, "error": "invalid"}),
        (get("GetNumber"), Silence(), {"value": None, "error": "timeout"}),
        (get("GetNumber"), "42", {"value": None, "error": "timeout"}),
        (get("GetYesOrNo"), Says("Yes"), {"value": True}),
        (get("GetYesOrNo"), Says("no"), {"value": False}),
        (get("GetYesOrNo"), Says("perhaps"), None),
        (get("GetMultipleChoice", choices=["Red", "Blue"]), Says("blue"), {"choice": "Blue"}),
        (get("GetMultipleChoice", choices=["Red", "Blue"]), Says("green"), {"choice": ""}),
        (get("GetMultipleChoice", choices=["Red", "Blue"]), Silence(), {"choice": ""}),
        (get("GetName"), Says("Ana"), {"value": "Ana"}),
        (get("GetDate"), Silence(), None),
        (get("GetFreeResponse"), Says("What a day"), {"value": "What a day"}),
    ],
)
def test_what_is_spoken_is_told_and_silence_moves_on_where_nothing_could_be_told(command, said, result):
    call, told = ask(command, keys=[said])

    assert told == ([] if result is None else [{**told[0], **result}])
    assert call.results == ([] if result is None else [result])
    assert call.heard[-1].text == "Next."


def test_a_caller_who_hangs_up_at_a_prompt_ends_the_connection_and_nothing_is_told():
    call, told = ask(get(count=1), keys=[HangUp()])

    assert (told, call.ended_by, call.status, call.duration_seconds) == ([], "caller", "finished", 1)


@pytest.mark.parametrize(
    ("then", "heard", "troubles"),
    [
        ("", "Next.", 0),
        (routine(say("Instead."), HANG_UP), "Instead.", 0),
        (routine(HANG_UP), "", 0),
        ((500, ""), "Next.", 1),
        ((404, "{}"), "Next.", 1),
        ((302, ""), "Next.", 1),
    ],
)
def test_the_answer_to_on_done_may_replace_the_routine(then, heard, troubles):
    call, _ = ask(get(count=1), keys=["1"], then=then)

    assert "".join(each.text for each in call.heard) == heard
    assert len(call.troubles) == troubles


def test_say_and_play_tell_when_they_are_done():
    call, told = ask(say("x" * 31), {"name": "Play", "sound_url": "https://example.com/a.mp3"})

    assert [each.keys() - {"account_id", "connection_id"} for each in told] == [set(), set()]
    assert [each.name for each in call.heard] == ["Say", "Play", "Say"]
    assert call.duration_seconds == 3 + 3 + 1 + 10


@pytest.mark.parametrize("answer", ["", (500, ""), (204, ""), (403, '{"routine": []}')])
def test_an_incoming_connection_nobody_cares_for_is_hung_up_or_runs_the_default_routine(answer):
    with desk(incoming=answer) as place:
        call = place.dialled()
        place.app.default_routine = [say("Closed."), HANG_UP]
        other = place.dialled()

    assert (call.status, call.ended_by, call.duration_seconds, len(call.troubles)) == ("failed", "platform", 0, 1)
    assert (other.status, other.ended_by, other.heard[0].text) == ("finished", "routine", "Closed.")


def test_an_application_without_address_runs_its_default_routine():
    with desk() as place:
        place.app.on_incoming = ""
        place.app.default_routine = [say("Closed."), HANG_UP]
        call = place.dialled()

    assert (call.status, call.exchanges, call.troubles) == ("finished", [], [])


def test_a_routine_that_has_run_out_leaves_the_line_open_until_somebody_hangs_up():
    with desk(incoming=routine()) as place:
        call = place.dialled(patience_seconds=None)
        place.platform.run(until_seconds=3600)
        assert call.status == "connecting"

        place.ask("POST", f"connections/{call.connection_id}", json=routine(HANG_UP))
    assert (call.status, call.duration_seconds) == ("failed", 0)
    assert (call.end_time - call.began_at).total_seconds() == 3600


def test_an_answer_that_comes_when_somebody_else_has_taken_over_is_not_obeyed():
    def incoming(told):
        path = f"connections/{told['connection']['connection_id']}"
        assert place.ask("POST", path, json=routine(say("Taken over."), HANG_UP)).status_code == 200
        return routine(say("Too late."))

    with desk(incoming=incoming) as place:
        call = place.dialled()

    assert ([each.text for each in call.heard], call.ended_by) == (["Taken over."], "rest")


def test_nobody_listens_to_prompts_for_ever():
    def again(told):
        return routine(get(count=1, on_done=f"{place.server.url}incoming"))

    with desk(incoming=again) as place:
        call = place.dialled()

    assert (call.status, call.ended_by) == ("finished", "caller")
    assert call.duration_seconds == 1810


def test_who_is_called_is_told_of_all_along():
    with desk(status="") as place:
        place.platform.phones[CALLEE] = Phone.answers(4, talks_seconds=30)
        call = place.created()
        place.platform.run()
        told = [each["connection"] for each in place.server.told("status")]

    assert [each["status"] for each in told] == ["connecting", "connected", "finished"]
    assert {each["direction"] for each in told} == {"outgoing"}
    assert [each["start_time"] for each in told] == [None, *["2026-03-02T08:00:04Z"] * 2]
    assert [each.get("end_time") for each in told] == [None, None, "2026-03-02T08:00:34Z"]
    assert (call.ended_by, call.duration_seconds) == ("callee", 30)


@pytest.mark.parametrize(("phone", "seconds"), [(Phone.rejects(4), 4), (Phone.busy(), 1), (Phone.no_answer(), 60)])
def test_who_is_called_and_does_not_answer_fails_the_connection(phone, seconds):
    with desk(status=routine(say())) as place:
        place.platform.phones[CALLEE] = phone
        call = place.created()
        place.platform.run()
        told = [
            (each["connection"]["status"], each["connection"]["start_time"]) for each in place.server.told("status")
        ]

    assert told == [("connecting", None), ("failed", None)]
    assert ((call.end_time - call.began_at).total_seconds(), call.duration_seconds, call.heard) == (seconds, 0, [])


def test_a_routine_for_later_runs_when_the_phone_is_picked_up_unless_another_comes_then():
    def early(told):
        return routine(say("Early."), HANG_UP) if told["connection"]["status"] == "connecting" else ""

    def late(told):
        return routine(say(told["connection"]["status"]), HANG_UP)

    with desk(early=early, late=late, never=routine(HANG_UP)) as place:
        calls = [place.created(status=each) for each in ("early", "late", "never")]
        place.platform.run()

    assert [[each.text for each in call.heard] for call in calls] == [["Early."], ["connected"], []]
    assert [call.status for call in calls] == ["finished", "finished", "failed"]


def test_two_legs_are_brought_together_and_the_one_that_was_called_first_may_hang_up():
    def status(told):
        return routine(call_phone(OTHER)) if told["connection"]["status"] == "connected" else ""

    with desk(status=status) as place:
        place.platform.phones[CALLEE] = Phone.answers(2, talks_seconds=50)
        place.platform.phones[OTHER] = Phone.answers(10)
        call = place.created()
        place.platform.run()

    assert (call.duration_seconds, call.talk_seconds, call.ended_by) == (50, 40, "callee")


def test_keys_of_who_is_called_answer_prompts():
    def status(told):
        return routine(get(count=1), HANG_UP) if told["connection"]["status"] == "connected" else ""

    with desk(status=status) as place:
        place.platform.phones[CALLEE] = Phone.answers(2, keys=["7"])
        call = place.created()
        place.platform.run()

    assert call.results == [{"digits": "7"}]


def test_a_conference_is_over_for_all_when_the_last_one_leaves():
    def incoming(told):
        return routine({"name": "JoinConference", "conference_name": "room", "on_event": f"{place.server.url}event"})

    with desk(incoming=incoming, event="") as place:
        place.platform.phones["room"] = Phone.answers(talks_seconds=600)
        calls = [place.dial(hangs_up_after_seconds=seconds) for seconds in (50, 80)]
        place.platform.run(until_seconds=10)
        assert place.sift.switchboard.rooms.present("room") == 2
        place.platform.run()
        told = place.server.told("event")

    assert {each["conversation_id"] for each in told} == {calls[0].conversations[0].conversation_id}
    assert {each["conference_name"] for each in told} == {"room"}
    kinds = ["conversation_started", "conversation_started", "conversation_ended", "conversation_ended"]
    assert [each["event_type"] for each in told] == kinds
    ended = [each.sent_at for call in calls for each in call.exchanges if each.event == "conversation_ended"]
    assert [(moment - place.platform.clock.start).total_seconds() for moment in ended] == [80, 80]
    assert [call.talk_seconds for call in calls] == [50, 80]


def test_a_conference_that_was_over_begins_another_conversation():
    with desk(incoming=routine({"name": "JoinConference", "conference_name": "room"})) as place:
        place.platform.phones["room"] = Phone.answers(talks_seconds=60)
        first, second = place.dialled(), place.dialled()

    assert first.conversations[0].conversation_id != second.conversations[0].conversation_id


def test_a_user_and_password_in_an_address_become_basic_authentication():
    with desk(incoming=routine(HANG_UP)) as place:
        place.app.on_incoming = place.app.on_incoming.replace("//", "//ring:fence@")
        call = place.dialled()
        place.app.on_incoming = f"{place.server.url}incoming"
        place.dialled()
        asked, plain = place.server.web.asked

    assert asked.headers["Authorization"] == "Basic cmluZzpmZW5jZQ=="
    assert asked.headers["Content-Type"].startswith("application/json")
    assert call.exchanges[0].error == ""
    assert "Authorization" not in plain.headers


def test_a_server_that_is_not_there_is_named_without_its_password():
    with desk() as place:
        place.app.on_incoming = "http://ring:fence@127.0.0.1:9/"
        call = place.dialled()

    assert call.troubles == ["ConnectionError at http://127.0.0.1:9/"]


def test_the_oracle_knows_the_true_length_of_every_connection():
    with desk(incoming=routine(call_phone()), status="") as place:
        calls = [place.dialled(phone=Phone.answers(3, talks_seconds=90)), place.created()]
        place.platform.run()
        ends = place.platform.oracle.of(Kind.SIFT_END)

    assert [each.reference for each in ends] == [each.connection_id for each in calls]
    assert [int(each.detail["duration_seconds"]) for each in ends] == [each.duration_seconds for each in calls]
    assert ends[0].detail == {
        "status": "finished",
        "duration_seconds": "90",
        "talk_seconds": "90",
        "ended_by": "caller",
    }
    assert place.platform.oracle.duplicates() == {}
