from django.db import migrations

# A key is the type and the ends of an action, and limits count by it. A late slot counts where it was due.
FILL = """
UPDATE rules_rulemove
SET counted_at = known.counted_at, action_key = known.action_key
FROM (
    SELECT told.id, told.counted_at,
        concat_ws(
            ' ', action ->> 'type', action -> 'source' ->> 'id', nullif(action -> 'destination', 'null') ->> 'id'
        ) AS action_key
    FROM (
        SELECT move.id, coalesce(execution.scheduled_at, move.made_at) AS counted_at,
            version.definition::jsonb -> 'steps' -> move.step_index::int -> 'actions' -> move.action_index::int
                AS action
        FROM rules_rulemove move
        JOIN rules_ruleexecution execution ON execution.id = move.execution_id
        JOIN rules_ruleversion version ON version.id = execution.version_id
    ) AS told
) AS known
WHERE known.id = rules_rulemove.id
"""


class Migration(migrations.Migration):
    dependencies = [("rules", "0007_remember_what_an_action_is")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
