from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from sequence.core.database.roles import as_owner


class Command(migrate.Command):
    """Django's own, as the owner of the tables; afterwards the application's role has its grants.

    Its checks of the models ask the server too, at a time when the application's role may be one that is refused.
    """

    def execute(self, *args: object, **options: Any) -> str | None:
        with as_owner(connections[options["database"]]):
            return super().execute(*args, **options)
