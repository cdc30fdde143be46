"""Menus: what is heard, which keys lead where, how long it takes, and how the application is told."""

import itertools
from datetime import timedelta
from random import Random

import pytest

from sandbox import Chaos, Delay, HangUp, Heard, Lose, MenuResult, Phone, Repeat, Sandbox, Silence, Swap
from sandbox.rates import RATES
from tests.sandbox.receiver import CONTINUE, HANGUP, application, connect, menu, options, replies, run_menu

ACCESS_NUMBER = "+442079460000"
CALLER = "+12025550199"
NUMBER = "+447700900123"

TWO_KEYS = menu(options=options(k1="return(one)", k2="return(two)"), repeatPrompt="#tts[again]", repeats=1)
DIGITS = menu("digits", mainPrompt="#tts[number please]", maxDigits=4)


def one_call(answering, *keys, phone=None, faults=(), **platform_options):
    """The application after somebody dialled the access number and pressed keys, and the call."""
    with application(answering) as app:
        platform = Sandbox(target=app.url, **platform_options)
        call = platform.phone_to_access_number(
            cli=CALLER, to=ACCESS_NUMBER, keys=keys, phone=phone, faults=faults, custom="order-1"
        )
        platform.run()
    return app, call


def seconds_until(call, event, occurrence=1):
    """How many virtual seconds after dialling the callback was sent."""
    found = next(each for each in call.exchanges if (each.event, each.occurrence) == (event, occurrence))
    return (found.sent_at - call.started_at) / timedelta(seconds=1)


def said(call):
    return [heard.text for heard in call.heard]


def test_a_key_with_a_value_returns_it():
    app, call = one_call(replies(ice=run_menu(TWO_KEYS)), "2")

    assert app.names == ["ice", "pie", "dice"]
    assert app.events("pie") == [
        {
            "event": "pie",
            "callid": call.call_id,
            "timestamp": "2026-03-02T08:00:01Z",
            "version": 1,
            "custom": "order-1",
            "applicationKey": app.events("ice")[0]["applicationKey"],
            "menuResult": {"menuId": "main", "type": "return", "value": "two", "inputMethod": "dtmf"},
        }
    ]
    assert call.menu_results == [MenuResult("main", "return", "two")]
    assert call.heard == [Heard("mainPrompt", "main", "tts")]


def test_a_call_that_only_ran_a_menu_is_answered_and_costs_its_time_but_no_money():
    app, call = one_call(replies(ice=run_menu(TWO_KEYS)), Silence(), "1")

    assert (call.result, call.reason, call.duration_seconds) == ("ANSWERED", "MANAGERHANGUP", 7)
    assert (call.answered, call.debit, app.events("dice")[0]["duration"]) == (False, 0, 7)


def test_an_incoming_leg_costs_what_the_table_says():
    table = {**RATES, "incoming": RATES["+46"]}
    _, call = one_call(replies(ice=run_menu(TWO_KEYS)), Silence(), "1", rate_table=table)

    assert call.debit == RATES["+46"]


def test_goto_is_followed_without_asking_and_sets_its_cookies():
    first = menu(
        options=[{"dtmf": 3, "action": "menu(second)", "add": [{"key": "way", "value": "three"}]}],
    )
    second = menu("second", options=[{"dtmf": "#", "action": "Return(done)", "add": [{"key": "end", "value": "hash"}]}])
    app, call = one_call(replies(ice=run_menu(first, second)), "3", "#")

    assert app.names == ["ice", "pie", "dice"]
    pie = app.events("pie")[0]
    assert pie["menuResult"]["menuId"] == "second"
    assert pie["cookies"] == [{"key": "way", "value": "three"}, {"key": "end", "value": "hash"}]
    assert app.events("dice")[0]["cookies"] == pie["cookies"]
    assert said(call) == ["main", "way=three", "second", "end=hash"]


