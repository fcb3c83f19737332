"""The permissions to revoke keys and to suspend organizations become those to stop them; whoever has them keeps them."""

from django.db import migrations

RENAME = """
UPDATE auth_permission permission SET codename = renamed.codename, name = renamed.name
FROM (VALUES ('revoke_apikey', 'stop_apikey', 'Can pause and revoke API key'),
             ('suspend_organization', 'stop_organization', 'Can stop organization')) AS renamed (old, codename, name),
     django_content_type content_type
WHERE content_type.id = permission.content_type_id AND content_type.app_label = 'apikeys'
  AND permission.codename = renamed.old
"""


class Migration(migrations.Migration):
    dependencies = [
        ("apikeys", "0012_pause_keys_and_suspend_organizations"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunSQL(RENAME, migrations.RunSQL.noop)]
