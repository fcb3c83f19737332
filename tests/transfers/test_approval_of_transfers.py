"""Transfers above an entry's approval_above wait for a person, and who that may be."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apikeys.entries import parse_permissions
from apikeys.models import ApiKey
from apikeys.services import create_api_key, edit_api_key, rotate_api_key, set_permissions
from tests.client import Api
from tests.transfers.steps import (
    assert_nothing_moved,
    error_of,
    post_transfer,
    settle,
    status_of,
    transfer_between,
)
from transfers.errors import ApprovalRefused, TransferNotDecidable, TransferNotFound
from transfers.ledger_invariants import find_faults
from transfers.models import Status
from transfers.services import approve_transfer, cancel_transfer, reject_transfer


class TestApprovalAbove:
    def test_sends_a_larger_transfer_to_a_person(self, client_with, ask):
        api = client_with("MANUAL_TRANSFER:*>*;approval=2000")

        assert [ask(api, cents) for cents in (20_00, 20_01)] == ["processing", "pending_approval"]

    def test_of_zero_sends_every_transfer_to_a_person(self, client_with, ask):
        assert ask(client_with("MANUAL_TRANSFER:*>*;approval=0"), 1_00) == "pending_approval"

    @pytest.mark.parametrize("order", [1, -1])
    def test_gives_way_to_an_entry_that_allows_it_without(self, client_with, ask, income, order):
        entries = ["*>*@9000;approval=1000", f"{income.id}>*@2000"][::order]
        api = client_with("MANUAL_TRANSFER:" + ",".join(entries))

        assert [ask(api, cents) for cents in (20_00, 20_01, 90_01)] == [
            "processing",
            "pending_approval",
            "max_amount_exceeded",
        ]

    def test_comes_back_when_the_other_entry_is_used_up(self, client_with, ask, income):
        api = client_with(f"MANUAL_TRANSFER:*>*;approval=0,{income.id}>*;day=2000")

        assert [ask(api, cents) for cents in (20_00, 1_00)] == ["processing", "pending_approval"]
        assert find_faults() == []

    def test_moves_nothing_by_itself(self, client_with, ask, income, rent):
        assert ask(client_with("MANUAL_TRANSFER:*>*;approval=0"), 1_00) == "pending_approval"

        settle()

        assert_nothing_moved()


class TestApproval:
    """approve_transfer and reject_transfer."""

    @pytest.fixture
    def key_and_api(self, acme):
        key, token = create_api_key(
            organization=acme,
            name="Payments",
            permissions=parse_permissions(["MANUAL_TRANSFER:*>*@5000;day=6000;approval=0"]),
            created_by="staff:ann",
        )
        return key, Api(token)

    @pytest.fixture
    def waiting(self, key_and_api, income, rent):
        return transfer_between(key_and_api[1], income, rent, 30_00)

    def approve(self, transfer, by="staff:bob"):
        return approve_transfer(transfer_id=transfer.id, by=by)

    def change(self, key, *permissions, by="staff:ann"):
        set_permissions(key_id=key.id, permissions=parse_permissions(permissions), changed_by=by)

    def assert_refused(self, transfer, words, by="staff:bob"):
        with pytest.raises(ApprovalRefused, match=words):
            self.approve(transfer, by)
        settle()
        assert status_of(transfer) == ("pending_approval", None)
        transfer.refresh_from_db()
        assert transfer.decided_by is None
        assert_nothing_moved()

    def test_lets_it_go_ahead(self, waiting):
        self.approve(waiting)
        settle()

        assert status_of(waiting) == ("complete", None)
        waiting.refresh_from_db()
        assert waiting.decided_by == "staff:bob"
        assert waiting.decided_at is not None
        assert find_faults() == []

    def test_is_refused_to_whoever_made_or_ever_changed_the_key(self, waiting, key_and_api):
        key, _ = key_and_api
        self.change(key, "MANUAL_TRANSFER:*>*@5000;day=6000;approval=0", by="staff:bob")
        edit_api_key(key_id=key.id, changes={"name": "Payouts"}, changed_by="staff:cleo")

        self.assert_refused(waiting, r"ann created the key that asked for this, so somebody else", by="staff:ann")
        self.assert_refused(waiting, "bob changed the key", by="staff:bob")
        self.assert_refused(waiting, "cleo changed the key", by="staff:cleo")
        self.approve(waiting, by="staff:dan")

    def test_is_refused_to_every_custodian_of_the_lineage_whichever_key_asked(self, key_and_api, income, rent):
        key, first = key_and_api
        overlap = timedelta(hours=24)
        self.change(key, "MANUAL_TRANSFER:*>*;approval=0", by="staff:bob")
        second, token = rotate_api_key(key_id=key.id, overlap=overlap, rotated_by="staff:cleo")
        third, last = rotate_api_key(key_id=second.id, overlap=overlap, rotated_by="staff:dan")
        edit_api_key(key_id=third.id, changes={"expires_at": None}, changed_by="staff:eve")
        asked = [transfer_between(api, income, rent, 10_00) for api in (first, Api(token), Api(last))]

        for transfer in asked:
            for person in ("ann", "bob", "cleo", "dan", "eve"):
                self.assert_refused(transfer, f"{person} .* the key that asked for this", by=f"staff:{person}")
        for transfer in asked:
            self.approve(transfer, by="staff:zoe")

    def test_is_refused_to_one_person_who_rotates_the_key_and_asks_with_the_new_secret(self, key_and_api, income, rent):
        key, _ = key_and_api
        _, token = rotate_api_key(key_id=key.id, overlap=timedelta(0), rotated_by="staff:bob")
        transfer = transfer_between(Api(token), income, rent, 30_00)

        self.assert_refused(transfer, "bob rotated the key", by="staff:bob")

    def test_is_nobodys_matter_who_made_another_key(self, waiting, acme):
        create_api_key(organization=acme, name="Other", permissions=[], created_by="staff:bob")

        self.approve(waiting, by="staff:bob")

        waiting.refresh_from_db()
        assert (waiting.status, waiting.decided_by) == (Status.PROCESSING, "staff:bob")

    def test_is_refused_when_the_key_is_revoked(self, waiting, key_and_api):
        ApiKey.objects.filter(id=key_and_api[0].id).update(revoked_at=timezone.now())

        self.assert_refused(waiting, "revoked or expired")

    def test_is_refused_when_the_key_has_expired(self, waiting, key_and_api):
        ApiKey.objects.filter(id=key_and_api[0].id).update(expires_at=timezone.now())

        self.assert_refused(waiting, "revoked or expired")

    def test_still_counts_when_the_key_was_rotated_and_the_overlap_is_over(self, waiting, key_and_api):
        rotate_api_key(key_id=key_and_api[0].id, overlap=timedelta(0), rotated_by="staff:cleo")
        self.approve(waiting)

        settle()
        waiting.refresh_from_db()
        assert waiting.status == Status.COMPLETE
        assert find_faults() == []

    def test_goes_by_what_the_rotated_key_may_do_now(self, waiting, key_and_api, rent, bank):
        new, _ = rotate_api_key(key_id=key_and_api[0].id, overlap=timedelta(0), rotated_by="staff:cleo")
        self.change(new, f"MANUAL_TRANSFER:{rent.id}>{bank.id}")

        self.assert_refused(waiting, "no longer allow")

    def test_is_refused_when_the_rotated_key_is_revoked_too(self, waiting, key_and_api):
        new, _ = rotate_api_key(key_id=key_and_api[0].id, overlap=timedelta(0), rotated_by="staff:bob")
        ApiKey.objects.filter(id=new.id).update(revoked_at=timezone.now())

        self.assert_refused(waiting, "revoked or expired")

    def test_is_refused_while_the_organization_is_suspended(self, waiting, acme):
        acme.status = "suspended"
        acme.save()

        self.assert_refused(waiting, "suspended")

    def test_is_refused_when_the_entry_is_gone(self, waiting, key_and_api, rent, bank):
        self.change(key_and_api[0], f"MANUAL_TRANSFER:{rent.id}>{bank.id}")

        self.assert_refused(waiting, "no longer allow")

    @pytest.mark.parametrize("cap", ["@2999", ";day=2999", ";week=2999", ";month=2999"])
    def test_is_refused_when_a_cap_was_lowered_below_it(self, waiting, key_and_api, cap):
        self.change(key_and_api[0], f"MANUAL_TRANSFER:*>*{cap};approval=0")

        self.assert_refused(waiting, "no longer allow")

    @pytest.mark.parametrize("cap", ["@3000", ";day=3000", ";week=3000", ";month=3000", ""])
    def test_counts_itself_only_once(self, waiting, key_and_api, cap):
        self.change(key_and_api[0], f"MANUAL_TRANSFER:*>*{cap};approval=0")

        self.approve(waiting)

        assert status_of(waiting)[0] == "processing"
        assert find_faults() == []

    def test_is_refused_when_others_have_used_the_cap_up(self, waiting, key_and_api, income, rent):
        transfer_between(key_and_api[1], income, rent, 30_00)
        self.change(key_and_api[0], "MANUAL_TRANSFER:*>*;day=5999;approval=0")

        self.assert_refused(waiting, "no longer allow")

    def test_counts_it_by_the_entry_that_allows_it_now(self, waiting, key_and_api, income, rent):
        other = transfer_between(key_and_api[1], income, rent, 30_00)
        self.change(key_and_api[0], f"MANUAL_TRANSFER:{income.id}>{rent.id};day=3000")

        self.approve(waiting)

        with pytest.raises(ApprovalRefused, match="no longer allow"):
            self.approve(other)
        assert error_of(post_transfer(key_and_api[1], income, rent, 1_00)) == (403, "max_amount_exceeded")
        assert find_faults() == []

    def test_is_refused_when_an_account_is_gone(self, waiting, rent):
        rent.delete_softly()

        self.assert_refused(waiting, "Account not found")

    @pytest.mark.parametrize("decide", [approve_transfer, reject_transfer])
    @pytest.mark.parametrize("state", ["processing", "complete", "cancelled"])
    def test_decides_only_what_waits(self, client_with, income, rent, decide, state):
        transfer = transfer_between(client_with("MANUAL_TRANSFER:*>*"), income, rent, 30_00)
        if state == "complete":
            settle()
        if state == "cancelled":
            cancel_transfer(transfer_id=transfer.id, by="test")

        with pytest.raises(TransferNotDecidable, match=state):
            decide(transfer_id=transfer.id, by="staff:bob")
        assert status_of(transfer)[0] == state

    @pytest.mark.parametrize("decide", [approve_transfer, reject_transfer])
    def test_does_not_find_what_is_not_there(self, db, decide):
        with pytest.raises(TransferNotFound):
            decide(transfer_id="txr_01ARZ3NDEKTSV4RRFFQ69G5FAV", by="staff:bob")

    def test_rejects(self, waiting, income, rent):
        reject_transfer(transfer_id=waiting.id, by="staff:ann")  # Whoever may not approve may still reject.
        settle()

        assert status_of(waiting) == ("cancelled", None)
        waiting.refresh_from_db()
        assert waiting.decided_by == "staff:ann"
        assert_nothing_moved()

    def test_cannot_be_reached_over_the_api(self, api, waiting):
        for word in ("approve", "reject"):
            assert api.post(f"/transfers/{waiting.id}/{word}").status_code == 404
