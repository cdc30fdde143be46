"""One event, one line of JSON, whatever somebody put into it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog

from config.logs import formatter


@pytest.fixture
def written() -> Iterator[StringIO]:
    """What a logger of ours and one of a library write with our formatter."""
    handler = logging.StreamHandler(StringIO())
    handler.setFormatter(formatter())
    logger = logging.getLogger("a.test.of.logs")
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    yield handler.stream
    logger.removeHandler(handler)
    logger.propagate = True


@pytest.mark.parametrize("text", ["a\r\nb", '"}\n{"', "\x1b[31mred", "\u202eright to left", "\x00", "å"])
def test_what_somebody_sends_cannot_make_a_second_line(written: StringIO, text: str) -> None:
    structlog.get_logger("a.test.of.logs").warning("call", caller=text)
    (line,) = written.getvalue().splitlines()
    values = json.loads(line)
    assert (values["event"], values["caller"], values["level"]) == ("call", text, "warning")
    assert "\x1b" not in line


def test_a_librarys_line_is_json_too(written: StringIO) -> None:
    logging.getLogger("a.test.of.logs").info("asked %s times", 3)
    values = json.loads(written.getvalue())
    assert (values["event"], values["level"]) == ("asked 3 times", "info")
    assert values["timestamp"].endswith("Z")


def test_a_failure_is_told_in_one_line_with_where_it_happened(written: StringIO) -> None:
    try:
        raise ZeroDivisionError("a reason")
    except ZeroDivisionError:
        structlog.get_logger("a.test.of.logs").exception("call_failed")
    (line,) = written.getvalue().splitlines()
    assert "ZeroDivisionError: a reason" in json.loads(line)["exception"]
