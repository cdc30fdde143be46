"""The suite that every provider passes. Inherit it, say how the provider proves itself and what it sends.

`ProviderContract` is what the core may rely on whoever is speaking; a provider's own tests say what its words mean. Of
its two heirs one is for providers that sign what they send, the other for those that are known by a token in our
address. What only some providers can do is asked of their capabilities.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from telephony.decisions import (
    Acknowledge,
    AllowVerification,
    Ask,
    Connect,
    ConnectUser,
    Continue,
    Decision,
    DenyVerification,
    HangUp,
    JoinConference,
    Park,
    Reason,
    Refuse,
)
from telephony.events import (
    CallAnswered,
    CallEnded,
    CallIncoming,
    Event,
    EventKind,
    Notified,
    PromptAnswered,
    UnknownEvent,
)
from telephony.menu_checks import problems_of
from telephony.menus import Action, Destination, Digits, Menu, Pin, Question, Sound, Spoken, say
from telephony.menus import Keys as KeysOf
from telephony.prompts import refusal
from telephony.providers.base import (
    Access,
    Callback,
    CallbackRefused,
    CallbackUnreadable,
    CalloutKind,
    CalloutOrder,
    CannotExpress,
    CommandRefused,
    Credentials,
    NotSent,
    Provider,
    ProviderTrouble,
    Reply,
    TooMuchAtOnce,
    Verified,
)
from tests.telephony.rest_api import only, serving

NOW = datetime(2026, 3, 2, 8, 15, 30, tzinfo=UTC)

DECISIONS: tuple[Decision, ...] = (
    Connect(number="+442079460000", limit_seconds=720, caller_id="+447700900123"),
    Connect(number="+442079460000", limit_seconds=720, caller_id=None, dial_timeout_seconds=45),
    Connect(number="+442079460000", limit_seconds=10**9, caller_id=None),
    Connect(number="+442079460000", limit_seconds=0, caller_id=None),
    Connect(number="not a number", limit_seconds=720, caller_id="nor this"),
    Connect(number="+442079460000", limit_seconds=60, caller_id=None, say=say("One minute."), locale="en-GB"),
    ConnectUser(user="bob"),
    ConnectUser(user=""),
    Ask(questions=(Question("welcome", say("Press 1."), KeysOf({"1": Action.hang_up()})),), say=say("Hello.")),
    Ask(questions=(Question("pin", say("PIN?"), Pin()),), locale="nowhere"),
    Ask(questions=(Question("endless", say("a" * 500) * 16, KeysOf({})),)),
    Ask(questions=(Question("no.name/", say("\x07"), KeysOf({}), repeats=10**6, wait_seconds=-1),)),
    Ask(questions=(Question("digits", (Sound("x"),), Digits(most=10**6), repeats=-1),)),
    Ask(questions=()),
    HangUp(),
    HangUp(say=(Spoken("Bye]; \x00\ud800"), Sound("ftp://nowhere"))),
    Park(say=say("Please hold."), limit_seconds=60),
    Park(say=(), limit_seconds=0),
    JoinConference("room-7", say=say("You are being connected.")),
    JoinConference("r" * 65),
    JoinConference(""),
    Continue(),
    Acknowledge(),
    AllowVerification(),
    DenyVerification("too many from this number"),
    *(refusal(reason) for reason in Reason),
    replace(refusal(Reason.OWN_TROUBLE), say="Sorry]; goodbye\x00\ud800" + "." * 2000),
    replace(refusal(Reason.OWN_TROUBLE), say="", locale=""),
)


# What the provider waits for us to decide; everything else is news.
QUESTIONS = {EventKind.INCOMING, EventKind.ANSWERED, EventKind.PROMPT, EventKind.VERIFICATION_ASKED}

# Events with as little in them as an event can have, and with what no provider would send.
BARE_EVENTS: tuple[Event, ...] = tuple(
    kind(call_id=call_id, answer_to=answer_to)
    for kind in (CallIncoming, CallAnswered, PromptAnswered, CallEnded, Notified, UnknownEvent)
    for call_id, answer_to in (("", ""), ("c-1", "nowhere"), ("\x00/\ud800", "https://calls.example.com/\x00"))
)

MENUS: tuple[Menu, ...] = (
    Menu(start=""),
    Menu(start="nobody", questions=(Question("", (), KeysOf({})),), locale=""),
    *(
        Menu(start="welcome", questions=(Question("welcome", prompt, expects, repeats=repeats),), locale=locale)
        for locale in ("en-US", "es-ES", "nowhere")
        for prompt in (say("Press 1."), (Sound("https://sounds.example.com/press.wav"),), (Sound("\x00"),), say("\x07"))
        for expects in (KeysOf({"1": Action.hang_up(say("\ud800"))}), Pin(), Destination(), Digits(most=10**6))
        for repeats in (0, 2, -1, 10**6)
    ),
)

CALLOUT = CalloutOrder(
    mark="ringfence-call:0e8f6b0a-2b1c-4b0e-9f53-1d2a3c4b5d6e",
    kind=CalloutKind.SPEAK,
    number="+46701740605",
    caller_id="+12025550123",
    limit_seconds=120,
    dial_timeout_seconds=45,
    text="Your balance is low.",
    report_base="https://calls.example.com/callbacks/a-provider/a-token-that-nobody-guesses/",
)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Something the provider sends. `topic` is what follows the token in the address, for those that have one."""

    body: bytes
    topic: str = ""


