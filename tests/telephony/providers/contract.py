"""The suite that every provider passes. Inherit it, say how the provider signs and what it sends.

A provider's own tests say what its words mean; this says what the core may rely on whoever is speaking.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
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
from telephony.events import EventKind, UnknownEvent
from telephony.menus import Action, Pin, Question, Sound, Spoken, say
from telephony.menus import Keys as KeysOf
from telephony.prompts import refusal
from telephony.providers.base import (
    Access,
    Callback,
    CallbackRefused,
    CallbackUnreadable,
    CalloutKind,
    CalloutOrder,
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

CALLOUT = CalloutOrder(
    mark="ringfence-call:0e8f6b0a-2b1c-4b0e-9f53-1d2a3c4b5d6e",
    kind=CalloutKind.SPEAK,
    number="+46701740605",
    caller_id="+12025550123",
    limit_seconds=120,
    dial_timeout_seconds=45,
    text="Your balance is low.",
)


class Keys:
    """A provider's keyring in memory."""

    def __init__(self, provider: Provider, *credentials: Credentials) -> None:
        self._credentials = {provider.normalise_key(known.key): known for known in credentials}

    def find(self, key: str) -> Credentials | None:
        return self._credentials.get(key)

    def find_by_token(self, token: str) -> Credentials | None:
        return None


