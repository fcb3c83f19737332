"""Two roles on real servers, as docs/deploying.md makes them: embedded, existing, and upgraded from one role."""

import json
import subprocess
import sys

import psycopg
import pytest

from sequence.local.launch.install import ROOT
from sequence.local.postgres import APPLICATION
from tests.postgres.conftest import ask, connect, environment_for
from tests.production import PRODUCTION_ENVIRONMENT
from tests.transfers.chaos.site import make_url


def run(cluster, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment_for(cluster.folder, **variables),
        capture_output=True,
        text=True,
        check=False,
    )


def manage(cluster, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run(cluster, "manage.py", *arguments, **variables)


def refusal(cluster, user: str, statement: str, database: str = "sequence") -> str:
    """Return the words with which the server refuses the role's statement."""
    address = {**cluster.address(), "user": user}
    with psycopg.connect(dbname=database, **address) as connection, pytest.raises(psycopg.Error) as refused:
        connection.execute(statement)
    return str(refused.value)


def works(cluster, **variables: str) -> None:
    """See that programs serve with what they are given, and that the ledger is right."""
    made = manage(cluster, "create_organization", "--name", "Acme", "--json", **variables)
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["id"].startswith("org_")
    for command in (["run_worker", "--once"], ["check_ledger"]):
        done = manage(cluster, *command, **variables)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.full
class TestTheEmbeddedServer:
    def test_serves_as_a_role_that_owns_nothing(self, cluster):
        assert manage(cluster, "migrate", "--verbosity=0").stderr == ""
        works(cluster)

        owned = "SELECT count(*) FROM pg_class WHERE relowner = 'sequence_app'::regrole"
        assert ask(cluster, owned, "sequence") == 0
        assert "permission denied" in refusal(cluster, APPLICATION, "DELETE FROM apikeys_organizationevent")
        assert "must be owner" in refusal(cluster, APPLICATION, "ALTER TABLE transfers_posting DISABLE TRIGGER ALL")

    def test_is_upgraded_by_itself_from_one_role(self, cluster):
        manage(cluster, "migrate", "--verbosity=0")
        with connect(cluster, "sequence") as connection:
            connection.execute(f"DROP OWNED BY {APPLICATION}")
            connection.execute("GRANT TEMPORARY ON DATABASE sequence TO PUBLIC")
            connection.execute(f"DROP ROLE {APPLICATION}")
        cluster.stop()

        assert manage(cluster, "migrate", "--verbosity=0").stderr == ""
        works(cluster)
        assert "permission denied" in refusal(cluster, APPLICATION, "TRUNCATE pghistory_context")
        assert "permission denied" in refusal(cluster, APPLICATION, "CREATE TEMPORARY TABLE mine (id int)")

    def test_is_fit_for_production(self, cluster):
        manage(cluster, "migrate", "--verbosity=0", **PRODUCTION_ENVIRONMENT)
        done = manage(cluster, "check", "--deploy", "--fail-level=DEBUG", **PRODUCTION_ENVIRONMENT)

        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.long
class TestAnExistingServer:
    @pytest.fixture
    def variables(self, cluster):
        """Return a function that names the roles for a program in production."""
        cluster.ensure_running()
        with connect(cluster) as server:
            server.execute("CREATE ROLE money_owner LOGIN PASSWORD 'strong'")
            server.execute("CREATE ROLE money LOGIN PASSWORD 'weak'")
            server.execute("CREATE DATABASE money OWNER money_owner TEMPLATE template0 ENCODING 'UTF8'")
        address = cluster.address()
        place = {"host": str(address["host"]), "port": address["port"], "name": "money"}

        def environment(**roles: str) -> dict[str, str]:
            return PRODUCTION_ENVIRONMENT | {name: make_url(user=role, **place) for name, role in roles.items()}

        return environment

    def test_serves_as_a_role_that_owns_nothing(self, cluster, variables):
        serving, migrating = variables(DATABASE_URL="money"), variables(DATABASE_OWNER_URL="money_owner")
        assert manage(cluster, "migrate", "--verbosity=0", **(migrating | serving)).stderr == ""

        checked = manage(cluster, "check", "--deploy", "--fail-level=DEBUG", **serving)
        assert (checked.returncode, checked.stderr) == (0, "")
        works(cluster, **serving)
        assert "permission denied" in refusal(cluster, "money", "UPDATE pghistory_context SET metadata = '{}'", "money")

    def test_is_told_of_a_role_that_is_not_there(self, cluster, variables):
        done = manage(cluster, "migrate", **variables(DATABASE_URL="nobody", DATABASE_OWNER_URL="money_owner"))

        assert done.returncode == 1
        assert "CREATE ROLE nobody LOGIN" in done.stderr

    @pytest.mark.parametrize(
        "program",
        [
            ["manage.py", "run_worker"],
            ["-m", "sequence.local.launch.web"],
            ["manage.py", "check", "--deploy"],
            ["manage.py", "check_ledger"],
        ],
    )
    @pytest.mark.parametrize("role", ["money_owner", "sequence"], ids=["owner", "superuser"])
    def test_is_refused_as_the_owner_or_a_superuser(self, cluster, variables, program, role):
        assert manage(cluster, "migrate", "--verbosity=0", **variables(DATABASE_URL="money_owner")).returncode == 0

        done = run(cluster, *program, **(variables(DATABASE_URL=role) | {"PORT": "65000"}))

        assert done.returncode == 1
        assert "owns" in done.stderr or "is a superuser" in done.stderr
        assert "DATABASE_OWNER_URL" in done.stderr
        assert "Traceback" not in done.stderr

    def test_is_upgraded_from_one_role(self, cluster, variables):
        """The steps of docs/deploying.md: the role that was there becomes the owner."""
        assert manage(cluster, "migrate", "--verbosity=0", **variables(DATABASE_URL="money_owner")).returncode == 0
        assert "permission denied" in refusal(cluster, "money", "SELECT * FROM apikeys_organization", "money")

        both = variables(DATABASE_URL="money", DATABASE_OWNER_URL="money_owner")
        assert manage(cluster, "migrate", "--verbosity=0", **both).returncode == 0

        works(cluster, **variables(DATABASE_URL="money"))

    def test_warns_of_one_role_in_development_and_goes_on(self, cluster, variables):
        url = variables(DATABASE_URL="money_owner")["DATABASE_URL"]

        done = manage(cluster, "migrate", "--verbosity=0", DATABASE_URL=url)

        assert done.returncode == 0
        assert "sequence.W001" in done.stderr
        assert manage(cluster, "check_ledger", DATABASE_URL=url).returncode == 0
