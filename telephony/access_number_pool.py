"""Which access number somebody is given: one that suits where they are, and that can take a call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.numbers import countries_of
from postgres.statements import Answer, ask
from telephony.registry import PROVIDERS


@dataclass(frozen=True, kw_only=True)
class Offered:
    """An access number that apps may be given. `countries` are those whose callers reach it at home."""

    id: int
    number: str
    countries: tuple[str, ...]
    is_default: bool
    deck_ids: tuple[int, ...]
    provider: str

    @property
    def is_limited(self) -> bool:
        """Whether its provider ends calls in time by itself."""
        return PROVIDERS[self.provider].capabilities.limits_phone_calls


# A number that is full is not offered; what has been promised for it and may still come counts as a call.
_OFFERED = """
SELECT n.id, n.number, n.country, n.is_default,
       ARRAY(SELECT ratedeck_id FROM telephony_accessnumber_rate_decks WHERE accessnumber_id = n.id), a.provider
FROM telephony_accessnumber n
JOIN telephony_application a ON a.id = n.application_id AND a.enabled
WHERE n.enabled AND n.is_offered
  AND (n.calls_at_once IS NULL OR n.calls_at_once >
       (SELECT count(*) FROM telephony_call c WHERE c.access_number_id = n.id AND c.ended_at IS NULL)
     + (SELECT count(*) FROM telephony_callthrough t
        WHERE t.access_number_id = n.id AND t.made_at > now() - interval '1 hour' AND t.expires_at > now()
          AND t.claimed_at IS NULL AND t.replaced_at IS NULL AND t.account_id <> %s))
ORDER BY n.id
"""


def find(account_id: int) -> Answer:
    """Ask for all access numbers with room for a call of the account. See `read`."""
    return ask(_OFFERED, [account_id])


def read(answer: Answer) -> Sequence[Offered]:
    """The access numbers that were asked for, the oldest first."""
    return [
        Offered(
            id=id,
            number=number,
            countries=(country,) if country else countries_of(number),
            is_default=is_default,
            deck_ids=tuple(deck_ids),
            provider=provider,
        )
        for id, number, country, is_default, deck_ids, provider in answer.rows()
    ]


def suitable(offered: Sequence[Offered], *, wanted: str, countries: Sequence[str]) -> Sequence[Offered]:
    """Those that suit best, any of which will do; none where none does.

    The one that is wanted, else those of the first of the countries that has any, else the default ones. An empty
    country suits nobody. Those whose provider ends calls in time by itself come first: they need no allowance.
    """
    chosen = [each for each in offered if each.number == wanted]
    for country in countries:
        chosen = chosen or [each for each in offered if country and country in each.countries]
    chosen = chosen or [each for each in offered if each.is_default]
    return sorted(chosen, key=lambda each: not each.is_limited)
