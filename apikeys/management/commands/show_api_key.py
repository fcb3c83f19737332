from typing import Any

from django.core.management.base import CommandParser

from apikeys.as_dict import status_of
from apikeys.key_serializers import show_key
from apikeys.services import get_api_key
from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = "Show what an API key may do, and what is used and left of its limits: the figures that GET /key tells it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("key_id", metavar="KEY_ID")

    def run(self, *, key_id: str, **options: object) -> JsonObject:
        key = get_api_key(key_id)
        return {**show_key(key), "status": status_of(key)}

    def tell(self, facts: Any) -> None:
        entries = facts.pop("permissions")
        super().tell(facts)
        for number, entry in enumerate(entries):
            self.stdout.write(f"permission {number}: {entry.pop('scope')}")
            for period, use in entry.pop("usage", {}).items():
                self.stdout.write(f"    used a {period}: {_use(use)}")
            for name, value in entry.items():
                if value not in (None, False):
                    self.stdout.write(f"    {name.replace('_', ' ')}: {value}")


def _use(use: JsonObject) -> str:
    left = [
        f"{use[name]} {what} left"
        for name, what in (("remaining_in_cents", "cents"), ("remaining_count", "transfers"))
        if use[name] is not None
    ]
    told = f"{use['spent_in_cents']} cents in {use['count']} transfers"
    return ", ".join([told, *left, f"until {use['resets_at']}" if left else "without a limit"])
