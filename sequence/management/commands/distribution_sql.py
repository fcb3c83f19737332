from django.db import connection

from sequence.core.commands.base import OperatorCommand
from sequence.distribution import Statement, statements


class Command(OperatorCommand):
    help = (
        "Print the SQL that turns this database over to Citus: keys and foreign keys with the organization, then what "
        "each table becomes. It changes nothing. Stop everything and make a backup before you run what it prints."
    )

    def run(self, **options: object) -> list[str]:
        with connection.cursor() as cursor:
            return [shown(statement) for statement in statements(cursor)]

    def tell(self, facts: list[str]) -> None:
        """Print what psql takes: all of it, or nothing."""
        for text in ["BEGIN;", *facts, "COMMIT;"]:
            self.stdout.write(text)


def shown(statement: Statement) -> str:
    """Return the statement as psql takes it."""
    return f"{statement.text};"