class Keys:
    """A provider's keyring in memory. `tokens` says which application's address holds which."""

    def __init__(
        self, provider: Provider, *credentials: Credentials, tokens: Mapping[str, Credentials] | None = None
    ) -> None:
        self._credentials = {provider.normalise_key(known.key): known for known in credentials}
        self._tokens = tokens or {}

    def find(self, key: str) -> Credentials | None:
        return self._credentials.get(key)

    def find_by_token(self, token: str) -> Credentials | None:
        return self._tokens.get(token)


class ProviderContract(ABC):
    """What every provider promises. `credentials` holds one secret, `another_secret` is another.

    `samples` has one for each kind of event the provider knows. `remote_id` is what its registrations need of an
    application besides the key, if anything.
    """

    provider: Provider
    credentials: Credentials
    another_secret: str
    remote_id: str = ""
    samples: Mapping[EventKind, Sample]
    unknown: Sample
    unreadable: tuple[Sample, ...]

    @abstractmethod
    def callback(self, sample: Sample) -> Callback:
        """The sample as a callback that is genuine at NOW."""

    @abstractmethod
    def check_reply(self, reply: Reply, kind: EventKind) -> None:
        """Fail unless the provider would accept the reply to an event of this kind."""

    def keys(self) -> Keys:
        return Keys(self.provider, self.credentials)

    def manage(self, address: str, decision: Decision) -> None:
        self.provider.manage(address, self.credentials.key, self.credentials.secrets[0], "c-1", decision)

    def access(self, address: str) -> Access:
        return Access(address, self.credentials.key, self.credentials.secrets[0])

    def verify(self, callback: Callback) -> Verified:
        return self.provider.verify(callback, self.keys(), NOW)

    def event(self, sample: Sample) -> Event:
        callback = self.callback(sample)
        (event,) = self.provider.parse(callback, self.verify(callback))
        return event

    def events(self) -> Iterator[Event]:
        yield from (self.event(sample) for sample in self.samples.values())
        yield self.event(self.unknown)
        yield from BARE_EVENTS

    def refusal_of(self, menu: Menu) -> str | None:
        """Why the provider cannot play the menu; None when it can."""
        try:
            self.provider.check_menu(menu)
        except CannotExpress as impossible:
            return str(impossible)
        return None

    def test_every_kind_of_event_is_understood(self) -> None:
        for kind, sample in self.samples.items():
            event = self.event(sample)
            assert event.kind is kind
            assert event.document
            assert event.oddities == ()

    def test_a_genuine_callback_names_its_application(self) -> None:
        callback = self.callback(self.samples[EventKind.INCOMING])
        assert self.verify(callback).application_id == self.credentials.application_id

    def test_a_callback_for_an_unknown_application_is_refused(self) -> None:
        for sample in (*self.samples.values(), self.unknown, *self.unreadable):
            with pytest.raises(CallbackRefused):
                self.provider.verify(self.callback(sample), Keys(self.provider), NOW)

    def test_a_secret_is_checked_before_it_is_used(self) -> None:
        for secret in (*self.credentials.secrets, self.another_secret):
            self.provider.check_secret(secret)
        with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
            self.provider.check_secret("")

    def test_a_provider_that_cannot_be_asked_is_trouble(self) -> None:
        for address in ("", "http://127.0.0.1:1"):
            with pytest.raises(ProviderTrouble, match=r"^[A-Z].*\.$"):
                self.provider.ask_about_call(address, self.credentials.key, self.another_secret, "c-1")

    def test_a_provider_that_cannot_be_told_is_trouble_and_no_refusal(self) -> None:
        for address in ("", "http://127.0.0.1:1"):
            with pytest.raises(ProviderTrouble, match=r"^[A-Z].*\.$") as trouble:
                self.manage(address, Refuse(Reason.CALL_IS_OVER, "Goodbye.", "en-US"))
            assert not isinstance(trouble.value, CommandRefused)

    def test_a_running_call_is_told_what_was_decided(self) -> None:
        with serving(only(200)) as api:
            self.manage(api.url, Refuse(Reason.CALL_IS_OVER, "Goodbye.", "en-US"))
            assert api.asked == ["c-1"]

    def test_a_decision_that_says_nothing_to_a_running_call_is_refused_unsent(self) -> None:
        with serving(only(200)) as api:
            for decision in (Acknowledge(), ConnectUser(user="bob")):
                with pytest.raises(CommandRefused, match=r"^[A-Z].*\.$"):
                    self.manage(api.url, decision)
            assert api.asked == []

    def test_only_a_provider_that_parks_calls_is_told_to_park_one(self) -> None:
        park = Park(say=say("Please hold."), limit_seconds=60)
        with serving(only(200)) as api:
            if self.provider.capabilities.parks_calls:
                self.manage(api.url, park)
            else:
                with pytest.raises(CommandRefused, match=r"^[A-Z].*\.$"):
                    self.manage(api.url, park)
            assert bool(api.asked) is self.provider.capabilities.parks_calls

    def test_a_provider_that_will_not_leaves_the_call_as_it_is(self) -> None:
        for status in (400, 403, 404):
            with serving(only(status)) as api, pytest.raises(CommandRefused, match=r"^[A-Z].*\.$") as refused:
                self.manage(api.url, Refuse(Reason.CALL_IS_OVER, "Goodbye.", "en-US"))
            assert isinstance(refused.value.code, str)
            assert isinstance(refused.value.reference, str)

    def test_a_provider_in_trouble_may_have_done_it(self) -> None:
        with serving(only(500)) as api, pytest.raises(ProviderTrouble) as trouble:
            self.manage(api.url, Refuse(Reason.CALL_IS_OVER, "Goodbye.", "en-US"))
        assert not isinstance(trouble.value, CommandRefused)

    def test_a_provider_that_cannot_be_reached_placed_no_callout(self) -> None:
        if not self.provider.capabilities.places_callouts:
            return
        for address in ("", "http://127.0.0.1:1"):
            with pytest.raises(NotSent, match=r"^[A-Z].*\.$"):
                self.provider.place_callout(self.access(address), CALLOUT)

    def test_what_may_have_been_placed_is_neither_refused_nor_unsent(self) -> None:
        if not self.provider.capabilities.places_callouts:
            return
        for status, body in ((500, b"{}"), (302, b""), (200, b"{}"), (200, b"<html>")):
            with serving(only(status, body)) as api, pytest.raises(ProviderTrouble) as trouble:
                self.provider.place_callout(self.access(api.url), CALLOUT)
            assert not isinstance(trouble.value, CommandRefused | NotSent)
            assert len(api.asked) == 1

    def test_a_callout_that_is_refused_was_not_placed(self) -> None:
        if not self.provider.capabilities.places_callouts:
            return
        for status in (400, 402, 403, 429):
            with serving(only(status)) as api, pytest.raises(CommandRefused, match=r"^[A-Z].*\.$") as refused:
                self.provider.place_callout(self.access(api.url), CALLOUT)
            assert isinstance(refused.value, TooMuchAtOnce) is (status == 429)

    def test_a_user_registers_with_a_token_that_ends(self) -> None:
        if not self.provider.capabilities.registers_users:
            return
        register = partial(self.provider.registration_token, self.credentials.key, remote_id=self.remote_id)
        registration = register(self.credentials.secrets[0], "alice", NOW)
        assert NOW < registration.expires_at <= NOW + timedelta(days=1)
        assert registration.token not in repr(registration)
        tokens = {registration.token, register(self.another_secret, "alice", NOW).token}
        assert len(tokens | {register(self.credentials.secrets[0], "bob", NOW).token}) == 3
        for secret, user in (("", "alice"), (self.credentials.secrets[0], "")):
            with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
                register(secret, user, NOW)

    def test_a_body_that_cannot_be_read_is_refused_with_a_sentence(self) -> None:
        for sample in self.unreadable:
            callback = self.callback(sample)
            verified = self.verify(callback)
            with pytest.raises(CallbackUnreadable, match=r"^[A-Z].*\.$"):
                self.provider.parse(callback, verified)

    def test_an_unknown_event_is_kept_and_answered_neutrally(self) -> None:
        event = self.event(self.unknown)
        assert isinstance(event, UnknownEvent)
        assert event.oddities == ()
        for decision in DECISIONS:
            self.check_reply(self.provider.render(decision, event), EventKind.UNKNOWN)

    def test_the_same_bytes_mean_the_same_and_get_the_same_bytes(self) -> None:
        for sample in (*self.samples.values(), self.unknown):
            assert self.event(sample) == self.event(sample)
            for decision in DECISIONS:
                event, again = self.event(sample), self.event(sample)
                assert self.provider.render(decision, event) == self.provider.render(decision, again)

    def test_every_decision_has_an_acceptable_reply_to_every_event(self) -> None:
        for event in self.events():
            for decision in DECISIONS:
                self.check_reply(self.provider.render(decision, event), event.kind)

    def test_a_menu_is_refused_with_a_sentence_or_can_be_played(self) -> None:
        event = self.event(self.samples[EventKind.INCOMING])
        hung_up = self.provider.render(Acknowledge(), event)
        played = 0
        for menu in MENUS:
            if (sentence := self.refusal_of(menu)) is not None:
                assert sentence.startswith(menu.start)
                assert sentence.endswith(".")
            elif not problems_of(menu):
                played += 1
                asked = Ask(questions=menu.questions, locale=menu.locale)
                assert self.provider.render(asked, event) != hung_up
        assert played