@pytest.mark.parametrize(
    ("keys", "result", "heard"),
    [
        ([], ("timeout", ""), ["main", "again"]),
        ([Silence(), Silence(), "1"], ("timeout", ""), ["main", "again"]),
        (["9", "9"], ("invalidinput", ""), ["main", "again"]),
        ([Silence(), "9"], ("invalidinput", ""), ["main", "again"]),
        (["9", Silence()], ("timeout", ""), ["main", "again"]),
        (["9", "1"], ("return", "one"), ["main", "again"]),
        ([Silence(), "2"], ("return", "two"), ["main", "again"]),
        (["12"], ("return", "one"), ["main"]),
        ([HangUp()], ("hangup", ""), ["main"]),
        (["9", HangUp()], ("hangup", ""), ["main", "again"]),
    ],
)
def test_silence_and_wrong_keys_use_up_the_repetitions(keys, result, heard):
    app, call = one_call(replies(ice=run_menu(TWO_KEYS)), *keys)

    assert (call.menu_results[0].type, call.menu_results[0].value) == result
    assert app.events("pie")[0]["menuResult"]["type"] == result[0]
    assert said(call) == heard


def test_a_menu_without_a_repeat_prompt_repeats_itself():
    _, call = one_call(replies(ice=run_menu(menu(options=options(k1="return(x)"), repeats=2))))

    assert said(call) == ["main", "main", "main"]


@pytest.mark.parametrize(
    ("keys", "value", "seconds"),
    [
        ("1234", "1234", 4),  # a second to begin, and one more for every key
        ("123456", "1234", 4),
        ("12#", "12", 3),
        ("12", "12", 7),  # five more, for nothing comes
        ("1234#", "1234", 4),
        ("#", "", 1),
        ("*1#", "*1", 3),
    ],
)
def test_digits_are_complete_at_the_most_at_hash_or_after_five_seconds(keys, value, seconds):
    _, call = one_call(replies(ice=run_menu(DIGITS)), keys)

    assert call.menu_results == [MenuResult("digits", "sequence", value)]
    assert seconds_until(call, "pie") == seconds


def test_a_menu_of_both_tries_its_keys_first():
    both = menu(maxDigits=4, options=options(k0="return(operator)"))

    assert one_call(replies(ice=run_menu(both)), "0123")[1].menu_results[0].value == "operator"
    assert one_call(replies(ice=run_menu(both)), "1023")[1].menu_results[0].value == "1023"


@pytest.mark.parametrize(
    ("barge", "key", "seconds"),
    [(True, "1", 1), (False, "1", 4), (True, Silence(), 10), (False, Silence(), 10), (False, HangUp(), 1)],
)
def test_a_key_interrupts_a_prompt_only_with_barge(barge, key, seconds):
    long = menu(mainPrompt=f"#tts[{'x' * 31}]", options=options(k1="return(x)"), timeoutMills=7000)
    _, call = one_call(replies(ice=run_menu(long, barge=barge)), key)

    assert seconds_until(call, "pie") == seconds


def test_every_item_of_a_prompt_is_heard_with_its_kind():
    chain = "#tts[Hello];#ssml[<speak>a;b</speak>];#href[https://example.com/a.wav];https://example.com/b.wav;tune.wav"
    _, call = one_call(replies(ice=run_menu(menu(mainPrompt=chain, maxDigits=1))))

    assert call.heard == [
        Heard("mainPrompt", "Hello", "tts"),
        Heard("mainPrompt", "<speak>a;b</speak>", "ssml"),
        Heard("mainPrompt", "https://example.com/a.wav", "href"),
        Heard("mainPrompt", "https://example.com/b.wav", "href"),
        Heard("mainPrompt", "tune.wav", "file"),
    ]
    assert seconds_until(call, "pie") == 1 + 1 + 3 + 3 + 3 + 5


def test_the_record_tells_what_was_heard_and_pressed():
    with application(replies(ice=run_menu(TWO_KEYS))) as app:
        platform = Sandbox(target=app.url)
        call = platform.phone_to_access_number(cli=CALLER, to=ACCESS_NUMBER, keys=["9", "1"])
        platform.run()

    told = [
        fact for fact in platform.record.of(call.call_id) if fact.what in ("menu", "heard", "pressed", "menu result")
    ]
    assert [(fact.what, fact.detail.get("text", fact.detail.get("keys"))) for fact in told] == [
        ("menu", None),
        ("heard", "main"),
        ("pressed", "9"),
        ("heard", "again"),
        ("pressed", "1"),
        ("menu result", None),
    ]


