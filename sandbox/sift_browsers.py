"""Browsers with Sift's JavaScript: each holds a capability token, and does and is called as far as that allows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sandbox.faults import REMOVED, CallbackFault
from sandbox.phones import Phone
from sandbox.sift_answers import Reaction, Reactions
from sandbox.sift_calls import PATIENCE_SECONDS, SiftCall, new_id
from sandbox.sift_tokens import Capability

if TYPE_CHECKING:
    from sandbox.sift import Sift


class Browser:
    """One open page. phone is how it behaves when it is called, None what the phone book says; closed, it is gone.

    Its name is that of the token, for outgoing connections or else for incoming ones, or one nobody has.
    """

    def __init__(self, sift: Sift, capability: Capability, phone: Phone | None) -> None:
        self.capability = capability
        self.phone = phone
        self.closed = False
        self.name = capability.outgoing_name or capability.incoming_name or f"client-{new_id()}"
        self._sift = sift

    @property
    def address(self) -> str:
        """Who it is in `from` and `to`."""
        return f"webrtc:{self.name}"

    def answers_to(self, client_name: str, now: datetime) -> bool:
        """Whether it can be called by that name now."""
        return not self.closed and self.capability.incoming_name == client_name and self.capability.is_valid(now)

    def connect(
        self,
        client_data: object = REMOVED,
        *,
        keys: Sequence[Reaction] = (),
        at_seconds: float = 0,
        hangs_up_after_seconds: float | None = None,
        patience_seconds: float | None = PATIENCE_SECONDS,
        phone: Phone | None = None,
        faults: Sequence[CallbackFault] = (),
    ) -> SiftCall:
        """Sift.connect(clientData): any JSON, or nothing at all; the rest as in `Sift.phone_to_number`.

        Raises BadCapability when the token does not allow it.
        """
        application = self._sift.allowed_application(self.capability)
        call = SiftCall(
            direction="incoming",
            from_=self.address,
            to=None,
            application=application,
            client_data=client_data,
            parameters=self.capability.parameters,
            phone=phone,
            reactions=Reactions(keys),
            hangs_up_after_seconds=hangs_up_after_seconds,
            patience_seconds=patience_seconds,
            faults=tuple(faults),
        )
        return self._sift.incoming(call, at_seconds)