class SignedProviderContract(ProviderContract):
    """A provider that signs what it sends, with its secret and the time."""

    @abstractmethod
    def sign(self, body: bytes, *, secret: str | None = None, at: datetime = NOW) -> Callback:
        """The callback with this body, signed with the secret (the current one when not given)."""

    def callback(self, sample: Sample) -> Callback:
        return self.sign(sample.body)

    def rotating(self) -> Keys:
        secrets = (*self.credentials.secrets, self.another_secret)
        return Keys(self.provider, replace(self.credentials, secrets=secrets))

    def test_a_forged_body_is_refused(self) -> None:
        callback = self.callback(self.samples[EventKind.ENDED])
        with pytest.raises(CallbackRefused):
            self.verify(replace(callback, body=callback.body + b" "))

    def test_an_unsigned_callback_is_refused(self) -> None:
        callback = self.callback(self.samples[EventKind.ENDED])
        for name in callback.headers:
            without = {other: value for other, value in callback.headers.items() if other != name}
            with pytest.raises(CallbackRefused):
                self.verify(replace(callback, headers=without))
        with pytest.raises(CallbackRefused):
            self.verify(replace(callback, headers={}))

    def test_an_application_without_a_secret_is_refused(self) -> None:
        callback = self.callback(self.samples[EventKind.ENDED])
        for secrets in ((), ("",)):
            keys = Keys(self.provider, replace(self.credentials, secrets=secrets))
            with pytest.raises(CallbackRefused):
                self.provider.verify(callback, keys, NOW)

    def test_both_secrets_are_good_during_a_rotation_and_only_then(self) -> None:
        callback = self.sign(self.samples[EventKind.ENDED].body, secret=self.another_secret)
        assert self.provider.verify(callback, self.rotating(), NOW).key == self.credentials.key
        assert self.provider.verify(self.sign(b"{}"), self.rotating(), NOW).key == self.credentials.key
        with pytest.raises(CallbackRefused):
            self.verify(callback)

    def test_a_question_is_answered_only_while_it_is_fresh_and_news_is_taken_late(self) -> None:
        late = NOW + timedelta(hours=2)
        for kind, sample in self.samples.items():
            callback = self.callback(sample)
            verified = self.provider.verify(callback, self.keys(), late)
            (event,) = self.provider.parse(callback, verified)
            assert self.provider.check_freshness(event, verified, NOW) is True
            if kind in QUESTIONS:
                with pytest.raises(CallbackRefused):
                    self.provider.check_freshness(event, verified, late)
            else:
                assert self.provider.check_freshness(event, verified, late) is False

    def test_news_older_than_a_day_is_refused(self) -> None:
        callback = self.callback(self.samples[EventKind.ENDED])
        with pytest.raises(CallbackRefused):
            self.provider.verify(callback, self.keys(), NOW + timedelta(days=2))


