"""Brings the tests a real PostgreSQL and a real Valkey before Django reads its settings.

A pytest plugin, named in `addopts`, because a `conftest.py` is read too late. Only the first process starts
servers: the workers of pytest-xdist inherit its environment and make a database each. A `DATABASE_URL` or
`REDIS_URL` that is given is used; everything else a test sees is written here, whatever the shell says.
"""

from __future__ import annotations

import base64
import contextlib
import os
from collections.abc import Generator

import pytest

from config.embedded import throwaway_postgres, throwaway_valkey

TEST_ENVIRONMENT = {
    "SECRET_KEY": "a-key-for-tests-only-" + "0123456789" * 4,
    "SECRET_KEY_FALLBACKS": "",
    "FIELD_KEY": base64.urlsafe_b64encode(b"32 bytes for tests, not a secret").decode(),
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "PUBLIC_URL": "http://testserver",
    "TRUSTED_PROXY": "",
    "DEBUG": "",
    "TIME_ZONE": "UTC",
    "WEB_WORKERS": "",
    "WEB_THREADS": "",
    "DB_PREPARED_STATEMENTS": "",
    "LOG_LEVEL": "",
    "SIGNATURE_TOLERANCE_SECONDS": "",
    "LATE_EVENT_TOLERANCE_SECONDS": "",
    # A busy machine must not look like a database that is away; the promise itself is tested in its own process.
    "CALLBACK_DEADLINE_SECONDS": "10",
    "DIAL_TIMEOUT_SECONDS": "",
    "HOLD_MARGIN_SECONDS": "",
    "CALL_THROUGH_SECONDS": "",
    "GEOIP_DB_PATH": "",
    "OUTBOX_LEASE_SECONDS": "",
    "WEBHOOK_PRIVATE_TARGETS": "",
    "EMAIL_URL": "",
    "EMAIL_FROM": "",
    "OPERATOR_EMAIL": "",
    "OPERATOR_NUMBER": "",
}


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Around every other plugin's hook, so before pytest-django loads the settings."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ.update(TEST_ENVIRONMENT)
        servers = contextlib.ExitStack()
        early_config.add_cleanup(servers.close)  # also after Ctrl-C and after a mistake on the command line
        if not os.environ.get("DATABASE_URL"):
            os.environ["DATABASE_URL"] = servers.enter_context(throwaway_postgres()).url()
        if not os.environ.get("REDIS_URL"):
            os.environ["REDIS_URL"] = servers.enter_context(throwaway_valkey()).url()
    yield
