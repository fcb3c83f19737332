from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from sequence.core.database.roles import as_owner


class Command(migrate.Command):
    """Django's own, as the owner of the tables; afterwards the application's role has its grants."""

    def handle(self, *args: object, **options: Any) -> None:
        with as_owner(connections[options["database"]]):
            super().handle(*args, **options)
