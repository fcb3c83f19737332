from django.core.management.base import CommandParser

from apikeys.models import Organization
from sequence.core.commands.base import OperatorCommand
from sequence.core.transactions import run_in_transaction
from sequence.core.typing import JsonObject
from sequence.demo.credentials import keep_credentials, kept_credentials
from sequence.demo.household import NAME
from sequence.demo.seeding import make_demo, take_turn
from sequence.demo.shell import keep_variables

CREDENTIALS = ("organization", "api_key", "agent_api_key", "staff_username", "staff_password")


class Command(OperatorCommand):
    help = "Make a demo to look at: an organization with a year of history, keys to it, and a staff login."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--if-empty",
            action="store_true",
            help="do nothing where there is an organization; tell the demo's credentials where this machine has them",
        )

        parser.add_argument(
            "--server",
            default="http://127.0.0.1:8000",
            metavar="URL",
            help="where the server listens, for the shell variables in .local/demo.env (default: %(default)s)",
        )

    def run(self, *, if_empty: bool, server: str, **options: object) -> JsonObject:
        credentials = run_in_transaction(lambda: self._make(if_empty))
        if credentials is None:
            credentials = dict.fromkeys(CREDENTIALS) | kept_credentials()
        else:
            keep_credentials(credentials)
        if credentials["api_key"]:
            keep_variables(credentials, server=server)
        return credentials

    def _make(self, if_empty: bool) -> JsonObject | None:
        """Return what opens the demo's doors, or None if there is one already, made by somebody who was faster."""
        demos = Organization.objects.filter(name=NAME)
        before = demos.count()
        take_turn(tell=self.stderr.write)
        if demos.count() > before:
            self.stderr.write("Another seed_demo has just made a demo here; it will do.")
            return None
        if if_empty and Organization.objects.exists():
            return None
        self.stderr.write("Living through a year of the demo …")
        made = make_demo(actor=self.actor, tell=self.stderr.write)
        self.record(made["organization"])
        return made
