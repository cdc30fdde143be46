"""What goes wrong on the side of the telephone: by chance and seed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from random import Random

from sandbox.numbers import COUNTRIES
from sandbox.scenario import DESTINATIONS

SET_UP_SECONDS = 8
LATE_SECONDS = 90
# How networks write a caller who does not want to be known.
HIDDEN = ("private", "anonymous", "")


@dataclass(frozen=True)
class Mischance:
    """What chance has in store for one call; None leaves it as it would be."""

    after_seconds: int | None = None
    cli: str | None = None
    twice: bool = False
    instead: str | None = None


@dataclass(frozen=True)
class SoftphoneChaos:
    """The probability, per call, of each thing that goes wrong before it arrives.

    twice: the app asks a second time, and obeys the second answer. redial: the user thinks better of it and at once
    calls another number. late: the call arrives after 90 seconds. hidden: with no caller's number. mangled: with one
    that is not written as it should be.
    """

    twice: float = 0.0
    redial: float = 0.0
    late: float = 0.0
    hidden: float = 0.0
    mangled: float = 0.0

    def __post_init__(self) -> None:
        for each in fields(self):
            if not 0 <= getattr(self, each.name) <= 1:
                raise ValueError(f"chaos {each.name} must be between 0 and 1")

    @classmethod
    def parse(cls, text: str) -> SoftphoneChaos:
        """Read "twice=0.1,late=0.1"; what is not named does not happen.

        Raises ValueError with a sentence for the person who typed it.
        """
        names = [each.name for each in fields(cls)]
        given: dict[str, float] = {}
        for part in filter(None, text.split(",")):
            name, _, value = part.strip().partition("=")
            if name not in names or name in given:
                raise ValueError(f"a softphone's chaos knows {', '.join(names)}, each once; not {name!r}")
            try:
                given[name] = float(value)
            except ValueError:
                raise ValueError(f"chaos {name} needs a number between 0 and 1, not {value!r}") from None
        return cls(**given)

    def drawn(self, *, seed: int, own_number: str, call_number: int) -> Mischance:
        """What happens to the how-manieth call of this telephone: the same for one seed."""
        chance = Random(f"{seed}/softphone/{own_number}/{call_number}")
        # Every draw is made whatever the probabilities are, so raising one does not reshuffle the others.
        twice, redial, late, hidden, wrong = (chance.random() for _ in range(5))
        other, nobody, spelling = chance.choice(DESTINATIONS), chance.choice(HIDDEN), chance.choice(mangled(own_number))
        cli = nobody if hidden < self.hidden else spelling if wrong < self.mangled else None
        return Mischance(
            after_seconds=LATE_SECONDS if late < self.late else None,
            cli=cli,
            twice=twice < self.twice,
            instead=other if redial < self.redial else None,
        )


def mangled(number: str) -> tuple[str, ...]:
    """How networks get a number wrong: as dialled from abroad, as dialled at home, cut off, with a name.

    >>> mangled("+442079460000")[:2]
    ('00442079460000', '02079460000')
    """
    digits = number.removeprefix("+")
    code = next((code for code in COUNTRIES if number.startswith(code)), "+")
    return f"00{digits}", f"0{number.removeprefix(code)}", digits[-4:], f"Somebody <{number}>"
