"""Virtual phones: what happens when one is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HangsUp = Literal["caller", "callee"]


@dataclass(frozen=True)
class Phone:
    """One way of behaving when called.

    refusal is the result and reason reported when the phone does not answer; None means it answers.
    talks_seconds None means both keep talking for as long as the call is allowed to last. machine means that an
    answering machine picks up.
    """

    after_seconds: int = 3
    talks_seconds: int | None = None
    hangs_up: HangsUp = "caller"
    refusal: tuple[str, str] | None = None
    rings_for_ever: bool = False
    machine: bool = False

    @classmethod
    def answers(
        cls,
        after_seconds: int = 3,
        talks_seconds: int | None = None,
        hangs_up: HangsUp = "caller",
        *,
        machine: bool = False,
    ) -> Phone:
        """Answers, talks, and then one of the two hangs up."""
        return cls(after_seconds, talks_seconds, hangs_up, machine=machine)

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
