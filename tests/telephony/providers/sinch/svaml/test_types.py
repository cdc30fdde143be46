"""A type checker refuses what is illegal, before it is ever run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mypy import api

ILLEGAL = Path(__file__).with_name("illegal_replies.py")
ROOT = Path(__file__).resolve().parents[5]

ERROR = re.compile(r"illegal_replies\.py:(\d+): error: .* \[([a-z-]+)\]$", re.MULTILINE)
MARK = re.compile(r"# refused: ([a-z, -]+)$")


def test_exactly_what_is_illegal_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    said, complaints, status = api.run(
        ["--strict", "--config-file=", "--follow-imports=silent", f"--cache-dir={tmp_path}", str(ILLEGAL)]
    )
    assert (complaints, status) == ("", 1)
    refused: dict[int, set[str]] = {}
    for line, code in ERROR.findall(said):
        refused.setdefault(int(line), set()).add(code)
    marked = {
        number: set(mark[1].split(", "))
        for number, line in enumerate(ILLEGAL.read_text(encoding="utf-8").splitlines(), start=1)
        if (mark := MARK.search(line))
    }
    assert refused == marked
    assert len(marked) > 10
