"""A fluent step changes nothing that was there before, and gives the same as the plain way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from telephony.providers.sinch.svaml import (
    BuilderError,
    Hangup,
    Option,
    Return,
    Say,
    SpeechLimits,
    ice,
    ice_reply,
    menu_definitions,
)


def test_a_beginning_may_be_ended_in_several_ways() -> None:
    greeting = ice_reply().say("Hello.")
    assert greeting.say("Goodbye.").hangup().model["instructions"][1]["text"] == "Goodbye."
    assert greeting.hangup().body == ice(Say("Hello."), action=Hangup()).body


def test_a_step_leaves_the_connection_before_it_as_it_was() -> None:
    plain = ice_reply().connect_pstn("+12025550123")
    assert plain.with_cli("+442079460000").model["action"]["cli"] == "+442079460000"
    assert "cli" not in plain.model["action"]


def test_a_menu_may_be_continued_in_several_ways() -> None:
    begun = menu_definitions().begin_menu_definition("main", "welcome").add_trigger_pie_option("1", "one")
    longer = begun.add(Option("2", Return("two"))).end_menu_definition()
    assert [len(longer.menus[0].options), len(begun.end_menu_definition().menus[0].options)] == [2, 1]


def test_a_connection_has_everything_a_reply_has() -> None:
    step = ice_reply().say("a" * 201).connect_pstn("+12025550123")
    assert step.body == step.svamlet.body
    assert step.encoded == step.svamlet.body.encode("ascii")
    assert step.model == step.svamlet.model
    assert step.warnings == step.svamlet.warnings != ()


def test_a_mistake_in_a_step_is_refused_at_that_step() -> None:
    step = ice_reply().connect_pstn("+12025550123")
    with pytest.raises(BuilderError, match=r"connectPstn.maxDuration takes 1 to 14400 seconds, not 0\."):
        step.with_bridge_timeout(timedelta(milliseconds=999))


def test_a_face_may_have_limits_that_sinch_raised() -> None:
    assert ice_reply(speech=SpeechLimits(per_prompt=700)).say("a" * 700).hangup().body
    with pytest.raises(BuilderError, match=r"instructions\[0\].text takes 1 to 600 characters, not 700"):
        ice_reply().say("a" * 700).hangup()


def test_what_a_reply_tells_cannot_be_changed_from_outside() -> None:
    reply = ice_reply().hangup()
    reply.model["action"]["name"] = "continue"
    assert reply.model["action"]["name"] == "hangup"
    with pytest.raises(AttributeError):
        reply.body = ""  # type: ignore[misc]


def test_the_body_is_ascii_whatever_is_said() -> None:
    reply = ice_reply(locale="sv-SE").say("Välkommen 👋").hangup()
    assert reply.encoded == reply.body.encode("ascii")
    assert reply.model["instructions"][0]["text"] == "Välkommen 👋"
