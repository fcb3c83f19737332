"""Base of the commands by which a person decides about money: who, and why."""

from typing import ClassVar

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser

from sequence.core.commands.base import OperatorCommand, add_note_argument


class StaffCommand(OperatorCommand):
    """What a person of the staff decides, by a command."""

    # Whether somebody must say why.
    wants_note: ClassVar[bool] = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_note_argument(parser, required=self.wants_note)
        parser.add_argument(
            "--by",
            metavar="USERNAME",
            help="the staff user who decides; left out, the decision is recorded as this command's",
        )

    def decider(self, by: str | None) -> str:
        """Return who decides: ``staff:<user name>`` for a known, active staff user, else the command's actor."""
        if by is None:
            return self.actor
        users = User.objects
        if not users.filter(username=by, is_active=True, is_staff=True).exists():
            raise CommandError(f"There is no active staff user {by!r}.")
        return f"staff:{by}"


class DecisionCommand(StaffCommand):
    """A person's decision on one transfer."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("transfer_id", metavar="TXR_ID")
