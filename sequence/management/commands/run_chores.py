from datetime import datetime

import structlog
from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from sequence.core import clock
from sequence.core.commands.arguments import instant
from sequence.core.commands.base import OperatorCommand
from sequence.core.database.roles import refuse_owner_at_start
from sequence.core.sweeps import name_of
from sequence.core.typing import JsonObject
from sequence.core.wired import wired

log = structlog.get_logger("sequence.chores")


class Command(OperatorCommand):
    help = "Do what idle workers do once in a while: purge what is old, check the ledger, and the like."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--now", type=instant, help="as if it were this time (needs ALLOW_TIME_TRAVEL)")

    def run(self, *, now: datetime | None, **options: object) -> JsonObject:
        if now is not None and not settings.ALLOW_TIME_TRAVEL:
            raise CommandError("--now needs the setting ALLOW_TIME_TRAVEL, which production never has.")
        refuse_owner_at_start()
        done: dict[str, int] = {}
        broken: list[str] = []
        for chore in wired("CHORES"):
            try:
                done[name_of(chore)] = chore(now or clock.now())
            except Exception as error:
                log.error("chore_broke", chore=name_of(chore), exc_info=error)
                broken.append(name_of(chore))
        if broken:
            raise CommandError(f"{', '.join(broken)} broke; the log has the cause. The others are done.")
        return done
