"""What the platform makes of an answer: a reply it can act on, or the reason why not."""

from __future__ import annotations

from sandbox import svaml
from sandbox.calls import Call
from sandbox.courier import Answer


class NoReply(Exception):
    """Nothing came back that could be read at all."""


def understood(call: Call, answer: Answer, context: svaml.Context) -> svaml.Reply:
    """The reply to a callback.

    Raises NoReply when the application did not answer with 200, IllegalReply when what it said is not legal.
    """
    if answer.status is None:
        raise NoReply(answer.error)
    if answer.status != 200:
        raise NoReply(f"the application answered HTTP {answer.status}")
    return legal(call, answer.body, context)


def legal(call: Call, body: bytes, context: svaml.Context) -> svaml.Reply:
    """The reply as far as it can be checked against the call: who is to be reached, and the cookies it has.

    Raises IllegalReply.
    """
    reply = svaml.read_reply(body, context)
    if svaml.cookie_bytes({**call.cookies, **reply.cookies}.items()) > svaml.COOKIE_BYTES:
        raise svaml.IllegalReply(f"the cookies of the call are longer than {svaml.COOKIE_BYTES} bytes")
    if isinstance(reply.action, svaml.Continue) and context in ("ice", "unpark") and call.origin == "PSTN":
        raise svaml.IllegalReply(f"{context.upper()} takes continue only for a call from an app")
    if isinstance(reply.action, svaml.ConnectPstn | svaml.ConnectMxp) and callee(call, reply.action) is None:
        raise svaml.IllegalReply("the action names nobody to connect to, and nobody of that kind was dialled")
    return reply


def callee(call: Call, action: svaml.ConnectPstn | svaml.ConnectMxp) -> str | None:
    """Who is to be reached: whom the reply names, or else whom the caller dialled."""
    if isinstance(action, svaml.ConnectMxp):
        return action.user or (call.to if call.to_type == "username" else None)
    return action.number or (call.to if call.to_type == "number" else None)
