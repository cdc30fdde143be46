"""Requests to the sandbox's REST API, as an application makes them."""

import base64

import requests

from sandbox import DESK_KEY, DESK_SECRET, wire

CALLOUTS = "/calling/v1/callouts"


def basic(key=DESK_KEY, secret=DESK_SECRET):
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()}


def ask(method, url, body=None, headers=None, timeout=10):
    """Status and JSON of the answer; None when it has none."""
    content = None if body is None else wire.dumps(body)
    response = requests.request(
        method, url, data=content, headers=headers or basic(), timeout=timeout, allow_redirects=False
    )
    has_json = response.headers.get("Content-Type", "").startswith("application/json")
    return response.status_code, wire.loads(response.content) if has_json else None


def tts(to="+12025550123", *, cli="+12025550100", text="Hello.", **more):
    """The body of a text-to-speech callout."""
    destination = {"type": "number", "endpoint": to}
    return {"method": "ttsCallout", "ttsCallout": {"cli": cli, "destination": destination, "text": text, **more}}


def custom(**fields):
    return {"method": "customCallout", "customCallout": fields}


def conference(to="+12025550123", **more):
    fields = {"cli": "private", "destination": {"type": "number", "endpoint": to}, "conferenceId": "room", **more}
    return {"method": "conferenceCallout", "conferenceCallout": fields}
