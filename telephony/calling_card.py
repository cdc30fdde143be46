"""The calling card: who are you, what do you have, whom do you wish to call? A menu that nobody has to build.

It is the same for every access number that leads to it; only its language differs.
"""

from __future__ import annotations

from telephony.menus import Action, Destination, Menu, Question
from telephony.prompts import Phrase, phrase

DESTINATION = "destination"


def card_menu(locale: str) -> Menu:
    """What is asked once the caller has proved who it is."""
    asked = Question(DESTINATION, phrase(Phrase.ASK_DESTINATION, locale), Destination())
    return Menu(start=DESTINATION, questions=(asked,), locale=locale)


def after_proof(locale: str) -> Action:
    """What waits for the proof: the balance is spoken, then the destination asked for. Its prompt asks for the PIN."""
    return Action.speak_balance(then=DESTINATION, prompt=phrase(Phrase.ASK_CARD_PIN, locale))
