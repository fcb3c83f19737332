"""Base of the commands that stop something: a note, and an accounting that a person can read."""

from django.core.management.base import CommandParser

from sequence.core.commands.base import OperatorCommand, add_note_argument
from sequence.core.typing import JsonObject


class StopCommand(OperatorCommand):
    """A command that stops a key or an organization, and accounts for it."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_note_argument(parser)

    def tell(self, facts: JsonObject) -> None:
        """Print the accounting, a line for each part."""
        names = ", ".join(f"{one['name']} ({one['id']})" for one in facts["stopped"])
        self.stdout.write(f"stopped: {names}, {facts['at']}")
        for part in ("cancelled", "not_stopped"):
            count, cents = facts[part]["count"], facts[part]["amount_in_cents"]
            self.stdout.write(f"{part.replace('_', ' ')}: {count} transfers, {cents} cents")
        self.stdout.write(f"runs of rules ended: {facts['executions_ended']['count']}")
        for rule in facts["rules"]:
            self.stdout.write(f"{rule['status']} rule: {rule['name'] or rule['id']} ({rule['id']})")
