"""What goes wrong on purpose and by chance."""

import json
from datetime import timedelta
from decimal import Decimal
from threading import Barrier

import pytest

from sandbox import (
    REMOVED,
    Alter,
    AnsweredElsewhere,
    Chaos,
    CutLate,
    Delay,
    GiveUp,
    Lose,
    Phone,
    Repeat,
    Sandbox,
    Swap,
)
from tests.sandbox.receiver import application, connect, replies

NUMBER = "+12025550123"
MINUTE = replies(ice=connect(maxDuration=60))


def one_call(*faults, answering=MINUTE, phone=None):
    """The application after one call with these faults, and the call."""
    with application(answering) as app:
        platform = Sandbox(target=app.url)
        call = platform.app_to_phone(user="alice", to=NUMBER, phone=phone or Phone.answers(10, 45), faults=faults)
        platform.run()
    return app, call


def when(call, event, attempt=1):
    """How many virtual seconds after it was dialled a callback of the call was sent."""
    exchange = next(each for each in call.exchanges if (each.event, each.attempt) == (event, attempt))
    return (exchange.sent_at - call.started_at) // timedelta(seconds=1)


def test_a_lost_incoming_call_event_disconnects_after_the_time_out():
    app, call = one_call(Lose("ice"))

    assert app.names == ["dice"]
    assert (call.result, call.reason, call.duration_seconds) == ("FAILED", "CALLBACKERROR", 0)
    assert when(call, "dice") == 5


def test_a_lost_answered_call_event_connects():
    app, call = one_call(Lose("ace"))

    assert app.names == ["ice", "dice"]
    assert (call.result, call.duration_seconds) == ("ANSWERED", 45)


def test_a_lost_disconnected_call_event_leaves_the_call_ended_but_unreported():
    app, call = one_call(Lose("dice"))

    assert app.names == ["ice", "ace"]
    assert (call.ended, call.duration_seconds) == (True, 45)


def test_a_slightly_late_incoming_call_event_is_still_obeyed():
    _, call = one_call(Delay("ice", 4))

    assert (when(call, "ice"), when(call, "ace"), when(call, "dice")) == (4, 14, 59)


def test_a_very_late_incoming_call_event_comes_after_the_end_and_its_answer_is_ignored():
    app, call = one_call(Delay("ice", 60))

    assert app.names == ["dice", "ice"]
    assert (call.reason, call.action, when(call, "ice")) == ("CALLBACKERROR", None, 60)


def test_a_late_disconnected_call_event_keeps_the_time_of_the_end():
    app, call = one_call(Delay("dice", 26 * 3600))

    assert when(call, "dice") == 55 + 26 * 3600
    assert app.events("dice")[0]["timestamp"] == "2026-03-02T08:00:55Z"


def test_an_answered_call_event_can_be_overtaken_by_the_end():
    app, call = one_call(Swap("ace"))

    assert app.names == ["ice", "dice", "ace"]
    assert call.duration_seconds == 45


def test_an_incoming_call_event_can_be_overtaken_by_the_end():
    app, call = one_call(Swap("ice"))

    assert app.names == ["dice", "ice"]
    assert [each.event for each in call.exchanges] == ["dice", "ice"]
    assert call.reason == "CALLBACKERROR"


def test_the_last_event_cannot_be_overtaken():
    app, _ = one_call(Swap("dice"))

    assert app.names == ["ice", "ace", "dice"]


def test_a_repeated_event_carries_the_same_bytes_with_a_signature_of_its_own():
    app, call = one_call(Repeat("dice", after_seconds=30))

    first, second = app.received[-2:]
    assert first.body == second.body
    assert first.headers["x-timestamp"] != second.headers["x-timestamp"]
    assert (when(call, "dice"), when(call, "dice", attempt=2)) == (55, 85)


def test_a_true_replay_has_the_old_signature_too():
    app, _ = one_call(Repeat("ice", after_seconds=3600, same_signature=True))

    first, second = (each for each in app.received if each.event["event"] == "ice")
    assert first.headers["authorization"] == second.headers["authorization"]
    assert first.headers["x-timestamp"] == second.headers["x-timestamp"]


def test_sixteen_copies_of_one_event_are_in_flight_together():
    together = Barrier(16)

    def only_together(event):
        if event["event"] == "ice":
            together.wait(10)
        return MINUTE(event)

    app, call = one_call(Repeat("ice", times=15), answering=only_together)

    assert len(app.events("ice")) == 16
    assert [each.attempt for each in call.exchanges[:16]] == list(range(1, 17))
    assert call.duration_seconds == 45


def test_a_second_report_may_contradict_the_first():
    changes = {"duration": 46, "debit": {"currencyId": "USD", "amount": Decimal("9.99")}}
    app, call = one_call(Repeat("dice", after_seconds=1, changes=changes))

    assert [event["duration"] for event in app.events("dice")] == [45, 46]
    assert app.events("dice")[1]["debit"]["amount"] == Decimal("9.99")
    assert call.duration_seconds == 45


def test_an_event_of_an_unknown_kind_can_be_sent():
    app, _ = one_call(Repeat("dice", changes={"event": "weather", "rain": True}))

    assert sorted(app.names) == ["ace", "dice", "ice", "weather"]


