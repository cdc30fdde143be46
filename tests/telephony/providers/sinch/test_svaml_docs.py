"""docs/providers/sinch-svaml.md is run: what each Python block builds is the JSON block under it."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from telephony.providers.sinch import svaml

TEXT = (Path(__file__).resolve().parents[4] / "docs/providers/sinch-svaml.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
IMPORT, *BLOCKS = BLOCK.findall(TEXT)
PAIRS = list(zip(BLOCKS[::2], BLOCKS[1::2], strict=True))


def built_by(code: str) -> list[Any]:
    """The value of every expression in a block, run with what the first block of the page imports."""
    names: dict[str, Any] = {}
    exec(IMPORT[1], names)
    values = []
    for statement in ast.parse(code).body:
        if isinstance(statement, ast.Expr):
            values.append(eval(compile(ast.Expression(statement.value), "docs", "eval"), names))
        else:
            exec(compile(ast.Module([statement], []), "docs", "exec"), names)
    return values


def test_python_and_json_take_turns() -> None:
    assert IMPORT == ("python", "from telephony.providers.sinch.svaml import *\n")
    assert [(python[0], shown[0]) for python, shown in PAIRS] == [("python", "json")] * len(PAIRS)
    assert len(PAIRS) > 20


@pytest.mark.parametrize("pair", PAIRS, ids=[code.splitlines()[0] for (_, code), _ in PAIRS])
def test_a_block_builds_the_json_under_it(pair: tuple[tuple[str, str], tuple[str, str]]) -> None:
    (_, code), (_, shown) = pair
    models = [reply.model for reply in built_by(code)]
    assert models
    assert models == [json.loads(shown)] * len(models)


def test_every_part_is_shown() -> None:
    unions = {"AceAction", "AceInstruction", "AceOfCalloutAction", "IceAction", "IceInstruction", "ManageAction"}
    unions |= {"ManageInstruction", "PieAction", "PieInstruction"}
    parts = {name for name in svaml.__all__ if name[0].isupper() and not name.isupper() and "_" not in name} - unions
    results = {"Caution", "EventName", "MenuDefinition", "MenuDefinitions", "KeyValue"}
    faces = {name for name in parts if name.endswith("Reply")}
    assert {name for name in parts - results - faces if not re.search(rf"\b{name}\b", TEXT)} == set()
