"""The approvals desk: what it tells of all that waits, and who sees it."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apikeys.models import ApiKey
from apikeys.services import rotate_api_key
from sequence.core.audit_log.models import AuditEntry, Via
from tests.factories import ExternalAccountFactory, PodFactory, set_balance
from tests.staff import Staff
from tests.transfers.desk.steps import DESK, NOON, decide, form_of, read, rows, statuses, ticked_on
from tests.transfers.steps import settle
from transfers.admin.desk import PAGE_SIZE
from transfers.models import AchLimits, Status, Transfer

pytestmark = pytest.mark.usefixtures("at_noon")


class TestDesk:
    def test_tells_all_that_a_decision_needs(self, ann, ask, key_with):
        api = key_with("@900000;day=800000;month=1000000;approval=0")
        ask(100_000, api=api)
        ask(600_000, api=api, description="RENT", reason="The landlord wrote")

        [_, row] = rows(ann)

        for words in (
            "$6,000.00",
            "Can be paid",
            "1 week left",
            "“Main Payroll”: Pod",
            "“Chase checking”: External depository at “First Bank”",
            "Payments (",
            "key active",
            "Why: “The landlord wrote”",
            "On the statement: RENT",
            "$7,000.00 → $1,000.00",
            "Of $8,000.00 a day (UTC): $1,000.00 used by others, $6,000.00 by this, $1,000.00 left",
            "Of $10,000.00 a calendar month (UTC)",
            "Nothing was ever paid to it.",
        ):
            assert words in row

    def test_has_those_on_top_that_expire_first(self, ann, ask, set_clock):
        [new] = ask(300)
        set_clock(NOON - timedelta(days=6, hours=2))
        [old] = ask(200)
        set_clock(NOON)

        told = rows(ann)

        assert ["$2.00" in told[0], "$3.00" in told[1]] == [True, True]
        assert "22 hours left" in told[0].replace("\xa0", " ")
        assert '<span class="left soon">' in read(ann)
        assert {new.status, old.status} == {Status.PENDING_APPROVAL}

    def test_tells_beforehand_how_it_would_end(self, ann, ask, pod, acme):
        ask(600_000)
        set_balance(pod, 1_000)
        assert "Would end as incomplete: $5,990.00 short" in rows(ann)[0]
        assert "$10.00 → -$5,990.00" in rows(ann)[0]

        set_balance(pod, 700_000)
        AchLimits.objects.create(organization=acme, daily_credit_cents=100)
        assert "Cannot be paid now: Daily" in rows(ann)[0]

        ApiKey.objects.update(paused_at=NOON, paused_by="staff:bob")
        assert "Cannot be approved: The key that asked for it is paused." in rows(ann)[0]
        assert "key paused" in rows(ann)[0]

    def test_counts_what_the_rows_above_would_draw(self, ann, ask):
        ask(600_000, 200_000, 100_000)

        told = rows(ann)

        assert ["After those above it" in row for row in told] == [False, True, False]
        assert "After those above it $1,000.00 short" in told[1]
        assert all("Can be paid" in row for row in told)

    def test_tells_the_last_payments_to_the_destination(self, ann, ask, api, pod, bank):
        for cents in (10_00, 20_00, 30_00, 40_00):
            ask(cents, api=api)  # Nobody is asked.
            settle(NOON)
        settle(NOON + timedelta(minutes=5))
        ask(50_00)

        [row] = rows(ann)

        assert re.search(r"Paid to it last: \$40.00 .*\$30.00 .*\$20.00 2026-05-13", row)
        assert "$10.00" not in row

    def test_tells_of_the_key_that_took_the_place_of_the_one_that_asked(self, ann, ask):
        [transfer] = ask(1_00)
        new, _ = rotate_api_key(key_id=transfer.api_key_id, overlap=timedelta(0), rotated_by="staff:bob")

        assert f"{new} key active took the place of {transfer.api_key}" in rows(ann)[0]

    def test_is_narrowed_down_to_an_organization(self, ann, ask, key_with, globex):
        ask(1_00)
        theirs = PodFactory(organization=globex), PodFactory(organization=globex)
        ask(2_00, api=key_with(organization=globex), source=theirs[0], destination=theirs[1])

        assert len(rows(ann)) == 2
        assert "Acme (1)" in read(ann)
        [row] = rows(ann, organization=globex.id)
        assert "$2.00" in row
        assert '1</strong> transfer of <strong class="amount">$2.00' in read(ann, organization=globex.id)
        assert "Nothing waits for a person here" in read(ann, organization="org_none")

    def test_is_paged(self, ann, ask, monkeypatch):
        monkeypatch.setattr("transfers.admin.desk.PAGE_SIZE", 2)
        ask(1_00, 2_00, 3_00, 4_00, 5_00)

        assert [len(rows(ann, page=page)) for page in ("1", "2", "3", "9")] == [2, 2, 1, 1]
        assert "5</strong> transfers of" in read(ann)
        assert "Here are 3 to 4." in read(ann, page="2")

    def test_ticks_what_a_link_asks_for(self, ann, ask, pod):
        ask(1_00, 800_000)

        assert [len(ticked_on(read(ann, ticked=which))) for which in ("", "payable", "all")] == [0, 1, 2]

    def test_says_so_when_nothing_waits(self, ann):
        assert "Nothing waits for a person." in read(ann)

    def test_is_reached_from_wherever_approvals_are_counted(self, ask, acme):
        ask(1_00)
        root = Staff("root", is_superuser=True)

        assert root.get("").content.decode().count(f'href="/admin/{DESK}"') == 2
        assert f"/admin/{DESK}?organization={acme.id}" in root.get("", organization=acme.id).content.decode()
        assert f'href="/admin/{DESK}"' in root.get("transfers/transfer/").content.decode()

    def test_costs_the_same_for_five_rows_and_for_a_hundred(self, ann, key_with, ask, acme):
        AchLimits.objects.create(organization=acme, daily_credit_cents=50_000)

        def cost():
            with CaptureQueriesContext(connection) as captured:
                ann.get(DESK)
            return len(captured)

        for _ in range(5):
            ask(1_00)
        few = cost()
        _copies(Transfer.objects.waiting_for_a_person()[0], 95, acme)

        assert Transfer.objects.waiting_for_a_person().count() == PAGE_SIZE
        assert cost() == few <= 22


def _copies(transfer, number, organization):
    """Put as many more like it on the desk, each to an account of its own."""
    banks = ExternalAccountFactory.create_batch(number, organization=organization)
    rows = []
    for bank in banks:
        copy = Transfer.objects.get(id=transfer.id)
        copy.pk, copy.destination_id = Transfer().pk, bank.id
        rows.append(copy)
    Transfer.objects.bulk_create(rows)


class TestViewers:
    @pytest.fixture
    def eve(self, db):
        return Staff("eve", "transfers.view_transfer")

    def test_look_and_do_not_decide(self, eve, ann, ask):
        [transfer] = ask(1_00)

        text = read(eve)
        assert "$1.00" in text
        assert 'name="decision"' not in text
        assert 'type="checkbox"' not in text
        answer = decide(eve, "approve", [transfer], form=form_of(ann.get(DESK)))
        assert answer.status_code == 403
        assert statuses([transfer]) == [Status.PENDING_APPROVAL]
        entry = AuditEntry.objects.get(via=Via.ADMIN)
        assert (entry.action, entry.error_code, entry.resource_id) == ("APPROVE_TRANSFER", "forbidden", transfer.id)

    def test_need_to_be_let_in(self, db):
        assert Staff("nobody", "accounts.view_account").get(DESK).status_code == 403
