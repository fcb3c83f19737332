"""Base of approve_transfer and reject_transfer: who decides."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser

from sequence.core.commands.base import OperatorCommand, add_note_argument


class DecisionCommand(OperatorCommand):
    """A person's decision on one transfer."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_note_argument(parser)
        parser.add_argument("transfer_id", metavar="TXR_ID")
        parser.add_argument(
            "--by",
            metavar="USERNAME",
            help="the staff user who decides; left out, the decision is recorded as this command's",
        )

    def decider(self, by: str | None) -> str:
        """Return who decides: ``staff:<user name>`` for a known, active staff user, else the command's actor."""
        if by is None:
            return self.actor
        users: Any = get_user_model().objects
        if not users.filter(username=by, is_active=True, is_staff=True).exists():
            raise CommandError(f"There is no active staff user {by!r}.")
        return f"staff:{by}"
