"""``manage.py postgres``: the embedded server by hand."""

import sys
from collections.abc import Sequence

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connection, connections

from sequence.local.postgres.base import DatabaseWrapper
from sequence.local.postgres.cluster import Cluster

# What service managers expect of a status command when the service does not run.
NOT_RUNNING = 3


class Command(BaseCommand):
    help = "Start, stop or look at the embedded PostgreSQL, or open psql on it."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="start | stop | status | psql")
        actions.add_parser("start", help="start it unless it runs; it stays until it is stopped")
        actions.add_parser("stop", help="stop it, cutting open connections")
        actions.add_parser("status", help=f"show pid, folders and version; exit code {NOT_RUNNING} if it does not run")
        psql = actions.add_parser("psql", help="open its psql, starting the server if need be")
        psql.add_argument("arguments", nargs="*", help="after a --, handed to psql")

    def handle(self, *args: object, action: str, arguments: Sequence[str] = (), **options: object) -> None:
        if not isinstance(connections[DEFAULT_DB_ALIAS], DatabaseWrapper):
            raise CommandError("DATABASE_URL names an existing server: there is no embedded one to look after.")
        cluster = Cluster.of(connection.settings_dict)
        if action == "psql":
            connection.client.runshell(arguments)
        else:
            getattr(self, action)(cluster)

    def start(self, cluster: Cluster) -> None:
        started = cluster.ensure_running()
        self.stdout.write(f"{'Started' if started else 'Already running'}: pid {cluster.pid()}, data {cluster.data}")

    def stop(self, cluster: Cluster) -> None:
        self.stdout.write("Stopped." if cluster.stop() else "Was not running.")

    def status(self, cluster: Cluster) -> None:
        pid = cluster.pid()
        if pid is None:
            self.stdout.write(f"Not running. Data: {cluster.data}")
            sys.exit(NOT_RUNNING)
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            version = cursor.fetchone()[0]
        self.stdout.write(f"Running. pid {pid}, PostgreSQL {version}")
        self.stdout.write(f"Data:   {cluster.data.resolve()}")
        self.stdout.write(f"Socket: {cluster.address()['host']}")
