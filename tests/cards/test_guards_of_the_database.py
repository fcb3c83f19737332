"""What PostgreSQL itself refuses of cards, attacked in raw SQL."""

import pytest
from django.db import connection

from cards.models import CardDecline, CardStatus, CardTransaction
from cards.services import set_card_status
from tests.cards.steps import buy, declined, issue, refund
from tests.cards.test_statuses import POSSIBLE, each_change
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory
from tests.transfers.steps import balances
from tests.transfers.test_guards_of_the_database import change, commit, refusal, uuid_of
from transfers.checks import find_faults

# Past what the application is refused anyway.
pytestmark = pytest.mark.as_owner


def copy_of(row, **changes):
    """Return an INSERT of a row like ``row``, but for some columns, under a new id."""
    table = row._meta.db_table
    columns = [field.column for field in row._meta.fields if field.column != "id"]
    values = ", ".join(changes.get(column, f'"{column}"') for column in columns)
    names = ", ".join(columns)
    sql = f"INSERT INTO {table} (id, {names}) SELECT gen_random_uuid(), {values} FROM {table} WHERE id = %s"  # noqa: S608
    return sql, [uuid_of(row)]


def uuid_text(row) -> str:
    return f"'{uuid_of(row)}'"


class TestCard:
    @each_change
    def test_keeps_to_the_paths_of_its_status(self, card, before, after):
        set_card_status(card_id=card.id, status=before)
        attack = change(card, f"status = '{after}'")

        if after == before or after in POSSIBLE[before]:
            commit(attack)
        else:
            assert "Invalid transition" in refusal(attack)

    @pytest.mark.parametrize(
        "what",
        [
            "holder_name = 'Mallory'",
            "last_four = '0000'",
            "expiry_year = expiry_year + 1",
            "type = 'physical'",
            "created_at = now()",
            "id = gen_random_uuid()",
        ],
    )
    def test_stays_what_it_is(self, card, what):
        assert "Cannot update" in refusal(change(card, what))

    def test_stays_on_its_pod(self, acme, card):
        other = PodFactory(organization=acme)

        assert "Cannot update" in refusal(change(card, f"account_id = {uuid_text(other)}"))

    def test_is_never_deleted(self, card):
        assert "Cannot delete" in refusal(("DELETE FROM cards_card WHERE id = %s", [uuid_of(card)]))

    @pytest.mark.parametrize(
        ("column", "value", "constraint"),
        [
            ("status", "'gone'", "card_status_is_known"),
            ("type", "'gold'", "card_type_is_known"),
            ("holder_name", "''", "card_has_a_holder"),
            ("last_four", "'12a4'", "card_last_four_are_digits"),
            ("last_four", "'123'", "card_last_four_are_digits"),
            ("expiry_month", "13", "card_expiry_is_a_month"),
            ("expiry_month", "0", "card_expiry_is_a_month"),
            ("expiry_year", "2100", "card_expiry_is_a_month"),
            ("limit_per_transaction_cents", "0", "card_limit_per_transaction_cents_in_range"),
            ("limit_per_day_cents", "-1", "card_limit_per_day_cents_in_range"),
            ("limit_per_month_cents", str(2**53), "card_limit_per_month_cents_in_range"),
        ],
    )
    def test_is_refused_with_what_no_card_has(self, card, column, value, constraint):
        commit(copy_of(card))
        assert constraint in refusal(copy_of(card, **{column: value}))

    @pytest.mark.parametrize("factory", [IncomeSourceFactory, ExternalAccountFactory])
    def test_is_refused_on_an_account_that_is_no_pod(self, acme, card, factory):
        account = factory(organization=acme)

        assert "has no pod" in refusal(copy_of(card, account_id=uuid_text(account)))

    def test_is_refused_on_the_pod_of_another_organization(self, globex, card):
        foreign = PodFactory(organization=globex)

        assert "of_same_organization" in refusal(copy_of(card, account_id=uuid_text(foreign)))

    def test_is_never_active_on_a_deleted_pod(self, api, acme):
        pod = PodFactory(organization=acme)
        card = issue(pod)
        set_card_status(card_id=card.id, status=CardStatus.INACTIVE)
        assert api.delete(f"/accounts/{pod.id}").status_code == 204

        assert "a deleted one" in refusal(change(card, "status = 'active'"))
        assert "a deleted one" in refusal(copy_of(card, status="'frozen'"))
        commit(change(card, "status = 'lost'"))

    def test_has_a_trail_that_stays(self, card):
        event = card.events.get()

        for attack in ["UPDATE cards_cardevent SET status = 'lost'", "DELETE FROM cards_cardevent"]:
            assert "Cannot update or delete" in refusal((f"{attack} WHERE pgh_id = %s", [event.pgh_id]))


