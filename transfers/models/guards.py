"""Guards of a transfer: how its triggers refuse, in PL/pgSQL."""

# SQLSTATEs of our own: how a stop refuses.
SUSPENDED_OR_REVOKED, PAUSED = "SQ001", "SQ002"
# Each statement of it sees what was committed before it began, so the standing is read after the locks are held.
REFUSE_WHAT_IS_STOPPED = """
    IF NEW.api_key_id IS NULL AND NEW.rule_id IS NULL THEN
        RETURN NEW;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(uuid_hash_extended(NEW.organization_id, 1));
    PERFORM pg_advisory_xact_lock_shared(uuid_hash_extended(lineage_id, 1))
        FROM apikeys_apikey WHERE id = NEW.api_key_id;
    SELECT organization.status <> 'active' OR key.revoked_at IS NOT NULL AS is_closed, key.paused_at INTO standing
        FROM apikeys_organization organization LEFT JOIN apikeys_apikey key ON key.id = NEW.api_key_id
        WHERE organization.id = NEW.organization_id;
    IF standing.is_closed THEN
        RAISE EXCEPTION 'its organization is suspended or its key revoked' USING ERRCODE = 'SQ001';
    ELSIF standing.paused_at IS NOT NULL THEN
        RAISE EXCEPTION 'its key is paused' USING ERRCODE = 'SQ002', DETAIL = to_json(standing.paused_at) #>> '{}';
    END IF;
    RETURN NEW;
"""

REFUSE_ANOTHER_REQUEST = """
    RAISE EXCEPTION 'What transfer % was asked to be never changes.', OLD.id USING ERRCODE = '23514';
"""

# The first decision stays, and all is decided with a change of status.
IS_DECIDED_AGAIN = """(
    (OLD.decided_by, OLD.decided_at) IS DISTINCT FROM (NEW.decided_by, NEW.decided_at)
    AND (OLD.status = NEW.status OR OLD.decided_by IS NOT NULL OR OLD.decided_at IS NOT NULL)
    OR OLD.cancelled_by IS DISTINCT FROM NEW.cancelled_by AND OLD.status = NEW.status
)"""
REFUSE_ANOTHER_DECIDER = """
    RAISE EXCEPTION 'Who decided about transfer % is set once, with its status.', OLD.id USING ERRCODE = '23514';
"""
