"""Guards of a rule's row in the database, in PL/pgSQL: how its trigger refuses."""

# While it is enabled, what was reviewed stays; the way to another version leads through disabling it. Versions only
# grow, and what is deleted stays as it is.
IS_CHANGED_BESIDE_ITS_PATH = """(
    OLD.deleted_at IS NOT NULL
    OR NEW.version < OLD.version
    OR NEW.organization_id <> OLD.organization_id
    OR NEW.status = 'enabled' AND NEW.enabled_version IS DISTINCT FROM NEW.version
)"""
REFUSE_A_CHANGE_OF_A_RULE = """
    RAISE EXCEPTION 'Rule % is deleted, or its change passes the review by.', OLD.id USING ERRCODE = '23514';
"""
