#!/usr/bin/env python
"""Ringfence's commands. On a machine with nothing set up, PostgreSQL and the secrets are brought along."""

import os
import sys

from config import embedded

# These need settings but no database; starting one for them would only cost time.
WITHOUT_DATABASE = {"check", "collectstatic", "help", "version", "sandbox"}
# Django's own ways of looking at the database as it is. Every other command may expect its tables to be there.
AS_IT_IS = {"migrate", "makemigrations", "showmigrations", "sqlmigrate", "dbshell", "shell", "flush"}
# These show something and leave nothing behind.
THROWAWAY = {"demo"}


def main() -> None:
    """Run the command named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    command = set(sys.argv[1:2])
    with embedded.for_command(
        needs_database=not command & WITHOUT_DATABASE, throwaway=bool(command & THROWAWAY)
    ) as brought_along:
        if brought_along and not command & AS_IT_IS:
            _prepare_database()
        execute_from_command_line(sys.argv)


def _prepare_database() -> None:
    """Our own PostgreSQL is found ready by every command; a database that was given is migrated by its owner."""
    import django

    django.setup()
    from config.migrating import bring_up_to_date

    bring_up_to_date()


if __name__ == "__main__":
    main()
