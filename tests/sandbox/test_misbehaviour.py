"""Requests that cost money, badly treated: what was done, what was answered, and what the oracle knows."""

import pytest
import requests

from sandbox import Kind, Misbehaviour, Mishap, Sandbox, oracle, wire
from tests.sandbox.desk import CALLOUTS, ask, basic, tts
from tests.sandbox.receiver import application, replies

NOBODY = "http://127.0.0.1:9/"


@pytest.fixture
def desk():
    """A platform, and the address where it places calls."""
    with application(replies(ice={})) as app:
        platform = Sandbox(target=app.url)
        with platform.rest_server() as url:
            yield platform, url + CALLOUTS


def posted(url, body, timeout=10.0):
    return requests.post(url, data=wire.dumps(body), headers=basic(), timeout=timeout, allow_redirects=False)


def references(platform):
    return [(deed.kind, deed.reference, deed.withheld) for deed in platform.oracle.done]


def test_a_platform_that_behaves_tells_the_oracle_what_it_did(desk):
    platform, url = desk

    call_id = posted(url, tts(custom="r-1")).json()["callId"]

    (deed,) = platform.oracle.of(Kind.CALLOUT, "r-1")
    assert (deed.id, deed.withheld, deed.at) == (call_id, "", platform.clock.now)
    assert deed.detail == {"to": "+12025550123"}
    assert platform.oracle.duplicates() == {}


def test_a_lost_answer_is_lost_after_the_call_was_placed(desk):
    platform, url = desk
    platform.misbehave(Mishap.LOST)

    with pytest.raises(requests.ConnectionError):
        posted(url, tts(custom="r-1"))
    assert posted(url, tts(custom="r-1")).status_code == 200

    assert len(platform.calls) == 2
    assert references(platform) == [(Kind.CALLOUT, "r-1", "lost"), (Kind.CALLOUT, "r-1", "")]
    assert platform.oracle.duplicates() == {(Kind.CALLOUT, "r-1"): 2}


def test_a_late_answer_comes_when_nobody_waits_any_more(desk):
    platform, url = desk
    platform.misbehaviour = Misbehaviour(late_seconds=30)
    platform.misbehave(Mishap.LATE)

    with pytest.raises(requests.ReadTimeout):
        posted(url, tts(custom="r-1"), timeout=0.2)

    assert references(platform) == [(Kind.CALLOUT, "r-1", "late")]


def test_a_late_answer_that_is_waited_for_is_the_right_one(desk):
    platform, url = desk
    platform.misbehaviour = Misbehaviour(late=1, late_seconds=0.05)

    assert posted(url, tts()).json()["callId"] == platform.calls[0].call_id


def test_an_error_after_acting_does_not_undo_it(desk):
    platform, url = desk
    platform.misbehave(Mishap.ERROR_AFTER)

    assert posted(url, tts(custom="r-1")).status_code in (500, 503)
    assert references(platform) == [(Kind.CALLOUT, "r-1", "error_after")]


@pytest.mark.parametrize("mishap", [Mishap.ERROR_BEFORE, Mishap.BUSY, Mishap.REDIRECT])
def test_some_errors_come_before_anything_is_done(desk, mishap):
    platform, url = desk
    platform.misbehave(mishap, None)

    answer = posted(url, tts(custom="r-1"))

    statuses = {Mishap.ERROR_BEFORE: (500, 503), Mishap.BUSY: (429,), Mishap.REDIRECT: (301, 302, 307, 308)}
    assert answer.status_code in statuses[mishap]
    assert platform.calls == platform.oracle.done == []
    assert posted(url, tts(custom="r-1")).status_code == 200


def test_who_follows_a_redirect_acts_and_is_found_out(desk):
    platform, url = desk
    platform.misbehaviour = Misbehaviour(redirect=1)
    where = {posted(url, tts(custom=f"r-{n}")).headers["Location"] for n in range(5)}
    platform.misbehaviour = Misbehaviour()

    assert where == {CALLOUTS}
    assert posted(url, tts(custom="r-1")).status_code == 200


def test_busy_says_when_to_come_again_or_does_not(desk):
    platform, url = desk
    platform.misbehaviour = Misbehaviour(busy=1)

    told = {posted(url, tts(custom=f"r-{n}")).headers.get("Retry-After") for n in range(20)}

    assert told == {"1", None}


