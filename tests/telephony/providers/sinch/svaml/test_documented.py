"""What today's documentation has and the README had not: each said plainly, beside what is sent."""

from __future__ import annotations

from telephony.providers.sinch.svaml import (
    Amd,
    Answer,
    BargeHangup,
    ConferenceDtmfOptions,
    ConnectConf,
    ConnectPstn,
    ConnectStream,
    Continue,
    Goto,
    Hangup,
    HangupCause,
    KeyValue,
    Menu,
    Option,
    Park,
    PlayFiles,
    RecordingOptions,
    ReportCallStatus,
    Return,
    RunMenu,
    SendDtmf,
    StartRecording,
    StopRecording,
    StreamingOptions,
    TranscriptionOptions,
    Websocket,
    ace,
    chain,
    dice,
    file,
    href,
    ice,
    ice_reply,
    key_values,
    manage,
    manage_reply,
    pie,
    pie_reply,
    ssml,
    tts,
)
from tests.telephony.providers.sinch.svaml.snapshots import reviewed

RECORDING = RecordingOptions(
    "s3://bucket/calls",
    credentials="ACCESS:SECRET:eu-central-1",
    format="mp3",
    notification_events=True,
    transcription_options=TranscriptionOptions(enabled=True, locale="en-US"),
)


def test_a_recording_is_started_with_all_its_options() -> None:
    fluent = ice_reply().start_recording(RECORDING).continue_call()
    assert fluent.body == ice(StartRecording(RECORDING), action=Continue()).body == reviewed("ice-start-recording")


def test_a_recording_is_stopped() -> None:
    plain = pie(StopRecording(), action=Continue())
    assert pie_reply().stop_recording().continue_call().body == plain.body == reviewed("pie-stop-recording")


def test_the_storage_s_credentials_are_in_no_repr() -> None:
    assert "SECRET" not in repr(StartRecording(RECORDING))


def test_the_line_is_answered_and_tones_are_sent() -> None:
    fluent = ice_reply().answer().send_dtmf("1w2#").hangup()
    plain = ice(Answer(), SendDtmf("1w2#"), action=Hangup())
    assert fluent.body == plain.body == reviewed("ice-answer-send-dtmf")


def test_prompts_of_every_kind_are_played() -> None:
    ids = (file("welcome"), tts("Hello."), ssml("<speak>Hello.</speak>"), href("https://example.com/jingle.mp3"))
    assert ace(PlayFiles(ids, "en-GB"), action=Continue()).body == reviewed("ace-play-every-kind")


def test_ssml_is_spoken() -> None:
    fluent = ice_reply().say_ssml("<speak>Hello.</speak>").hangup()
    plain = ice(PlayFiles((ssml("<speak>Hello.</speak>"),)), action=Hangup())
    assert fluent.body == plain.body == reviewed("ice-say-ssml")


def test_a_phone_is_connected_with_every_option_there_is() -> None:
    action = ConnectPstn(
        "+12025550123",
        cli="+442079460000",
        max_duration=720,
        dial_timeout=45,
        locale="en-GB",
        suppress_callbacks=False,
        dtmf="w12#",
        indications="se",
        amd=Amd(enabled=True, async_=True),
        record=True,
        recording_options=RECORDING,
        tags=(KeyValue("campaign", "spring"),),
        account="4711",
    )
    assert ice(action=action).body == reviewed("ice-connect-pstn-with-every-option")


def test_a_phone_is_connected_as_dialled_and_asked_whether_it_is_a_machine() -> None:
    fluent = ice_reply().connect_pstn().with_dtmf("1").with_amd(asynchronous=True)
    plain = ice(action=ConnectPstn(dtmf="1", amd=Amd(async_=True)))
    assert fluent.body == plain.body == reviewed("ice-connect-pstn-as-dialled")


def test_a_user_is_connected_with_call_headers() -> None:
    fluent = ice_reply().connect_mxp("bob").with_call_headers({"tier": "gold"})
    assert fluent.body == reviewed("ice-connect-mxp-with-call-headers")


def test_a_conference_is_connected_with_every_option_there_is() -> None:
    action = ConnectConf(
        "room-1",
        conference_dtmf_options=ConferenceDtmfOptions("forward"),
        moh="music3",
        cli="private",
        record=True,
        recording_options=RecordingOptions("azure://container/calls"),
        conference_type="multipart",
        enter_leave_sound=False,
        dtmf_mode="ignore",
        suppress_callbacks=False,
        locale="en-US",
    )
    assert pie(action=action).body == reviewed("pie-connect-conf-with-every-option")


def test_a_stream_is_connected() -> None:
    fluent = (
        ice_reply()
        .connect_stream("wss://example.com/sound")
        .with_streaming_options(StreamingOptions(1, 16_000))
        .with_bridge_timeout(60)
        .with_call_headers({"tier": "gold"})
    )
    plain = ice(
        action=ConnectStream(
            Websocket("wss://example.com/sound"),
            streaming_options=StreamingOptions(1, 16_000),
            max_duration=60,
            call_headers=key_values({"tier": "gold"}),
        )
    )
    assert fluent.body == plain.body == reviewed("ice-connect-stream")


def test_a_menu_listens_to_words() -> None:
    menu = Menu(
        "main",
        chain(tts("Say sales, or press 2."), "https://example.com/tone.mp3"),
        repeats=2,
        timeout_mills=5_000,
        max_timeout_mills=20_000,
        options=(Option(None, Goto("sales"), input="sales"), Option("2", Return("support"), input="support")),
    )
    sales = Menu("sales", "sales.wav", max_digits=1, options=(Option("1", Return("yes")),))
    reply = ice(action=RunMenu(menus=(menu, sales), barge=False, enable_voice=True, locale="en-GB"))
    assert reply.body == reviewed("ice-menu-that-listens")


def test_a_call_is_parked_after_an_introduction() -> None:
    fluent = manage_reply(locale="en-GB").park("music.wav", 60, intro_prompt="#TTS[Please wait.]")
    plain = manage(action=Park("music.wav", intro_prompt=tts("Please wait."), max_duration=60, locale="en-GB"))
    assert fluent.body == plain.body == reviewed("manage-park")


def test_a_running_call_is_ended_at_once() -> None:
    fluent = manage_reply().barge_hangup(HangupCause.BUSY)
    assert fluent.body == manage(action=BargeHangup(HangupCause.BUSY)).body == reviewed("manage-barge-hangup")


def test_the_end_of_a_call_is_reported() -> None:
    assert dice(ReportCallStatus("success", "sold")).body == reviewed("dice-report")