class TokenProviderContract(ProviderContract):
    """A provider that signs nothing. What it knows is our address, with a token and perhaps a password in it.

    `names_account` are the kinds of event whose samples name the account they are about.
    """

    token = "Zr8vQ0mT4nXw1uJ6bK3sYd"
    names_account: frozenset[EventKind]

    def callback(self, sample: Sample) -> Callback:
        return self.asked(sample, self.token)

    def asked(self, sample: Sample, token: str, **headers: str) -> Callback:
        path = f"/callbacks/{self.provider.name}/{token}/"
        return Callback(
            method="POST",
            path=f"{path}{sample.topic}/",
            headers={"content-type": "application/json", "authorization": "", **headers},
            body=sample.body,
            token=token,
            topic=sample.topic,
            base=f"https://calls.example.com{path}",
        )

    def keys(self) -> Keys:
        return self.keys_of(self.credentials)

    def keys_of(self, credentials: Credentials) -> Keys:
        return Keys(self.provider, credentials, tokens={self.token: credentials})

    def status_of(self, callback: Callback, credentials: Credentials) -> int:
        """What the callback is refused with, or 200."""
        try:
            self.provider.verify(callback, self.keys_of(credentials), NOW)
        except CallbackRefused as refused:
            return refused.status
        return 200

    def test_a_callback_with_another_token_is_refused(self) -> None:
        for sample in (*self.samples.values(), self.unknown, *self.unreadable):
            for token in ("", "another", self.token[:-1], f"{self.token}x", self.token.lower()):
                assert self.status_of(self.asked(sample, token), self.credentials) == 401

    def test_what_is_about_another_account_is_not_found(self) -> None:
        another = replace(self.credentials, key=self.credentials.key[::-1])
        for kind, sample in self.samples.items():
            assert self.status_of(self.callback(sample), self.credentials) == 200
            assert self.status_of(self.callback(sample), another) == (404 if kind in self.names_account else 200)

    def test_a_password_in_our_address_has_to_come_back(self) -> None:
        known = replace(self.credentials, salt="p@ss:wörd")
        for sample in self.samples.values():
            right = self.asked(sample, self.token, authorization=_basic(known.key, known.salt))
            assert self.status_of(right, known) == 200
            for wrong in (
                "",
                "Basic",
                "Basic \x00",
                _basic(known.key, "another"),
                _basic("another", known.salt),
                _basic(known.key, "").removesuffix("="),
                _basic(known.key, known.salt).replace("Basic", "Bearer"),
            ):
                assert self.status_of(self.asked(sample, self.token, authorization=wrong), known) == 401

    def test_what_is_asked_next_is_asked_below_the_same_address(self) -> None:
        for kind in QUESTIONS & self.samples.keys():
            callback = self.callback(self.samples[kind])
            (event,) = self.provider.parse(callback, self.verify(callback))
            assert event.answer_to == callback.base
            told = replace(callback, headers={"authorization": _basic("alice", "p@ss:word/?#")})
            (event,) = self.provider.parse(told, self.verify(told))
            assert event.answer_to == callback.base.replace("://", "://alice:p%40ss%3Aword%2F%3F%23@")

    def test_nothing_is_late_where_nobody_says_when_it_was_sent(self) -> None:
        for sample in self.samples.values():
            callback = self.callback(sample)
            verified = self.verify(callback)
            (event,) = self.provider.parse(callback, verified)
            assert verified.signed_at == NOW
            assert self.provider.check_freshness(event, verified, NOW + timedelta(days=2)) is True

    def test_no_secret_is_in_what_is_logged_of_a_callback_and_its_event(self) -> None:
        for kind, sample in self.samples.items():
            callback = self.callback(sample)
            assert self.token not in repr(replace(callback, path="")), kind
            assert self.token not in repr(self.event(sample)), kind


def _basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
