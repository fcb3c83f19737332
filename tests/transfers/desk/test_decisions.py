"""Decisions of the approvals desk: several at once, each as on its own page, and what is told of each."""

from datetime import timedelta
from html import unescape

import pytest

from accounts.services import edit_account
from apikeys.entries import parse_permissions
from apikeys.models import ApiKey, SpendCounter
from apikeys.services import resume_api_key, rotate_api_key, set_permissions
from sequence.core.audit_log.models import AuditEntry, Outcome, Via
from sequence.stops.services import revoke_key
from tests.factories import PodFactory, set_balance
from tests.staff import Staff
from tests.transfers.desk.steps import DESK, NOON, decide, form_of, outcome_of, rows, statuses, ticked_on
from tests.transfers.steps import settle
from transfers.ledger_invariants import find_faults
from transfers.models import CancelReason, Status, Transfer

pytestmark = pytest.mark.usefixtures("at_noon")


class TestDecisions:
    def test_approve_what_is_ticked_and_nothing_else(self, ann, ask):
        asked = ask(1_00, 2_00, 3_00)

        answer = decide(ann, "approve", asked[:2], note="Both are known")

        assert outcome_of(answer).startswith("2 approved, $3.00 in all")
        assert statuses(asked) == [Status.PROCESSING, Status.PROCESSING, Status.PENDING_APPROVAL]
        asked[0].refresh_from_db()
        assert (asked[0].decided_by, asked[0].decision_note) == ("staff:ann", "Both are known")
        assert answer.content.decode().count('<li class="row"') == 1
        assert "Both are known" not in answer.content.decode()  # A note is of one decision.
        assert find_faults() == []

    def test_reject_what_is_ticked_though_each_frees_the_cap_of_the_next(self, ann, ask, key_with):
        asked = ask(1_00, 2_00, 3_00, api=key_with(";day=1000;approval=0"))

        answer = decide(ann, "reject", asked, note="Unknown payee")

        assert outcome_of(answer).startswith("3 rejected, $6.00 in all")
        assert statuses(asked) == [Status.CANCELLED] * 3
        asked[2].refresh_from_db()
        assert (asked[2].cancel_reason, asked[2].decision_note) == (CancelReason.REJECTED, "Unknown payee")
        assert SpendCounter.objects.get(period="day").spent_cents == 0
        assert find_faults() == []

    def test_are_in_the_audit_log_and_on_the_trail_one_by_one(self, ann, ask):
        asked = ask(1_00, 2_00)
        form = form_of(ann.get(DESK))
        revoke_key(key_id=asked[1].api_key_id, by="staff:bob", note=None)
        [third] = ask(3_00)

        decide(ann, "approve", [*asked, third], form=form | form_of(ann.get(DESK)), note="Known")

        entries = AuditEntry.objects.filter(via=Via.ADMIN).order_by("position")
        assert {(entry.resource_id, entry.outcome, entry.error_code) for entry in entries} == {
            (asked[0].id, Outcome.FAILURE, "transfer_not_decidable"),
            (asked[1].id, Outcome.FAILURE, "transfer_not_decidable"),
            (third.id, Outcome.SUCCESS, None),
        }
        # The note is for people: the trail has it.
        assert {(entry.action, entry.reason, entry.actor) for entry in entries} == {
            ("APPROVE_TRANSFER", None, "staff:ann")
        }
        event = Transfer.pgh_event_model.objects.get(pgh_obj_id=third.id)
        assert event.pgh_context.metadata["actor"] == "staff:ann"
        assert event.pgh_context.metadata["reason"] == "Known"

    def test_leave_alone_what_has_changed_since_it_was_read(self, ann, ask, pod, acme):
        other = PodFactory(organization=acme, name="Other")
        set_balance(other, 1_000)
        [changed], [same] = ask(5_00), ask(6_00, source=other)
        form = form_of(ann.get(DESK))
        set_balance(pod, 100)

        answer = decide(ann, "approve", [changed, same], form=form)

        assert statuses([changed, same]) == [Status.PENDING_APPROVAL, Status.PROCESSING]
        assert "1 approved, $6.00 in all Changed since you read it: look again" in outcome_of(answer)
        assert "Would end as incomplete: $4.00 short" in unescape(answer.content.decode())
        [entry] = AuditEntry.objects.filter(via=Via.ADMIN, error_code="changed_meanwhile")
        assert entry.resource_id == changed.id
        # Read again, it is decided.
        decide(ann, "approve", [changed], form=form_of(answer))
        assert statuses([changed]) == [Status.PROCESSING]

    @pytest.mark.parametrize(
        "change",
        [
            lambda transfer: edit_account(
                organization_id=transfer.organization_id, account_id=transfer.destination_id, name="Rainy days"
            ),
            lambda transfer: SpendCounter.objects.update(spent_cents=900),
            lambda transfer: ApiKey.objects.update(paused_at=NOON, paused_by="staff:bob"),
            lambda transfer: rotate_api_key(key_id=transfer.api_key_id, overlap=timedelta(1), rotated_by="staff:bob"),
        ],
        ids=["payee", "cap", "pause", "rotation"],
    )
    def test_ask_again_whatever_it_is_that_has_changed(self, ann, ask, key_with, change):
        asked = ask(5_00, api=key_with(";day=1000;approval=0"))
        form = form_of(ann.get(DESK))
        change(asked[0])

        assert "look again" in outcome_of(decide(ann, "approve", asked, form=form))
        assert statuses(asked) == [Status.PENDING_APPROVAL]

    def test_take_no_fingerprint_but_that_of_the_row_and_of_the_button(self, ann, ask):
        one, other = ask(1_00, 1_00)
        form = form_of(ann.get(DESK))
        swapped = {f"approve:{one.id}": form[f"approve:{other.id}"], f"approve:{other.id}": form[f"reject:{other.id}"]}

        assert "look again" in outcome_of(decide(ann, "approve", [one, other], form=swapped))
        assert "look again" in outcome_of(decide(ann, "approve", [one, other], form={}))
        assert statuses([one, other]) == [Status.PENDING_APPROVAL] * 2

    def test_go_by_what_the_single_page_refuses(self, ann, ask, key_with):
        mine = ask(1_00, api=key_with(by="staff:ann"))
        paused = ask(2_00)
        ApiKey.objects.filter(id=paused[0].api_key_id).update(paused_at=NOON, paused_by="staff:bob")
        [fine] = ask(3_00)

        assert "ann created the key that asked for this, so somebody else must decide." in rows(ann)[0]
        answer = decide(ann, "approve", [*mine, *paused, fine])

        told = outcome_of(answer)
        assert told.startswith("1 approved, $3.00 in all Not approved")
        assert "ann created the key that asked for this" in told
        assert "The key that asked for it is paused." in told
        assert statuses([*mine, *paused, fine]) == [Status.PENDING_APPROVAL] * 2 + [Status.PROCESSING]
        # Whoever may not approve may still reject.
        assert "1 rejected" in outcome_of(decide(ann, "reject", mine))

    def test_hold_the_caps_of_what_the_same_press_has_counted(self, ann, ask, key_with, pod, bank):
        api = key_with(";approval=0")
        asked = ask(6_00, 6_00, api=api)
        key = ApiKey.objects.get(id=asked[0].api_key_id)
        # Both now go by an entry with room for one.
        entries = parse_permissions([f"MANUAL_TRANSFER:{pod.id}>{bank.id};day=1000"])
        set_permissions(key_id=key.id, permissions=entries, changed_by="staff:zoe")

        told = outcome_of(decide(ann, "approve", asked))

        assert told.startswith("1 approved, $6.00 in all Not approved")
        assert "The key's permissions or caps no longer allow it." in told
        assert statuses(asked) == [Status.PROCESSING, Status.PENDING_APPROVAL]
        assert find_faults() == []

    def test_pay_of_two_that_exceed_the_source_the_one_that_it_has_money_for(self, ann, ask, pod):
        asked = ask(400_000, 500_000)
        assert "After those above it $2,000.00 short" in rows(ann)[1]

        decide(ann, "approve", asked)
        settle(NOON)
        settle(NOON + timedelta(minutes=5))

        assert statuses(asked) == [Status.COMPLETE, Status.INCOMPLETE]
        assert find_faults() == []

    def test_tell_who_was_faster(self, ann, ask):
        asked = ask(1_00, 2_00)
        form = form_of(ann.get(DESK))
        decide(Staff("bob", "transfers.view_transfer", "transfers.decide_transfer"), "reject", asked[:1])

        told = outcome_of(decide(ann, "approve", asked, form=form))

        assert told.startswith("1 approved, $2.00 in all")
        assert "It is cancelled already (Rejected), by bob." in told

    def test_need_a_tick_and_at_most_a_page_of_them(self, ann, ask, monkeypatch):
        asked = ask(1_00, 2_00)
        assert "Tick at least one transfer" in decide(ann, "approve", []).content.decode()
        monkeypatch.setattr("transfers.admin.desk.PAGE_SIZE", 1)
        assert "at most 1." in decide(ann, "approve", asked).content.decode()
        assert statuses(asked) == [Status.PENDING_APPROVAL] * 2

    def test_keep_the_ticks_when_the_note_cannot_be_kept(self, ann, ask):
        asked = ask(1_00, 2_00)

        answer = decide(ann, "approve", asked[:1], note="x" * 201)

        assert "at most 200 characters" in answer.content.decode()
        assert ticked_on(answer.content.decode()) == [asked[0].id]
        assert statuses(asked) == [Status.PENDING_APPROVAL] * 2

    def test_find_nothing_for_an_id_that_is_none(self, ann, ask):
        ask(1_00)
        sent = {"ticked": ["nonsense", "txr_01ARZ3NDEKTSV4RRFFQ69G5FAV"], "decision": "approve", "note": ""}

        answer = ann.client.post(f"/admin/{DESK}", {"seen": None, **sent})

        assert outcome_of(answer) == "Nothing was approved"

    def test_of_a_resumed_key_go_on(self, ann, ask):
        asked = ask(1_00)
        ApiKey.objects.update(paused_at=NOON, paused_by="staff:bob")
        decide(ann, "approve", asked)
        assert statuses(asked) == [Status.PENDING_APPROVAL]
        resume_api_key(key_id=asked[0].api_key_id)
        decide(ann, "approve", asked)
        assert statuses(asked) == [Status.PROCESSING]
