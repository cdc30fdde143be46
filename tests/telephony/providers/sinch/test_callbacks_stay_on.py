"""The kit can silence a call, as Sinch can. Nothing that Ringfence runs says so: such a call could not be charged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from telephony.providers.sinch.svaml import ice_reply

ROOT = Path(__file__).resolve().parents[4]
KIT = ROOT / "telephony/providers/sinch/svaml"
SILENCING = ("suppresscallbacks", "suppress_callbacks", "without_callbacks", "withoutcallbacks")


def says_it(text: str) -> bool:
    return any(word in text.lower() for word in SILENCING)


@pytest.mark.parametrize("folder", ["telephony", "config", "billing", "accounts", "postgres", "templates"])
def test_nothing_outside_the_kit_asks_for_silence(folder: str) -> None:
    texts = [path for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".html", ".js", ".json", ".txt"}]
    found = [path for path in texts if says_it(path.read_text(encoding="utf-8")) and not path.is_relative_to(KIT)]
    assert texts
    assert found == []


def test_what_is_looked_for_is_what_the_kit_says_and_sends() -> None:
    assert any(says_it(path.read_text(encoding="utf-8")) for path in KIT.glob("*.py"))
    assert says_it(json.dumps(ice_reply().connect_pstn("+12025550123").without_callbacks().model))
