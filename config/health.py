"""Two questions a load balancer asks: is the process alive, and could it answer a call now?"""

from __future__ import annotations

from functools import cache

import structlog
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from postgres.deadline import deadline

PATIENCE_SECONDS = 1.0

log = structlog.get_logger(__name__)


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the process runs; asks nobody else."""
    return JsonResponse({"status": "alive"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers within a second and has every migration of this version, else 503."""
    problem = why_not_ready()
    if problem:
        log.warning("not_ready", problem=problem)
        return JsonResponse({"status": "not ready", "problem": problem}, status=503)
    return JsonResponse({"status": "ready"})


def why_not_ready() -> str:
    """One sentence about what is missing; empty when a call could be answered now."""
    try:
        with deadline(PATIENCE_SECONDS), connection.cursor() as cursor:
            cursor.execute("SELECT app, name FROM django_migrations")
            applied = set(cursor.fetchall())
    except DatabaseError:
        connection.close()
        return "The database does not answer, or was never migrated."
    if not _migrations_of_this_version() <= applied:
        return "The database is older than this version: run migrate."
    return ""


@cache
def _migrations_of_this_version() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).disk_migrations)
