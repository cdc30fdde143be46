"""What happens on the line, as it is kept."""

from telephony.models.applications import Application
from telephony.models.bridges import Bridge
from telephony.models.call_through import CallThrough, CallThroughCaller
from telephony.models.calls import CDR, Call, ReceivedEvent
from telephony.models.menus import AccessNumber, Menu, MenuRun, MenuVersion
from telephony.models.outbound import CallList, Callout, OptOut, Payer, TextMessage, Verification

__all__ = [
    "CDR",
    "AccessNumber",
    "Application",
    "Bridge",
    "Call",
    "CallList",
    "CallThrough",
    "CallThroughCaller",
    "Callout",
    "Menu",
    "MenuRun",
    "MenuVersion",
    "OptOut",
    "Payer",
    "ReceivedEvent",
    "TextMessage",
    "Verification",
]
