"""Every limit at its border and one step over it. A refusal names the field, the limit and the value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from telephony.providers.sinch.svaml import (
    Amd,
    BuilderError,
    ConferenceDtmfOptions,
    ConnectConf,
    ConnectMxp,
    ConnectPstn,
    ConnectSip,
    ConnectSipPeer,
    ConnectStream,
    Email,
    Goto,
    Hangup,
    KeyValue,
    Menu,
    Option,
    Park,
    PhoneNumber,
    PlayFiles,
    RecordingOptions,
    ReportCallStatus,
    Return,
    RunMenu,
    Say,
    SendDtmf,
    SetCookie,
    SipAddress,
    SpeechLimits,
    StreamingOptions,
    TranscriptionOptions,
    User,
    Websocket,
    chain,
    file,
    href,
    ice,
    key_values,
    ssml,
    tts,
)
from telephony.providers.sinch.svaml.limits import INDICATIONS

NUMBER = "+12025550123"
PIN = Menu("pin", tts("Your PIN."), max_digits=4)


def said(*texts: str) -> Callable[[], object]:
    return lambda: ice(*(Say(text) for text in texts), action=Hangup())


def menu(**fields: Any) -> Menu:
    return Menu(**({"id": "main", "main_prompt": "welcome", "max_digits": 1} | fields))


def pressed(*keys: str) -> tuple[Option, ...]:
    return tuple(Option(key, Return("r")) for key in keys)


BORDERS: list[Callable[[], object]] = [
    said("a" * 600),
    said("a" * 600, "a" * 400),
    lambda: ice(*(Say("a") for _ in range(64)), action=Hangup()),
    lambda: ice(PlayFiles(("f",) * 64), action=Hangup()),
    lambda: file("f" * 128),
    lambda: SendDtmf("0123456789#w"),
    lambda: SetCookie("k" * 50, "v" * 974),
    lambda: ice(SetCookie("a", "v" * 511), SetCookie("b", "v" * 511), action=Hangup()),
    lambda: ConnectPstn(NUMBER, max_duration=1, dial_timeout=1),
    lambda: ConnectPstn(NUMBER, max_duration=14_400, dial_timeout=14_400),
    lambda: ConnectPstn(NUMBER, cli="private"),
    lambda: ConnectPstn(NUMBER, cli="incoming"),
    lambda: ConnectPstn("+1234567"),
    lambda: ConnectPstn("+" + "1" * 15),
    lambda: ConnectPstn(NUMBER, locale="ckb-IQ"),
    lambda: User("b" * 128),
    lambda: Email("b" * 128),
    lambda: ConnectMxp(User("b"), call_headers=(KeyValue("k", "v" * 1023),)),
    lambda: SipAddress("a@b"),
    lambda: ConnectSipPeer(account="a", extension="1"),
    lambda: ConnectConf("c" * 64),
    lambda: ConferenceDtmfOptions("detect", max_digits=1, timeout_mills=1),
    lambda: StreamingOptions(1, 1),
    lambda: Park("f", max_duration=600),
    lambda: Park("f", max_duration=1),
    lambda: menu(id="m" * 64),
    lambda: menu(timeout_mills=1_000, max_timeout_mills=30_000, repeats=0),
    lambda: menu(timeout_mills=30_000, max_timeout_mills=1_000),
    lambda: menu(options=pressed(*"0123456789*#")),
    lambda: ReportCallStatus("failure", "d" * 64),
]


@pytest.mark.parametrize("legal", BORDERS)
def test_what_is_just_legal_can_be_written(legal: Callable[[], object]) -> None:
    legal()


OVER: list[tuple[Callable[[], object], str, str, object]] = [
    # Speech
    (lambda: Say(""), "say.text", "a text that is not empty", ""),
    (lambda: Say("a]b"), "say.text", "a text without ], ; and NUL", "a]b"),
    (lambda: Say("a;b"), "say.text", "a text without ], ; and NUL", "a;b"),
    (lambda: Say("a\x00"), "say.text", "a text without ], ; and NUL", "a\x00"),
    (lambda: Say("a", "english"), "say.locale", "a language and a country, like en-US", "english"),
    (said("a" * 601), "instructions[0].text", "1 to 600 characters", 601),
    (said("a" * 600, "a" * 401), "reply", "at most 1000 spoken characters in all", 1001),
    (lambda: ice(*(Say("a") for _ in range(65)), action=Hangup()), "instructions", "at most 64 prompts", 65),
    (lambda: ice(PlayFiles(("f",) * 65), action=Hangup()), "instructions", "at most 64 prompts", 65),
    (lambda: ice(PlayFiles((tts("a" * 601),)), action=Hangup()), "instructions[0].ids[0]", "1 to 600 characters", 601),
    (lambda: ice(PlayFiles((ssml("a" * 601),)), action=Hangup()), "instructions[0].ids[0]", "1 to 600 characters", 601),
    (lambda: ice(action=Park(tts("a" * 601))), "action.holdPrompt", "1 to 600 characters", 601),
    (lambda: ice(action=Park("f", intro_prompt=tts("a" * 601))), "action.introPrompt", "1 to 600 characters", 601),
    (
        lambda: ice(action=RunMenu(menus=(menu(), Menu("b", tts("a" * 601), max_digits=1)))),
        "action.menus[1].mainPrompt",
        "1 to 600 characters",
        601,
    ),
    (
        lambda: ice(action=RunMenu(menus=(menu(repeat_prompt=tts("a" * 601)),))),
        "action.menus[0].repeatPrompt",
        "1 to 600 characters",
        601,
    ),
    # Prompts
    (lambda: tts("a]b"), "tts", "a text without ], ; and NUL", "a]b"),
    (lambda: tts(""), "tts", "a text that is not empty", ""),
    (lambda: ssml("<speak>&amp;</speak>"), "ssml", "a text without ], ; and NUL", "<speak>&amp;</speak>"),
    (
        lambda: href("ftp://example.com/a"),
        "href",
        "an address that begins with http:// or https://",
        "ftp://example.com/a",
    ),
    (lambda: href("https://"), "href", "an address that begins with http:// or https://", "https://"),
    (lambda: file("f" * 129), "file", "1 to 128 characters", 129),
    (lambda: file("a;b"), "file", "the name of an uploaded file", "a;b"),
    (lambda: PlayFiles(()), "playFiles.ids", "at least one prompt", 0),
    (lambda: PlayFiles(("",)), "playFiles.ids[0]", "1 to 128 characters", 0),
    (lambda: PlayFiles(("a", "f" * 129)), "playFiles.ids[1]", "1 to 128 characters", 129),
    (
        lambda: PlayFiles(("https://example.com/a",)),
        "playFiles.ids[0]",
        "the name of an uploaded file",
        "https://example.com/a",
    ),
    (
        lambda: menu(main_prompt="#tts[a;b]"),
        "menu.mainPrompt",
        "#tts[…], #ssml[…], #href[…] or a file name, without ] and ; inside",
        "#tts[a",
    ),
    (
        lambda: menu(main_prompt="ftp://example.com/a"),
        "menu.mainPrompt",
        "an address that begins with http:// or https://",
        "ftp://example.com/a",
    ),
    (
        lambda: menu(main_prompt="#TTS[Welcome]"),
        "menu.mainPrompt",
        "#tts[…], #ssml[…], #href[…] or a file name, without ] and ; inside",
        "#TTS[Welcome]",
    ),
    (lambda: menu(main_prompt=chain("f", "")), "menu.mainPrompt", "1 to 128 characters", 0),
    (lambda: menu(repeat_prompt="#tts[]"), "menu.repeatPrompt", "a text that is not empty", ""),
    (
        lambda: Park("#href[wss://example.com]"),
        "park.holdPrompt",
        "an address that begins with http:// or https://",
        "wss://example.com",
    ),
    (lambda: Park("f", intro_prompt=""), "park.introPrompt", "1 to 128 characters", 0),
    # Tones, cookies, recordings, reports
    (lambda: SendDtmf(""), "sendDtmf.value", "digits, # and w", ""),
    (lambda: SendDtmf("1*2"), "sendDtmf.value", "digits, # and w", "1*2"),
    (lambda: ConnectPstn(NUMBER, dtmf="a"), "connectPstn.dtmf", "digits, # and w", "a"),
    (lambda: SetCookie("", "v"), "setCookie.key", "1 to 50 characters", 0),
    (lambda: SetCookie("k" * 51, "v"), "setCookie.key", "1 to 50 characters", 51),
    (lambda: SetCookie("k", "å" * 512), "setCookie.value", "at most 1024 bytes of keys and values", 1025),
    (lambda: SetCookie("k", "\ud800"), "setCookie.value", "text without half a character", "k\ud800"),
    (
        lambda: ice(SetCookie("a", "v" * 511), SetCookie("b", "v" * 512), action=Hangup()),
        "reply",
        "at most 1024 bytes of cookies in all",
        1025,
    ),
    (
        lambda: ice(
            SetCookie("a", "v" * 511),
            action=RunMenu(menus=(menu(options=(Option("1", Goto("main", key_values({"b": "v" * 512}))),)),)),
        ),
        "reply",
        "at most 1024 bytes of cookies in all",
        1025,
    ),
    (lambda: Goto("m", (KeyValue("k" * 51, "v"),)), "option.add[0].key", "1 to 50 characters", 51),
    (
        lambda: RecordingOptions("bucket"),
        "recordingOptions.destinationUrl",
        "an address of a storage, like s3://bucket/folder",
        "bucket",
    ),
    (lambda: RecordingOptions(format="wav"), "recordingOptions.format", "one of mp3", "wav"),  # type: ignore[arg-type]
    (
        lambda: TranscriptionOptions(locale="en"),
        "transcriptionOptions.locale",
        "a language and a country, like en-US",
        "en",
    ),
    (lambda: ReportCallStatus("success", "d" * 65), "reportCallStatus.details", "1 to 64 characters", 65),
    (
        lambda: ReportCallStatus("maybe"),  # type: ignore[arg-type]
        "reportCallStatus.value",
        "one of failure, success",
        "maybe",
    ),
    # Connections
    (lambda: ConnectPstn("12025550123"), "connectPstn.number", "a number in E.164 with its plus", "12025550123"),
    (lambda: ConnectPstn(NUMBER + "\n"), "connectPstn.number", "a number in E.164 with its plus", NUMBER + "\n"),
    (lambda: ConnectPstn("+123456"), "connectPstn.number", "a number in E.164 with its plus", "+123456"),
    (lambda: ConnectPstn("+" + "1" * 16), "connectPstn.number", "a number in E.164 with its plus", "+" + "1" * 16),
    (lambda: ConnectPstn("+٤٤٢٠٧٩٤٦٠٠٠٠"), "connectPstn.number", "a number in E.164 with its plus", "+٤٤٢٠٧٩٤٦٠٠٠٠"),
    (lambda: ConnectPstn(NUMBER, cli="Alice"), "connectPstn.cli", "a number in E.164, private or incoming", "Alice"),
    (lambda: ConnectPstn(NUMBER, max_duration=0), "connectPstn.maxDuration", "1 to 14400 seconds", 0),
    (lambda: ConnectPstn(NUMBER, max_duration=14_401), "connectPstn.maxDuration", "1 to 14400 seconds", 14_401),
    (lambda: ConnectPstn(NUMBER, dial_timeout=0), "connectPstn.dialTimeout", "1 to 14400 seconds", 0),
    (lambda: ConnectPstn(NUMBER, dial_timeout=14_401), "connectPstn.dialTimeout", "1 to 14400 seconds", 14_401),
    (lambda: ConnectPstn(NUMBER, locale=""), "connectPstn.locale", "a language and a country, like en-US", ""),
    (lambda: User(""), "destination.endpoint", "1 to 128 characters", 0),
    (lambda: User("b" * 129), "destination.endpoint", "1 to 128 characters", 129),
    (lambda: Email("b" * 129), "destination.endpoint", "1 to 128 characters", 129),
    (lambda: PhoneNumber("1"), "destination.endpoint", "a number in E.164 with its plus", "1"),
    (
        lambda: ConnectMxp(call_headers=(KeyValue("k", "v" * 1024),)),
        "connectMxp.callHeaders",
        "at most 1024 bytes of keys and values",
        1025,
    ),
    (lambda: ConnectMxp(cli="x"), "connectMxp.cli", "a number in E.164, private or incoming", "x"),
    (lambda: ConnectMxp(locale="x"), "connectMxp.locale", "a language and a country, like en-US", "x"),
    (lambda: SipAddress("office"), "destination.endpoint", "a SIP address with an @", "office"),
    (lambda: SipAddress("@host"), "destination.endpoint", "a SIP address with an @", "@host"),
    (lambda: SipAddress("user@"), "destination.endpoint", "a SIP address with an @", "user@"),
    (lambda: ConnectSipPeer(account=""), "connectSip.account", "an account that is not empty", ""),
    (
        lambda: ConnectSipPeer(account="a", extension=""),
        "connectSip.destination.endpoint",
        "an extension that is not empty, without @",
        "",
    ),
    (
        lambda: ConnectSipPeer(account="a", extension="1@b"),
        "connectSip.destination.endpoint",
        "an extension that is not empty, without @",
        "1@b",
    ),
    (
        lambda: ConnectSip(destination=SipAddress("a@b"), transport="SCTP"),  # type: ignore[arg-type]
        "connectSip.transport",
        "one of TCP, TLS, UDP",
        "SCTP",
    ),
    (
        lambda: ConnectSip(destination=SipAddress("a@b"), moh="music9"),  # type: ignore[arg-type]
        "connectSip.moh",
        "one of music1, music2, music3, ring",
        "music9",
    ),
    (
        lambda: ConnectSipPeer(account="a", call_headers=(KeyValue("k", "v" * 1024),)),
        "connectSip.callHeaders",
        "at most 1024 bytes of keys and values",
        1025,
    ),
    (lambda: ConnectSipPeer(account="a", max_duration=14_401), "connectSip.maxDuration", "1 to 14400 seconds", 14_401),
    (
        lambda: ConnectSipPeer(account="a", cli="x"),
        "connectSip.cli",
        "a number in E.164, private or incoming",
        "x",
    ),
    (
        lambda: ConnectSipPeer(account="a", locale="x"),
        "connectSip.locale",
        "a language and a country, like en-US",
        "x",
    ),
    (lambda: ConnectConf("c", cli="x"), "connectConf.cli", "a number in E.164, private or incoming", "x"),
    (lambda: ConnectConf("c", locale="x"), "connectConf.locale", "a language and a country, like en-US", "x"),
    (
        lambda: ConnectConf("c", dtmf_mode="swallow"),  # type: ignore[arg-type]
        "connectConf.dtmfMode",
        "one of detect, forward, ignore",
        "swallow",
    ),
    (lambda: ConnectConf(""), "connectConf.conferenceId", "1 to 64 characters", 0),
    (lambda: ConnectConf("c" * 65), "connectConf.conferenceId", "1 to 64 characters", 65),
    (
        lambda: ConnectConf("c", moh="music9"),  # type: ignore[arg-type]
        "connectConf.moh",
        "one of music1, music2, music3, ring",
        "music9",
    ),
    (
        lambda: ConnectConf("c", conference_type="threepart"),  # type: ignore[arg-type]
        "connectConf.conferenceType",
        "one of multipart, twopart",
        "threepart",
    ),
    (
        lambda: ConferenceDtmfOptions("swallow"),  # type: ignore[arg-type]
        "conferenceDtmfOptions.mode",
        "one of detect, forward, ignore",
        "swallow",
    ),
    (lambda: ConferenceDtmfOptions(max_digits=0), "conferenceDtmfOptions.maxDigits", "at least 1", 0),
    (lambda: ConferenceDtmfOptions(timeout_mills=0), "conferenceDtmfOptions.timeoutMills", "at least 1", 0),
    (
        lambda: Websocket("ws://example.com"),
        "destination.endpoint",
        "an address that begins with wss://",
        "ws://example.com",
    ),
    (
        lambda: ConnectStream(Websocket("wss://example.com"), call_headers=(KeyValue("k", "v" * 1024),)),
        "connectStream.callHeaders",
        "at most 1024 bytes of keys and values",
        1025,
    ),
    (lambda: PlayFiles(("f",), "en"), "playFiles.locale", "a language and a country, like en-US", "en"),
    (lambda: StreamingOptions(0), "streamingOptions.version", "at least 1", 0),
    (lambda: StreamingOptions(sample_rate=0), "streamingOptions.sampleRate", "at least 1", 0),
    (
        lambda: ConnectStream(Websocket("wss://example.com"), max_duration=0),
        "connectStream.maxDuration",
        "1 to 14400 seconds",
        0,
    ),
    (lambda: Park("f", locale="en"), "park.locale", "a language and a country, like en-US", "en"),
    (lambda: Park("f", max_duration=601), "park.maxDuration", "1 to 600 seconds", 601),
    (lambda: Park("f", max_duration=0), "park.maxDuration", "1 to 600 seconds", 0),
    # Menus
    (lambda: RunMenu(menus=()), "runMenu.menus", "at least one menu", 0),
    (lambda: RunMenu(menus=(menu(), menu())), "runMenu.menus[1].id", "each id once", "main"),
    (lambda: RunMenu(menus=(PIN,)), "runMenu.mainMenu", "the id of one of the menus", "main"),
    (
        lambda: RunMenu(menus=(menu(options=(Option("1", Return("r")), Option("2", Goto("nowhere")))),)),
        "runMenu.menus[0].options[1].action",
        "the id of one of the menus",
        "nowhere",
    ),
    (
        lambda: RunMenu(menus=(menu(options=(Option("1", Return("r"), input="one"),)),)),
        "runMenu.menus[0].options[0].input",
        "a word only with enableVoice",
        "one",
    ),
    (lambda: RunMenu(menus=(menu(),), locale="x"), "runMenu.locale", "a language and a country, like en-US", "x"),
    (lambda: Menu("main", "f"), "menu.options", "at least one option, or maxDigits beside it", 0),
    (lambda: menu(id=""), "menu.id", "a name that is not empty, without parentheses", ""),
    (lambda: menu(id="m" * 65), "menu.id", "1 to 64 characters", 65),
    (lambda: menu(repeats=-1), "menu.repeats", "at least 0", -1),
    (lambda: menu(max_digits=0), "menu.maxDigits", "at least 1", 0),
    (lambda: menu(timeout_mills=999), "menu.timeoutMills", "1000 to 30000 milliseconds", 999),
    (lambda: menu(timeout_mills=30_001), "menu.timeoutMills", "1000 to 30000 milliseconds", 30_001),
    (lambda: menu(max_timeout_mills=30_001), "menu.maxTimeoutMills", "1000 to 30000 milliseconds", 30_001),
    (lambda: menu(options=pressed("1", "2", "1")), "menu.options[2].dtmf", "each key once", "1"),
    (lambda: Option("12", Return("r")), "option.dtmf", "one of 0 to 9, * and #", "12"),
    (lambda: Option("a", Return("r")), "option.dtmf", "one of 0 to 9, * and #", "a"),
    (lambda: Option("", Return("r")), "option.dtmf", "one of 0 to 9, * and #", ""),
    (lambda: Option(None, Return("r")), "option.dtmf", "one of 0 to 9, * and #", None),
    (lambda: Option("1", Return("r"), input=""), "option.input", "a word that is not empty", ""),
    (lambda: Goto("m" * 65), "option.action", "1 to 64 characters", 65),
    (lambda: Goto("a)b"), "option.action", "a name that is not empty, without parentheses", "a)b"),
    (lambda: Return(""), "option.action", "a name that is not empty, without parentheses", ""),
]


@pytest.mark.parametrize(("illegal", "field", "limit", "value"), OVER)
def test_what_sinch_would_refuse_cannot_be_written(
    illegal: Callable[[], object], field: str, limit: str, value: object
) -> None:
    with pytest.raises(BuilderError) as refused:
        illegal()
    assert (refused.value.field, refused.value.limit, refused.value.value) == (field, limit, value)
    assert str(refused.value).startswith(f"SVAML: {field} takes {limit}, not {repr(value)[:60]}")
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize("indications", sorted(INDICATIONS))
def test_every_standard_of_indications_is_known(indications: str) -> None:
    assert ConnectPstn(NUMBER, indications=indications).wire()["indications"] == indications


@pytest.mark.parametrize("connect", [ConnectPstn, ConnectMxp, lambda **o: ConnectSipPeer(account="a", **o)])
@pytest.mark.parametrize("indications", ["xx", "SE", ""])
def test_no_other_standard_of_indications_is(connect: Callable[..., object], indications: str) -> None:
    with pytest.raises(BuilderError, match="indications takes one of at, au, be, "):
        connect(indications=indications)


def test_the_readme_s_and_the_documentation_s_standards_are_all_there() -> None:
    readme = "at au be br ch cl cn cz de dk ee es fi fr gr hu it lt mx ml no nz pl pt ru se sg uk us us-old tw ve za"
    assert set(readme.split()) | {"bg", "il", "in", "jp", "my", "nl", "ph", "th"} == INDICATIONS
    assert len(INDICATIONS) == 41


def test_a_long_value_is_cut_in_the_sentence_and_whole_in_the_error() -> None:
    with pytest.raises(BuilderError) as refused:
        ConnectPstn("x" * 10_000)
    assert len(str(refused.value)) < 150
    assert refused.value.value == "x" * 10_000


def test_a_refusal_is_a_value_error() -> None:
    assert issubclass(BuilderError, ValueError)


def test_a_customer_whose_limits_sinch_has_raised_says_so() -> None:
    raised = SpeechLimits(per_prompt=900, in_all=1_800)
    assert ice(Say("a" * 900), Say("b" * 900), action=Hangup(), speech=raised).body
    with pytest.raises(BuilderError, match=r"instructions\[0\].text takes 1 to 900 characters, not 901"):
        ice(Say("a" * 901), action=Hangup(), speech=raised)


def test_above_two_hundred_characters_a_reply_is_built_with_a_caution() -> None:
    assert ice(Say("a" * 200), action=Hangup()).warnings == ()
    (caution,) = ice(Say("a" * 150), Say("a" * 51), action=Hangup()).warnings
    assert (caution.field, caution.limit, caution.value) == ("reply", "200 spoken characters in all", 201)
    assert str(caution) == "reply is safe with 200 spoken characters in all, not 201."


def test_a_first_menu_of_another_name_is_built_with_a_caution() -> None:
    assert ice(action=RunMenu(menus=(menu(),))).warnings == ()
    (caution,) = ice(action=RunMenu(menus=(PIN,), main_menu="pin")).warnings
    assert (caution.field, caution.limit, caution.value) == ("action.mainMenu", "the id main", "pin")


def test_a_menu_repeated_in_the_same_words_is_not_more_words() -> None:
    once = menu(main_prompt=tts("a" * 600), repeat_prompt=tts("a" * 600))
    assert ice(action=RunMenu(menus=(once,))).warnings[0].value == 600


def test_what_is_not_given_is_not_sent() -> None:
    assert Amd().wire() == {"enabled": True}
    assert ConnectPstn().wire() == {"name": "connectPstn", "locale": "en-US"}
    assert ConnectMxp().wire() == {"name": "connectMxp"}
