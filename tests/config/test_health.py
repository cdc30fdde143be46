"""What a load balancer learns."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client

from config.health import why_not_ready


def test_a_living_process_says_so_without_the_database(client: Client) -> None:
    # pytest-django refuses database access here, so an answer proves that none was needed.
    assert client.get("/healthz").json() == {"status": "alive"}


@pytest.mark.django_db
def test_it_is_ready_when_the_database_answers(client: Client) -> None:
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ready"})
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_a_database_older_than_the_code_is_not_ready(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'billing'")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["problem"] == "The database is older than this version: run migrate."


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer_is_not_ready() -> None:
    good = connection.settings_dict["PORT"]
    connection.close()
    connection.settings_dict["PORT"] = "1"
    try:
        assert why_not_ready() == "The database does not answer, or was never migrated."
    finally:
        connection.settings_dict["PORT"] = good
        connection.close()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_changes_nothing(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405