def test_a_caller_who_hangs_up_in_a_menu_is_told_of_twice_in_order_at_one_instant():
    app, call = one_call(replies(ice=run_menu(TWO_KEYS), pie=connect(NUMBER)), Silence(), HangUp())

    assert app.names == ["ice", "pie", "dice"]
    assert app.events("pie")[0]["menuResult"] == {
        "menuId": "main",
        "type": "hangup",
        "value": "",
        "inputMethod": "dtmf",
    }
    assert (call.result, call.reason, call.duration_seconds) == ("ANSWERED", "CALLERHANGUP", 7)
    assert seconds_until(call, "pie") == seconds_until(call, "dice") == 7
    assert call.connected_to is None


@pytest.mark.parametrize("keys", ["", "a", "+46", "1 2", "12w"])
def test_a_script_has_only_keys_that_a_telephone_has(keys):
    platform = Sandbox(target="http://127.0.0.1:9/")

    with pytest.raises(ValueError, match="keys"):
        platform.phone_to_access_number(cli=CALLER, to=ACCESS_NUMBER, keys=[keys])


# What the application may answer to PIE


@pytest.mark.parametrize(
    ("pie", "result", "reason"),
    [
        (HANGUP, "ANSWERED", "MANAGERHANGUP"),
        (CONTINUE, "ANSWERED", "MANAGERHANGUP"),
        ((500, b""), "ANSWERED", "CALLBACKERROR"),
        ({}, "ANSWERED", "CALLBACKERROR"),
        ({"action": {"name": "park"}}, "ANSWERED", "CALLBACKERROR"),
    ],
)
def test_a_pie_that_connects_nobody_ends_the_call(pie, result, reason):
    app, call = one_call(replies(ice=run_menu(TWO_KEYS), pie=pie), "1")

    assert (call.result, call.reason, call.duration_seconds, call.debit) == (result, reason, 1, 0)
    illegal = isinstance(pie, dict) and reason == "CALLBACKERROR"
    assert app.names == ["ice", "pie", *(["notify"] if illegal else []), "dice"]


def after_prompts(action, *, text="One moment."):
    return {"instructions": [{"name": "say", "text": text}], "action": action}


def test_a_pie_may_speak_and_run_another_menu():
    answers = iter([after_prompts(run_menu(DIGITS)["action"], text="x" * 45), HANGUP])

    def answering(event):
        return next(answers) if event["event"] == "pie" else run_menu(TWO_KEYS) if event["event"] == "ice" else {}

    app, call = one_call(answering, "1", "4711")

    assert [event["menuResult"]["value"] for event in app.events("pie")] == ["one", "4711"]
    assert [seconds_until(call, "pie", each) for each in (1, 2)] == [1, 1 + 3 + 4]
    assert said(call) == ["main", "x" * 45, "number please"]
    assert [(each.event, each.occurrence) for each in call.exchanges] == [
        ("ice", 1),
        ("pie", 1),
        ("pie", 2),
        ("dice", 1),
    ]


@pytest.mark.parametrize(("counts_menu_time", "duration"), [(True, 4 + 3 + 61), (False, 61)])
def test_a_call_connected_from_a_menu_is_debited_for_the_connected_part(counts_menu_time, duration):
    app, call = one_call(
        replies(ice=run_menu(DIGITS), pie=connect(NUMBER, cli=ACCESS_NUMBER, maxDuration=600)),
        "1234",
        phone=Phone.answers(3, talks_seconds=61),
        counts_menu_time=counts_menu_time,
    )

    assert app.names == ["ice", "pie", "ace", "dice"]
    assert (call.result, call.reason, call.connected_to) == ("ANSWERED", "CALLERHANGUP", NUMBER)
    # The menu began to be heard at once, the number was complete after four seconds, it rang for three.
    assert (call.duration_seconds, app.events("dice")[0]["duration"]) == (duration, duration)
    assert str(call.debit) == "0.0630"
    assert app.events("dice")[0]["from"] == ACCESS_NUMBER


