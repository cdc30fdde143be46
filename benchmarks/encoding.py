"""What it costs to say something in SVAML: every part checked, put together and encoded.

`python -m benchmarks.encoding` prints it; it needs no server.
"""

from __future__ import annotations

import timeit

from telephony.providers.sinch.svaml import Goto, Menu, Option, Return, RunMenu, Say, SetCookie, Svamlet, ice, tts

# Short rounds, and many: the best of them is what the code costs when nothing else runs on the machine.
RUNS = 200
REPEATS = 100


def svaml_microseconds() -> float:
    """One reply to an ICE with a cookie, a sentence and two menus, from nothing to bytes."""
    return min(timeit.repeat(lambda: _reply().encoded, number=RUNS, repeat=REPEATS)) / RUNS * 1e6


def _reply() -> Svamlet:
    choice = Menu(
        "main",
        tts("To make a call, press 1. To hear your balance, press 2."),
        repeats=2,
        options=(Option("1", Goto("number")), Option("2", Return("balance")), Option("0", Goto("main"))),
    )
    number = Menu("number", tts("Enter the number, then press the hash key."), max_digits=15)
    return ice(
        SetCookie("account", "4711"),
        Say("Welcome. You have twelve minutes."),
        action=RunMenu(main_menu="main", menus=(choice, number)),
    )


if __name__ == "__main__":
    print(f"a menu, a sentence and a cookie as SVAML {svaml_microseconds():6.1f} us")
