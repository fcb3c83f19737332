"""System checks of the database role: ``check --deploy`` refuses the owner, ``migrate`` in development warns."""

from collections.abc import Sequence

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections

from sequence.core.database.grants import faults_of_role
from sequence.core.database.roles import WHAT_TO_DO, owner_is_meant


def check_that_the_role_is_not_the_owner(**_: object) -> list[CheckMessage]:
    """Refuse a role that could rewrite the ledger or the trail."""
    connection = connections[DEFAULT_DB_ALIAS]
    with owner_is_meant():
        try:
            with connection.cursor() as cursor:
                faults = faults_of_role(cursor)
        except OperationalError as error:
            first_line = str(error).strip().partition("\n")[0]
            return [Error("The database cannot be asked what its role may do.", hint=first_line, id="sequence.E002")]
        finally:
            if not connection.in_atomic_block:
                connection.close()  # The next one is looked at again.
    return [Error(fault, hint=WHAT_TO_DO, id="sequence.E001") for fault in faults]


def check_that_there_are_two_roles(*, databases: Sequence[str] | None = None, **_: object) -> list[CheckMessage]:
    """Say that an existing server is used with one role for everything, where nothing refuses it."""
    names = [] if settings.PRODUCTION else databases or []
    words = "One role owns the tables and serves: no guard of the database binds it."
    single = [name for name in names if not connections[name].settings_dict.get("APPLICATION") and _answers(name)]
    return [Warning(words, hint=WHAT_TO_DO, id="sequence.W001") for _ in single]


def _answers(name: str) -> bool:
    """Say whether the server is there; one that is away has something else to say, in one line."""
    try:
        connections[name].ensure_connection()
    except OperationalError:
        return False
    return True