class ProviderContract(ABC):
    """What every provider promises. `credentials` holds one secret, `previous_secret` is another."""

    provider: Provider
    credentials: Credentials
    previous_secret: str
    # One body for each kind of event the provider knows.
    samples: Mapping[EventKind, bytes]
    unknown_body: bytes
    unreadable_bodies: tuple[bytes, ...]

    @abstractmethod
    def sign(self, body: bytes, *, secret: str | None = None, at: datetime = NOW) -> Callback:
        """The callback with this body, signed with the secret (the current one when not given)."""

    @abstractmethod
    def check_reply(self, reply: Reply, kind: EventKind) -> None:
        """Fail unless the provider would accept the reply to an event of this kind."""

    def keys(self, *more_secrets: str) -> Keys:
        return Keys(self.provider, replace(self.credentials, secrets=(*self.credentials.secrets, *more_secrets)))

    def manage(self, address: str, decision: Decision) -> None:
        self.provider.manage(address, self.credentials.key, self.credentials.secrets[0], "c-1", decision)

    def access(self, address: str) -> Access:
        return Access(address, self.credentials.key, self.credentials.secrets[0])

    def verify(self, callback: Callback) -> Verified:
        return self.provider.verify(callback, self.keys(), NOW)

    def test_every_kind_of_event_is_understood(self) -> None:
        for kind, body in self.samples.items():
            callback = self.sign(body)
            (event,) = self.provider.parse(callback, self.verify(callback))
            assert event.kind is kind
            assert event.document
            assert event.oddities == ()

    def test_a_genuine_callback_names_its_application(self) -> None:
        callback = self.sign(self.samples[EventKind.INCOMING])
        assert self.verify(callback).application_id == self.credentials.application_id

    def test_a_forged_body_is_refused(self) -> None:
        callback = self.sign(self.samples[EventKind.ENDED])
        with pytest.raises(CallbackRefused):
            self.verify(replace(callback, body=callback.body + b" "))

    def test_an_unsigned_callback_is_refused(self) -> None:
        callback = self.sign(self.samples[EventKind.ENDED])
        for name in callback.headers:
            without = {other: value for other, value in callback.headers.items() if other != name}
            with pytest.raises(CallbackRefused):
                self.verify(replace(callback, headers=without))
        with pytest.raises(CallbackRefused):
            self.verify(replace(callback, headers={}))

    def test_a_callback_for_an_unknown_application_is_refused(self) -> None:
        with pytest.raises(CallbackRefused):
            self.provider.verify(self.sign(self.samples[EventKind.ENDED]), Keys(self.provider), NOW)

    def test_an_application_without_a_secret_is_refused(self) -> None:
        callback = self.sign(self.samples[EventKind.ENDED])
        for secrets in ((), ("",)):
            keys = Keys(self.provider, replace(self.credentials, secrets=secrets))
            with pytest.raises(CallbackRefused):
                self.provider.verify(callback, keys, NOW)

    def test_a_secret_is_checked_before_it_is_used(self) -> None:
        for secret in (*self.credentials.secrets, self.previous_secret):
            self.provider.check_secret(secret)
        with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
            self.provider.check_secret("")

    def test_a_provider_that_cannot_be_asked_is_trouble(self) -> None:
        for address in ("", "http://127.0.0.1:1"):
            with pytest.raises(ProviderTrouble, match=r"^[A-Z].*\.$"):
                self.provider.ask_about_call(address, self.credentials.key, self.previous_secret, "c-1")

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
        register = partial(self.provider.registration_token, self.credentials.key)
        registration = register(self.credentials.secrets[0], "alice", NOW)
        assert NOW < registration.expires_at <= NOW + timedelta(days=1)
        assert registration.token not in repr(registration)
        tokens = {registration.token, register(self.previous_secret, "alice", NOW).token}
        assert len(tokens | {register(self.credentials.secrets[0], "bob", NOW).token}) == 3
        for secret, user in (("", "alice"), (self.credentials.secrets[0], "")):
            with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
                register(secret, user, NOW)

    def test_both_secrets_are_good_during_a_rotation_and_only_then(self) -> None:
        callback = self.sign(self.samples[EventKind.ENDED], secret=self.previous_secret)
        rotating = self.keys(self.previous_secret)
        assert self.provider.verify(callback, rotating, NOW).key == self.credentials.key
        assert self.provider.verify(self.sign(b"{}"), rotating, NOW).key == self.credentials.key
        with pytest.raises(CallbackRefused):
            self.verify(callback)

    def test_a_body_that_cannot_be_read_is_refused_with_a_sentence(self) -> None:
        for body in self.unreadable_bodies:
            callback = self.sign(body)
            with pytest.raises(CallbackUnreadable, match=r"^[A-Z].*\.$"):
                self.provider.parse(callback, self.verify(callback))

    def test_an_unknown_event_is_kept_and_answered_neutrally(self) -> None:
        callback = self.sign(self.unknown_body)
        (event,) = self.provider.parse(callback, self.verify(callback))
        assert isinstance(event, UnknownEvent)
        assert event.oddities == ()
        for decision in DECISIONS:
            self.check_reply(self.provider.render(decision, event), EventKind.UNKNOWN)

    def test_the_same_bytes_mean_the_same_and_get_the_same_bytes(self) -> None:
        for body in (*self.samples.values(), self.unknown_body):
            callback = self.sign(body)
            verified = self.verify(callback)
            assert self.provider.parse(callback, verified) == self.provider.parse(callback, verified)
            (event,) = self.provider.parse(callback, verified)
            for decision in DECISIONS:
                assert self.provider.render(decision, event) == self.provider.render(decision, event)

    def test_every_decision_has_an_acceptable_reply_to_every_event(self) -> None:
        for kind, body in self.samples.items():
            callback = self.sign(body)
            (event,) = self.provider.parse(callback, self.verify(callback))
            for decision in DECISIONS:
                self.check_reply(self.provider.render(decision, event), kind)

    def test_a_question_is_answered_only_while_it_is_fresh_and_news_is_taken_late(self) -> None:
        late = NOW + timedelta(hours=2)
        for kind, body in self.samples.items():
            callback = self.sign(body)
            verified = self.provider.verify(callback, self.keys(), late)
            (event,) = self.provider.parse(callback, verified)
            assert self.provider.check_freshness(event, verified, NOW) is True
            if kind in QUESTIONS:
                with pytest.raises(CallbackRefused):
                    self.provider.check_freshness(event, verified, late)
            else:
                assert self.provider.check_freshness(event, verified, late) is False

    def test_news_older_than_a_day_is_refused(self) -> None:
        with pytest.raises(CallbackRefused):
            self.provider.verify(self.sign(self.samples[EventKind.ENDED]), self.keys(), NOW + timedelta(days=2))
