"""A day at Sift: a seeded mixture of connections by telephones and browsers, with all kinds of ends.

All numbers come from ranges reserved for fiction.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from sandbox.platform import Sandbox
from sandbox.scenario import DESTINATIONS, behaviour, keys
from sandbox.sift_browsers import Browser
from sandbox.sift_calls import SiftCall

LONGEST_CALL_SECONDS = 1800


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
) -> list[SiftCall]:
    """Place so many connections, spread over that much virtual time; the same seed places the same ones.

    An application is made for them whose on_incoming is the platform's target and `incoming/`. users are browsers of
    those names that connect to telephone numbers and, when there are two of them, sometimes to each other. callers
    dial the access_numbers from ordinary telephones, when both are given, and press keys at random. Nobody stays for
    more than half an hour, for nobody here cuts a call.
    """
    sift = platform.sift
    app = sift.add_application("sandbox", f"{platform.target.rstrip('/')}/incoming/")
    for number in dict.fromkeys(access_numbers):
        sift.register(number, app)
    browsers = [sift.browser(sift.token(application=app, client_name=each)) for each in users]
    chance = Random(f"sift/{seed}")
    return [
        _place(platform, chance, browsers, callers, access_numbers, destinations, chance.randint(0, over_seconds))
        for _ in range(count)
    ]


def _place(
    platform: Sandbox,
    chance: Random,
    browsers: Sequence[Browser],
    callers: Sequence[str],
    access_numbers: Sequence[str],
    destinations: Sequence[str],
    at_seconds: int,
) -> SiftCall:
    phone, kind, browser = behaviour(chance), chance.random(), chance.choice(browsers)
    longest = chance.randint(1, LONGEST_CALL_SECONDS)
    if kind < 0.5 and callers and access_numbers:
        return platform.sift.phone_to_number(
            chance.choice(callers),
            chance.choice(access_numbers),
            keys=keys(chance, destinations),
            at_seconds=at_seconds,
            phone=phone,
            hangs_up_after_seconds=longest,
        )
    wanted = {"phone_number": chance.choice(destinations)}
    names = [each.name for each in browsers if each.name != browser.name]
    if kind > 0.9 and names:
        wanted = {"client_name": chance.choice(names)}
    return browser.connect(wanted, at_seconds=at_seconds, phone=phone, hangs_up_after_seconds=longest)
