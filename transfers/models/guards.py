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

IS_TAKEN_AGAIN = """(
    OLD.failure_taken_at IS NOT NULL
    AND (OLD.failure_taken_by, OLD.failure_taken_at, OLD.failure_note)
        IS DISTINCT FROM (NEW.failure_taken_by, NEW.failure_taken_at, NEW.failure_note)
)"""
REFUSE_ANOTHER_TAKER = """
    RAISE EXCEPTION 'Who takes the failure of transfer % is set once.', OLD.id USING ERRCODE = '23514';
"""

# Each posting in suspense is an item, but those by which items leave it.
MAKE_SUSPENSE_ITEM = """
    INSERT INTO transfers_suspenseitem (organization_id, posting_id, amount_cents, arose_at)
    SELECT NEW.organization_id, NEW.id, NEW.amount_cents, NEW.posted_at
    FROM transfers_entryset WHERE id = NEW.entry_set_id AND kind <> 'release';
    RETURN NULL;
"""
SUSPENSE_STARTS_OPEN = """
    IF NEW.proposed_by IS NOT NULL OR NEW.posted_by IS NOT NULL OR NEW.entry_set_id IS NOT NULL OR NOT EXISTS (
        SELECT FROM transfers_posting posting JOIN transfers_entryset entry_set ON entry_set.id = posting.entry_set_id
        WHERE posting.id = NEW.posting_id AND posting.clearing = 'suspense' AND entry_set.kind <> 'release'
          AND (posting.organization_id, posting.amount_cents) = (NEW.organization_id, NEW.amount_cents)
    ) THEN
        RAISE EXCEPTION 'A suspense item is a posting in suspense, and begins undecided.' USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
"""
# Of a command's actor the person is whoever ran it, whichever command that was.
SUSPENSE_IS_POSTED_ONCE = """
    IF OLD.posted_at IS NOT NULL OR (OLD.organization_id, OLD.posting_id, OLD.amount_cents, OLD.arose_at)
            IS DISTINCT FROM (NEW.organization_id, NEW.posting_id, NEW.amount_cents, NEW.arose_at) THEN
        RAISE EXCEPTION 'Suspense item % is posted once, as it arose.', OLD.id USING ERRCODE = '23514';
    ELSIF NEW.posted_at IS NOT NULL AND (OLD.account_id, OLD.proposed_by, OLD.proposed_at)
            IS DISTINCT FROM (NEW.account_id, NEW.proposed_by, NEW.proposed_at) THEN
        RAISE EXCEPTION 'Suspense item % is posted as it was proposed before.', OLD.id USING ERRCODE = '23514';
    ELSIF regexp_replace(NEW.posted_by, '^command:[^:]*:', 'command:')
            = regexp_replace(NEW.proposed_by, '^command:[^:]*:', 'command:') THEN
        RAISE EXCEPTION 'Suspense item % is posted by another person than proposed it.', OLD.id
            USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
"""
SUSPENSE_IS_WHAT_ITS_POSTINGS_SAY = """
    IF NOT EXISTS (
        SELECT FROM transfers_entryset entry_set JOIN transfers_posting posting ON posting.entry_set_id = entry_set.id
        WHERE entry_set.id = NEW.entry_set_id AND entry_set.kind = 'release'
        HAVING COUNT(*) = 2
           AND SUM(posting.amount_cents) FILTER (WHERE posting.clearing = 'suspense') = -NEW.amount_cents
           AND SUM(posting.amount_cents) FILTER (WHERE posting.account_id = NEW.account_id
               OR NEW.account_id IS NULL AND posting.clearing = 'write_off') = NEW.amount_cents
    ) THEN
        RAISE EXCEPTION 'Suspense item % is not what its postings move.', NEW.id USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
"""

# The accounts are locked from the first statement on: each of the others sees what was posted before, and nobody
# adds to it meanwhile. Which postings get a mark is left to a hash of their numbers: that counts nothing, and no
# pattern of numbers leaves an account without.
MOVE_BALANCES = """
    UPDATE accounts_account account
    SET balance_cents = account.balance_cents + moved.cents,
        balance_updated_at = moved.posted_at
    FROM (
        SELECT account_id, SUM(amount_cents) AS cents, MAX(posted_at) AS posted_at
        FROM fresh WHERE account_id IS NOT NULL GROUP BY account_id
    ) moved
    WHERE account.id = moved.account_id;
    UPDATE transfers_balancemark mark SET balance_cents = mark.balance_cents + late.cents
    FROM (
        SELECT later.posting_id, SUM(fresh.amount_cents) AS cents
        FROM fresh JOIN transfers_balancemark later ON later.account_id = fresh.account_id
            AND (later.posted_at, later.posting_id) > (fresh.posted_at, fresh.id)
        GROUP BY later.posting_id
    ) late
    WHERE mark.posting_id = late.posting_id;
    INSERT INTO transfers_balancemark (posting_id, organization_id, account_id, posted_at, balance_cents)
    SELECT newest.id, newest.organization_id, account.id, newest.posted_at, account.balance_cents
    FROM (SELECT DISTINCT account_id FROM fresh WHERE hashint8(id) % 500 = 0) due
    JOIN accounts_account account ON account.id = due.account_id
    CROSS JOIN LATERAL (
        SELECT id, organization_id, posted_at FROM transfers_posting
        WHERE account_id = account.id ORDER BY posted_at DESC, id DESC LIMIT 1
    ) newest
    ON CONFLICT DO NOTHING;
    RETURN NULL;
"""