def test_garbage_never_holds_an_id(desk):
    platform, url = desk
    platform.misbehaviour = Misbehaviour(garbage=1)

    answers = [posted(url, tts(custom=f"r-{n}")) for n in range(40)]

    assert {each.status_code for each in answers} == {200}
    assert len({each.content for each in answers}) > 4
    assert len(platform.oracle.done) == 40
    assert not any(deed.id in each.text for deed, each in zip(platform.oracle.done, answers, strict=True))


def test_an_endless_answer_has_no_end(desk):
    platform, url = desk
    platform.misbehaviour = Misbehaviour(endless=1)

    for number in range(6):
        with requests.post(
            url, data=wire.dumps(tts(custom=f"r-{number}")), headers=basic(), stream=True, timeout=10
        ) as answer:
            assert answer.raw.read(3) == b"   "

    assert len(platform.oracle.done) == 6


def test_what_is_refused_is_refused_whatever_else_goes_wrong(desk):
    platform, url = desk
    platform.misbehave(Mishap.GARBAGE, Mishap.ERROR_AFTER)

    assert [posted(url, {"method": "fax"}).status_code for _ in range(2)] == [400, 400]
    assert platform.oracle.done == []


def test_looking_is_free_and_never_goes_wrong(desk):
    platform, url = desk
    call_id = posted(url, tts()).json()["callId"]
    platform.run()
    platform.misbehaviour = Misbehaviour(lost=1)

    assert ask("GET", f"{url.removesuffix('callouts')}calls/id/{call_id}")[0] == 200


def test_who_is_not_let_in_is_not_misled_either(desk):
    platform, url = desk
    platform.misbehave(Mishap.LOST)

    assert ask("POST", url, tts(), basic(secret="d3Jvbmc="))[0] == 401


def fates(seed, mixed=None):
    """What happens to fifty requests, each tried twice."""
    platform = Sandbox(target=NOBODY)
    platform.misbehaviour = mixed or Misbehaviour(lost=0.3, error_before=0.2, busy=0.1, garbage=0.2, seed=seed)
    found = {}
    with platform.rest_server() as url:
        for attempt in (1, 2):
            for number in range(25):
                try:
                    answer = posted(url + CALLOUTS, tts(custom=f"r-{number}"))
                    told = answer.status_code, "callId" in answer.text
                except requests.ConnectionError:
                    told = None
                found[number, attempt] = told
    return found


def test_the_same_seed_does_the_same_to_the_same_requests():
    first = fates(1)

    assert fates(1) == first
    assert fates(2) != first
    assert any(first[number, 1] != first[number, 2] for number in range(25))
    assert {(200, True), None} <= set(first.values())


def test_misbehaviour_is_read_from_a_text():
    text = "lost=0.2, busy=0.1,late=0.3,late_seconds=2.5,seed=7"

    assert Misbehaviour.parse(text) == Misbehaviour(lost=0.2, busy=0.1, late=0.3, late_seconds=2.5, seed=7)
    assert Misbehaviour.parse("") == Misbehaviour()


@pytest.mark.parametrize(
    "text",
    ["rude=1", "lost=often", "lost=0.1,lost=0.1", "lost=2", "lost=-1", "lost=0.6,busy=0.6", "seed=x", "lost=nan"],
)
def test_misbehaviour_that_cannot_be_is_refused(text):
    with pytest.raises(ValueError, match="misbehaviour"):
        Misbehaviour.parse(text)


def test_the_oracle_writes_what_another_process_can_read(tmp_path):
    path = tmp_path / "oracle.jsonl"
    platform = Sandbox(target=NOBODY, oracle_path=path)
    assert oracle.read(path) == []
    platform.oracle.add(Kind.CALLOUT, "r-1", "c-1", withheld="lost", to="+12025550123")
    platform.oracle.add(Kind.TEXT, "", "t-1")
    platform.oracle.add(Kind.TEXT, "", "t-2")
    with path.open("ab") as file:
        file.write(b'{"kind":"te')

    assert oracle.read(path) == platform.oracle.done
    assert len(platform.oracle.of(Kind.TEXT)) == 2
    assert oracle.duplicates(oracle.read(path)) == {}
