from django.core.management.base import CommandParser

from apikeys.models import Organization
from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject
from sequence.demo.credentials import keep_credentials, kept_credentials
from sequence.demo.seeding import alone, make_demo

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

    def run(self, *, if_empty: bool, **options: object) -> JsonObject:
        with alone():
            if if_empty and Organization.objects.exists():
                return dict.fromkeys(CREDENTIALS) | kept_credentials()
            self.stderr.write("Living through a year of the demo …")
            credentials = make_demo(actor=self.actor, tell=self.stderr.write)
        keep_credentials(credentials)
        return credentials
