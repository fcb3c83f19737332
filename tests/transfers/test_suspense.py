"""Suspense is worked off: each item says how it came there, and two persons post it where it belongs, once."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from accounts.services import delete_account
from cards.models import CardStatus
from cards.services import set_card_status
from sequence.core import clock
from sequence.core.admin.trail import Filters, newest_changes
from sequence.core.audit_log.models import AuditEntry
from sequence.core.transactions import transactional
from tests.cards.steps import buy, issue, refund
from tests.factories import PodFactory
from tests.past_guards import unguarded
from tests.staff import Staff, list_of, messages_of, page_of
from tests.transfers.at_once import at_once
from tests.transfers.steps import balances, fund, settle, transfer_between
from transfers.errors import SuspenseItemNotFound, SuspenseNotPostable
from transfers.ledger_invariants import find_faults
from transfers.models import Clearing, Posting, SuspenseItem
from transfers.simulated_rail_control import return_payment
from transfers.suspense import cause_of, confirm_suspense, propose_suspense, withdraw_suspense

ANN, BOB = "staff:ann", "staff:bob"
VIEW = "transfers.view_suspenseitem"
PROPOSE, CONFIRM = "transfers.propose_suspenseitem", "transfers.confirm_suspenseitem"


@pytest.fixture
def savings(acme):
    return PodFactory(organization=acme, name="Old savings")


@pytest.fixture
def item(income, savings):
    """$30.00 that a card's refund would have brought to a pod that is deleted."""
    return too_late(savings, 30_00)


@pytest.fixture
def owed(api, acme, rent, bank, later):
    """$20.00 of a pull that came back after the pod had spent them."""
    pull = transfer_between(api, bank, rent, 50_00)
    settle()
    settle(later())
    pull.refresh_from_db()
    assert pull.status == "complete"
    spare = PodFactory(organization=acme, name="Spare")
    transfer_between(api, rent, spare, 20_00)
    settle()
    return_payment(pull.id, "payment_failed")
    return SuspenseItem.objects.get()


def too_late(pod, cents: int) -> SuspenseItem:
    """Return the item of a card's refund to a pod that is deleted meanwhile."""
    fund(pod, cents)
    purchase = buy(card := issue(pod), cents)
    set_card_status(card_id=card.id, status=CardStatus.LOST)
    delete_account(organization_id=pod.organization_id, account_id=pod.id)
    refund(purchase, cents)
    return SuspenseItem.objects.latest("id")


def in_suspense() -> int:
    return Posting.objects.filter(clearing=Clearing.SUSPENSE).aggregate(cents=Sum("amount_cents"))["cents"] or 0


def written_off() -> int:
    return Posting.objects.filter(clearing=Clearing.WRITE_OFF).aggregate(cents=Sum("amount_cents"))["cents"] or 0


def work_off(item, account=None):
    propose_suspense(item_id=item.id, account_id=account and account.id, by=ANN, note="It is theirs")
    return confirm_suspense(item_id=item.id, by=BOB)


def told(item) -> str:
    return cause_of(SuspenseItem.objects.with_cause().get(id=item.id))


class TestAnItem:
    def test_says_that_a_refund_came_back_to_a_deleted_pod(self, item):
        assert item.amount_cents == 30_00
        assert told(item) == "$30.00 of a card refund came back to a pod that is deleted."

    def test_says_which_transfer_came_back_and_who_owes_it(self, owed):
        assert owed.amount_cents == -20_00
        transfer = owed.posting.entry_set.transfer_id
        assert told(owed).startswith(f"{transfer} came back (Payment Failed): $20.00 are owed by “Rent”")

    def test_says_whose_the_money_was_that_came_back(self, api, savings, bank, later):
        fund(savings, 30_00)
        transfer = transfer_between(api, savings, bank, 30_00)
        settle()
        settle(later())
        assert api.delete(f"/accounts/{savings.id}").status_code == 204
        return_payment(transfer.id, "payment_failed")

        assert "$30.00 belong on “Old savings”, which is deleted." in told(SuspenseItem.objects.get())


