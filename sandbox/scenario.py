"""A day at the desk: a seeded mixture of calls by several users to several places, with all kinds of ends.

All numbers come from ranges reserved for fiction.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from sandbox.calls import Call
from sandbox.keys import HangUp, Press, Silence
from sandbox.phones import HangsUp, Phone
from sandbox.platform import Sandbox

DESTINATIONS: tuple[str, ...] = (
    *(f"+1202555{line:04}" for line in range(100, 200)),
    *(f"+4420794600{line:02}" for line in range(100)),
    *(f"+4477009000{line:02}" for line in range(100)),
    *(f"+4670174060{line}" for line in range(5, 10)),
    "+61491570156",
    "+61491570157",
    "+61491570158",
)
AVERAGE_TALK_SECONDS = 120
LONGEST_SCRIPT = 6


def place_calls(
    platform: Sandbox,
    count: int,
    *,
    seed: int,
    users: Sequence[str],
    callers: Sequence[str] = (),
    access_numbers: Sequence[str] = (),
    destinations: Sequence[str] = DESTINATIONS,
    over_seconds: int = 3600,
) -> list[Call]:
    """Place so many calls, spread over that much virtual time; the same seed places the same calls.

    users dial telephone numbers from the app and, when there are two of them, sometimes each other.
    callers dial the access_numbers from ordinary telephones, when both are given, and press keys at random.
    """
    chance = Random(f"scenario/{seed}")
    return [
        _place(platform, chance, users, callers, access_numbers, destinations, chance.randint(0, over_seconds))
        for _ in range(count)
    ]


def _place(
    platform: Sandbox,
    chance: Random,
    users: Sequence[str],
    callers: Sequence[str],
    access_numbers: Sequence[str],
    destinations: Sequence[str],
    at_seconds: int,
) -> Call:
    phone, kind, user = behaviour(chance), chance.random(), chance.choice(users)
    if kind < 0.1 and len(set(users)) > 1:
        other = chance.choice([each for each in users if each != user])
        return platform.app_to_app(user=user, to=other, at_seconds=at_seconds, phone=phone)
    if kind < 0.3 and callers and access_numbers:
        cli, number = chance.choice(callers), chance.choice(access_numbers)
        pressed = keys(chance, destinations)
        return platform.phone_to_access_number(cli=cli, to=number, at_seconds=at_seconds, phone=phone, keys=pressed)
    return platform.app_to_phone(user=user, to=chance.choice(destinations), at_seconds=at_seconds, phone=phone)


def behaviour(chance: Random) -> Phone:
    """How the called party behaves: most answer, one in ten is busy, one in ten is out, a few refuse."""
    kind, after_seconds = chance.random(), chance.randint(1, 20)
    talks_seconds = round(chance.expovariate(1 / AVERAGE_TALK_SECONDS))
    hangs_up: HangsUp = chance.choice(["caller", "callee"])
    if kind < 0.10:
        return Phone.busy()
    if kind < 0.20:
        return Phone.no_answer()
    if kind < 0.24:
        return Phone.rejects(after_seconds)
    if kind < 0.26:
        return Phone.unreachable()
    if kind < 0.34:
        return Phone.answers(after_seconds)
    return Phone.answers(after_seconds, talks_seconds, hangs_up)


def keys(chance: Random, destinations: Sequence[str] = DESTINATIONS) -> list[Press]:
    """What a caller does in menus: mostly a key or a number, at times nothing, and now and then hanging up."""
    return [_press(chance, destinations) for _ in range(chance.randint(0, LONGEST_SCRIPT))]


def _press(chance: Random, destinations: Sequence[str]) -> Press:
    kind, key, number = chance.random(), chance.choice("0123456789*#"), chance.choice(destinations)
    if kind < 0.45:
        return key
    if kind < 0.80:
        return f"{number.removeprefix('+')}#"
    return Silence() if kind < 0.95 else HangUp()