@pytest.mark.parametrize("duration", [-5, "12", Decimal("12.0"), True, None, 10**9])
def test_a_report_can_carry_any_nonsense(duration):
    app, _ = one_call(Alter("dice", {"duration": duration}))

    assert app.events("dice")[0]["duration"] == duration


def test_a_field_can_be_left_out():
    app, _ = one_call(Alter("dice", {"duration": REMOVED}))

    assert "duration" not in app.events("dice")[0]


def test_a_caller_can_give_up_while_the_question_is_in_flight():
    together = Barrier(2)

    def only_together(event):
        together.wait(10)
        return MINUTE(event)

    app, call = one_call(GiveUp(after_seconds=0), answering=only_together)

    assert sorted(app.names) == ["dice", "ice"]
    assert (call.result, call.reason, call.duration_seconds) == ("NOANSWER", "CANCEL", 0)
    assert call.action is None


@pytest.mark.parametrize(("patience", "result"), [(9, "NOANSWER"), (10, "ANSWERED"), (11, "ANSWERED")])
def test_a_caller_gives_up_only_while_nobody_has_answered(patience, result):
    _, call = one_call(GiveUp(patience))

    assert call.result == result


def test_the_platform_can_cut_a_call_too_late():
    _, call = one_call(CutLate(30), phone=Phone.answers(1, None))

    assert (call.limit_seconds, call.duration_seconds) == (60, 90)


def test_a_call_answered_elsewhere_is_only_known_from_its_end():
    app, call = one_call(AnsweredElsewhere(connect(maxDuration=20)), Lose("ace"))

    assert app.names == ["dice"]
    assert call.duration_seconds == 20


def test_two_applications_can_have_calls_of_the_same_id():
    with application(MINUTE) as app:
        for key in ("key-one", "key-two"):
            platform = Sandbox(target=app.url, key=key)
            platform.app_to_phone(user="alice", to=NUMBER, call_id="c-1")
            platform.run()

    known = {(event["applicationKey"], event["callid"]) for event in app.events("ice")}
    assert known == {("key-one", "c-1"), ("key-two", "c-1")}


def story(seed, parallel):
    """What became of forty calls under chaos, in full detail but for the random ids."""
    chaos = Chaos(loss=0.2, dup=0.3, late=0.3, reorder=0.3)
    with application(MINUTE) as app:
        platform = Sandbox(target=app.url, seed=seed, chaos=chaos, parallel=parallel)
        for number in range(40):
            platform.app_to_phone(user="alice", to=NUMBER, at_seconds=number // 10)
        platform.run()
        return [
            (
                call.result,
                call.reason,
                call.duration_seconds,
                call.happened,
                [(each.event, each.attempt, each.sent_at, each.status) for each in call.exchanges],
            )
            for call in platform.calls
        ]


def test_the_same_seed_tells_the_same_story_however_threads_run():
    assert story(seed=7, parallel=64) == story(seed=7, parallel=1)


def test_another_seed_tells_another_story():
    assert story(seed=7, parallel=64) != story(seed=8, parallel=64)


@pytest.mark.parametrize(("kind", "fault"), [("loss", Lose), ("dup", Repeat), ("late", Delay), ("reorder", Swap)])
def test_chaos_happens_as_often_as_asked(kind, fault):
    chaos = Chaos(**{kind: 0.25})
    happened = [chaos.faults(seed=1, call_number=number, event="ace") for number in range(4000)]

    assert all(isinstance(each, fault) for faults in happened for each in faults)
    assert 900 < sum(map(len, happened)) < 1100


def test_a_duplicate_comes_together_with_the_first_or_later():
    chaos = Chaos(dup=1)
    apart = {chaos.faults(seed=1, call_number=n, event="ice")[0].after_seconds > 0 for n in range(20)}

    assert apart == {True, False}


def test_more_of_one_kind_of_chaos_does_not_change_another():
    few = [Chaos(late=0.3).faults(seed=1, call_number=n, event="dice") for n in range(200)]
    more = [Chaos(late=0.3, dup=0.9).faults(seed=1, call_number=n, event="dice") for n in range(200)]

    assert few == [tuple(each for each in faults if isinstance(each, Delay)) for faults in more]


def test_chaos_is_read_from_text():
    assert Chaos.parse("loss=0.1, dup=1,late=0.25") == Chaos(loss=0.1, dup=1, late=0.25)
    assert Chaos.parse("") == Chaos()


@pytest.mark.parametrize(
    "text", ["loss", "loss=", "loss=much", "loss=1.5", "dup=-1", "rain=1", "dup=nan", "dup=0,dup=1"]
)
def test_chaos_that_makes_no_sense_is_refused(text):
    with pytest.raises(ValueError, match="chaos"):
        Chaos.parse(text)


def test_losses_are_in_the_record():
    with application(MINUTE) as app:
        platform = Sandbox(target=app.url)
        call = platform.app_to_phone(user="alice", to=NUMBER, faults=[Lose("dice")])
        platform.run()

    lost = [fact.detail for fact in platform.record.of(call.call_id) if fact.what == "callback lost"]
    assert lost == [{"event": "dice"}]
    assert json.loads(call.exchanges[0].answer) == connect(maxDuration=60)
