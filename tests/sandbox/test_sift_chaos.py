"""What goes wrong with Sift's callbacks on their way, by seed and on purpose."""

from sandbox import Alter, Chaos, Delay, Kind, Lose, Phone, Repeat, Swap
from tests.sandbox.sift_server import CALLEE, HANG_UP, call_phone, desk, desk_with, routine, say

EVERYTHING = Chaos(loss=0.2, dup=0.3, late=0.3, reorder=0.3)


def watched(place):
    """An on_incoming that calls somebody and wants to hear of the end."""
    return routine(call_phone(event_callback=f"{place.server.url}event"))


def events(call):
    return [(each.event, each.attempt) for each in call.exchanges]


def test_an_end_that_is_lost_is_known_only_to_who_asks():
    with desk(incoming=lambda told: watched(place), event="") as place:
        call = place.dialled(faults=[Lose("conversation_ended")])
        told = [each.get("event_type") for each in place.server.told()]
        known = place.ask("GET", f"connections/{call.connection_id}").json()

    assert told == [None, "conversation_started"]
    assert (known["status"], "end_time" in known) == ("finished", True)
    assert place.platform.oracle.of(Kind.SIFT_END, call.connection_id)[0].detail["duration_seconds"] == str(
        call.duration_seconds
    )


def test_a_question_that_is_lost_or_late_gets_no_answer_and_its_late_answer_is_not_obeyed():
    with desk(incoming=routine(say())) as place:
        lost, late = (place.dialled(faults=[each]) for each in (Lose("incoming"), Delay("incoming", 30)))
        told = place.server.told()

    assert len(told) == 1
    assert [each.ended_by for each in (lost, late)] == ["platform", "platform"]
    assert [(each.end_time - each.began_at).total_seconds() for each in (lost, late)] == [5, 5]
    assert late.heard == []


def test_only_the_first_of_several_is_obeyed():
    with desk(incoming=routine(say(), HANG_UP)) as place:
        call = place.dialled(faults=[Repeat("incoming", times=2)])

    assert events(call) == [("incoming", 1), ("incoming", 2), ("incoming", 3)]
    assert len(call.heard) == 1


def test_a_routine_goes_on_when_nobody_answers_what_was_done():
    with desk(
        incoming=lambda told: routine(
            {"name": "GetDigits", "count": 1, "on_done": f"{place.server.url}done"}, say("Next.")
        ),
        done=routine(say("Instead.")),
    ) as place:
        call = place.dialled(keys=["1"], faults=[Delay("done", 60)])

    assert [each.text for each in call.heard if each.name == "Say"] == ["Next."]
    assert len(place.server.told("done")) == 1


def test_a_status_is_overtaken_by_the_next_and_the_last_cannot_be():
    with desk(status="") as place:
        place.platform.phones[CALLEE] = Phone.answers(4, talks_seconds=30)
        place.sift.callout_faults = (Swap("connecting"), Swap("finished"))
        place.created()
        place.platform.run()
        told = [each["connection"]["status"] for each in place.server.told("status")]

    assert told == ["connected", "connecting", "finished"]


def test_fields_may_be_changed_on_the_way():
    with desk(incoming=routine(HANG_UP)) as place:
        place.dialled(faults=[Alter("incoming", {"account_id": "0" * 16})])

        assert place.server.told()[0]["account_id"] == "0" * 16


def play(seed):
    def status(told):
        return routine(say(), HANG_UP) if told["connection"]["status"] == "connected" else ""

    with desk_with(
        {"chaos": EVERYTHING, "seed": seed}, incoming=lambda told: watched(place), event="", status=status
    ) as place:
        for second in range(20):
            place.dial(at_seconds=second * 200, phone=Phone.answers(3, talks_seconds=90))
        place.platform.run()
        for _ in range(5):
            place.created()
            place.platform.run()
    return place


def test_chance_strikes_by_seed_alone():
    one, again, other = (play(seed) for seed in (3, 3, 4))

    fates = [
        [(events(call), call.happened, call.duration_seconds) for call in each.sift.calls] for each in (one, again)
    ]
    assert fates[0] == fates[1]
    assert [call.happened for call in other.sift.calls] != [call.happened for call in one.sift.calls]
    happened = {type(fault) for call in one.sift.calls for fault in call.happened}
    assert happened == {Lose, Repeat, Delay, Swap}


def test_whatever_happens_to_callbacks_every_connection_has_one_true_end():
    place = play(5)

    ends = {each.reference: int(each.detail["duration_seconds"]) for each in place.platform.oracle.of(Kind.SIFT_END)}
    assert ends == {each.connection_id: each.duration_seconds for each in place.sift.calls}
    assert all(each.over for each in place.sift.calls)
