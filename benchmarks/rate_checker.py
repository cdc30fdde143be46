"""What an app waits for a price while its user is typing: our web server, and a deck of a quarter of a million rates.

`python -m benchmarks.rate_checker` measures it alone, on a PostgreSQL of its own.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from urllib.parse import urlencode

from cryptography.fernet import Fernet

from benchmarks import machine, world
from benchmarks.load import WrongAnswer
from benchmarks.machine import FIELD_KEY, Database
from benchmarks.outbox import percentile_95

RATES = 250_000
USER, TOKEN = "user1", "a-token-for-benchmarks-only-0123456789abcdef"
WAKING_UP = 50  # requests that find the workers still connecting; they do not count

_LINE = """
WITH app AS (
    INSERT INTO softphone_softphone (name, title, is_default, reply_format, language, parameter_names, proofs,
        salted_order, dial_form, dial_template, callback_order, balance_interval_seconds, least_rate_digits,
        has_legacy_messages, sip_host, sip_transport)
    VALUES ('benchmark', 'Benchmark', true, '', 'en', '{}', '["token"]', '{nonce}{secret}', 'access_number', '',
        'caller_first', 300, 3, false, '', 'udp')
    RETURNING id
)
INSERT INTO softphone_line (client_user_id, softphone_id, secret, token, pin, dial_form, dial_template)
SELECT client.id, app.id, %s, %s, '', '', '' FROM app, accounts_clientuser client WHERE client.name = %s
"""


def latencies_ms(database: Database, *, users: int, seed: int = 1) -> tuple[list[float], list[float]]:
    """What each answer took while so many users typed a number, digit by digit; and when they typed it again.

    Raises WrongAnswer when one was not right.
    """
    world.found(database, accounts=100, rates=RATES)
    with database.connect() as connection:
        cipher = Fernet(FIELD_KEY)
        secret, token = (cipher.encrypt(text.encode()).decode() for text in ("a-secret-of-nobody", TOKEN))
        connection.execute(_LINE, [secret, token, USER])
        connection.execute("VACUUM ANALYZE billing_rate")
    chance = random.Random(seed)
    typed = [part for _ in range(users) for part in _typing(chance)]
    with machine.web_server(database) as server:
        link = HTTPConnection("127.0.0.1", server.port, timeout=10)
        for _ in range(WAKING_UP):
            _ask(link, "99999")
        return [_ask(link, part) for part in typed], [_ask(link, part) for part in typed]


def _typing(chance: random.Random) -> Iterator[str]:
    """A number as an app sends it, from the third digit on."""
    number = f"{chance.randrange(10**4, 10**5)}{chance.randrange(10**6):06}"
    for length in range(3, len(number) + 1):
        yield number[:length]


def _ask(link: HTTPConnection, digits: str) -> float:
    query = urlencode({"username": USER, "token": TOKEN, "targetNumber": f"+{digits}", "format": "json"})
    began = time.perf_counter()
    link.request("GET", f"/acrobits/rate/?{query}")
    answer = link.getresponse()
    body = answer.read()
    took = (time.perf_counter() - began) * 1000
    if answer.status != 200 or b'"callRateString":"$0.06/min"' not in body:
        raise WrongAnswer(f"+{digits} was answered {answer.status} {body!r}")
    return took


def percentile_50(figures: Sequence[float]) -> float:
    """What half of them stay below."""
    return sorted(figures)[len(figures) // 2]


def _measure_alone() -> None:
    with machine.durable_postgres() as database:
        machine.migrate(database)
        first, again = latencies_ms(database, users=200)
    for name, figures in (("first time", first), ("known", again)):
        print(f"{name:<12}p50 {percentile_50(figures):6.2f} ms, p95 {percentile_95(list(figures)):6.2f} ms")


if __name__ == "__main__":
    _measure_alone()
