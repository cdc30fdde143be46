"""The menu that the demo's callers hear, and the number that leads to it."""

from __future__ import annotations

from telephony import menus
from telephony.menus import Action, Keys, Question, say
from telephony.models import AccessNumber, Application, Menu, MenuVersion

ACCESS_NUMBER = "+442079460198"
PIN = "4711"

MENU = menus.Menu(
    start="welcome",
    locale="en-GB",
    questions=(
        Question(
            "welcome",
            say("Welcome. For your balance, press 1. To call a number, press 2. To tell us how we did, press 3."),
            Keys(
                {
                    "1": Action.speak_balance(then="welcome"),
                    "2": Action.ask_destination(),
                    "3": Action.goto("opinion"),
                    "0": Action.hang_up(),
                }
            ),
            repeat_prompt=say("Press 1 for your balance, 2 to call a number, or 3 to tell us how we did."),
        ),
        Question(
            "opinion",
            say("If you were satisfied, press 1. If not, press 2. To go back, press star."),
            Keys(
                {
                    "1": Action.give_back("satisfied"),
                    "2": Action.give_back("not satisfied"),
                    "*": Action.goto("welcome"),
                }
            ),
        ),
    ),
)


def open_line(application: Application) -> None:
    """Let the access number lead to the menu, once."""
    if AccessNumber.objects.filter(number=ACCESS_NUMBER).exists():
        return
    menu = Menu.objects.create(name="Harbour line")
    MenuVersion.objects.create(menu=menu, number=1, definition=menus.write_menu(MENU))
    AccessNumber.objects.create(number=ACCESS_NUMBER, application=application, menu=menu)
