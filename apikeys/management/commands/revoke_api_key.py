from typing import Any

from django.core.management.base import CommandParser

from apikeys.facts import key_facts
from apikeys.services import revoke_api_key
from sequence.management.base import OperatorCommand


class Command(OperatorCommand):
    help = "Close an API key for good, at its next request."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("key_id", metavar="KEY_ID")

    def run(self, *, key_id: str, **options: Any) -> dict[str, Any]:
        return key_facts(self.audited(lambda: revoke_api_key(key_id=key_id)))
