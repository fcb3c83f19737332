from datetime import date
from decimal import Decimal

from django.core.management.base import CommandParser

from accounts.errors import AccountNotFound
from accounts.models import Account
from accounts.serializers import AccountDetail
from accounts.services import record_statement
from sequence.core.commands.arguments import day, percent, whole_number
from sequence.core.commands.base import OperatorCommand
from sequence.core.money import MAX_CENTS
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = "Take over what an institution says of its account. What is left out stays as it was."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        cents = whole_number(0, MAX_CENTS)
        figure = whole_number(-MAX_CENTS, MAX_CENTS)
        parser.add_argument("account", metavar="ACC_ID")
        parser.add_argument(
            "--balance",
            type=figure,
            required=True,
            metavar="CENTS",
            help="of a LIABILITY: what is owed, below zero a credit; of another account, below zero an overdraft",
        )
        parser.add_argument("--interest-rate", type=percent, metavar="P", help="percent a year; LIABILITY only")
        parser.add_argument("--statement-balance", type=figure, metavar="CENTS", help="LIABILITY only")
        parser.add_argument("--minimum-payment", type=cents, metavar="CENTS", help="LIABILITY only")
        parser.add_argument("--due-date", type=day, metavar="D", help="such as 2026-12-31; LIABILITY only")

    def run(
        self,
        *,
        account: str,
        balance: int,
        interest_rate: Decimal | None,
        statement_balance: int | None,
        minimum_payment: int | None,
        due_date: date | None,
        **options: object,
    ) -> JsonObject:
        found = Account.objects.filter(id=account).first()
        if found is None:
            raise AccountNotFound()
        facts = {
            "interest_rate_percent": interest_rate,
            "last_statement_balance_cents": statement_balance,
            "next_payment_minimum_cents": minimum_payment,
            "next_payment_due_on": due_date,
        }
        told = {name: value for name, value in facts.items() if value is not None}
        recorded = self.audited(
            lambda: record_statement(
                organization_id=found.organization_id, account_id=found.id, balance_cents=balance, **told
            )
        )
        return AccountDetail().to_representation(recorded)
