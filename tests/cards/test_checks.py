"""What check_ledger finds of cards, planted past all guards."""

import pytest
from django.db import connection

from cards.ledger_invariants import CHECKS
from sequence.core.api.ids import parse_id
from tests.cards.steps import buy, refund
from transfers.ledger_invariants import find_faults

# Past what the application is refused anyway.
pytestmark = pytest.mark.as_owner

TABLES = ("transfers_posting", "transfers_entryset", "accounts_account", "cards_cardtransaction")


@pytest.fixture
def books(card):
    """A purchase of $30.00, of which $10.00 came back, and one of $5.00."""
    purchase = buy(card, 30_00)
    return {"purchase": purchase, "refund": refund(purchase, 10_00), "other": buy(card, 5_00)}


@pytest.fixture
def plant(db):
    """Return a function that writes a fault past all guards."""

    def past_the_guards(sql, *params):
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table in TABLES:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(sql, [parse_id("ctx", param) if isinstance(param, str) else param for param in params])
            for table in TABLES:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")

    return past_the_guards


def found() -> set[tuple[str, str]]:
    names = {check.name for check in CHECKS}
    return {(fault.check, fault.subject) for fault in find_faults() if fault.check in names}


class TestFindFaults:
    def test_finds_nothing_in_right_books(self, books):
        assert find_faults() == []

    @pytest.mark.parametrize("which", ["refund", "other"])
    def test_finds_a_transaction_of_another_amount_than_is_posted(self, books, plant, which):
        plant("UPDATE cards_cardtransaction SET amount_cents = amount_cents + 1 WHERE id = %s", books[which].id)

        assert ("card_transactions_are_posted", books[which].id) in found()

    @pytest.mark.parametrize(
        ("which", "what"),
        [
            ("true", "amount_cents = -amount_cents"),
            ("true", "amount_cents = amount_cents * 2"),
            ("account_id IS NOT NULL", "account_id = NULL, clearing = 'suspense'"),
            ("clearing = 'cards'", "clearing = 'ach'"),
        ],
    )
    def test_finds_postings_that_say_something_else(self, books, plant, which, what):
        sql = f"UPDATE transfers_posting SET {what} WHERE {which} AND entry_set_id = %s"  # noqa: S608 - the fault
        plant(sql, books["other"].entry_set_id)

        assert found() == {("card_transactions_are_posted", books["other"].id)}

    def test_finds_a_refund_in_suspense_though_its_pod_is_open(self, books, plant):
        plant(
            "UPDATE transfers_posting SET account_id = NULL, clearing = 'suspense'"
            " WHERE account_id IS NOT NULL AND entry_set_id = %s",
            books["refund"].entry_set_id,
        )

        assert found() == {("card_transactions_are_posted", books["refund"].id)}

    def test_finds_postings_that_no_transaction_explains(self, books, plant):
        plant("DELETE FROM cards_cardtransaction WHERE id = %s", books["other"].id)

        subject = f"entry set {books['other'].entry_set_id}"
        assert found() == {("card_postings_have_their_transaction", subject)}

    @pytest.mark.parametrize("cents", [0, 9_99])
    def test_finds_a_purchase_that_counts_its_refunds_wrong(self, books, plant, cents):
        plant("UPDATE cards_cardtransaction SET refunded_cents = %s WHERE id = %s", cents, books["purchase"].id)

        assert found() == {("purchases_count_their_refunds", books["purchase"].id)}
        [fault] = find_faults()
        assert fault.message == f"{cents} of its 3000 cents count as refunded, but its refunds add up to 1000"
