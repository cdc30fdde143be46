"""Virtual phones: what happens when one is called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sandbox.keys import Press

HangsUp = Literal["caller", "callee"]


@dataclass(frozen=True)
class TextFate:
    """What becomes of a text: the last status and code of its delivery report, and when. No status: none ever comes."""

    status: str = "Delivered"
    code: int = 0
    after_seconds: int = 2


DELIVERED = TextFate()


@dataclass(frozen=True)
class Phone:
    """One way of behaving when called.

    refusal is the result and reason reported when the phone does not answer; None means it answers.
    talks_seconds None means both keep talking for as long as the call is allowed to last. machine means that an
    answering machine picks up. keys is what somebody who is called out does in menus, one item for each prompt that
    wants input. A phone that is forbidden cannot be called out at all. texts is what becomes of texts to it.
    """

    after_seconds: int = 3
    talks_seconds: int | None = None
    hangs_up: HangsUp = "caller"
    refusal: tuple[str, str] | None = None
    rings_for_ever: bool = False
    machine: bool = False
    keys: tuple[Press, ...] = ()
    forbidden: bool = False
    texts: TextFate = DELIVERED

    @classmethod
    def answers(
        cls,
        after_seconds: int = 3,
        talks_seconds: int | None = None,
        hangs_up: HangsUp = "caller",
        *,
        machine: bool = False,
        keys: Sequence[Press] = (),
    ) -> Phone:
        """Answers, talks, and then one of the two hangs up."""
        return cls(after_seconds, talks_seconds, hangs_up, machine=machine, keys=tuple(keys))

    @classmethod
    def answering_machine(cls, after_seconds: int = 20, records_seconds: int = 60) -> Phone:
        """A machine answers when nobody else did, and listens for so long."""
        return cls(after_seconds, records_seconds, "callee", machine=True)

    @classmethod
    def busy(cls, after_seconds: int = 1) -> Phone:
        """Is in use: BUSY, BUSY."""
        return cls(after_seconds, refusal=("BUSY", "BUSY"))

    @classmethod
    def rejects(cls, after_seconds: int = 4) -> Phone:
        """Its owner presses the red button: BUSY, CALLEEHANGUP."""
        return cls(after_seconds, refusal=("BUSY", "CALLEEHANGUP"))

    @classmethod
    def unreachable(cls, after_seconds: int = 2) -> Phone:
        """No network takes the call: FAILED, GENERALERROR."""
        return cls(after_seconds, refusal=("FAILED", "GENERALERROR"))

    @classmethod
    def no_answer(cls) -> Phone:
        """Rings until the platform gives up: NOANSWER, TIMEOUT."""
        return cls(rings_for_ever=True)

    @classmethod
    def refuses_texts(cls, code: int = 402, status: str = "Failed", after_seconds: int = 2) -> Phone:
        """Takes calls like any other, but no texts."""
        return cls.answers(talks_seconds=60).with_texts(code, status, after_seconds)

    def with_texts(self, code: int, status: str, after_seconds: int = 2) -> Phone:
        """The same phone, to which texts come to this end."""
        return replace(self, texts=TextFate(status, code, after_seconds))

    @classmethod
    def out_of_bounds(cls) -> Phone:
        """No callout to it is allowed: HTTP 403."""
        return cls(forbidden=True)


class PhoneBook(dict[str, Phone]):
    """Phones by number (with or without +), user name or SIP address; `default` answers for all others.

    A conference is found by its id, a stream by its address: they say how long the caller stays.
    """

    def __init__(self) -> None:
        super().__init__()
        self.default = Phone.answers(after_seconds=5, talks_seconds=60)

    def reached(self, endpoint: str) -> Phone:
        """The phone that rings when the endpoint is called."""
        for spelling in (endpoint, endpoint.removeprefix("+"), f"+{endpoint}"):
            if spelling in self:
                return self[spelling]
        return self.default
