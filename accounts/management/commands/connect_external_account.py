from datetime import date
from decimal import Decimal

from django.core.management.base import CommandParser

from accounts.models import ExternalAccountType
from accounts.serializers import AccountDetail
from accounts.services import connect_external_account
from apikeys.services import get_organization
from sequence.core.commands.arguments import day, line, percent, whole_number
from sequence.core.commands.base import OperatorCommand
from sequence.core.money import MAX_CENTS
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = "Connect an account at another institution. Money is told from what the institution last said."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        cents = whole_number(0, MAX_CENTS)
        figure = whole_number(-MAX_CENTS, MAX_CENTS)
        parser.add_argument("--organization", required=True, metavar="ORG_ID")
        parser.add_argument("--name", type=line(100), required=True)
        parser.add_argument("--type", required=True, choices=ExternalAccountType.values)
        parser.add_argument("--institution", type=line(100), required=True)
        parser.add_argument(
            "--balance",
            type=figure,
            metavar="CENTS",
            help="of a LIABILITY: what is owed, below zero a credit; of another account, below zero an overdraft; "
            "unknown if left out",
        )
        parser.add_argument(
            "--interest-rate", type=percent, metavar="P", help="percent a year, such as 19.99; LIABILITY only"
        )
        parser.add_argument("--statement-balance", type=figure, metavar="CENTS", help="LIABILITY only")
        parser.add_argument("--minimum-payment", type=cents, metavar="CENTS", help="LIABILITY only")
        parser.add_argument("--due-date", type=day, metavar="D", help="such as 2026-12-31; LIABILITY only")

    def run(
        self,
        *,
        organization: str,
        name: str,
        type: str,
        institution: str,
        balance: int | None,
        interest_rate: Decimal | None,
        statement_balance: int | None,
        minimum_payment: int | None,
        due_date: date | None,
        **options: object,
    ) -> JsonObject:
        account = self.audited(
            lambda: connect_external_account(
                organization_id=get_organization(organization).id,
                name=name,
                external_account_type=ExternalAccountType(type),
                institution_name=institution,
                balance_cents=balance,
                interest_rate_percent=interest_rate,
                last_statement_balance_cents=statement_balance,
                next_payment_minimum_cents=minimum_payment,
                next_payment_due_on=due_date,
            )
        )
        return AccountDetail().to_representation(account)