class TestWorkingItOff:
    def test_moves_it_to_an_account_and_nothing_else(self, item, rent):
        before = balances(rent)[0]

        work_off(item, rent)

        assert balances(rent) == [before + 30_00]
        assert (in_suspense(), written_off()) == (0, 0)
        assert find_faults() == []

    def test_takes_what_is_owed_from_an_account(self, owed, income):
        before = balances(income)[0]

        work_off(owed, income)

        assert balances(income) == [before - 20_00]
        assert in_suspense() == 0
        assert find_faults() == []

    @pytest.mark.parametrize(("name", "cents"), [("item", 30_00), ("owed", -20_00)])
    def test_writes_it_off(self, request, name, cents):
        work_off(request.getfixturevalue(name))

        assert (in_suspense(), written_off()) == (0, cents)
        assert find_faults() == []

    def test_makes_no_item_of_its_own_posting(self, item, rent):
        work_off(item, rent)

        assert SuspenseItem.objects.count() == 1
        assert not SuspenseItem.objects.open().exists()

    def test_is_two_persons_work(self, item, rent):
        propose_suspense(item_id=item.id, account_id=rent.id, by=ANN, note="Theirs")

        with pytest.raises(SuspenseNotPostable, match="somebody else must post it"):
            confirm_suspense(item_id=item.id, by=ANN)
        assert in_suspense() == 30_00

    def test_takes_two_commands_of_one_user_for_one_person(self, item, rent):
        propose_suspense(item_id=item.id, account_id=rent.id, by="command:propose_suspense:root", note="Theirs")

        with pytest.raises(SuspenseNotPostable, match="somebody else must post it"):
            confirm_suspense(item_id=item.id, by="command:confirm_suspense:root")

    def test_wants_a_proposal(self, item):
        for act in (lambda: confirm_suspense(item_id=item.id, by=BOB), lambda: withdraw_suspense(item_id=item.id)):
            with pytest.raises(SuspenseNotPostable, match="Nobody has proposed"):
                act()
        with pytest.raises(SuspenseItemNotFound):
            confirm_suspense(item_id=item.id + 1, by=BOB)

    def test_is_done_once(self, item, rent):
        work_off(item, rent)

        for act in (
            lambda: confirm_suspense(item_id=item.id, by="staff:eve"),
            lambda: propose_suspense(item_id=item.id, account_id=None, by=ANN, note="Again"),
            lambda: withdraw_suspense(item_id=item.id),
        ):
            with pytest.raises(SuspenseNotPostable, match="posted by staff:bob"):
                act()
        assert in_suspense() == 0

    def test_can_be_proposed_anew_or_dropped(self, item, rent):
        propose_suspense(item_id=item.id, account_id=rent.id, by=ANN, note="Theirs")
        propose_suspense(item_id=item.id, account_id=None, by=BOB, note="Nobody's")
        with pytest.raises(SuspenseNotPostable):
            confirm_suspense(item_id=item.id, by=BOB)
        withdraw_suspense(item_id=item.id)

        item.refresh_from_db()
        assert (item.proposed_by, item.account_id, item.is_proposed) == (None, None, False)

    def test_refuses_accounts_that_cannot_take_it(self, item, savings, bank, globex):
        for account, why in (
            (savings, "is deleted"),
            (bank, "is an external account"),
            (PodFactory(organization=globex), "no such account"),
        ):
            with pytest.raises(SuspenseNotPostable, match=why):
                propose_suspense(item_id=item.id, account_id=account.id, by=ANN, note="Theirs")

    def test_refuses_an_account_that_cannot_pay_what_is_owed_by_then(self, owed, acme):
        poor = PodFactory(organization=acme, name="Poor")
        fund(poor, 20_00)
        propose_suspense(item_id=owed.id, account_id=poor.id, by=ANN, note="They owe it")
        buy(issue(poor), 1_00)

        with pytest.raises(SuspenseNotPostable, match="holds too little"):
            confirm_suspense(item_id=owed.id, by=BOB)
        assert in_suspense() == -20_00
        assert find_faults() == []


