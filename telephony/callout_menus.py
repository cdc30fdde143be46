"""What a menu may not do in a call that we began. Pure.

>>> from telephony.menus import Question, say
>>> asks = Question("welcome", say("Your PIN?"), Pin())
>>> why_not_in_a_callout(Menu(start="welcome", questions=(asks,)))
'The question “welcome” asks for a PIN, which a menu cannot do in a callout.'
"""

from __future__ import annotations

from telephony.menus import Destination, Does, Menu, Pin, actions_of

# What a menu may not do in a call that we began: connect onwards at somebody's cost, ask who it is that we called, or
# go on in another menu, which may be changed to do either.
_NOT_IN_A_CALLOUT = {
    Does.CONNECT: "connects the call onwards",
    Does.CONNECT_ACCOUNT: "connects the call onwards",
    Does.ASK_DESTINATION: "asks for a number to connect to",
    Does.ASK_PIN: "asks for a PIN",
    Does.SPEAK_BALANCE: "asks for a PIN",
    Does.TRANSFER: "goes on in another menu",
}


def why_not_in_a_callout(menu: Menu) -> str:
    """Why a callout cannot play this menu, with its question named; empty when it can."""
    for question in menu.questions:
        expects = question.expects
        wrong = "asks for a PIN" if isinstance(expects, Pin) else ""
        wrong = "asks for a number to connect to" if isinstance(expects, Destination) else wrong
        does = (
            _NOT_IN_A_CALLOUT[action.does] for _, action in actions_of(question) if action.does in _NOT_IN_A_CALLOUT
        )
        if wrong := wrong or next(does, ""):
            return f"The question “{question.name}” {wrong}, which a menu cannot do in a callout."
    return ""
