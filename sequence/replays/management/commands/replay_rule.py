import sys
from argparse import ArgumentTypeError
from datetime import datetime
from pathlib import Path

from django.core.management.base import CommandError, CommandParser
from rest_framework.exceptions import ValidationError

from rules.services import account_names, find_rule
from sequence.core.api.bodies import parse_object
from sequence.core.api.failures import invalid_request
from sequence.core.api.fields import show_time
from sequence.core.commands.arguments import day, instant
from sequence.core.commands.base import OperatorCommand
from sequence.core.money import dollars
from sequence.core.periods import midnight
from sequence.core.typing import JsonObject
from sequence.replays.errors import ReplayFailed
from sequence.replays.models import ReplayStatus, RuleReplay
from sequence.replays.replaying import Replaying
from sequence.replays.sentences import assumption_in_words, difference_in_words, missed_in_words
from sequence.replays.serializers import ReplayBody
from sequence.replays.services import ask_for_replay, get_replay
from sequence.replays.told import tell

# How often a person at the terminal hears how far it is.
TOLD_EVERY_SECONDS = 1.0


def moment(text: str) -> datetime:
    """Read a time, or a date, which is its midnight in UTC."""
    try:
        return midnight(day(text))
    except ArgumentTypeError:
        return instant(text)


class Command(OperatorCommand):
    help = "Tell what a rule, or a draft of it, would have done on real history. Moves nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("rule_id", metavar="RULE_ID")
        parser.add_argument("--from", dest="since", required=True, type=moment, metavar="D", help="date or time, UTC")
        parser.add_argument("--to", dest="until", type=moment, metavar="D", help="date or time; now by default")
        parser.add_argument(
            "--definition", type=Path, metavar="FILE", help='a draft: JSON with "trigger" and "steps"; else as it is'
        )

    def run(
        self, *, rule_id: str, since: datetime, until: datetime | None, definition: Path | None, **options: object
    ) -> JsonObject:
        rule = find_rule(rule_id)
        body = _read(since, until, definition)
        asked = self.audited(
            lambda: ask_for_replay(
                organization_id=rule.organization_id,
                rule_id=rule.id,
                since=body["from"],
                until=body.get("to"),
                definition=body.get("definition"),
                by=self.actor,
                claimed=True,
            )
        )
        self._do(asked)
        replay = get_replay(organization_id=rule.organization_id, rule_replay_id=asked.id)
        if replay.status == ReplayStatus.FAILED:
            raise ReplayFailed(error_code=replay.error_code)
        return tell(replay)

    def _do(self, replay: RuleReplay) -> None:
        """Do it here, and let a person see how far it is."""
        replaying = Replaying(replay)
        try:
            while not replaying.advance(TOLD_EVERY_SECONDS):
                if sys.stderr.isatty():
                    self.stderr.write(f"{replay.events_seen:,} events …")
        finally:
            replaying.close()

    def tell(self, facts: JsonObject) -> None:
        """Print what a person wants to know, a line for each."""
        names = {account["id"]: account["name"] for account in facts["accounts"]}
        names |= account_names(find_rule(facts["rule_id"]), _destinations(facts))
        version = f"version {facts['rule_version']}" if facts["rule_version"] else "a draft"
        self.stdout.write(f"{version}, {facts['from']} to {facts['to']}, {facts['events_seen']:,} events")
        for column in ("actual", "replay"):
            counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in facts["runs"][column].items())
            self.stdout.write(f"runs, {column}: {counts}")
        for account in facts["accounts"]:
            self.stdout.write(
                f"{account['name']}: {_amount(account['opening_in_cents'])} at first, "
                f"{_amount(account['closing_actual_in_cents'])} at last, "
                f"{_amount(account['closing_replay_in_cents'])} with this rule"
            )
        lines = [
            *(difference_in_words(each, names) for each in facts["differences"]),
            *(missed_in_words(each) for each in facts["would_have_failed"]),
            *(assumption_in_words(code) for code in facts["assumptions"]),
        ]
        for line in lines:
            self.stdout.write(line)


def _read(since: datetime, until: datetime | None, definition: Path | None) -> JsonObject:
    """Return the options, checked as the API checks a body. Raises InvalidRequest."""
    said: JsonObject = {"from": show_time(since)}
    if until is not None:
        said["to"] = show_time(until)
    if definition is not None:
        try:
            said["definition"] = parse_object(definition.read_bytes())
        except OSError as error:
            raise CommandError(f"{definition} cannot be read: {error.strerror}.") from None
    try:
        body: JsonObject = ReplayBody.read(said)
    except ValidationError as error:
        raise invalid_request(error) from None
    return body


def _destinations(facts: JsonObject) -> set[str]:
    columns = (paid for each in facts["differences"] for paid in (*each["actual"], *each["replay"]))
    return {paid["destination"] for paid in columns}


def _amount(cents: int | None) -> str:
    return "unknown" if cents is None else dollars(cents)
