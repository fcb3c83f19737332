"""Client that ``manage.py dbshell`` opens."""

from collections.abc import Iterable
from typing import Any

from django.db.backends.postgresql import client

from sequence.local.postgres.binaries import bin_folder
from sequence.local.postgres.cluster import Cluster


class DatabaseClient(client.DatabaseClient):
    """The psql that came with the embedded server, on that server."""

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Iterable[str]
    ) -> tuple[list[str], dict[str, str] | None]:
        address = {name.upper(): value for name, value in Cluster.of(settings_dict).address().items()}
        arguments, environment = super().settings_to_cmd_args_env({**settings_dict, **address}, parameters)
        return [str(bin_folder() / cls.executable_name), *arguments[1:]], environment

    def runshell(self, parameters: Iterable[str]) -> None:
        self.connection.ensure_connection()  # Starts the server.
        self.connection.close()
        super().runshell(parameters)
