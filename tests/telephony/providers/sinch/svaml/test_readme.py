"""Every row of the server SDK's README about replies, said as the README says it and said plainly: the same bytes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from telephony.providers.sinch.svaml import (
    Answer,
    ConferenceDtmfOptions,
    ConnectConf,
    ConnectMxp,
    ConnectPstn,
    ConnectSip,
    ConnectSipPeer,
    Continue,
    Email,
    Goto,
    Hangup,
    HangupCause,
    Menu,
    Option,
    Park,
    PhoneNumber,
    PlayFiles,
    Return,
    RunMenu,
    Say,
    SetCookie,
    SipAddress,
    User,
    ace,
    ace_of_callout,
    ace_of_callout_reply,
    ace_reply,
    dice,
    file,
    ice,
    ice_reply,
    key_values,
    manage,
    manage_reply,
    menu_definitions,
    notify,
    pie,
    pie_reply,
    tts,
)
from tests.telephony.providers.sinch.svaml.snapshots import reviewed

NUMBER = "+12025550123"
SHOWN = "+442079460000"
PEER = "123123123@sip.example.com:5070"


def test_createing_an_ice_response_plain_style() -> None:
    reply = ice(SetCookie("c1", "v1"), SetCookie("c2", "v2"), Say("Hello world!"), action=Hangup())
    assert reply.body == reviewed("ice-example")
    assert reply.model["action"] == {"name": "hangup"}


def test_createing_an_ice_response_fluent_style() -> None:
    body = ice_reply().set_cookie("c1", "v1").set_cookie("c2", "v2").say("Hello world!").hangup().body
    assert body == reviewed("ice-example")


# Instructions


def test_say() -> None:
    assert ice_reply().say("Welcome.").hangup().body == reviewed("ice-say")
    assert ice(Say("Welcome."), action=Hangup()).body == reviewed("ice-say")


def test_a_locale_for_a_reply_and_another_for_one_prompt() -> None:
    fluent = ice_reply(locale="sv-SE").say("Hej.").say("Hello.", locale="en-GB").hangup()
    plain = ice(Say("Hej.", "sv-SE"), Say("Hello.", "en-GB"), action=Hangup())
    assert fluent.body == plain.body == reviewed("ice-say-in-two-languages")


def test_play() -> None:
    assert ice_reply().play("welcome").hangup().body == reviewed("ice-play")
    assert ice(PlayFiles((file("welcome"),)), action=Hangup()).body == reviewed("ice-play")


def test_play_multiple_files() -> None:
    fluent = ice_reply().play("welcome;https://example.com/jingle.mp3").hangup()
    plain = ice(PlayFiles(("welcome", "#href[https://example.com/jingle.mp3]")), action=Hangup())
    assert fluent.body == plain.body == reviewed("ice-play-multiple-files")


def test_set_cookie() -> None:
    assert ice_reply().set_cookie("account", "4711").hangup().body == reviewed("ice-set-cookie")
    assert ice(SetCookie("account", "4711"), action=Hangup()).body == reviewed("ice-set-cookie")


# Actions


def test_hangup() -> None:
    assert ice_reply().hangup().body == ice(action=Hangup()).body == reviewed("ice-hangup")


@pytest.mark.parametrize("cause", HangupCause)
def test_hangup_with_a_cause(cause: HangupCause) -> None:
    snapshot = reviewed(f"ice-hangup-{cause.name.lower()}")
    assert ice_reply().hangup(cause).body == ice(action=Hangup(cause)).body == snapshot


def test_continue() -> None:
    assert ice_reply().continue_call().body == ice(action=Continue()).body == reviewed("ice-continue")


def test_connect_pstn() -> None:
    assert ice_reply().connect_pstn(NUMBER).body == reviewed("ice-connect-pstn")
    assert ice(action=ConnectPstn(NUMBER)).body == reviewed("ice-connect-pstn")


def test_connect_pstn_with_cli() -> None:
    fluent = ice_reply().connect_pstn(NUMBER).with_cli(SHOWN)
    assert fluent.body == ice(action=ConnectPstn(NUMBER, cli=SHOWN)).body == reviewed("ice-connect-pstn-with-cli")


def test_connect_pstn_with_anonymous_cli() -> None:
    fluent = ice_reply().connect_pstn(NUMBER).with_anonymous_cli()
    plain = ice(action=ConnectPstn(NUMBER, cli="private"))
    assert fluent.body == plain.body == reviewed("ice-connect-pstn-with-anonymous-cli")


@pytest.mark.parametrize("time", [timedelta(minutes=12), timedelta(minutes=12, milliseconds=999), 720])
def test_connect_pstn_with_bridge_timeout(time: timedelta | int) -> None:
    fluent = ice_reply().connect_pstn(NUMBER).with_bridge_timeout(time)
    plain = ice(action=ConnectPstn(NUMBER, max_duration=720))
    assert fluent.body == plain.body == reviewed("ice-connect-pstn-with-bridge-timeout")


def test_connect_pstn_with_dial_timeout() -> None:
    fluent = ice_reply().connect_pstn(NUMBER).with_dial_timeout(timedelta(seconds=45))
    plain = ice(action=ConnectPstn(NUMBER, dial_timeout=45))
    assert fluent.body == plain.body == reviewed("ice-connect-pstn-with-dial-timeout")


def test_connect_pstn_without_callbacks() -> None:
    fluent = ice_reply().connect_pstn(NUMBER).without_callbacks()
    plain = ice(action=ConnectPstn(NUMBER, suppress_callbacks=True))
    assert fluent.body == plain.body == reviewed("ice-connect-pstn-without-callbacks")


def test_connect_pstn_with_callbacks_which_is_the_default() -> None:
    assert ice_reply().connect_pstn(NUMBER).without_callbacks().with_callbacks().body == reviewed("ice-connect-pstn")


def test_connect_pstn_with_indications() -> None:
    fluent = ice_reply().connect_pstn(NUMBER).with_indications("se")
    plain = ice(action=ConnectPstn(NUMBER, indications="se"))
    assert fluent.body == plain.body == reviewed("ice-connect-pstn-with-indications")


def test_connect_pstn_with_recording() -> None:
    fluent = ice_reply().connect_pstn(NUMBER).with_recording()
    plain = ice(action=ConnectPstn(NUMBER, record=True))
    assert fluent.body == plain.body == reviewed("ice-connect-pstn-with-recording")


def test_connect_pstn_without_recording_which_is_the_default() -> None:
    assert ice_reply().connect_pstn(NUMBER).with_recording().without_recording().body == reviewed("ice-connect-pstn")


def test_connect_mxp() -> None:
    assert (
        ice_reply().connect_mxp("bob").body == ice(action=ConnectMxp(User("bob"))).body == reviewed("ice-connect-mxp")
    )


def test_connect_mxp_with_everything() -> None:
    fluent = ice_reply().connect_mxp("bob").with_cli(SHOWN).with_indications("se").with_recording()
    plain = ice(action=ConnectMxp(User("bob"), cli=SHOWN, indications="se", record=True))
    assert fluent.body == plain.body == reviewed("ice-connect-mxp-with-everything")


def test_connect_mxp_with_what_is_taken_back() -> None:
    fluent = ice_reply().connect_mxp("bob").with_cli(SHOWN).with_anonymous_cli().with_recording().without_recording()
    plain = ice(action=ConnectMxp(User("bob"), cli="private"))
    assert fluent.body == plain.body == reviewed("ice-connect-mxp-with-anonymous-cli")


@pytest.mark.parametrize(
    ("identity", "snapshot"),
    [
        (User("bob"), "ice-connect-mxp"),
        (PhoneNumber(NUMBER), "ice-connect-mxp-by-number"),
        (Email("bob@example.com"), "ice-connect-mxp-by-email"),
        (None, "ice-connect-mxp-as-dialled"),
    ],
)
def test_connect_mxp_by_identity(identity: User | PhoneNumber | Email | None, snapshot: str) -> None:
    assert ice_reply().connect_mxp(identity).body == ice(action=ConnectMxp(identity)).body == reviewed(snapshot)


@pytest.mark.parametrize("address", [PEER, f"sip:{PEER}"])
def test_connect_sip_destination(address: str) -> None:
    fluent = ice_reply().connect_sip_destination(address)
    plain = ice(action=ConnectSip(destination=SipAddress(address)))
    assert fluent.body == plain.body == reviewed("ice-connect-sip")


def test_connect_sip_destination_with_everything() -> None:
    fluent = (
        ice_reply()
        .connect_sip_destination(PEER)
        .with_anonymous_cli()
        .with_indications("us-old")
        .with_recording()
        .with_bridge_timeout(720)
        .with_transport("TLS")
        .with_call_headers({"tier": "gold"})
        .with_music_on_hold("music1")
    )
    plain = ice(
        action=ConnectSip(
            destination=SipAddress(PEER),
            cli="private",
            indications="us-old",
            record=True,
            max_duration=720,
            transport="TLS",
            call_headers=key_values({"tier": "gold"}),
            moh="music1",
        )
    )
    assert fluent.body == plain.body == reviewed("ice-connect-sip-with-everything")


def test_connect_registered_sip_peer() -> None:
    fluent = ice_reply().connect_registered_sip_peer("office")
    assert fluent.body == ice(action=ConnectSipPeer(account="office")).body == reviewed("ice-connect-sip-peer")


def test_connect_registered_sip_peer_with_extension() -> None:
    fluent = ice_reply().connect_registered_sip_peer("office").with_cli(SHOWN).with_extension("4711")
    plain = ice(action=ConnectSipPeer(account="office", cli=SHOWN, extension="4711"))
    assert fluent.body == plain.body == reviewed("ice-connect-sip-peer-with-extension")


def test_connect_conference() -> None:
    fluent = ice_reply().connect_conference("#4711")
    assert fluent.body == ice(action=ConnectConf("#4711")).body == reviewed("ice-connect-conf")


def test_connect_conference_with_everything() -> None:
    fluent = (
        ice_reply()
        .connect_conference("#4711")
        .with_dtmf_options(ConferenceDtmfOptions("detect", max_digits=4, timeout_mills=3000))
        .with_music_on_hold("ring")
        .with_cli(SHOWN)
        .with_recording()
        .with_two_parts()
        .with_enter_and_leave_sounds()
    )
    plain = ice(
        action=ConnectConf(
            "#4711",
            conference_dtmf_options=ConferenceDtmfOptions("detect", max_digits=4, timeout_mills=3000),
            moh="ring",
            cli=SHOWN,
            record=True,
            conference_type="twopart",
            enter_leave_sound=True,
        )
    )
    assert fluent.body == plain.body == reviewed("ice-connect-conf-with-everything")
    assert fluent.with_multi_parts().model["action"]["conferenceType"] == "multipart"


def test_park() -> None:
    fluent = ice_reply().park("#TTS[Please wait.];music.wav", timedelta(minutes=5))
    plain = ice(action=Park("#tts[Please wait.];music.wav", max_duration=300))
    assert fluent.body == plain.body == reviewed("ice-park")


def test_run_menu() -> None:
    definitions = menu_definitions().add_number_input_menu("main", tts("Enter 12 digits."), 12)
    fluent = ice_reply().answer().run_menu("main", definitions)
    menu = Menu("main", tts("Enter 12 digits."), repeat_prompt=tts("Enter 12 digits."), repeats=3, max_digits=12)
    plain = ice(Answer(), action=RunMenu(main_menu="main", menus=(menu,)))
    assert fluent.body == plain.body == reviewed("ice-run-menu")


# Building an ACE response


def test_an_ace_of_a_phone_hangs_up() -> None:
    fluent = ace_reply().say("Goodbye.").hangup()
    assert fluent.body == ace(Say("Goodbye."), action=Hangup()).body == reviewed("ace-hangup")


def test_an_ace_of_a_phone_continues() -> None:
    fluent = ace_reply().say("You have twelve minutes.").continue_call()
    assert fluent.body == ace(Say("You have twelve minutes."), action=Continue()).body == reviewed("ace-continue")


def test_an_ace_of_a_phone_runs_a_menu() -> None:
    option = Option("1", Return("accepted"))
    definitions = menu_definitions().add(Menu("main", tts("Press 1 to accept."), options=(option,)))
    fluent = ace_reply().run_menu("main", definitions)
    plain = ace(action=RunMenu(menus=(Menu("main", tts("Press 1 to accept."), options=(option,)),)))
    assert fluent.body == plain.body == reviewed("ace-run-menu")


def test_an_ace_of_a_callout_hangs_up() -> None:
    fluent = ace_of_callout_reply().say("Your balance is low.").hangup()
    plain = ace_of_callout(Say("Your balance is low."), action=Hangup())
    assert fluent.body == plain.body == reviewed("ace-of-callout-hangup")


def test_an_ace_of_a_callout_connects_to_a_conference() -> None:
    fluent = ace_of_callout_reply().connect_conference("#4711")
    assert fluent.body == ace_of_callout(action=ConnectConf("#4711")).body == reviewed("ace-of-callout-connect-conf")


def test_an_ace_of_a_callout_parks() -> None:
    fluent = ace_of_callout_reply().park("music.wav", 600)
    plain = ace_of_callout(action=Park("music.wav", max_duration=600))
    assert fluent.body == plain.body == reviewed("ace-of-callout-park")


# The other events


def test_a_prompt_input_connects() -> None:
    fluent = pie_reply().say("One moment.").connect_pstn(NUMBER).with_cli(SHOWN).with_bridge_timeout(720)
    plain = pie(Say("One moment."), action=ConnectPstn(NUMBER, cli=SHOWN, max_duration=720))
    assert fluent.body == plain.body == reviewed("pie-connect-pstn")


def test_create_dice_response() -> None:
    assert dice().body == reviewed("dice-empty")
    assert dice().model == {}


def test_create_notification_response() -> None:
    assert notify().body == reviewed("notify-empty")


def test_create_manage_call() -> None:
    fluent = manage_reply().say("Your credit is used up.").hangup()
    plain = manage(Say("Your credit is used up."), action=Hangup())
    assert fluent.body == plain.body == reviewed("manage-hangup")


# Menus


def test_defining_a_menu() -> None:
    definitions = (
        menu_definitions()
        .begin_menu_definition("xyc", "#TTS[Welcome]")
        .add_goto_menu_option("0", "xyc", cookies={"c1": "v1"})
        .add_goto_menu_option("1", "xyz")
        .add_trigger_pie_option("2", "returned")
        .end_menu_definition()
        .add_number_input_menu("xyz", "#TTS[Enter 12 digits]", max_digits=12)
    )
    welcome = Menu(
        "xyc",
        tts("Welcome"),
        repeat_prompt=tts("Welcome"),
        repeats=3,
        options=(
            Option("0", Goto("xyc", key_values({"c1": "v1"}))),
            Option("1", Goto("xyz")),
            Option("2", Return("returned")),
        ),
    )
    digits = Menu("xyz", tts("Enter 12 digits"), repeat_prompt=tts("Enter 12 digits"), repeats=3, max_digits=12)
    assert definitions.menus == (welcome, digits)
    reply = ice_reply().run_menu("xyc", definitions)
    assert reply.body == ice(action=RunMenu(main_menu="xyc", menus=(welcome, digits))).body == reviewed("ice-menus")


def test_begin_menu_definition_with_a_repeat_prompt_and_repeats() -> None:
    definitions = (
        menu_definitions()
        .begin_menu_definition("main", "welcome;#TTS[Press 1.]", "#TTS[Please press 1.]", repeats=1, timeout_mills=4000)
        .add_trigger_pie_option("*", "star")
        .add_trigger_pie_option("#", "hash")
        .end_menu_definition()
    )
    assert pie_reply().run_menu("main", definitions).body == reviewed("pie-menu-with-repeat-prompt")


def test_add_number_input_menu_with_a_repeat_prompt_and_repeats() -> None:
    definitions = menu_definitions().add_number_input_menu(
        "main", tts("Your PIN, please."), 4, repeat_prompt="again.wav", repeats=0, timeout_mills=8000
    )
    assert pie_reply().run_menu("main", definitions).body == reviewed("pie-number-menu-with-repeat-prompt")


def test_a_menu_callout_takes_its_replies_as_text() -> None:
    definitions = menu_definitions().add_number_input_menu("main", tts("Your PIN, please."), 4)
    callout = {
        "ice": ice_reply().connect_pstn(NUMBER).with_anonymous_cli().with_bridge_timeout(timedelta(minutes=1)).body,
        "ace": ace_of_callout_reply().run_menu("main", definitions).body,
        "dice": dice().body,
    }
    assert callout == {
        "ice": reviewed("ice-of-menu-callout"),
        "ace": reviewed("ace-of-callout-run-menu"),
        "dice": reviewed("dice-empty"),
    }
