from collections.abc import Callable, Iterator, Mapping
from datetime import date

from django.core.management.base import CommandParser

from accounts.errors import AccountNotFound
from accounts.models import Account
from sequence.core import clock
from sequence.core.admin.periods import YET_TO_COME, Period, usual_period
from sequence.core.api.fields import show_time
from sequence.core.commands.arguments import day
from sequence.core.commands.base import MAX_LISTED, OperatorCommand
from sequence.core.errors import InvalidRequest
from sequence.core.periods import day_of
from sequence.core.typing import JsonObject
from sequence.insight.movements import Posted
from sequence.insight.statement_files import Part, csv_parts, ofx_parts, table_parts
from sequence.insight.statements import (
    SHOWN,
    Course,
    Statement,
    check_account,
    check_period,
    read_statement,
    stream_statement,
)

FORMATS: Mapping[str, Callable[[Account, Period, Course], Iterator[Part]]] = {
    "table": table_parts,
    "csv": csv_parts,
    "ofx": ofx_parts,
}


class Command(OperatorCommand):
    help = "Print what an account held before a period, what came and went in it, and what it held at its end."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("account_id", metavar="ACC_ID", help="its id or name")
        parser.add_argument("--from", dest="since", type=day, metavar="D", help="the first day (UTC)")
        parser.add_argument(
            "--to", dest="until", type=day, metavar="D", help="the last day; today if left out. Last month without both"
        )
        parser.add_argument("--format", choices=FORMATS, default="table", help="a table if left out")

    def run(
        self,
        *,
        account_id: str,
        since: date | None,
        until: date | None,
        format: str,
        json: bool = False,
        **options: object,
    ) -> JsonObject | Iterator[Part]:
        account = Account.objects.filter(id=account_id).select_related("organization").only(*SHOWN).first()
        if account is None:
            raise AccountNotFound()
        check_account(account)
        period = _period(since, until)
        check_period(period)
        if json:
            return _as_dict(read_statement(account, period, first=MAX_LISTED))
        return FORMATS[format](account, period, stream_statement(account, period))

    def tell(self, facts: Iterator[Part]) -> None:
        """Print the parts as they are read, so that a long statement takes no more memory than a short one."""
        for _, text in facts:
            self.stdout.write(text, ending="")


def _period(since: date | None, until: date | None) -> Period:
    """Return the days that are meant: nothing is known of those to come. Raises InvalidRequest for these alone."""
    today = day_of(clock.now())
    if since is None and until is None:
        return usual_period("last_month", today)
    if since is not None and since > today:
        raise InvalidRequest.of("from", "in_the_future", YET_TO_COME)
    last = min(until or today, today)
    return Period(since or last.replace(day=1), last)


def _as_dict(statement: Statement) -> JsonObject:
    return {
        "account_id": statement.account.pk,
        "account_name": statement.account.name,
        "from": statement.period.first.isoformat(),
        "to": statement.period.last.isoformat(),
        "opening_balance_in_cents": statement.opening_cents,
        "came_in_in_cents": statement.came_in_cents,
        "went_out_in_cents": statement.went_out_cents,
        "closing_balance_in_cents": statement.closing_cents,
        "number_of_movements": statement.number,
        "left_out": statement.left_out,
        "movements": [_movement_as_dict(movement) for movement in statement.movements],
    }


def _movement_as_dict(movement: Posted) -> JsonObject:
    return {
        "posted_at": show_time(movement.at),
        "amount_in_cents": movement.amount_cents,
        "balance_in_cents": movement.balance_cents,
        "counterparty": movement.party.name,
        "counterparty_account_id": movement.party.account_id,
        "why": movement.cause.words,
        "description": movement.description or None,
        "posting_id": movement.id,
        "transfer_id": movement.transfer_id,
        "rule_execution_id": movement.cause.execution_id,
        "card_transaction_id": movement.cause.card_transaction_id,
        "api_key_id": movement.cause.key_id,
    }
