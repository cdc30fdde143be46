"""The bodies of callbacks, as they look on the wire (Calling callbacks, version 1)."""

from __future__ import annotations

from datetime import datetime

from sandbox import rates, wire
from sandbox.calls import Call, MenuResult

Body = dict[str, object]


def ice(call: Call, *, key: str, now: datetime, resource_url: str) -> Body:
    """Incoming Call Event: may this call happen, and how?"""
    return {
        "event": "ice",
        "callid": call.call_id,
        "callResourceUrl": resource_url,
        "timestamp": wire.timestamp(now),
        "version": 1,
        **_carried(call),
        "userRate": rates.amount(call.user_rate),
        # The public network delivers numbers without the plus.
        "cli": call.cli.removeprefix("+") if call.origin == "PSTN" else call.cli,
        "to": {"type": call.to_type, "endpoint": call.to},
        "domain": call.domain,
        "applicationKey": key,
        "originationType": call.origin,
        "rdnis": "",
    }


def ace(call: Call, *, key: str, now: datetime, resource_url: str, amd: Body | None = None) -> Body:
    """Answered Call Event: the called party picked up; amd says what sort of party."""
    return {
        "event": "ace",
        "callid": call.call_id,
        "callResourceUrl": resource_url,
        "timestamp": wire.timestamp(now),
        "version": 1,
        **_carried(call),
        "applicationKey": key,
        **({} if amd is None else {"amd": amd}),
    }


def pie(call: Call, result: MenuResult, *, key: str, now: datetime) -> Body:
    """Prompt Input Event: how a menu ended."""
    return {
        "event": "pie",
        "callid": call.call_id,
        "timestamp": wire.timestamp(now),
        "version": 1,
        **_carried(call),
        "applicationKey": key,
        "menuResult": {
            "menuId": result.menu_id,
            "type": result.type,
            "value": result.value,
            "inputMethod": "dtmf",
        },
    }


def notify(call: Call, kind: str, more: Body) -> Body:
    """A notification. It has no time, and wants no answer."""
    return {"event": "notify", "callid": call.call_id, "version": 1, "type": kind, **more}


def dice(call: Call, *, key: str, now: datetime) -> Body:
    """Disconnected Call Event: how it ended, how long it lasted and what it cost the operator."""
    return {
        "event": "dice",
        "callid": call.call_id,
        "timestamp": wire.timestamp(now),
        "reason": call.reason,
        "result": call.result,
        "version": 1,
        **_carried(call),
        "debit": rates.amount(call.debit),
        "userRate": rates.amount(call.user_rate),
        "to": {"type": call.to_type, "endpoint": call.to},
        "applicationKey": key,
        "duration": call.duration_seconds,
        "from": call.caller,
    }


def _carried(call: Call) -> Body:
    """What every event of a call repeats, where the call has it."""
    body: Body = {}
    if call.custom is not None:
        body["custom"] = call.custom
    if call.user is not None:
        body["user"] = call.user
    if call.conference_id is not None:
        body["conferenceId"] = call.conference_id
    if call.cookies:
        body["cookies"] = [{"key": key, "value": value} for key, value in call.cookies.items()]
    return body
