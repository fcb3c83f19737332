"""Database engine: Django's own for PostgreSQL, on a server that it starts itself."""

from typing import Any

import psycopg
from django.db.backends.postgresql import base
from django.utils.functional import cached_property

from sequence.local.postgres.client import DatabaseClient
from sequence.local.postgres.cluster import Cluster


class DatabaseWrapper(base.DatabaseWrapper):
    """Connects to the embedded server, and starts it if it does not answer.

    Its entry in settings.DATABASES has CLUSTER_DIR, the server's folder, and DURABLE, whether a commit survives a power
    cut. What keeps it from starting is a StartupProblem, which is an OperationalError.
    """

    client_class = DatabaseClient

    @cached_property
    def cluster(self) -> Cluster:
        return Cluster.of(self.settings_dict)

    def get_connection_params(self) -> dict[str, Any]:
        return self._addressed(super().get_connection_params())

    def _addressed(self, parameters: dict[str, Any]) -> dict[str, Any]:
        address = self.cluster.address()
        return {**parameters, **address, "user": self.settings_dict["USER"] or address["user"]}

    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection:
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError:
            # The driver does not say what is missing, server, role or database: see to all, then try once more.
            self.cluster.ensure_running()
            self.cluster.ensure_application_role()
            self.cluster.ensure_database(conn_params["dbname"])
            # The server may have found another place for its socket.
            return super().get_new_connection(self._addressed(conn_params))