@pytest.mark.django_db(transaction=True)
class TestManyAtOnce:
    def test_post_an_item_once(self, item, rent):
        propose_suspense(item_id=item.id, account_id=rent.id, by=ANN, note="Theirs")
        before = balances(rent)[0]

        ended = at_once(
            [lambda name=name: confirm_suspense(item_id=item.id, by=f"staff:{name}") for name in "bcdefghi"]
        )

        assert sum(isinstance(each, SuspenseItem) for each in ended) == 1
        assert all(isinstance(each, SuspenseItem | SuspenseNotPostable) for each in ended)
        assert balances(rent) == [before + 30_00]
        assert find_faults() == []

    def test_never_post_what_was_just_proposed_otherwise(self, item, rent, income):
        """Whoever confirms has read one proposal; another one that came first is no other account's gain."""
        propose_suspense(item_id=item.id, account_id=rent.id, by=ANN, note="Theirs")
        before = balances(rent, income)

        at_once(
            [
                lambda: confirm_suspense(item_id=item.id, by=BOB),
                lambda: propose_suspense(item_id=item.id, account_id=income.id, by="staff:eve", note="No"),
                lambda: withdraw_suspense(item_id=item.id),
            ]
        )

        item.refresh_from_db()
        gained = [after - cents for after, cents in zip(balances(rent, income), before, strict=True)]
        wanted = [0, 0] if item.is_open else [30_00, 0] if item.account_id == rent.id else [0, 30_00]
        assert gained == wanted
        assert find_faults() == []


class TestTheDatabase:
    @pytest.mark.parametrize("values", [{"posted_by": BOB, "posted_at": clock.now()}, {"amount_cents": 1}])
    def test_refuses_to_call_it_posted_without_the_money(self, item, rent, values):
        propose_suspense(item_id=item.id, account_id=rent.id, by=ANN, note="Theirs")

        with pytest.raises(IntegrityError):
            change(item, **values)

    def test_refuses_that_one_person_posts_it(self, item, rent):
        propose_suspense(item_id=item.id, account_id=rent.id, by=ANN, note="Theirs")
        other = Posting.objects.filter(account=rent).first() or item.posting

        with pytest.raises(IntegrityError, match="another person"):
            change(item, posted_by=ANN, posted_at=clock.now(), entry_set_id=other.entry_set_id)

    def test_refuses_to_change_what_is_posted(self, item, rent):
        work_off(item, rent)

        with pytest.raises(IntegrityError):
            change(item, posting_note="Other")

    @pytest.mark.as_owner
    def test_whose_items_were_tampered_with_is_found_out(self, item, rent):
        work_off(item, rent)
        with unguarded("transfers_suspenseitem"):
            change(item, account_id=None)

        assert {fault.check for fault in find_faults()} == {"suspense_is_worked_off_as_decided"}

    @pytest.mark.as_owner
    def test_whose_items_are_gone_is_found_out(self, item):
        with unguarded("transfers_suspenseitem"), connection.cursor() as cursor:
            cursor.execute("DELETE FROM transfers_suspenseitem")

        assert {fault.check for fault in find_faults()} == {"suspense_is_itemized"}


