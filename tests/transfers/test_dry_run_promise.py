"""Promise of the dry run, in states made by chance: POST does what it said, and each change is enough and the least."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apikeys.entries import Permission
from apikeys.limits import SpendPeriod, starts_on
from apikeys.models import ApiKey, SpendCounter
from apikeys.scopes import Scope
from apikeys.services import set_permissions
from sequence.core import clock
from sequence.core.api.fields import show_time
from tests.apikeys.test_idempotency import key_of
from transfers.services import approve_transfer

# A Wednesday.
NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)
BETTER = {"refused": {"needs_approval", "allowed"}, "needs_approval": {"allowed"}, "allowed": set()}


def verdict_of(response):
    """Return the verdict that the answer to ``POST /transfers`` amounts to."""
    if response.status_code == 201:
        return {"processing": "allowed", "pending_approval": "needs_approval"}[response.json()["data"]["status"]]
    assert response.status_code in (400, 403), response.content
    return "refused"


amounts = st.integers(100, 2_000)
counts = st.integers(1, 3)


def maybe(strategy):
    return st.none() | strategy


@st.composite
def entries(draw):
    return {
        "max_amount": draw(maybe(amounts)),
        "max_amount_per_day": draw(maybe(amounts)),
        "max_amount_per_week": draw(maybe(amounts)),
        "max_amount_per_month": draw(maybe(amounts)),
        "max_count_per_day": draw(maybe(counts)),
        "max_count_per_week": draw(maybe(counts)),
        "max_count_per_month": draw(maybe(counts)),
        "approval_above": draw(maybe(st.integers(0, 2_000))),
        "requires_reason": draw(st.sampled_from([False, False, True])),
    }


@st.composite
def states(draw):
    """Return entries, what has been used of each (by day from today), and what is asked."""
    chosen = draw(st.lists(entries(), min_size=1, max_size=3))
    used = [draw(st.lists(st.tuples(st.sampled_from([0, 0, 0, 1, 2, 5, 20, 40]), amounts), max_size=3)) for _ in chosen]
    return {
        "entries": chosen,
        "used": used,
        "amount": draw(amounts),
        "reason": draw(st.booleans()),
        "later": draw(st.sampled_from([None, None, 1, 3_600 * 12, 86_400 * 2 + 5, 86_400 * 45])),
    }


class World:
    """A key with some entries that some transfers went through, in a transaction that is rolled back."""

    def __init__(self, api, income, rent, state):
        self.api, self.income, self.rent, self.state = api, income, rent, state
        self.key = key_of(api)
        ends = [(income.id, rent.id), ("*", rent.id), (income.id, "*")]
        self.permissions = [
            Permission(scope=Scope.MANUAL_TRANSFER, source=source, target=target, **entry)
            for (source, target), entry in zip(ends, state["entries"], strict=False)
        ]
        self.permit(self.permissions)
        for permission, used in zip(ApiKey.objects.get(id=self.key.id).permissions(), state["used"], strict=True):
            for days, cents in used:
                _use(self.key.organization_id, permission.spend_id, clock.now() + timedelta(days=days), cents)

    def permit(self, permissions):
        set_permissions(key_id=self.key.id, permissions=permissions, changed_by="test")

    def body(self, **changes):
        later = self.state["later"]
        due = {} if later is None else {"not_before": show_time(clock.now() + timedelta(seconds=later))}
        ends = {"source_account_id": self.income.id, "destination_account_id": self.rent.id}
        return {**ends, "amount_in_cents": self.state["amount"], **due, **changes}

    def post(self, path="/transfers", **changes):
        headers = {"X-Called-Reason": "Because"} if self.state["reason"] else {}
        return self.api.post(path, self.body(**changes), headers=headers)

    def tried(self, **changes):
        """Return the verdict of ``POST /transfers`` with these changes, and undo it."""
        with transaction.atomic():
            verdict = verdict_of(self.post(**changes))
            transaction.set_rollback(True)
        return verdict

    def tried_with(self, permissions):
        with transaction.atomic():
            self.permit(permissions)
            verdict = self.tried()
            transaction.set_rollback(True)
        return verdict

    def approved(self):
        """Return the verdict once a person has approved it."""
        with transaction.atomic():
            transfer_id = self.post().json()["data"]["id"]
            transfer = approve_transfer(transfer_id=transfer_id, by="staff:bob")
            transaction.set_rollback(True)
        return {"processing": "allowed"}[transfer.status]


def _use(organization_id, spend_id, at, cents):
    for period in SpendPeriod:
        counter, _ = SpendCounter.objects.get_or_create(
            spend_id=spend_id, period=period, starts_on=starts_on(period, at), organization_id=organization_id
        )
        counter.spent_cents += cents
        counter.uses += 1
        counter.save()


class TestPromise:
    """Unless something changes in between, ``POST /transfers`` then does what the dry run said."""

    def test_is_kept_in_states_made_by_chance(self, client_with, income, rent, set_clock, by_length):
        set_clock(NOON)
        api = client_with("MANUAL_TRANSFER:*>*")

        @settings(
            max_examples=by_length(60, 2_000, 20_000),
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(state=states())
        def holds(state):
            with transaction.atomic():
                world = World(api, income, rent, state)
                _holds(world, world.post("/transfers/dry-run").json()["data"])
                transaction.set_rollback(True)

        holds()


def _holds(world, told):
    assert world.tried() == told["verdict"], told
    for change in told["smallest_changes"]:
        _PROOFS[change["change"]](world, told["verdict"], change)
        assert change["verdict"] in BETTER[told["verdict"]]
    kinds = [change["change"] for change in told["smallest_changes"]]
    assert len(kinds) == len(set(kinds))
    assert ("approval" in kinds) == (told["verdict"] == "needs_approval")
    assert ("permission" in kinds) == (told["verdict"] != "allowed")


def _amount_is_the_largest(world, verdict, change):
    assert world.tried(amount_in_cents=change["to"]) == change["verdict"]
    assert world.tried(amount_in_cents=change["to"] + 1) not in BETTER[verdict]


def _time_is_the_earliest(world, verdict, change):
    assert world.tried(not_before=change["to"]) == change["verdict"]
    earlier = datetime.fromisoformat(change["to"]) - timedelta(seconds=1)
    assert world.tried(not_before=show_time(earlier)) not in BETTER[verdict]


def _approval_is_enough(world, verdict, change):
    assert world.approved() == change["verdict"]


def _permission_is_the_least(world, verdict, change):
    """One entry with these values is enough, and not with any of them by one less."""
    for number, permission in enumerate(world.permissions):
        if world.tried_with(_with(world.permissions, number, replace(permission, **change["to"]))) == change["verdict"]:
            break
    else:
        pytest.fail(f"{change} helps no entry")
    for name, value in change["to"].items():
        less = {**change["to"], name: True if value is False else value - 1}
        if name in ("max_amount", "approval_above") or value is False or less[name] >= 1:
            tried = world.tried_with(_with(world.permissions, number, replace(permission, **less)))
            assert tried not in BETTER[verdict], (change, less)


def _with(permissions, number, permission):
    return [*permissions[:number], permission, *permissions[number + 1 :]]


_PROOFS = {
    "amount_in_cents": _amount_is_the_largest,
    "not_before": _time_is_the_earliest,
    "approval": _approval_is_enough,
    "permission": _permission_is_the_least,
}
