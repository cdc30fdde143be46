"""The servers and processes of one play, all its own. The environment is theirs before Django reads it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from config.embedded_servers import EmbeddedValkey, free_port, throwaway_postgres, throwaway_valkey
from tests.chaos.bench import CHECKOUT, Receiver, python, receiving
from tests.postgres_plugin import TEST_ENVIRONMENT


@contextmanager
def servers() -> Iterator[tuple[EmbeddedValkey, Receiver, int]]:
    """PostgreSQL with its tables, Valkey, a customer's receiver, and a port for the web server."""
    port = free_port()
    with throwaway_postgres() as postgres, throwaway_valkey() as valkey, receiving() as receiver:
        os.environ.update(_environment(postgres.url(), valkey.url(), receiver, port))
        subprocess.run(python("manage.py", "migrate", "--verbosity", "0"), cwd=CHECKOUT, check=True)
        yield valkey, receiver, port


def _environment(database_url: str, redis_url: str, receiver: Receiver, port: int) -> Mapping[str, str]:
    return TEST_ENVIRONMENT | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "ALLOWED_HOSTS": "127.0.0.1",
        "OUTBOX_LEASE_SECONDS": "5",
        "WEBHOOK_PRIVATE_TARGETS": receiver.url.split("/")[2],
        "LOG_LEVEL": "CRITICAL",
    }
