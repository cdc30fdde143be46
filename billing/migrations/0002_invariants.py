"""The invariants of docs/ledger.md as triggers and constraints: see 0002_invariants.sql beside this file."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]

    # Written once and never taken back: a ledger without its rules is not a ledger.
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
