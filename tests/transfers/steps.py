"""What tests of money do all the time: put money somewhere, ask for a transfer, let workers work, look."""

from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.utils import timezone

from accounts.models import Account
from sequence.core.worker import run_once
from tests.client import Api
from tests.roles import by_owner
from transfers.ledger_invariants import find_faults
from transfers.models import EntrySet, Origin, Status, Transfer
from transfers.services import deposit
from transfers.settlement import accept, submit
from transfers.simulated_rail_control import settle_payment


def fund(account: Account, cents: int, *, by: str = "test") -> Transfer:
    """Let money arrive from outside."""
    return deposit(account_id=account.id, amount_cents=cents, origin=Origin.PAYCHECK, by=by)


def mark_next_posting(*, but: int = 0) -> None:
    """Let the next posting, or the one after so many others, make a mark of its account's balance.

    None of the 100 before and after it makes one, so that a test sees the marks it asked for whatever ran before it.
    """
    put_next_posting(marks=True, but=but)


def mark_no_posting() -> None:
    """Let none of the next 100 postings make a mark of its account's balance."""
    put_next_posting(marks=False, but=0)


def put_next_posting(*, marks: bool, but: int) -> None:
    """Go on counting postings before a number that makes a mark or not, with none that does for 100 on either side."""
    with by_owner(), connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT setval('transfers_posting_id_seq', start - 1 - %(but)s, true)
            FROM transfers_posting_id_seq, generate_series(last_value + 10, last_value + 200000) AS start
            WHERE NOT EXISTS (
                SELECT FROM generate_series(-100, 100) AS number
                WHERE (hashint8(start + number) %% 500 = 0) <> (%(marks)s AND number = 0)
            ) LIMIT 1
            """,
            {"but": but, "marks": marks},
        )
        assert cursor.rowcount == 1, "no such place among the next numbers"


def post_transfer(api: Api, source: Account, destination: Account, cents: Any, **options: Any) -> HttpResponse:
    """Ask for a transfer. ``description`` goes into the body, all else to the client."""
    body = {"source_account_id": source.id, "destination_account_id": destination.id, "amount_in_cents": cents}
    if "description" in options:
        body["description"] = options.pop("description")
    return api.post("/transfers", body, **options)


def transfer_between(api: Api, source: Account, destination: Account, cents: int) -> Transfer:
    """Return the row of a transfer that the API accepted."""
    response = post_transfer(api, source, destination, cents)
    assert response.status_code == 201, response.content
    return Transfer.objects.get(id=response.json()["data"]["id"])


def pulled(api, bank, account) -> Transfer:
    """Return a transfer that has arrived from outside."""
    transfer = transfer_between(api, bank, account, 50_00)
    accept(timezone.now())
    submit(timezone.now())
    return settle_payment(transfer.id)


def settle(now=None) -> int:
    """Do what a worker does until nothing is due."""
    return run_once(now)


def balances(*accounts: Account) -> list[int | None]:
    found = {account.id: account.balance_cents for account in Account.objects.filter(id__in=[a.id for a in accounts])}
    return [found[account.id] for account in accounts]


def held(account: Account) -> int:
    return Account.objects.get(id=account.id).held_cents


def status_of(transfer: Transfer) -> tuple[str, str | None]:
    """Return where the transfer is, and its error code."""
    return Transfer.objects.values_list("status", "error_code").get(id=transfer.id)


def move_to(transfer: Transfer, status: Status) -> None:
    """Bring a transfer that is PROCESSING into a status, by what really happens."""
    from transfers.services import cancel_transfer
    from transfers.settlement import accept

    if status == Status.CANCELLED:
        cancel_transfer(transfer_id=transfer.id, by="test")
    elif status != Status.PROCESSING:
        accept(transfer.created_at)
    transfer.refresh_from_db()


def error_of(response: HttpResponse) -> tuple[int, str]:
    """Return the status and the code of a refusal."""
    return response.status_code, response.json()["error"]["code"]


def assert_nothing_moved() -> None:
    """The ledger holds nothing but deposits, and is right."""
    assert not EntrySet.objects.exclude(transfer__origin__in=["paycheck", "check_deposit", "cashback"]).exists()
    assert find_faults() == []
