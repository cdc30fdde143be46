"""The shape of the house, kept by a machine. Imports between packages are in `.importlinter`."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ("accounts", "billing", "config", "outbox", "postgres", "sandbox", "softphone", "telephony", "webhooks")
LAYERS = ["outbox", "accounts", "webhooks", "billing", "telephony", "softphone", "config"]


def pure_modules() -> list[str]:
    """What the import contract calls pure, package by package."""
    contract = configparser.ConfigParser(allow_no_value=True)
    contract.read(ROOT / ".importlinter")
    named = contract["importlinter:contract:pure"]["source_modules"].split()
    modules: list[str] = []
    for name in named:
        path = ROOT / name.replace(".", "/")
        inside = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        modules += [
            ".".join(file.relative_to(ROOT).with_suffix("").parts) for file in inside if file.stem != "__init__"
        ]
    return modules


LONGEST_FUNCTION = 40
LONGEST_MODULE = 400
MEANINGLESS_NAMES = {"utils", "helpers", "common", "services", "manager", "managers", "misc"}


def shipped_modules() -> list[Path]:
    return [
        path for package in SHIPPED for path in sorted((ROOT / package).rglob("*.py")) if "migrations" not in path.parts
    ]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the name to the end, without the docstring: explaining more is never a fault."""
    first = function.body[0]
    docstring = 0
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        docstring = (first.end_lineno or 0) - first.lineno + 1
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def uses_of_float(source: str) -> list[int]:
    """The lines that write a float or make one."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if (isinstance(node, ast.Constant) and isinstance(node.value, float | complex))
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float")
        or (isinstance(node, ast.Attribute) and node.attr == "FloatField")
    ]


def test_every_relation_points_down() -> None:
    relations = [
        (LAYERS.index(model._meta.app_label), LAYERS.index(field.related_model._meta.app_label), field)
        for model in apps.get_models()
        if model._meta.app_label in LAYERS
        for field in model._meta.get_fields(include_hidden=True)
        if field.concrete and field.is_relation and field.related_model._meta.app_label in LAYERS
    ]
    assert len(relations) > 10
    assert [field for upper, lower, field in relations if lower > upper] == []


IMPORT_UNTIL_DJANGO_IS_THERE = """
import importlib, sys
for module in sys.argv[1:]:
    importlib.import_module(module)
    if any(name.partition(".")[0] == "django" for name in sys.modules):
        sys.exit(f"{module} brings Django along")
"""


def test_the_pure_modules_run_without_django() -> None:
    modules = pure_modules()
    assert len(modules) > 60
    command = [sys.executable, "-c", IMPORT_UNTIL_DJANGO_IS_THERE, *modules]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("source", ["x = 0.5", "x = float('1')", "x = models.FloatField()", "x = 1e3"])
def test_a_float_is_recognised(source: str) -> None:
    assert uses_of_float(source) == [1]


def test_billing_has_never_heard_of_floats() -> None:
    modules = sorted((ROOT / "billing").rglob("*.py"))
    assert len(modules) > 10
    assert {str(path): lines for path in modules if (lines := uses_of_float(path.read_text(encoding="utf-8")))} == {}


# The kit can say all that Sinch understands, and the platform on the desk obeys it; nobody else knows the words.
MAY_SUPPRESS = (ROOT / "sandbox", ROOT / "telephony/providers/sinch/svaml")
SUPPRESSING = re.compile("suppress_?callbacks|without_?callbacks", re.IGNORECASE)


def test_nobody_ever_asks_a_platform_to_suppress_callbacks() -> None:
    found = [path for path in shipped_modules() if SUPPRESSING.search(path.read_text(encoding="utf-8"))]
    assert found != []
    assert [path for path in found if not any(folder in path.parents for folder in MAY_SUPPRESS)] == []


def test_no_function_is_longer_than_a_screen() -> None:
    long = {
        f"{path.relative_to(ROOT)}:{node.name}": length
        for path in shipped_modules()
        for node in functions(path)
        if (length := length_of(node)) > LONGEST_FUNCTION
    }
    assert long == {}


def test_no_module_is_longer_than_a_sitting() -> None:
    lengths = {path: path.read_text(encoding="utf-8").count("\n") for path in shipped_modules()}
    assert {path: length for path, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_every_module_has_a_name_that_says_something() -> None:
    assert [path for path in shipped_modules() if MEANINGLESS_NAMES & set(path.with_suffix("").parts)] == []


@pytest.mark.django_db
def test_the_migrations_say_what_the_models_say() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_import_rules_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
