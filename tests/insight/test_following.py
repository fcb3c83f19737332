"""Following money: to the cent, forwards as backwards, and no further than a page should go."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from cards.models import CardTransaction
from cards.services import charge_card, issue_card, refund_at_merchant
from rules.models import RuleExecution
from sequence.core import clock
from sequence.insight.following import shares, walks
from sequence.insight.following.hops import Hop
from sequence.insight.following.shares import brought_by, carried_away
from sequence.insight.following.walks import WIDTH
from sequence.insight.following_page import PAGE_DEPTH
from tests.factories import OrganizationFactory, PodFactory
from tests.rules.definitions import manual, on_funds, rule, step
from tests.rules.steps import move, run_now, write_enabled
from tests.staff import Staff, page_of
from tests.transfers.steps import fund, settle, transfer_between
from transfers.models import ErrorCode, Posting, Transfer
from transfers.services import pull_from_outside
from transfers.simulated_rail_control import return_payment

START = datetime(2026, 1, 1, tzinfo=UTC)
VIEW = ["accounts.view_account", "transfers.view_posting"]


@pytest.fixture
def root(db):
    return Staff("root", is_superuser=True)


def queued(postings: list[Posting]) -> dict[tuple[int, int], int]:
    """Return what each departure took of each arrival, by entry sets: the plain way, from the front of a queue."""
    queue: list[list[int]] = []
    taken = {}
    for posting in postings:
        left = -posting.amount_cents
        if left < 0:
            queue.append([posting.entry_set_id, -left])
        while left > 0:
            share = min(left, queue[0][1])
            taken[queue[0][0], posting.entry_set_id] = share
            left, queue[0][1] = left - share, queue[0][1] - share
            queue = [one for one in queue if one[1]]
    return taken


class TestShares(TestCase):
    """A TestCase of hypothesis: each example has a transaction of its own."""

    @settings(deadline=None, max_examples=min(15, settings.default.max_examples))
    @given(st.lists(st.integers(-9_000, 9_000).filter(bool), min_size=1, max_size=14))
    def test_are_the_same_both_ways_and_add_up(self, moves):
        pod = PodFactory(organization=OrganizationFactory())
        held = 0
        for number, cents in enumerate(moves):
            with clock.stopped_at(START + timedelta(hours=number // 2)):
                if cents > 0:
                    fund(pod, cents)
                elif held + cents >= 0:
                    pull_from_outside(account_id=pod.id, amount_cents=-cents, by="test")
                else:
                    continue
            held += cents
        postings = list(Posting.objects.filter(account=pod).order_by("posted_at", "id"))
        came = {row.pk: row for row in postings if row.amount_cents > 0}
        went = {row.pk: row for row in postings if row.amount_cents < 0}

        onwards = carried_away(came, width=100)
        back = brought_by(went, width=100)

        there = {
            (came[id].entry_set_id, other): cents for id, row in onwards.items() for other, cents in row.shares.items()
        }
        here = {
            (other, went[id].entry_set_id): cents for id, row in back.items() for other, cents in row.shares.items()
        }
        assert there == here == queued(postings)
        for id, split in onwards.items():
            assert sum(split.shares.values()) + split.rest_cents == split.cents == came[id].amount_cents
        assert all(split.rest_cents == 0 and sum(split.shares.values()) == split.cents for split in back.values())
        assert sum(split.rest_cents for split in onwards.values()) == held


class TestCarriedAway:
    def test_takes_money_in_the_order_in_which_it_came(self, income):
        for cents in (10_00, 20_00):
            fund(income, cents)
        for cents in (6_00, 9_00, 5_00):
            pull_from_outside(account_id=income.id, amount_cents=cents, by="test")
        postings = Posting.objects.filter(account=income).order_by("id")
        first, second, *drawn = postings

        splits = carried_away([first.pk, second.pk], width=100)

        assert splits[first.pk].shares == {drawn[0].entry_set_id: 6_00, drawn[1].entry_set_id: 4_00}
        assert splits[second.pk].shares == {drawn[1].entry_set_id: 5_00, drawn[2].entry_set_id: 5_00}
        assert (splits[first.pk].rest_cents, splits[second.pk].rest_cents) == (0, 10_00)

    def test_counts_what_it_leaves_out_and_looks_no_further_than_it_says(self, income, monkeypatch):
        fund(income, 10_00)
        for _ in range(6):
            pull_from_outside(account_id=income.id, amount_cents=1_00, by="test")
        arrived = Posting.objects.filter(account=income).earliest("id").pk

        cut = carried_away([arrived], width=2)[arrived]
        monkeypatch.setattr(shares, "REACH", 3)
        short = carried_away([arrived], width=9)[arrived]

        assert (len(cut.shares), cut.number, cut.rest_cents, cut.is_beyond_reach) == (2, 6, 4_00, False)
        assert (len(short.shares), short.rest_cents, short.is_beyond_reach) == (3, 7_00, True)


def told(hop: Hop, level: int = 0) -> list[str]:
    """Return a tree of lines, each below the one that it comes of."""
    own = " | ".join(part for part in (hop.words, hop.note) if part)
    return ["  " * level + own, *(line for below in hop.onwards for line in told(below, level + 1))]


def ways(staff: Staff, obj) -> tuple[list[str], list[str]]:
    """Return the page's lines backwards and forwards."""
    response = staff.get(f"transfers/posting/follow/{obj.pk}/")
    assert response.status_code == 200, response
    back, onwards = hops_of(response)
    return told(back), told(onwards)