@pytest.mark.parametrize("counts_menu_time", [True, False])
@pytest.mark.parametrize(
    ("phone", "result", "reason"),
    [
        (Phone.busy(), "BUSY", "BUSY"),
        (Phone.rejects(), "BUSY", "CALLEEHANGUP"),
        (Phone.no_answer(), "NOANSWER", "TIMEOUT"),
        (Phone.unreachable(), "FAILED", "GENERALERROR"),
    ],
)
def test_a_callee_who_never_answers_gives_the_result_and_no_duration(phone, result, reason, counts_menu_time):
    app, call = one_call(
        replies(ice=run_menu(DIGITS), pie=connect(NUMBER)), "1234", phone=phone, counts_menu_time=counts_menu_time
    )

    assert app.names == ["ice", "pie", "dice"]
    assert (call.result, call.reason, call.duration_seconds, call.debit) == (result, reason, 0, 0)


def test_the_maximum_of_a_connection_does_not_count_the_menu():
    _, call = one_call(
        replies(ice=run_menu(DIGITS), pie=connect(NUMBER, maxDuration=60)), "1234", phone=Phone.answers(2)
    )

    assert (call.reason, call.duration_seconds) == ("TIMEOUT", 4 + 2 + 60)


def test_an_app_call_may_run_a_menu_and_still_reach_whom_it_dialled():
    with application(replies(ice=run_menu(TWO_KEYS), pie={"action": {"name": "connectPstn"}})) as app:
        platform = Sandbox(target=app.url)
        call = platform.app_to_phone(user="alice", to=NUMBER, keys=["1"], phone=Phone.answers(1, 10))
        platform.run()

    assert app.names == ["ice", "pie", "ace", "dice"]
    assert call.connected_to == NUMBER


def test_a_menu_on_ace_is_talk_and_continue_goes_on_with_it():
    app, call = one_call(
        replies(ice=connect(NUMBER), ace=run_menu(TWO_KEYS), pie=CONTINUE), "1", phone=Phone.answers(2, 40)
    )

    assert app.names == ["ice", "ace", "pie", "dice"]
    assert (call.result, call.reason, call.duration_seconds) == ("ANSWERED", "CALLERHANGUP", 40)


def test_a_menu_for_ever_is_cut_after_an_hour():
    app, call = one_call(replies(ice=run_menu(TWO_KEYS), pie=run_menu(TWO_KEYS)), phone=None)

    assert (call.result, call.reason, call.duration_seconds) == ("ANSWERED", "TIMEOUT", 3600)
    assert len(app.events("pie")) == 300


# Faults


def test_a_lost_pie_ends_the_call_after_the_time_out():
    app, call = one_call(replies(ice=run_menu(TWO_KEYS), pie=connect(NUMBER)), "1", faults=[Lose("pie")])

    assert app.names == ["ice", "dice"]
    assert (call.result, call.reason, call.duration_seconds) == ("ANSWERED", "CALLBACKERROR", 1 + 5)


def test_a_repeated_pie_is_obeyed_once():
    app, call = one_call(
        replies(ice=run_menu(TWO_KEYS), pie=connect(NUMBER)),
        "1",
        faults=[Repeat("pie", times=2, after_seconds=30)],
        phone=Phone.answers(1, 60),
    )

    first, *copies = (each for each in app.received if each.event["event"] == "pie")
    assert [each.body for each in copies] == [first.body, first.body]
    assert [each.attempt for each in call.exchanges if each.event == "pie"] == [1, 2, 3]
    assert (len(app.events("ace")), call.duration_seconds) == (1, 62)


@pytest.mark.parametrize(("late", "reason"), [(4, "CALLERHANGUP"), (60, "CALLBACKERROR")])
def test_a_late_pie_is_obeyed_only_before_the_time_out(late, reason):
    _, call = one_call(
        replies(ice=run_menu(TWO_KEYS), pie=connect(NUMBER)),
        "1",
        faults=[Delay("pie", late)],
        phone=Phone.answers(1, 60),
    )

    assert call.reason == reason


def test_a_pie_can_be_overtaken_by_the_end():
    app, _ = one_call(replies(ice=run_menu(TWO_KEYS)), "1", faults=[Swap("pie")])

    assert app.names == ["ice", "dice", "pie"]


# Five levels

LEVELS = 5


