"""A backup, the loss of the database, and the way back: the commands of docs/deploying.md."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from sequence.local.launch.install import ROOT
from sequence.local.postgres.binaries import bin_folder
from tests.postgres.conftest import ask, connect, environment_for


def manage(cluster, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(  # noqa: S603
        command, cwd=ROOT, env=environment_for(cluster.folder), capture_output=True, text=True, check=True
    )


def postgres(cluster, program: str, *arguments: str) -> None:
    variables = {"PGHOST": str(cluster.address()["host"]), "PGUSER": "sequence"}
    command = [str(bin_folder() / program), *arguments]
    subprocess.run(command, env={**os.environ, **variables}, check=True)  # noqa: S603


def make_some_money(cluster) -> str:
    """Open an income source, let a paycheck arrive, and return the account's id."""
    organization = json.loads(manage(cluster, "create_organization", "--name", "Acme", "--json").stdout)["id"]
    make_account = f"""
        from apikeys.models import Organization
        from accounts.services import create_income_source
        account = create_income_source(organization_id="{organization}", beneficiary_name="Acme", nickname="Pay")
        print(account.id)
    """
    script = "\n".join(line.strip() for line in make_account.strip().splitlines())
    account = manage(cluster, "shell", "--verbosity=0", "-c", script).stdout.split()[-1]
    manage(cluster, "deposit", "--account", account, "--amount", "325000")
    return account


class TestABackup:
    def test_brings_back_the_ledger_and_its_guards(self, cluster, tmp_path):
        dump = Path(tmp_path, "sequence.dump")
        manage(cluster, "migrate", "--verbosity=0")
        account = make_some_money(cluster)
        postgres(cluster, "pg_dump", "--format=custom", f"--file={dump}", "sequence")
        postgres(cluster, "dropdb", "--force", "sequence")
        postgres(cluster, "createdb", "--template=template0", "--encoding=UTF8", "sequence")
        restore = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"]
        postgres(cluster, "pg_restore", *restore, "--dbname=sequence", str(dump))

        manage(cluster, "migrate", "--check")
        manage(cluster, "migrate", "--verbosity=0")
        assert "The ledger is right" in manage(cluster, "check_ledger").stdout
        assert ask(cluster, "SELECT balance_cents FROM accounts_account", "sequence") == 325000
        with connect(cluster, "sequence") as connection, pytest.raises(psycopg.Error, match="Cannot update or delete"):
            connection.execute("UPDATE transfers_posting SET amount_cents = 5")
        # Numbers go on where they were: a new row meets no old one.
        manage(cluster, "deposit", "--account", account, "--amount", "100")
        assert "The ledger is right" in manage(cluster, "check_ledger").stdout