def hops_of(response) -> tuple[Hop, Hop]:
    """Return the line that is followed with those of where it came from, and with those of where it went."""
    [(_, back, _), (_, onwards, _)] = response.context["facts"]["ways"]
    return back, onwards


class TestPayday:
    """A paycheck that a rule splits, into a pod from which a card pays."""

    @pytest.fixture
    def bought(self, api, income, rent, savings) -> CardTransaction:
        body = rule(
            step(move(income, rent, 60_00), move(income, savings, 30_00)), trigger=on_funds(income.id), nickname="Split"
        )
        write_enabled(api, body)
        fund(income, 100_00)
        settle()
        card = issue_card(account_id=rent.id, type="virtual", holder_name="Nia")
        charge_card(card_id=card.id, amount_cents=20_00, merchant_name="Green Basket")
        return CardTransaction.objects.get()

    def test_leads_from_the_paycheck_to_the_merchant(self, root, bought):
        _, onwards = ways(root, Transfer.objects.get(origin="paycheck"))

        assert onwards == [
            "$100.00 from outside to Payroll",
            "  Rule Split, version 1 | 2 transfers, $90.00 in all",
            "    $60.00 from Payroll to Rent",
            "      $20.00 spent at Green Basket | took $20.00 of it",
            "      $40.00 is still in Rent",
            "    $30.00 from Payroll to Savings",
            "      $30.00 is still in Savings",
            "  $10.00 is still in Payroll",
        ]

    def test_goes_on_with_what_the_rule_left(self, root, api, bought, income, rent):
        transfer_between(api, income, rent, 4_00)
        settle()

        _, onwards = ways(root, Transfer.objects.get(origin="paycheck"))

        assert onwards[-3:] == [
            "  $4.00 from Payroll to Rent | took $4.00 of it",
            "    $4.00 is still in Rent",
            "  $6.00 is still in Payroll",
        ]

    def test_leads_from_the_merchant_to_the_paycheck(self, root, bought):
        back, _ = ways(root, bought)

        assert back == [
            "$20.00 spent at Green Basket",
            "  $60.00 from Payroll to Rent | brought all of it",
            "    Rule Split, version 1 | 2 transfers, $90.00 in all",
            "      $100.00 from outside to Payroll",
        ]

    def test_leads_both_ways_from_the_run(self, root, bought):
        back, onwards = ways(root, RuleExecution.objects.get())

        assert back[1:] == ["  $100.00 from outside to Payroll"]
        assert onwards[1] == "  $60.00 from Payroll to Rent"
        assert onwards[2].endswith("spent at Green Basket | took $20.00 of it")

    def test_tells_the_balances_before_and_after(self, root, bought):
        hop, _ = hops_of(root.get(f"transfers/posting/follow/{bought.pk}/"))
        [split] = hop.onwards

        assert [(leg.account_name, leg.before_cents, leg.after_cents) for leg in hop.legs] == [("Rent", 60_00, 40_00)]
        assert {(leg.account_name, leg.before_cents, leg.after_cents) for leg in split.legs} == {
            ("Payroll", 100_00, 40_00),
            ("Rent", 0, 60_00),
        }

    def test_stands_on_the_pages_of_all_of_them(self, root, bought):
        for obj in (bought, RuleExecution.objects.get(), *Transfer.objects.all()):
            page = root.client.get(page_of(obj)).content.decode()

            assert "Follow the money" in page
            assert f"/admin/transfers/posting/follow/{obj.pk}/" in page
            assert page.count('class="hop"') >= 1
            # What it is comes first, on a narrow screen too.
            assert page.index('class="form-row field-') < page.index("following-heading")

    def test_tells_a_refund_and_what_it_was_of(self, root, bought):
        refund_at_merchant(card_id=bought.card_id, amount_cents=5_00, merchant_name="Green Basket")
        refund = CardTransaction.objects.get(purchase=bought)

        back, onwards = ways(root, refund)

        assert back[:2] == [
            "$5.00 back from Green Basket",
            "  $20.00 spent at Green Basket | $5.00 of it came back",
        ]
        assert onwards[1:] == ["  $5.00 is still in Rent"]

    def test_does_not_tell_another_organization(self, root, bought, other_api, globex):
        theirs = PodFactory(organization=globex, name="Theirs")
        fund(theirs, 100_00)

        for obj in (bought, *Transfer.objects.filter(organization=bought.organization)):
            assert "Theirs" not in root.get(f"transfers/posting/follow/{obj.pk}/").content.decode()


