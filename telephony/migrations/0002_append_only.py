"""CDRs and received events are written once and never changed (I12)."""

from django.db import migrations

SQL = """
CREATE TRIGGER cdr_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON telephony_cdr
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER event_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON telephony_receivedevent
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE telephony_call SET (fillfactor = 80);
"""


class Migration(migrations.Migration):
    dependencies = [("telephony", "0001_initial"), ("billing", "0002_invariants")]

    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
