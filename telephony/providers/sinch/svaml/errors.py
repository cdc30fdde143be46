"""What the kit says when it refuses."""

from __future__ import annotations

LONGEST_SHOWN = 60


class BuilderError(ValueError):
    """What was asked for is not legal SVAML.

    `field` is the path to it in the wire's names, beginning with the part that was being built
    (`connectPstn.maxDuration`) or, once a whole reply is known, with the reply (`action.menus[1].options[0].dtmf`).
    `limit` is what may stand there, in words. `value` is what stood there; where a length or a sum is limited, it is
    that number.
    """

    def __init__(self, field: str, limit: str, value: object) -> None:
        shown = repr(value)
        if len(shown) > LONGEST_SHOWN:
            shown = shown[:LONGEST_SHOWN] + "…"
        super().__init__(f"SVAML: {field} takes {limit}, not {shown}.")
        self.field = field
        self.limit = limit
        self.value = value

    def at(self, path: str) -> BuilderError:
        """The same refusal, with the part that was being built named by its place in something larger."""
        _, dot, below = self.field.partition(".")
        return BuilderError(f"{path}{dot}{below}", self.limit, self.value)
