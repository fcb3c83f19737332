"""A database server of its own with an organization in it, and programs that look at it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

from sequence.local.postgres.cluster import Cluster
from tests.transfers.chaos.site import ROOT, make_url

# Makes an organization with two pods, with money in one, and prints what a client needs.
SET_UP = """
import django, json
django.setup()
from django.core.management import call_command
from apikeys.entries import parse_permissions
from apikeys.services import create_api_key, create_organization
from accounts.services import create_pod
from transfers.models import Origin
from transfers.services import deposit
call_command("migrate", verbosity=0)
acme = create_organization(name="Acme")
pods = [create_pod(organization_id=acme.id, beneficiary_name="Acme", nickname=name) for name in ("One", "Two")]
deposit(account_id=pods[0].id, amount_cents=100_000_00, origin=Origin.PAYCHECK, by="test")
permissions = parse_permissions(["MANUAL_TRANSFER:*>*", "READ_TRANSFERS:*"])
_, token = create_api_key(organization=acme, name="Test", permissions=permissions, created_by="test")
print(json.dumps({"token": token, "pods": [pod.id for pod in pods]}))
"""
# What is under way, the two balances, and the verdict of check_ledger.
LOOK = """
import django, json
django.setup()
from accounts.models import Account
from apikeys.models import IdempotencyRecord
from transfers.ledger_invariants import find_faults
from transfers.models import EntrySet, Status, Transfer
print(json.dumps({
    "open": Transfer.objects.exclude(status=Status.COMPLETE).count(),
    "transfers": Transfer.objects.count(),
    "entry_sets": EntrySet.objects.count(),
    "records": IdempotencyRecord.objects.count(),
    "balances": list(Account.objects.order_by("created_at").values_list("balance_cents", flat=True)),
    "faults": [str(fault) for fault in find_faults()],
}))
"""


def run_program(program: str, *, url: str, seconds: float = 300, **variables: str) -> dict[str, Any]:
    """Run one of our own programs on a database, and return the JSON of its last line."""
    names = {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "sequence.settings", **variables}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **names},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


class World:
    """A database server of its own, and programs that use it."""

    def __init__(self, folder: Path) -> None:
        self.cluster = Cluster(folder)
        self.cluster.ensure_running()
        self.cluster.ensure_database("chaos")
        address = self.cluster.address()
        self.host, self.port, self.user = str(address["host"]), int(address["port"]), str(address["user"])
        self.url = make_url(host=self.host, port=self.port, user=self.user, name="chaos")

    def run(self, program: str, *, url: str | None = None, seconds: float = 300, **variables: str) -> dict[str, Any]:
        """Run one of our own programs on the database, and return the JSON of its last line."""
        return run_program(program, url=url or self.url, seconds=seconds, **variables)

    def ask(self, question: str) -> Any:
        """Return the one value that answers the question."""
        with psycopg.connect(dbname="chaos", autocommit=True, **self.cluster.address()) as connection:
            return connection.execute(question).fetchone()[0]

    def count_open(self) -> int:
        """Return how many transfers are not complete."""
        return self.ask("SELECT COUNT(*) FROM transfers_transfer WHERE status <> 'complete'")

    def restart(self, how: str) -> None:
        """Stop the server as an operator, an impatient operator, or a power cut would, and start it again."""
        if how == "stop":
            self.cluster.stop()
        else:
            os.kill(self.cluster.pid(), signal.SIGQUIT if how == "immediate" else signal.SIGKILL)
        self.cluster.ensure_running()
