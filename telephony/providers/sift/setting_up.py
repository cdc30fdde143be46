"""Our application at Sift: found by the address at which it asks us, or made."""

from __future__ import annotations

from telephony.providers.sift.client import SiftClient


def find_or_make(sift: SiftClient, name: str, on_incoming: str) -> str:
    """Sift's id of the application that asks at this address of ours. Raises ProviderTrouble."""
    ids = (made.application_id for made in sift.applications() if made.on_incoming == on_incoming)
    return next(ids, "") or sift.create_application(name, on_incoming).application_id