def levels():
    """Five menus: 1 goes deeper, the last returns the bottom."""
    names = ["main", "second", "third", "fourth", "fifth"]
    for name, below in itertools.pairwise([*names, ""]):
        action = f"menu({below})" if below else "return(bottom)"
        add = [{"key": name, "value": "passed"}]
        yield menu(
            name,
            options=[{"dtmf": "1", "action": action, "add": add}],
            repeatPrompt=f"#tts[{name} again]",
            repeats=1,
        )


@pytest.mark.parametrize("depth", range(LEVELS))
@pytest.mark.parametrize(
    ("there", "type_"),
    [
        ([HangUp()], "hangup"),
        (["9", HangUp()], "hangup"),
        ([Silence(), HangUp()], "hangup"),
        (["9", "9"], "invalidinput"),
        ([Silence(), Silence()], "timeout"),
        ([], "timeout"),
    ],
)
def test_five_levels_can_be_left_at_every_step(depth, there, type_):
    five = list(levels())
    app, call = one_call(replies(ice=run_menu(*five)), *["1"] * depth, *there)

    result = app.events("pie")[0]["menuResult"]
    assert (result["menuId"], result["type"]) == (five[depth]["id"], type_)
    assert [each["key"] for each in app.events("pie")[0].get("cookies", [])] == [each["id"] for each in five[:depth]]
    assert app.names == ["ice", "pie", "dice"]
    assert call.ended


@pytest.mark.parametrize("detour", [["9"], [Silence()], []])
def test_five_levels_are_passed_with_a_detour_at_each(detour):
    app, call = one_call(replies(ice=run_menu(*levels())), *[*detour, "1"] * LEVELS)

    assert app.events("pie")[0]["menuResult"] == {
        "menuId": "fifth",
        "type": "return",
        "value": "bottom",
        "inputMethod": "dtmf",
    }
    assert len([each for each in call.heard if each.name == "repeatPrompt"]) == (LEVELS if detour else 0)


def story(seed, parallel=64, chaos=None):
    """What thirty callers did at random in five levels, in full detail but for the random ids."""
    chance = Random(seed)
    with application(replies(ice=run_menu(*levels()), pie=connect(NUMBER, maxDuration=30))) as app:
        platform = Sandbox(target=app.url, seed=seed, parallel=parallel, chaos=chaos)
        for each in range(30):
            keys = [chance.choice(["1", "1", "1", "9", Silence(), HangUp()]) for _ in range(chance.randrange(12))]
            platform.phone_to_access_number(cli=CALLER, to=ACCESS_NUMBER, keys=keys, at_seconds=each % 3)
        platform.run()
    return [
        (
            call.result,
            call.reason,
            call.duration_seconds,
            call.heard,
            call.menu_results,
            call.happened,
            [(each.event, each.occurrence, each.attempt, each.sent_at) for each in call.exchanges],
        )
        for call in platform.calls
    ]


def test_the_same_keys_tell_the_same_story_however_threads_run():
    first = story(1)

    assert first == story(1, parallel=1)
    assert first != story(2)
    assert {call[4][-1].type for call in first} == {"return", "timeout", "invalidinput", "hangup"}


def test_chaos_strikes_prompt_input_events_too_and_the_same_for_one_seed():
    chaos = Chaos(loss=0.2, dup=0.3, late=0.3, reorder=0.3)
    first = story(1, chaos=chaos)

    assert first == story(1, parallel=1, chaos=chaos)
    struck = {type(fault) for call in first for fault in call[5] if fault.event == "pie"}
    assert struck == {Lose, Repeat, Delay, Swap}


def test_chaos_draws_anew_for_every_prompt_input_event_of_a_call():
    chaos = Chaos(loss=0.5)
    fates = [chaos.faults(seed=1, call_number=1, event="pie", occurrence=each) for each in range(1, 21)]

    assert {bool(fate) for fate in fates} == {True, False}
    assert fates[0] == chaos.faults(seed=1, call_number=1, event="pie")


def test_of_many_prompt_input_events_of_one_call_some_are_repeated():
    again = replies(ice=run_menu(TWO_KEYS), pie=run_menu(TWO_KEYS))
    _, call = one_call(again, *["1"] * 20, HangUp(), chaos=Chaos(dup=0.5))

    copied = {each.occurrence for each in call.exchanges if each.event == "pie" and each.attempt == 2}
    assert 0 < len(copied) < 21
