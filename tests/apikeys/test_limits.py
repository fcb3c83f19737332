"""Limits: each stands wherever limits are spelled, stored, shown, offered and told, or this fails."""

import dataclasses
from uuid import uuid4

import pytest

from apikeys.admin.entries import EntryForm
from apikeys.admin.entry_words import in_words
from apikeys.allowance import allowance_of
from apikeys.entries import Permission, limits_of, parse_permissions
from apikeys.key_serializers import TransferEntry, TriggerEntry, show_allowance
from apikeys.limits import EVERY_LIMIT, REASON, TRANSFER_LIMITS, Ask, Used, Verdict
from apikeys.models import PermissionEntry
from apikeys.scopes import Scope
from apikeys.verdicts import checks
from sequence.core import clock
from transfers.dry_run_serializers import LeastLimits

LIMITS = [(scope, limit) for scope in (Scope.MANUAL_TRANSFER, Scope.TRIGGER_RULES) for limit in limits_of(scope)]
each_limit = pytest.mark.parametrize(
    ("scope", "limit"), LIMITS, ids=[f"{scope}-{limit.name}" for scope, limit in LIMITS]
)
each_transfer_limit = pytest.mark.parametrize("limit", TRANSFER_LIMITS, ids=[limit.name for limit in TRANSFER_LIMITS])


def entry_with(scope, limit):
    reach = {"source": "*", "target": "*"} if scope is Scope.MANUAL_TRANSFER else {"resources": ("*",)}
    return Permission(
        scope=scope, spend_id=uuid4(), **reach, **{limit.name: True if limit.name == "requires_reason" else 700}
    )


class TestEachLimit:
    @each_limit
    def test_is_a_field_a_column_and_a_field_of_the_form(self, scope, limit):
        assert limit.name in {field.name for field in dataclasses.fields(Permission)}
        assert limit.column in {field.name for field in PermissionEntry._meta.get_fields()}
        assert limit.column in EntryForm.base_fields

    @each_limit
    def test_is_spelled_and_read_back(self, scope, limit):
        entry = entry_with(scope, limit)

        assert parse_permissions([entry.as_text()]) == [entry]
        assert limit.name in str(entry.as_json())

    @each_limit
    def test_is_told_in_words(self, scope, limit):
        reached = in_words(entry_with(scope, limit))

        assert reached != in_words(dataclasses.replace(entry_with(scope, limit), **{limit.name: EMPTY[limit.name]}))

    @each_limit
    def test_is_told_to_the_key(self, scope, limit):
        told = TransferEntry if scope is Scope.MANUAL_TRANSFER else TriggerEntry

        assert limit.name in told().fields


EMPTY = {name: False if name == "requires_reason" else None for name in EVERY_LIMIT}


class TestTransferLimit:
    @each_transfer_limit
    def test_stands_in_the_way_of_more_and_says_how_much_would_help(self, limit):
        entry = entry_with(Scope.MANUAL_TRANSFER, limit)
        ask = Ask(10_000, clock.now(), has_reason=False)
        usage = {} if limit.period is None or limit.counts_money else _used_up(entry, limit)

        [check] = checks(entry, ask, usage)
        assert (check.limit, check.verdict) == (limit, limit.beyond)
        assert check.sentence

        helped = entry.with_limits({limit.name: limit.least(entry, ask, usage)})
        assert [check.verdict for check in checks(helped, ask, usage)] in ([], [Verdict.PASS])
        assert limit.name in LeastLimits().fields

    @each_transfer_limit
    def test_bounds_what_the_key_is_told_that_it_may_move(self, limit):
        entry = entry_with(Scope.MANUAL_TRANSFER, limit)
        usage = {} if limit.period is None or limit.counts_money else _used_up(entry, limit)

        told = show_allowance(allowance_of(entry, usage, clock.now()))

        assert told["limited_by"] == (None if limit.code == REASON else limit.code)


def _used_up(entry, limit):
    return {(entry.spend_id, limit.period): Used(0, 700)}
