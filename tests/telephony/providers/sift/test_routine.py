"""Every command of a routine on the wire, and what none of them can say."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.providers.base import CannotExpress
from telephony.providers.sift.routine import (
    CallClient,
    CallPhone,
    Command,
    GetDate,
    GetDigits,
    GetFreeResponse,
    GetMultipleChoice,
    GetName,
    GetNumber,
    GetYesOrNo,
    HangUp,
    JoinConference,
    Play,
    Routine,
    Say,
)

NUMBER = "+12025550123"
DONE = "https://sift:secret@calls.example.com/callbacks/sift/d1b2/done/welcome.1/"
EVENT = "https://calls.example.com/callbacks/sift/d1b2/event/1994a0ee21b612ee/"
WAV = "https://calls.example.com/sounds/enter.wav"
SPOKEN = [GetNumber, GetName, GetDate, GetFreeResponse, GetYesOrNo]

COMMANDS: list[tuple[Command, dict[str, Any]]] = [
    (Say("Hello there."), {"name": "Say", "text": "Hello there."}),
    (Say("Hej då.", on_done=DONE), {"name": "Say", "text": "Hej då.", "on_done": DONE}),
    (Play(WAV), {"name": "Play", "sound_url": WAV}),
    (Play("http://a.example/b.MP3?x=1", DONE), {
        "name": "Play", "sound_url": "http://a.example/b.MP3?x=1", "on_done": DONE,
    }),
    (HangUp(), {"name": "HangUp"}),
    (CallPhone(phone_number=NUMBER), {"name": "CallPhone", "phone_number": NUMBER}),
    (
        CallPhone(NUMBER, event_callback=EVENT, live_talk_times=True, live_transcripts=True, live_topics=True,
                  do_record=True, processors=("transcribe", "findtopics", "grade")),
        {"name": "CallPhone", "phone_number": NUMBER, "event_callback": EVENT, "live_talk_times": True,
         "live_transcripts": True, "live_topics": True, "do_record": True,
         "processors": ["transcribe", "findtopics", "grade"]},
    ),
    (CallClient(client_name="jimmy"), {"name": "CallClient", "client_name": "jimmy", "do_record": False}),
    (CallClient("jimmy", do_record=True, event_callback=EVENT), {
        "name": "CallClient", "client_name": "jimmy", "event_callback": EVENT, "do_record": True,
    }),
    (JoinConference("party-room"), {"name": "JoinConference", "conference_name": "party-room", "do_record": False}),
    (
        JoinConference("party-room", on_event=EVENT, live_transcription=True, live_topics=True, live_talk_time=True,
                       do_record=True),
        {"name": "JoinConference", "conference_name": "party-room", "on_event": EVENT, "live_transcription": True,
         "live_topics": True, "live_talk_time": True, "do_record": True},
    ),
    (GetDigits(), {"name": "GetDigits"}),
    (GetDigits(count=4, timeout_seconds=25, prompt_url=WAV, on_done=DONE), {
        "name": "GetDigits", "count": 4, "timeout_seconds": 25, "prompt_url": WAV, "on_done": DONE,
    }),
    *[(kind(on_done=DONE), {"name": kind.__name__, "on_done": DONE}) for kind in SPOKEN],
    *[
        (kind(on_done=DONE, timeout_seconds=9, prompt_url=WAV),
         {"name": kind.__name__, "on_done": DONE, "timeout_seconds": 9, "prompt_url": WAV})
        for kind in SPOKEN
    ],
    (GetMultipleChoice(choices=("sales", "support"), on_done=DONE), {
        "name": "GetMultipleChoice", "choices": ["sales", "support"], "on_done": DONE,
    }),
    (GetMultipleChoice(choices=("ja",), on_done=DONE, timeout_seconds=9, prompt_url=WAV), {
        "name": "GetMultipleChoice", "choices": ["ja"], "on_done": DONE, "timeout_seconds": 9, "prompt_url": WAV,
    }),
]  # fmt: skip


@pytest.mark.parametrize(("command", "wire"), COMMANDS)
def test_a_command_has_the_properties_that_were_set_and_no_others(command: Command, wire: dict[str, Any]) -> None:
    assert command.wire() == wire


def test_the_example_of_a_composed_menu_is_said_byte_by_byte() -> None:
    routine = Routine(
        [
            GetDigits(
                count=11,
                timeout_seconds=20,
                prompt_url="https://pbx.example/p/enter.wav",
                on_done="https://pbx.example/cb/sift/digits/",
            ),
            Say("No number entered."),
            HangUp(),
        ]
    )
    assert routine.encoded == (
        b'{"routine":[{"name":"GetDigits","count":11,"timeout_seconds":20,'
        b'"prompt_url":"https://pbx.example/p/enter.wav","on_done":"https://pbx.example/cb/sift/digits/"},'
        b'{"name":"Say","text":"No number entered."},{"name":"HangUp"}]}'
    )


def test_what_is_required_comes_first() -> None:
    assert list(CallPhone(NUMBER, do_record=True).wire()) == ["name", "phone_number", "do_record"]


def test_a_routine_is_compact_utf_8() -> None:
    assert Routine([Say("Hej då ☎")]).encoded == '{"routine":[{"name":"Say","text":"Hej då ☎"}]}'.encode()


def test_nothing_is_recorded_unless_it_is_asked_for() -> None:
    assert CallClient("jimmy").wire()["do_record"] is False
    assert JoinConference("party-room").wire()["do_record"] is False
    assert "do_record" not in CallPhone(NUMBER).wire()


@pytest.mark.parametrize("commands", [[], (), [HangUp()] * 101])
def test_a_routine_has_at_least_one_command_and_an_end(commands: list[Command]) -> None:
    with pytest.raises(CannotExpress, match=r"a routine takes 1 to 100 commands\."):
        Routine(commands)


def test_a_routine_does_not_change_with_the_list_it_was_made_of() -> None:
    commands: list[Command] = [HangUp()]
    routine = Routine(commands)
    commands.append(Say("Too late."))
    assert routine == Routine((HangUp(),))
    assert hash(routine) == hash(Routine((HangUp(),)))


# The last is a number in no plan of numbers, as the guide's own examples are.
@pytest.mark.parametrize("number", [NUMBER, "+4420794600" + "00", "+1" + "5" * 9])
def test_a_number_is_judged_by_its_form_alone(number: str) -> None:
    assert CallPhone(number).wire()["phone_number"] == number


WRONG: list[tuple[str, Callable[[], object]]] = [
    *[
        ("Say.text", lambda text=text: Say(text))
        for text in ("", "  ", "a\nb", "a\0", "\x7f", "\ud800", "x" * 4001, None, 5, b"text")
    ],
    *[
        ("Play.sound_url", lambda url=url: Play(url))
        for url in ("", "https://a.example/b.ogg", "https://a.example/?x=.wav", "ftp://a.example/b.wav", "a.wav",
                    "https:///b.wav", "https://a.example/b c.wav", "https://a.example/ä.wav", "https://[a/b.wav",
                    "https://a.example:0/b.wav", "https://a.example:x/b.wav", f"https://a.example/{'a' * 2048}.wav",
                    "https://a.example/b\n.wav", "https://a.example/\ud800.wav", None, 7)
    ],
    *[
        ("CallPhone.phone_number", lambda number=number: CallPhone(number))
        for number in ("", "12025550123", "+0202555", "+1202555012a", "+1 2025550123", "+" + "1" * 16, "+123456", None,
                       "+12025550123\n", "+١٢٠٢٥٥٥٠١٢٣", 12025550123)
    ],
    ("CallClient.client_name", lambda: CallClient("")),
    ("CallClient.client_name", lambda: CallClient("a" * 129)),
    ("CallClient.client_name", lambda: CallClient("a\tb")),
    ("JoinConference.conference_name", lambda: JoinConference(" ")),
    ("JoinConference.conference_name", lambda: JoinConference("a" * 129)),
    ("JoinConference.on_event", lambda: JoinConference("a", on_event="nowhere")),
    ("JoinConference.live_topics", lambda: JoinConference("a", live_topics=1)),
    ("JoinConference.do_record", lambda: JoinConference("a", do_record=None)),
    ("CallPhone.event_callback", lambda: CallPhone(NUMBER, event_callback="")),
    ("CallPhone.live_talk_times", lambda: CallPhone(NUMBER, live_talk_times="yes")),
    ("CallClient.do_record", lambda: CallClient("jimmy", do_record=None)),
    ("CallPhone.processors", lambda: CallPhone(NUMBER, processors=("grade",))),
    ("CallPhone.processors", lambda: CallPhone(NUMBER, do_record=True, processors=("grade", "grade"))),
    ("CallPhone.processors", lambda: CallPhone(NUMBER, do_record=True, processors=("",))),
    ("CallPhone.processors", lambda: CallPhone(NUMBER, do_record=True, processors="grade")),
    ("Say.on_done", lambda: Say("Hello.", "")),
    ("Play.on_done", lambda: Play(WAV, "mailto:a@example.com")),
    *[
        ("GetDigits.count", lambda count=count: GetDigits(count=count))
        for count in (0, -1, 65, 1.5, True, "4")
    ],
    *[
        ("GetDigits.timeout_seconds", lambda seconds=seconds: GetDigits(timeout_seconds=seconds))
        for seconds in (0, -1, 601, 2.5, False, "25", 10**30)
    ],
    ("GetDigits.prompt_url", lambda: GetDigits(prompt_url="https://a.example/enter.txt")),
    ("GetDigits.on_done", lambda: GetDigits(on_done="/done")),
    *[(f"{kind.__name__}.on_done", lambda kind=kind: kind(on_done="")) for kind in SPOKEN],
    *[(f"{kind.__name__}.on_done", lambda kind=kind: kind(on_done=None)) for kind in SPOKEN],
    ("GetName.timeout_seconds", lambda: GetName(on_done=DONE, timeout_seconds=0)),
    ("GetDate.prompt_url", lambda: GetDate(on_done=DONE, prompt_url="x")),
    ("GetMultipleChoice.choices", lambda: GetMultipleChoice(choices=(), on_done=DONE)),
    ("GetMultipleChoice.choices", lambda: GetMultipleChoice(choices=("a", ""), on_done=DONE)),
    ("GetMultipleChoice.choices", lambda: GetMultipleChoice(choices=("a", "a"), on_done=DONE)),
    ("GetMultipleChoice.choices", lambda: GetMultipleChoice(choices=("a", 5), on_done=DONE)),
    ("GetMultipleChoice.choices", lambda: GetMultipleChoice(choices="ab", on_done=DONE)),
    ("GetMultipleChoice.choices", lambda: GetMultipleChoice(choices=("x" * 201,), on_done=DONE)),
    ("GetMultipleChoice.choices", lambda: GetMultipleChoice(choices=tuple(map(str, range(101))), on_done=DONE)),
    ("GetMultipleChoice.on_done", lambda: GetMultipleChoice(choices=("a",), on_done="x")),
]  # fmt: skip


@pytest.mark.parametrize(("field", "make"), WRONG)
def test_what_cannot_be_said_is_refused_with_one_sentence(field: str, make: Callable[[], object]) -> None:
    with pytest.raises(CannotExpress) as caught:
        make()
    sentence = str(caught.value)
    assert sentence.startswith(f"Sift: {field} ")
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_processors_without_a_recording_would_be_ignored_so_they_are_refused() -> None:
    with pytest.raises(CannotExpress, match="do_record has to be true"):
        CallClient("jimmy", processors=("transcribe",))


def test_the_secret_in_an_address_of_ours_is_not_shown() -> None:
    commands = [wired for wired, _ in COMMANDS]
    assert "d1b2" in Routine(commands).encoded.decode()
    assert "d1b2" not in repr(Routine(commands))
    with pytest.raises(CannotExpress) as caught:
        Say("Hello.", DONE + " ")
    assert "d1b2" not in str(caught.value)
    assert "secret" not in str(caught.value)


@given(st.text(alphabet=st.characters(codec="utf-16"), max_size=40))
def test_whatever_text_is_taken_can_be_sent(text: str) -> None:
    try:
        routine = Routine([Say(text)])
    except CannotExpress:
        return
    assert json.loads(routine.encoded) == {"routine": [{"name": "Say", "text": text}]}