class TestCardTransaction:
    @pytest.fixture
    def purchase(self, card) -> CardTransaction:
        return buy(card, 10_00)

    @pytest.mark.parametrize(
        "what",
        ["amount_cents = 1", "merchant_name = 'Other'", "direction = 'credit'", "created_at = now()", "card_id = NULL"],
    )
    def test_stays_what_it_is(self, purchase, what):
        assert "Cannot update" in refusal(change(purchase, what))

    @pytest.mark.parametrize("cents", [-1, 0, 5_00, 10_01])
    def test_counts_as_refunded_only_by_refunds(self, purchase, cents):
        assert "Cannot update" in refusal(change(purchase, f"refunded_cents = {cents}"))

    def test_is_never_deleted(self, purchase):
        attack = ("DELETE FROM cards_cardtransaction WHERE id = %s", [uuid_of(purchase)])

        assert "Cannot delete" in refusal(attack)

    def test_is_never_truncated(self, purchase):
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ["cards_cardtransaction", "cards_card"]:
            words = refusal((f"TRUNCATE {table} CASCADE", []))
            assert "never removed" in words or "kept for good" in words

    def test_belongs_to_an_entry_set_of_its_own(self, purchase):
        assert "entry_set_id" in refusal(copy_of(purchase))

    @pytest.mark.parametrize(
        ("column", "value", "constraint"),
        [
            ("amount_cents", "0", "card_transaction_amount_in_range"),
            ("amount_cents", str(2**53), "card_transaction_amount_in_range"),
            ("merchant_name", "''", "card_transaction_has_a_merchant"),
            ("direction", "'credit'", "card_transaction_refund_has_its_purchase"),
            ("direction", "'sideways'", "card_transaction_refund_has_its_purchase"),
        ],
    )
    def test_is_refused_with_what_no_transaction_has(self, purchase, column, value, constraint):
        assert constraint in refusal(copy_of(purchase, **{column: value}))

    def test_is_refused_when_its_postings_do_not_move_it(self, purchase, card):
        entry_set = self.another_entry_set(purchase)

        assert "not what its postings move" in refusal(
            *entry_set, copy_of(purchase, entry_set_id="(SELECT MAX(id) FROM transfers_entryset)", amount_cents="999")
        )
        assert "not what its postings move" in refusal(
            copy_of(purchase, entry_set_id="(SELECT MIN(id) FROM transfers_entryset)")
        )
        commit(*entry_set, copy_of(purchase, entry_set_id="(SELECT MAX(id) FROM transfers_entryset)"))
        assert find_faults() == []

    def another_entry_set(self, purchase, *, sign=1):
        entry_set = purchase.entry_set
        return [
            (
                "INSERT INTO transfers_entryset (organization_id, kind, posted_at)"
                " SELECT organization_id, kind, posted_at FROM transfers_entryset WHERE id = %s",
                [entry_set.id],
            ),
            (
                "INSERT INTO transfers_posting"
                " (organization_id, entry_set_id, account_id, clearing, amount_cents, posted_at)"
                " SELECT organization_id, (SELECT MAX(id) FROM transfers_entryset), account_id, clearing,"
                " %s * amount_cents, posted_at FROM transfers_posting WHERE entry_set_id = %s",
                [sign, entry_set.id],
            ),
        ]

    def attempt(self, purchase, **changes):
        """Return the statements of a refund of $10.00, posted as it should be."""
        columns = {
            "entry_set_id": "(SELECT MAX(id) FROM transfers_entryset)",
            "direction": "'credit'",
            "purchase_id": uuid_text(purchase),
        }
        return [*self.another_entry_set(purchase, sign=-1), copy_of(purchase, **{**columns, **changes})]

    def test_is_refused_as_a_refund_beyond_its_purchase(self, pod, purchase):
        refund(purchase, 1)
        assert "refunded_at_most_once" in refusal(*self.attempt(purchase))
        assert balances(pod) == [90_01]

    def test_counts_for_its_purchase_when_it_is_a_refund(self, purchase):
        commit(*self.attempt(purchase, refunded_cents="7"))

        purchase.refresh_from_db()
        assert purchase.refunded_cents == 10_00
        assert find_faults() == []

    def test_is_refused_as_a_refund_of_a_refund(self, purchase):
        credit = refund(purchase, 5_00)

        assert "has no purchase" in refusal(*self.attempt(purchase, purchase_id=uuid_text(credit)))

    def test_is_refused_as_a_refund_of_another_cards_purchase(self, pod, purchase):
        other = buy(issue(pod), 10_00)

        assert "of_same_card" in refusal(*self.attempt(purchase, purchase_id=uuid_text(other)))

    def test_names_the_pod_of_its_card(self, acme, purchase):
        other = PodFactory(organization=acme)

        assert "of_same_account" in refusal(*self.attempt(purchase, account_id=uuid_text(other)))

    @pytest.mark.parametrize(("is_theirs", "crossing"), [(False, "entry_set_id"), (True, "card_id")])
    def test_stays_within_its_organization(self, globex, purchase, is_theirs, crossing):
        claim = {"organization_id": uuid_text(globex)} if is_theirs else {}

        words = refusal(
            *self.foreign_entry_set(globex),
            copy_of(purchase, entry_set_id="(SELECT MAX(id) FROM transfers_entryset)", **claim),
        )

        assert f"{crossing}_of_same_organization" in words

    def foreign_entry_set(self, organization):
        """Return the statements of another organization's entry set that moves $10.00 in the card network."""
        owner = uuid_of(organization)
        entry_set = "INSERT INTO transfers_entryset (organization_id, kind, posted_at) VALUES (%s, 'card', now())"
        postings = (
            "INSERT INTO transfers_posting (organization_id, entry_set_id, clearing, amount_cents, posted_at)"
            " SELECT %s, (SELECT MAX(id) FROM transfers_entryset), clearing, cents, now()"
            " FROM (VALUES ('cards', 1000), ('deposits', -1000)) leg (clearing, cents)"
        )
        return [(entry_set, [owner]), (postings, [owner])]


class TestCardDecline:
    def test_stays_as_it_was_written(self, globex, card):
        declined(card, 100_01)
        decline = CardDecline.objects.get()

        for attack in ["UPDATE cards_carddecline SET amount_cents = 1", "DELETE FROM cards_carddecline"]:
            assert "Cannot update or delete" in refusal((f"{attack} WHERE id = %s", [decline.id]))
        insert = (
            "INSERT INTO cards_carddecline (organization_id, card_id, amount_cents, merchant_name, reason, created_at)"
            " SELECT %s, card_id, 1, 'M', {}, now() FROM cards_carddecline"
        )
        assert "reason_is_known" in refusal((insert.format("'mood'"), [uuid_of(card.organization)]))
        assert "of_same_organization" in refusal((insert.format("reason"), [uuid_of(globex)]))
