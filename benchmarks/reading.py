"""What reading one event costs: the bytes of a callback become an event of ours, with every check on the way.

`python -m benchmarks.reading` prints the three kinds that matter to a call; it needs no server.
"""

from __future__ import annotations

import timeit
from collections.abc import Mapping

from telephony.providers.sinch.parse import parse_callback

KEY = "3f2b8c1e-7a54-4d0b-9c6e-51d2a7f0e8b4"
CALL_ID = "7d1f6a2c-9b3e-4c58-8a70-2f5e6d9c1b04"
SHARED = f'"callid":"{CALL_ID}","timestamp":"2026-03-02T08:15:30Z","version":1,"applicationKey":"{KEY}"'
RATE = '"userRate":{"currencyId":"USD","amount":0.0369}'
TO = '"to":{"type":"number","endpoint":"+442079460000"}'

# The examples of Sinch's protocol, with numbers that are nobody's.
EVENTS: Mapping[str, bytes] = {
    "ice": (
        f'{{"event":"ice",{SHARED},{RATE},{TO},"user":"alice","cli":"","domain":"pstn","originationType":"MXP",'
        f'"callResourceUrl":"https://calling.example.com/calling/v1/calls/id/{CALL_ID}",'
        '"callHeaders":[{"key":"tier","value":"gold"}]}'
    ).encode(),
    "pie": (
        f'{{"event":"pie",{SHARED},'
        '"menuResult":{"menuId":"main","type":"sequence","value":"1234","inputMethod":"dtmf"}}'
    ).encode(),
    "dice": (
        f'{{"event":"dice",{SHARED},{RATE},{TO},"reason":"CALLERHANGUP","result":"ANSWERED","custom":"kund-åäö",'
        '"user":"alice","debit":{"currencyId":"USD","amount":0.1476},"duration":212,"from":"+46701740605"}'
    ).encode(),
}

# Short rounds, and many: the best of them is what the code costs when nothing else runs on the machine.
RUNS = 200
REPEATS = 100


def reading_microseconds() -> dict[str, float]:
    """Reading one event of each kind."""
    return {kind: _best(body) for kind, body in EVENTS.items()}


def _best(body: bytes) -> float:
    event = parse_callback(body, KEY)
    assert (event.oddities, event.remarks, event.unknown_fields) == ((), (), ())
    return min(timeit.repeat(lambda: parse_callback(body, KEY), number=RUNS, repeat=REPEATS)) / RUNS * 1e6


if __name__ == "__main__":
    for kind, microseconds in reading_microseconds().items():
        print(f"reading one {kind:<5}{microseconds:6.1f} us")
