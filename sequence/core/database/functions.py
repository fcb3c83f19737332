"""Functions in the database that are the same after every ``migrate``: ours, and those that replace a library's.

The libraries' migrations bring theirs back, hence every time.
"""

from dataclasses import dataclass

from django.db import connections
from django.db.backends.utils import CursorWrapper


@dataclass(frozen=True)
class Function:
    """A function by its signature, all that CREATE FUNCTION wants before its body, and the body."""

    signature: str
    header: str
    source: str


# Who looked first wins: what a change was recorded under stays. The library's would overwrite it.
ATTACH_CONTEXT = Function(
    "_pgh_attach_context()",
    "_pgh_attach_context() RETURNS pghistory_context.id%TYPE",
    """
DECLARE
    named_id UUID := nullif(current_setting('pghistory.context_id', true), '');
    facts JSONB := nullif(current_setting('pghistory.context_metadata', true), '');
BEGIN
    IF named_id IS NULL OR facts IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO pghistory_context (id, metadata, created_at, updated_at) VALUES (named_id, facts, now(), now())
        ON CONFLICT (id) DO NOTHING;
    IF NOT FOUND AND (SELECT metadata FROM pghistory_context WHERE id = named_id) IS DISTINCT FROM facts THEN
        RAISE EXCEPTION 'Context % is on the trail with other facts.', named_id USING ERRCODE = '23514';
    END IF;
    RETURN named_id;
END
""",
)
# The library lets every session switch its triggers off; ours only those of who owns them, and could drop them.
SHOULD_IGNORE = Function(
    "_pgtrigger_should_ignore(name)",
    "_pgtrigger_should_ignore(trigger_name NAME) RETURNS BOOLEAN",
    """
DECLARE
    ignored TEXT := current_setting('pgtrigger.ignore', true);
BEGIN
    IF ignored IS NULL OR ignored = '' THEN
        RETURN false;
    END IF;
    RETURN trigger_name = ANY(ignored::text[]) AND pg_has_role(session_user, (
        SELECT proowner FROM pg_proc WHERE oid = '_pgtrigger_should_ignore(name)'::regprocedure
    ), 'MEMBER');
END
""",
)
# Only who owns a table may analyze it. The demo needs it in the middle of its own transaction.
ANALYZE = Function(
    "sequence_analyze(text[])",
    "sequence_analyze(tables TEXT[]) RETURNS void SECURITY DEFINER SET search_path FROM CURRENT",
    """
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY tables LOOP
        EXECUTE format('ANALYZE %I', name);
    END LOOP;
END
""",
)
FUNCTIONS = (ATTACH_CONTEXT, SHOULD_IGNORE, ANALYZE)


def install_functions(*, using: str, **_: object) -> None:
    """Write each function that is not as it should be."""
    with connections[using].cursor() as cursor:
        for function in FUNCTIONS:
            install(cursor, function)


def install(cursor: CursorWrapper, function: Function) -> None:
    """Write the function unless it is as it should be."""
    cursor.execute("SELECT prosrc FROM pg_proc WHERE oid = to_regprocedure(%s)", [function.signature])
    if cursor.fetchone() != (function.source,):
        body = f"LANGUAGE plpgsql AS $body${function.source}$body$"
        cursor.execute(f"CREATE OR REPLACE FUNCTION {function.header} {body}")
