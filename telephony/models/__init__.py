"""What happens on the line, as it is kept."""

from telephony.models.applications import Application
from telephony.models.calls import CDR, Call, ReceivedEvent

__all__ = ["CDR", "Application", "Call", "ReceivedEvent"]
