"""State of a database session that would have to outlive a transaction: behind a pooler it is lost, or somebody else's.

A pooler in transaction mode (pgbouncer) lends the server's connections from transaction to transaction.
"""

import re

import pytest

from sequence.local.launch.install import ROOT

PRODUCT = ("sequence", "apikeys", "accounts", "transfers", "cards", "rules")

# In the code's own spelling: SQL is written in capitals.
SESSION_STATE = re.compile(
    r"""pg_(?:try_)?advisory_(?:lock|unlock)\w*
      | \bUNLISTEN\b | \bLISTEN\ [^-]                     # Notifications.
      | \bPREPARE\b | \bDEALLOCATE\b                     # Statements by name, but for the driver's own.
      | ["']\s*(?:SET|RESET)\ (?!LOCAL\b|TRANSACTION\b|CONSTRAINTS\b)[A-Za-z_{]  # Settings.
      | set_config\([^)]*,\ *false\ *\)
      | \bCREATE\ (?:LOCAL\ |GLOBAL\ )?TEMP | \bINTO\ TEMP | \bpg_temp\b
      | \bWITH\ HOLD\b | \.iterator\(                   # Cursors that outlive the transaction.
    """,
    re.VERBOSE,
)

# What is allowed, where, and what happens where it is lost.
ALLOWED = {
    # The worker hears nothing, and looks once a second: tests/test_wakeup.py.
    ("sequence/core/wakeup.py", "LISTEN {"),
    # Printed for psql, which has a session of its own.
    ("sequence/distribution.py", '"SET c'),
    # Made and dropped in the transaction of a migration.
    ("sequence/core/database/foreign_keys.py", "pg_temp"),
}


def findings(text: str) -> list[str]:
    return [found.group().strip() for found in SESSION_STATE.finditer(text)]


class TestTheProduct:
    def test_keeps_no_state_in_a_session(self):
        modules = [module for package in PRODUCT for module in sorted((ROOT / package).rglob("*.py"))]
        found = {
            (str(module.relative_to(ROOT)), finding) for module in modules for finding in findings(module.read_text())
        }

        assert found == ALLOWED


class TestFindings:
    @pytest.mark.parametrize(
        "statement",
        [
            "SELECT pg_advisory_lock(1)",
            "SELECT pg_try_advisory_lock_shared(1)",
            "LISTEN work",
            "PREPARE named AS SELECT 1",
            '"SET statement_timeout = 5"',
            '"RESET ROLE"',
            "SELECT set_config('a.b', %s, false)",
            "CREATE TEMPORARY TABLE t (id int)",
            "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
            "rows.iterator()",
        ],
    )
    def test_name_what_a_session_would_keep(self, statement):
        assert findings(statement)

    @pytest.mark.parametrize(
        "statement",
        [
            "SELECT pg_advisory_xact_lock(1)",
            "SELECT pg_try_advisory_xact_lock_shared(1)",
            '"SET LOCAL statement_timeout = 5"',
            '"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"',
            "UPDATE a SET b = 1",
            "SELECT set_config('a.b', %s, true)",
            "NOTIFY work",
        ],
    )
    def test_leave_alone_what_ends_with_the_transaction(self, statement):
        assert not findings(statement)
