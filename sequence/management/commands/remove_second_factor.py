from django.core.management.base import CommandError, CommandParser

from sequence.core.commands.base import OperatorCommand
from sequence.core.commands.staff import find_staff
from sequence.core.models import SecondFactor
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = (
        "Void the authenticator app of a member of staff, for one that is lost. Their open sessions are closed; "
        "they cannot sign in before enrol_second_factor has set up another one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username", metavar="USERNAME")

    def run(self, *, username: str, **options: object) -> JsonObject:
        user = find_staff(username, or_inactive=True)
        removed, _ = self.audited(lambda: SecondFactor.objects.filter(user=user).delete())
        if not removed:
            raise CommandError(f"{username} has no second factor.")
        return {"username": username, "removed": True}
