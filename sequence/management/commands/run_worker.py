from datetime import datetime

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from sequence.core.commands.arguments import instant
from sequence.core.commands.base import OperatorCommand
from sequence.core.database.roles import refuse_owner_at_start
from sequence.core.typing import JsonObject
from sequence.core.worker import Worker, run_once


class Command(OperatorCommand):
    help = "Settle transfers and do everything else that is due, until stopped. Start as many as you like."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--once", action="store_true", help="do all that is due, then exit")
        parser.add_argument(
            "--now", type=instant, help="with --once: as if it were this time (needs ALLOW_TIME_TRAVEL)"
        )

    def run(self, *, once: bool, now: datetime | None, **options: object) -> JsonObject:
        if now is not None and not once:
            raise CommandError("--now goes with --once.")
        if now is not None and not settings.ALLOW_TIME_TRAVEL:
            raise CommandError("--now needs the setting ALLOW_TIME_TRAVEL, which production never has.")
        refuse_owner_at_start()
        if once:
            return {"done": run_once(now)}
        Worker().run()
        return {"stopped": True}
