"""Callbacks over real HTTP: together, in time, and only from a server that behaves."""

from threading import Barrier, Event

import pytest

from sandbox import Sandbox
from tests.sandbox.receiver import application, replies

NUMBER = "+12025550123"
HANGUP = {"action": {"name": "hangup"}}


def one_call(answering):
    """The call after it was placed against an application that answers so."""
    with application(answering) as app:
        platform = Sandbox(target=app.url)
        call = platform.app_to_phone(user="alice", to=NUMBER)
        platform.run()
    return call


def test_an_application_that_takes_too_long_over_ice_loses_the_call():
    together = Barrier(2)

    def never_in_time(event):
        if event["event"] == "ice":
            together.wait(10)
        return {}

    with application(never_in_time) as app:
        platform = Sandbox(target=app.url, timeout_seconds=0.1)
        call = platform.app_to_phone(user="alice", to=NUMBER)
        platform.run()
        together.wait(10)

    assert call.reason == "CALLBACKERROR"
    assert call.exchanges[0].status is None
    assert "ReadTimeout" in call.problem


def test_a_redirect_is_not_followed():
    call = one_call(replies(ice=(302, b"", {"Location": "/elsewhere/"})))

    assert "HTTP 302" in call.problem


def test_an_answer_that_drips_on_and_on_is_not_waited_for():
    stop = Event()

    def drips():
        for _ in range(300):
            if stop.wait(0.01):
                return
            yield b" "

    with application(replies(ice=(200, drips()))) as app:
        platform = Sandbox(target=app.url, timeout_seconds=0.3)
        call = platform.app_to_phone(user="alice", to=NUMBER)
        platform.run()
        stop.set()

    assert (call.reason, call.exchanges[0].status) == ("CALLBACKERROR", None)


def test_an_endless_answer_is_cut_off():
    call = one_call(replies(ice=(200, (b" " * 65536 for _ in range(1000)))))

    assert (call.reason, call.exchanges[0].status) == ("CALLBACKERROR", None)


def test_an_application_that_is_not_there_loses_the_call():
    platform = Sandbox(target="http://127.0.0.1:9/callbacks/sinch/")
    call = platform.app_to_phone(user="alice", to=NUMBER)
    platform.run()

    assert call.reason == "CALLBACKERROR"
    assert "ConnectionError" in call.problem


def test_thirty_incoming_calls_of_one_instant_are_in_flight_together():
    together = Barrier(30)

    def only_together(event):
        if event["event"] == "ice":
            together.wait(10)
        return HANGUP if event["event"] == "ice" else {}

    with application(only_together) as app:
        platform = Sandbox(target=app.url, timeout_seconds=20)
        calls = [platform.app_to_phone(user="alice", to=NUMBER, at_seconds=5) for _ in range(30)]
        platform.run()

    assert {call.reason for call in calls} == {"MANAGERHANGUP"}
    assert len(app.events("ice")) == 30


@pytest.mark.parametrize("target", ["", "callbacks/sinch", "ftp://127.0.0.1/", "http:///path"])
def test_a_target_that_is_no_url_is_refused(target):
    with pytest.raises(ValueError, match="target"):
        Sandbox(target=target)
