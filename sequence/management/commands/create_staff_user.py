import secrets

from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from sequence.core.commands.arguments import line
from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject

# 20 characters of base64: nobody guesses it, and it can still be read out.
PASSWORD_BYTES = 15


class Command(OperatorCommand):
    help = "Let a person into the admin, with a password that is printed once; they change it after signing in."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username", type=line(150), metavar="NAME")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument(
            "--group", action="append", metavar="GROUP", help="viewers, operators, administrators or another; repeated"
        )
        what.add_argument("--superuser", action="store_true", help="may do everything, and manages staff")

    def run(self, *, username: str, group: list[str] | None, superuser: bool, **options: object) -> JsonObject:
        groups = [_find_group(name) for name in group or []]
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        self.audited(lambda: _create(username, password, groups, is_superuser=superuser))
        return {
            "username": username,
            "password": password,
            "groups": [group.name for group in groups],
            "superuser": superuser,
        }


def _find_group(name: str) -> Group:
    group = Group.objects.filter(name=name).first()
    if group is None:
        known = ", ".join(Group.objects.order_by("name").values_list("name", flat=True)) or "none yet"
        raise CommandError(f"There is no group {name!r}. Groups: {known}.")
    return group


def _create(username: str, password: str, groups: list[Group], *, is_superuser: bool) -> None:
    username = User.normalize_username(username)
    if User.objects.filter(username__iexact=username).exists():
        raise CommandError(f"There is a user {username!r} already, perhaps in other letters' case.")
    user = User(username=username, is_staff=True, is_superuser=is_superuser)
    user.set_password(password)
    try:
        user.full_clean()
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None
    user.save()
    user.groups.set(groups)