@transactional
def change(item: SuspenseItem, **values) -> None:
    SuspenseItem.objects.filter(id=item.id).update(**values)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class TestThePages:
    def test_let_one_propose_and_another_confirm(self, item, rent):
        ann, bob = Staff("ann", VIEW, PROPOSE), Staff("bob", VIEW, CONFIRM)
        form = {"where": "account", "account": "rent", "note": "They moved"}
        answer = ann.client.post(page_of(item, "propose"), form, follow=True)
        assert messages_of(answer) == ["It is proposed. Another person has to confirm it."]

        page = bob.client.get(page_of(item, "confirm")).content.decode()
        assert "“Rent”" in page
        assert "staff:ann proposed it: They moved" in page
        answer = bob.client.post(page_of(item, "confirm"), {"note": "Checked"}, follow=True)

        assert messages_of(answer) == ["$30.00 left suspense."]
        assert in_suspense() == 0
        item.refresh_from_db()
        assert (item.posted_by, item.posting_note) == (BOB, "Checked")

    def test_offer_the_one_who_proposed_no_button(self, item, rent):
        both = Staff("ann", VIEW, PROPOSE, CONFIRM)
        propose_suspense(item_id=item.id, account_id=rent.id, by=ANN, note="Theirs")

        assert "so somebody else must post it" in both.client.get(page_of(item, "confirm")).content.decode()
        both.client.post(page_of(item, "confirm"), {"note": ""})
        assert in_suspense() == 30_00

    def test_let_nobody_do_anything_who_may_only_look(self, item):
        viewer = Staff("vic", VIEW)

        for page in ("propose", "confirm", "withdraw"):
            assert viewer.client.post(page_of(item, page), {"where": "write_off", "note": "x"}).status_code == 403
        assert viewer.client.get(page_of(item)).status_code == 200

    def test_say_which_account_is_meant(self, item, acme, rent):
        ann = Staff("ann", VIEW, PROPOSE)
        PodFactory(organization=acme, name="rent")

        answer = ann.client.post(
            page_of(item, "propose"), {"where": "account", "account": "Rent", "note": "x"}, follow=True
        )
        assert "Several accounts have this name" in messages_of(answer)[0]
        page = ann.client.post(page_of(item, "propose"), {"where": "account", "account": "", "note": "x"})
        assert "Which account?" in page.content.decode()

    def test_are_on_the_trail_and_in_the_audit_log(self, item, rent):
        Staff("ann", VIEW, PROPOSE).client.post(page_of(item, "propose"), {"where": "write_off", "note": "Nobody's"})
        Staff("bob", VIEW, CONFIRM).client.post(page_of(item, "confirm"), {"note": "So it is"})

        kind = "transfers.suspenseitemevent"
        changes = newest_changes(Filters(kind=kind)).changes
        assert [(each.actor, each.verb, each.reason) for each in changes] == [
            (BOB, "posted", "So it is"),
            (ANN, "proposal changed", "Nobody's"),
        ]
        actions = AuditEntry.objects.filter(via="admin").order_by("id").values_list("action", "actor")
        assert list(actions) == [("PROPOSE_SUSPENSE", ANN), ("CONFIRM_SUSPENSE", BOB)]

    def test_list_what_is_open_in_as_many_queries_however_much_there_is(self, item, acme):
        ann = Staff("ann", VIEW)

        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                response = ann.client.get(list_of(SuspenseItem))
            assert response.status_code == 200
            return len(captured)

        few = queries()
        for _ in range(3):
            too_late(PodFactory(organization=acme), 5_00)
        assert SuspenseItem.objects.count() == 4
        assert queries() == few <= 8

    def test_lead_to_what_it_came_from(self, item):
        ann = Staff("ann", VIEW, "cards.view_cardtransaction")

        assert "Its card transaction" in ann.client.get(page_of(item)).content.decode()


class TestTheCommands:
    def run(self, *words) -> dict:
        out = StringIO()
        call_command(*[str(word) for word in words], "--json", stdout=out)
        return json.loads(out.getvalue())

    def test_list_propose_and_confirm(self, item, rent, django_user_model):
        django_user_model.objects.create_user("bob", is_staff=True)
        [listed] = self.run("list_suspense")
        assert (listed["item"], listed["amount_in_cents"], listed["state"]) == (item.id, 30_00, "undecided")
        assert "card refund" in listed["cause"]

        told = self.run("propose_suspense", item.id, "--to", "Rent", "--note", "They moved")
        assert (told["state"], told["account"]) == ("proposed", rent.id)
        told = self.run("confirm_suspense", item.id, "--by", "bob", "--note", "Checked")

        assert (told["state"], told["posted_by"]) == ("posted", BOB)
        assert self.run("list_suspense") == []
        assert len(self.run("list_suspense", "--all")) == 1
        assert [entry.action for entry in AuditEntry.objects.filter(via="command").order_by("id")] == [
            "PROPOSE_SUSPENSE",
            "CONFIRM_SUSPENSE",
        ]

    def test_refuse_the_same_person_and_drop_proposals(self, item):
        self.run("propose_suspense", item.id, "--write-off", "--note", "Nobody's")

        with pytest.raises(CommandError, match="somebody else must post it"):
            self.run("confirm_suspense", item.id)
        assert self.run("withdraw_suspense", item.id, "--note", "A mistake")["state"] == "undecided"

    def test_want_a_place_and_a_note(self, item):
        for words in (["--note", "x"], ["--write-off"], ["--write-off", "--to", "Rent", "--note", "x"]):
            with pytest.raises(CommandError):
                self.run("propose_suspense", item.id, *words)