class TestTransfers:
    def test_by_a_rule_that_no_money_set_off_lead_back_to_what_was_there(self, root, api, income, rent):
        fund(income, 100_00)
        run_now(
            api, write_enabled(api, rule(step(move(income, rent, 40_00)), trigger=manual(income.id), nickname="Save"))
        )

        back, _ = ways(root, Transfer.objects.get(origin="rule"))

        assert back[1:] == ["  $100.00 from outside to Payroll | brought all of it"]
        hop, _ = hops_of(root.get(f"transfers/posting/follow/{Transfer.objects.get(origin='rule').pk}/"))
        assert hop.cause == "Rule Save, version 1"

    def test_that_came_back_lead_there_and_on(self, root, api, income, bank):
        fund(income, 100_00)
        sent = transfer_between(api, income, bank, 30_00)
        settle()
        settle(timezone.now() + timedelta(seconds=60))
        with clock.stopped_at(timezone.now() + timedelta(seconds=90)):
            return_payment(sent.id, ErrorCode.NAME_MISMATCH)

        back, onwards = ways(root, sent)

        assert onwards[1:] == ["  $30.00 back from Checking to Payroll", "    $30.00 is still in Payroll"]
        assert back[1:] == ["  $100.00 from outside to Payroll | brought all of it"]

    def test_that_have_not_moved_yet_say_so(self, root, api, income, rent):
        fund(income, 100_00)
        sent = transfer_between(api, income, rent, 30_00)

        page = root.client.get(page_of(sent)).content.decode()

        assert "It has not moved anything." in page


