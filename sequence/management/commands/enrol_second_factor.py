import io

import segno
from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser

from sequence.core import clock
from sequence.core.admin.second_factor import enrol, new_secret, otpauth_uri, step_of
from sequence.core.commands.base import OperatorCommand
from sequence.core.commands.staff import find_staff
from sequence.core.models import SecondFactor
from sequence.core.typing import JsonObject

TRIES = 3


class Command(OperatorCommand):
    help = (
        "Set up the authenticator app of a member of staff: show a QR code once, and ask for a code of it. "
        "Nothing is kept before that code is right."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username", metavar="USERNAME")
        parser.add_argument("--replace", action="store_true", help="in the place of the one there is; that one is void")
        parser.add_argument("--no-confirm", action="store_true", help="keep it without asking for a code")

    def run(self, *, username: str, replace: bool, no_confirm: bool, json: bool, **options: object) -> JsonObject:
        if json and not no_confirm:
            raise CommandError("--json goes with --no-confirm: there is nobody to ask.")
        user = find_staff(username)
        if SecondFactor.objects.filter(user=user).exists() and not replace:
            raise CommandError(f"{username} has a second factor. To set up another one in its place, add --replace.")
        secret = new_secret()
        uri = otpauth_uri(username, secret)
        if not json:
            self._show(uri, secret)
        last_step = None if no_confirm else self._ask(secret)
        self.audited(lambda: _enrol(user, secret, last_step=last_step, replace=replace))
        facts = {"username": username, "enrolled": True}
        return {**facts, "secret": secret, "otpauth_uri": uri} if json else facts

    def _show(self, uri: str, secret: str) -> None:
        drawn = io.StringIO()
        segno.make(uri, error="m").terminal(out=drawn, border=2, compact=True)
        self.stdout.write(drawn.getvalue())
        self.stdout.write("Scan this with an authenticator app. It is shown once. To type it in instead:")
        self.stdout.write(f"  {secret}\n  {uri}")

    def _ask(self, secret: str) -> int:
        """Return the step of a code that the person reads from the app."""
        for _ in range(TRIES):
            self.stdout.write("Code that the app shows: ", ending="")
            self.stdout.flush()
            try:
                step = step_of(input(), secret, at=clock.now())
            except EOFError:
                break
            if step is not None:
                return step
            self.stdout.write("That is not the code. Is the clock of the telephone right?")
        raise CommandError("Nothing is set up. Start again, and scan the new QR code.")


def _enrol(user: User, secret: str, *, last_step: int | None, replace: bool) -> None:
    """Lock the user: two operators at once must not take each other's work for the one to be replaced."""
    User.objects.select_for_update().get(pk=user.pk)
    if SecondFactor.objects.filter(user=user).exists() and not replace:
        raise CommandError(f"Somebody else has just set up a second factor for {user.username}.")
    enrol(user, secret, last_step=last_step)
