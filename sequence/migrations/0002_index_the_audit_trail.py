"""Find the changes of a person or of a request without reading the whole trail."""

from django.db import migrations


def index(name: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        # In the words of Django's own look-up into JSON, or the planner would not recognise it.
        f"CREATE INDEX audit_trail_{name} ON pghistory_context ((metadata -> '{name}'))",
        f"DROP INDEX audit_trail_{name}",
    )


class Migration(migrations.Migration):
    dependencies = [("sequence", "0001_track_who_is_staff"), ("pghistory", "0007_auto_20250421_0444")]

    operations = [index("actor"), index("request_id")]
