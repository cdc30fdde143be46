"""A menu version is written once and never changed: running calls and old events refer to it."""

from django.db import migrations

SQL = """
CREATE TRIGGER menu_version_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON telephony_menuversion
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("telephony", "0004_menus"), ("billing", "0002_invariants")]

    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
