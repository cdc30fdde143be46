"""What happens on the line, as it is kept."""

from telephony.models.applications import Application
from telephony.models.calls import CDR, Call, ReceivedEvent
from telephony.models.menus import AccessNumber, Menu, MenuRun, MenuVersion

__all__ = ["CDR", "AccessNumber", "Application", "Call", "Menu", "MenuRun", "MenuVersion", "ReceivedEvent"]