class TestBounds:
    def test_cut_what_goes_round_in_circles(self, root, api, rent, savings):
        fund(rent, 10_00)
        for _ in range(3):
            transfer_between(api, rent, savings, 10_00)
            settle()
            transfer_between(api, savings, rent, 10_00)
            settle()

        _, onwards = ways(root, Transfer.objects.get(origin="paycheck"))

        assert len(onwards) == PAGE_DEPTH + 1
        page = root.get(f"transfers/posting/follow/{Transfer.objects.get(origin='paycheck').pk}/").content.decode()
        assert "Go on from here" in page

    def test_tell_a_line_once(self, root, api, income, rent, savings):
        """Two halves of the income meet again in one payment."""
        fund(income, 10_00)
        for _ in range(2):
            transfer_between(api, income, rent, 5_00)
        settle()
        transfer_between(api, rent, savings, 10_00)
        settle()

        _, onwards = ways(root, Transfer.objects.get(origin="paycheck"))

        lines = [line.strip() for line in onwards if "to Savings" in line]
        assert lines[0] == "$10.00 from Rent to Savings | took all of it"
        assert lines[1] == "$10.00 from Rent to Savings | took all of it · followed elsewhere on this page"
        assert onwards.count("      $10.00 is still in Savings") == 1

    def test_count_what_they_leave_out_and_lead_to_it(self, root, income):
        fund(income, 100_00)
        for _ in range(WIDTH + 7):
            pull_from_outside(account_id=income.id, amount_cents=1_00, by="test")
        arrival = Transfer.objects.get(origin="paycheck")

        _, onwards = ways(root, arrival)
        _, here = hops_of(root.get(f"transfers/posting/follow/{arrival.pk}/"))
        [more] = [hop for hop in here.onwards if hop.words == "and 7 more"]

        assert onwards[-1] == "  $88.00 is still in Payroll"
        assert root.client.get(more.address).context["cl"].result_count == WIDTH + 7

    def test_stop_at_so_many_lines(self, root, income, monkeypatch):
        monkeypatch.setattr(walks, "MAX_HOPS", 3)
        fund(income, 100_00)
        for _ in range(5):
            pull_from_outside(account_id=income.id, amount_cents=1_00, by="test")

        _, onwards = ways(root, Transfer.objects.get(origin="paycheck"))

        assert len([line for line in onwards if "took" in line]) == 3


class TestPermission:
    def test_is_that_for_accounts_and_the_ledger_and_for_the_object(self, income):
        arrival = fund(income, 10_00)
        path = f"transfers/posting/follow/{arrival.pk}/"

        assert Staff("ann", *VIEW, "transfers.view_transfer").get(path).status_code == 200
        assert Staff("bob", *VIEW).get(path).status_code == 404
        assert Staff("eve", VIEW[0], "transfers.view_transfer").get(path).status_code == 403

    def test_decides_which_names_are_told(self, api, income, rent):
        write_enabled(api, rule(step(move(income, rent, 60_00)), trigger=on_funds(income.id), nickname="Split"))
        arrival = fund(income, 100_00)
        settle()
        card = issue_card(account_id=rent.id, type="virtual", holder_name="Nia")
        charge_card(card_id=card.id, amount_cents=20_00, merchant_name="Green Basket")

        page = Staff("ann", *VIEW, "transfers.view_transfer").get(f"transfers/posting/follow/{arrival.pk}/")

        text = page.content.decode()
        assert "A rule" in text
        assert "spent at a merchant" in text
        for name in ("Split", "Green Basket", "Nia", "/ruleexecution/", "/cardtransaction/"):
            assert name not in text

    @pytest.mark.parametrize("id", ["txr_01ARZ3NDEKTSV4RRFFQ69G5FAV", "acc_01ARZ3NDEKTSV4RRFFQ69G5FAV", "nonsense"])
    def test_does_not_help_where_there_is_nothing(self, root, id):
        assert root.get(f"transfers/posting/follow/{id}/").status_code == 404


class TestQueries:
    def test_are_as_many_for_much_as_for_little(self, root, api, income, rent, savings):
        def grow(number: int) -> None:
            for _ in range(number):
                transfer_between(api, income, rent, 1_00)
                transfer_between(api, rent, savings, 1_00)
            settle()

        fund(income, 500_00)
        fund(rent, 1_00)
        grow(3)
        arrival = Transfer.objects.filter(destination=income).earliest("created_at")

        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                root.get(f"transfers/posting/follow/{arrival.pk}/")
            return len(captured)

        queries()
        few = queries()
        grow(8)

        assert queries() == few
        assert few <= 60
        assert Posting.objects.filter(account=income).aggregate(total=Sum("amount_cents"))["total"] == 489_00
